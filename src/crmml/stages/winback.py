"""Who has left lately, may be approached, and what they were worth; how many came back without being asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from crmml.labels import Churn, Winback, build_labels, loss_days
from crmml.modelling.spec import FEWEST_EVENTS
from crmml.periods import Horizon, shift_months
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank
from crmml.sources.movements import holders
from crmml.stages.directory import suppress_as_of
from crmml.stages.project import Project
from crmml.targeting.columns import masked_names
from crmml.warning import WinbackSpec
from crmml.warning.winback import ReturnCount, rank_gone, return_rates

YEAR = 12
PAST_CUTOFFS = 2
DEATH_WORDS = ("death", "deceased", "died", "死亡", "身故")


@dataclass(frozen=True)
class Gone:
    """The customers to win back, one row per customer and kind of churn; what became of earlier ones; words about it."""

    rows: pd.DataFrame
    returns: pd.DataFrame
    about: dict[str, Any] = field(default_factory=dict)


def find_gone(
    project: Project,
    spec: WinbackSpec,
    bank: Bank,
    ledger: ir.Table | None,
    directory: Path,
    day: date,
    *,
    with_returns: bool = True,
) -> Gone:
    """The population at a cut-off, ranked by what was lost, and the returns of earlier populations.

    Without `with_returns` nothing is said of earlier populations. A kind whose tables the bank lacks is left out and said.
    """
    as_of = suppress_as_of(project)
    earlier = _earlier(spec, bank, day) if with_returns else []
    snapshots = take_snapshots(bank, [*earlier, day])
    names = pd.read_parquet(directory / "customers.parquet")
    people = names.assign(name=masked_names(names)).drop_duplicates("customer_id")
    for unit in ("branch", "manager"):
        people[unit] = (
            people[f"{unit}_name"].astype(object).fillna(people[f"{unit}_id"])
            if f"{unit}_name" in people
            else people[f"{unit}_id"]
        )
    barred = _barred(bank, as_of, directory)
    parts, counts, left_out = [], [], []
    for kind in spec.kinds:
        missing = _missing_table(bank, kind)
        if missing:
            left_out.append({"kind": kind, "table": missing})
            continue
        target = Winback(kind, spec.within_months, spec.floor if kind == "attrited" else None, spec.recovered)
        labels = _labels(bank, snapshots, target, Horizon(spec.horizon_months))
        counts += _counts(labels, kind, day)
        gone = labels[(labels["cutoff_date"] == pd.Timestamp(day)) & labels["status"].isin(["ok", "immature"])]
        parts.append(_worth(bank, ledger, snapshots, target, gone, day).assign(kind=kind))
    columns = ["customer_id", "kind", "lost_on", "value_lost", "months_known"]
    parts = [part for part in parts if len(part)]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    rows = rank_gone(found, people, barred, spec, cutoff=day, as_of=as_of)
    returns = return_rates(counts)
    about = {
        "as_of": str(as_of),
        "left_out": left_out,
        "value": "ledger" if ledger is not None else None,
        "fewest_events": FEWEST_EVENTS,
        "returned": int(returns["returned"].sum()) if len(returns) else 0,
        "deaths_known": bank.has("events"),
    }
    return Gone(rows, returns, about)


def _earlier(spec: WinbackSpec, bank: Bank, day: date) -> list[date]:
    """Cut-offs whose horizon has passed and whose look-back is observed, a horizon apart so that no return counts twice."""
    history = next(name for name in ("transactions", "balances", "activity") if bank.has(name))
    first = shift_months(bank.observed_from(history), spec.within_months)
    days = [shift_months(day, -spec.horizon_months * place) for place in range(1, PAST_CUTOFFS + 1)]
    return [each for each in days if each >= first]


def _missing_table(bank: Bank, kind: str) -> str:
    needs: Mapping[str, tuple[str, ...]] = {
        "closed": ("accounts",), "attrited": ("balances", "transactions"), "silent": ("transactions",)
    }  # fmt: skip
    return "" if any(bank.has(table) for table in needs[kind]) else " or ".join(needs[kind])


def _labels(bank: Bank, snapshots: ir.Table, target: Winback, horizon: Horizon) -> pd.DataFrame:
    labels = build_labels(bank, snapshots, target, horizon).to_pandas()
    return labels.assign(cutoff_date=pd.to_datetime(labels["cutoff_date"]).astype("datetime64[s]"))


def _counts(labels: pd.DataFrame, kind: str, day: date) -> list[ReturnCount]:
    """Who had left at each earlier cut-off, and who of them came back within the horizon."""
    ok = labels[(labels["status"] == "ok") & (labels["cutoff_date"] < pd.Timestamp(day))]
    return [
        ReturnCount(kind, str(cutoff), len(rows), int(rows["label"].sum()))
        for cutoff, rows in ok.groupby(ok["cutoff_date"].dt.date)
    ]


def _worth(
    bank: Bank, ledger: ir.Table | None, snapshots: ir.Table, target: Winback, gone: pd.DataFrame, day: date
) -> pd.DataFrame:
    """When each was lost, and what the twelve months up to then had brought: the contribution, in currency."""
    ids = sorted(gone["customer_id"])
    if not ids:
        return pd.DataFrame(columns=["customer_id", "lost_on", "value_lost", "months_known"])
    seen = shift_months(day, -target.within_months)
    left = snapshots.filter((snapshots.cutoff_date == day) & snapshots.customer_id.isin(ids))
    left = left.mutate(cutoff_date=ibis.literal(seen).cast("date"))
    days = loss_days(bank, left, Churn(target.kind, floor=target.floor), Horizon(target.within_months))
    assert days is not None, "churn has a day"
    lost = days.to_pandas()[["customer_id", "lost_on"]]
    lost = lost.assign(lost_on=pd.to_datetime(lost["lost_on"]).astype("datetime64[s]"))
    rows = gone[["customer_id"]].merge(lost, on="customer_id", how="left", validate="one_to_one")
    if ledger is None:
        return rows.assign(value_lost=np.nan, months_known=0)
    own = ledger.filter(_.customer_id.isin(ids)).group_by("customer_id", "month_end")
    months = own.aggregate(contribution=_.contribution.sum().cast("float64")).to_pandas()
    joined = months.merge(rows, on="customer_id")
    ended, lost_in = (
        pd.to_datetime(joined[name]).dt.to_period("M").astype("int64") for name in ("month_end", "lost_on")
    )
    inside = joined[joined["lost_on"].notna() & (ended <= lost_in) & (ended > lost_in - YEAR)]
    worth = inside.groupby("customer_id").agg(value_lost=("contribution", "sum"), months_known=("contribution", "size"))
    found = rows.merge(worth, on="customer_id", how="left")
    return found.assign(months_known=found["months_known"].fillna(0).astype(int))


def _barred(bank: Bank, as_of: date, directory: Path) -> pd.DataFrame:
    """Who may not be approached, on the newest data: flags by customer, and the day of the last contact."""
    flags = pd.read_parquet(directory / "suppression.parquet")
    marked = {"has_died": _deaths(bank, as_of), "has_defaulted": _defaulted(bank, as_of)}
    return flags.assign(**{name: flags["customer_id"].isin(ids) for name, ids in marked.items()})


def _deaths(bank: Bank, as_of: date) -> set[str]:
    if not bank.has("events"):
        return set()
    events = bank.table("events").filter(_.kind.lower().isin(DEATH_WORDS) & (_.happened_on <= as_of))
    return set(events.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())


def _defaulted(bank: Bank, as_of: date) -> set[str]:
    """Customers with a loan written off or ever as many days past due as default asks."""
    if not bank.has("loans"):
        return set()
    loans = bank.table("loans")
    off = loans.filter(_.written_off_on.notnull() & (_.written_off_on <= as_of)).select("account_id")
    bad = off
    if bank.has("arrears"):
        late = bank.table("arrears").filter((_.days_past_due >= bank.spec.default_dpd) & (_.as_of <= as_of))
        bad = ibis.union(off, loans.semi_join(late, "loan_id").select("account_id"))
    owners = bad.distinct().inner_join(holders(bank).select("account_id", "customer_id"), "account_id")
    return set(owners.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())
