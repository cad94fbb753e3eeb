"""All that is read from a ledger at a cut-off, as tables and a few key figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmml.errors import IntegrityError
from crmml.ledger import roll_up
from crmml.ledger.close import COMPONENTS
from crmml.ledger.reprice import open_year
from crmml.periods import shift_months
from crmml.sources.bank import Bank
from crmml.value import ranking
from crmml.value.backtest import Forecast, forecast
from crmml.value.book import Book, books, per_customer
from crmml.value.forecast import LEAST_MONTHS
from crmml.value.month_ends import month_end_deposits
from crmml.value.potential import by_peers, potential
from crmml.value.scored import by_model, errors_by_model
from crmml.value.shocks import Shocks, shock_table, taken_apart
from crmml.value.spec import ValueSpec
from crmml.value.sums import LEVELS, days_of, first_day, sum_by, sum_by_customer, year_to

TOPS = (100, 500, 1000)
GONE = "not at the cut-off"
BASES = {"contribution": "year_ago", "deposits": "last"}  # a flow with seasons, a level


@dataclass
class Report:
    """Tables by name, and key figures; a part that could not be made has its reason in `left_out`."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Foreseen:
    """What a contribution model said: of tested cut-offs, and of the customers now."""

    tested: pd.DataFrame | None = None
    served: Mapping[str, float] | None = None


def read_ledger(
    bank: Bank, ledger: ir.Table, cutoff: date, spec: ValueSpec, *, segment: pd.Series, foreseen: Foreseen
) -> Report:
    """The report of the twelve months up to the cut-off.

    Parameters
    ----------
    segment : Series
        Peers by customer_id, of the customers observed at the cut-off.
    """
    report = Report()
    year = year_to(ledger, cutoff)
    _sums(report, year)
    _returns(report, bank, ledger, cutoff)
    _shocks(report, bank, year, cutoff, spec)
    customers = _customers(bank, year, segment)
    report.tables["customers"] = customers
    _against_deposits(report, year, customers)
    _a_year_later(report, ledger, cutoff)
    observed = customers[customers["segment"] != GONE].reset_index(drop=True)
    _potential(report, observed, spec)
    report.tables["per_customer"] = per_customer(ledger, cutoff)
    made = books(ledger, cutoff)
    for name, base in BASES.items():
        _forecast(report, made.get(name), name, base)
    _by_model(report, made.get("contribution"), foreseen)
    return report


def _sums(report: Report, year: ir.Table) -> None:
    parts = [sum_by(year, level).assign(level=level) for level in LEVELS]
    report.tables["sums"] = pd.concat([part for part in parts if len(part)], ignore_index=True)
    bank = parts[0].iloc[0]
    report.figures |= {name: float(bank[name]) for name in (*COMPONENTS, "contribution")}
    report.figures["days"] = days_of(year)
    unassigned = parts[list(LEVELS).index("customer")]
    unassigned = unassigned[unassigned["id"].isna()]
    report.figures["unassigned"] = float(sum(unassigned["contribution"]))


def _returns(report: Report, bank: Bank, ledger: ir.Table, cutoff: date) -> None:
    """EVA and RAROC of the bank, its products and branches."""
    first = shift_months(cutoff, -12) + timedelta(days=1)
    parts = []
    for level in ("bank", "product", "branch"):
        rows = roll_up(ledger, bank, by=level, first=first, last=cutoff)
        identifier = rows[LEVELS[level]] if level != "bank" else None
        parts.append(pd.DataFrame({"level": level, "id": identifier, "eva": rows["eva"], "raroc": rows["raroc"]}))
    returns = pd.concat(parts, ignore_index=True)
    report.tables["returns"] = returns
    whole = parts[0].iloc[0]
    report.figures |= {name: None if pd.isna(whole[name]) else float(whole[name]) for name in ("eva", "raroc")}


def _shocks(report: Report, bank: Bank, year: ir.Table, cutoff: date, spec: ValueSpec) -> None:
    """The shock table; the year closed again unshocked must be the ledger's own, to the cent.

    A ledger of less than a year is closed again from its first month on: accounts may have been open before it began.

    Raises
    ------
    IntegrityError
        I005 if it is not.
    """
    first = max(shift_months(cutoff, -12) + timedelta(days=1), first_day(year) or date.min)
    shocks = Shocks(open_year(bank, first, cutoff), spec.shocks)
    again, ledger = shocks.total({}) / 100, report.figures["contribution"]
    if abs(again - ledger) >= 0.005:
        raise IntegrityError(
            f"the year closed again without a shock contributes {again:,.2f}, the ledger says {ledger:,.2f}; expected "
            "the same. Make the ledger anew: crmml run BANK --stage ledger --force",
            code="I005",
        )
    report.tables["shocks"] = shock_table(shocks)
    report.tables["shocks_combined"] = taken_apart(shocks)


def _customers(bank: Bank, year: ir.Table, segment: pd.Series) -> pd.DataFrame:
    """One row per customer of the year with its ranks; `rank_change` is how far deposits put it above its true rank."""
    frame = sum_by_customer(year)
    frame.insert(1, "segment", frame["customer_id"].map(segment).astype(object).fillna(GONE))
    ends = month_end_deposits(bank, year)
    last = ends[ends["month_end"] == ends["month_end"].max()].set_index("customer_id")["balance"]
    mean = ends.groupby("customer_id")["balance"].sum() / max(1, ends["month_end"].nunique())
    frame["deposits_month_end"] = frame["customer_id"].map(last).fillna(0.0).astype(float)
    frame["deposits_month_ends"] = frame["customer_id"].map(mean).fillna(0.0).astype(float)
    for rank, by in (("contribution", "contribution"), ("deposits", "deposits"), ("month_end", "deposits_month_end")):
        frame[f"rank_{rank}"] = ranking.rank_of(frame[by].to_numpy(), list(frame["customer_id"]))
    frame["rank_change"] = frame["rank_contribution"] - frame["rank_deposits"]
    return frame


def _against_deposits(report: Report, year: ir.Table, customers: pd.DataFrame) -> None:
    worth, ids = customers["contribution"].to_numpy(), list(customers["customer_id"])
    counts = ranking.tops(len(worth), TOPS) if len(worth) else []
    measures = {"daily": customers["deposits"].to_numpy(), "month_end": customers["deposits_month_end"].to_numpy()}
    tops = [ranking.compare_tops(worth, by, ids, counts).assign(by=name) for name, by in measures.items()]
    report.tables["tops"] = pd.concat(tops, ignore_index=True)
    report.tables["concentration"] = ranking.concentration(worth)
    report.tables["curves"] = ranking.whale_curves(worth, {"contribution": worth, "deposits": measures["daily"]}, ids)
    sums = sum_by_product(year)
    losing = {
        "segment": ranking.losers(customers["contribution"], customers["segment"]),
        "product": ranking.losers(sums["contribution"], sums["product_id"]),
    }
    report.tables["losers"] = pd.concat([part.assign(by=name) for name, part in losing.items()], ignore_index=True)
    mean_end = customers.set_index("customer_id")
    report.figures["dressing"] = ranking.dressing(mean_end["deposits"], mean_end["deposits_month_ends"])
    report.figures |= {
        "customers": len(worth),
        "losing": int((worth < 0).sum()),
        "loss": float(np.minimum(worth, 0).sum()),
        "rank_correlation": _spearman(customers["rank_contribution"], customers["rank_deposits"]),
        "median_rank_change": float(customers["rank_change"].abs().median()) if len(worth) else None,
    }


def sum_by_product(year: ir.Table) -> pd.DataFrame:
    """Contribution of each customer on each product."""
    known = year.filter(year.customer_id.notnull())
    sums = known.group_by(["product_id", "customer_id"]).aggregate(
        contribution=known.contribution.sum().cast("float64")
    )
    frame: pd.DataFrame = sums.order_by("product_id", "customer_id").to_pandas()
    return frame


def _spearman(one: pd.Series, other: pd.Series) -> float | None:
    value = one.corr(other) if len(one) > 1 else np.nan
    return float(value) if np.isfinite(value) else None


def _a_year_later(report: Report, ledger: ir.Table, cutoff: date) -> None:
    """The tops of the year before by deposits and by contribution, and what they then brought: no hindsight."""
    before = shift_months(cutoff, -12)
    whole = year_to(ledger, cutoff, months=24)
    if days_of(whole) < 700:
        report.left_out["later"] = "fewer than 24 months of ledger"
        return
    then = sum_by_customer(year_to(ledger, before)).set_index("customer_id")
    now = sum_by_customer(year_to(ledger, cutoff)).set_index("customer_id")["contribution"]
    later = now.reindex(then.index).fillna(0.0).to_numpy()
    ids = list(then.index)
    rows = []
    for top in ranking.tops(len(ids), TOPS) if ids else []:
        reached = {
            name: float(later[ranking.order_of(then[name].to_numpy(), ids)[:top]].sum())
            for name in ("contribution", "deposits")
        }
        rows.append({"top": top, **reached, "cost": reached["contribution"] - reached["deposits"]})
    report.tables["later"] = pd.DataFrame(rows, columns=["top", "contribution", "deposits", "cost"])


def _potential(report: Report, customers: pd.DataFrame, spec: ValueSpec) -> None:
    found = potential(customers, customers["segment"], quantile=spec.potential.quantile)
    report.tables["potential"] = found
    report.tables["potential_by_peers"] = by_peers(found)
    report.figures["potential"] = {
        "quantile": spec.potential.quantile,
        "total": None if found["potential_12m"].isna().all() else float(found["potential_12m"].sum()),
        "below": int((found["potential_12m"] > 0).sum()),
        "thin": int(found["is_thin"].sum()),
        "customers": len(found),
    }


def _forecast(report: Report, book: Book | None, name: str, base: Any) -> None:
    made: Forecast | None = None if book is None else forecast(book, base)
    if made is None:
        months = 0 if book is None else len(book.months)
        report.left_out["forecast"] = f"{months} months of ledger; a forecast and its back-test need {LEAST_MONTHS}"
        return
    for part, table in (
        ("history", made.history),
        ("ahead", made.ahead),
        ("backtest", made.scores),
        ("ranking", made.ranking),
    ):
        report.tables[f"{name}_{part}"] = table
    ahead = made.ahead[(made.ahead["method"] == made.best) & (made.ahead["horizon"] == 0)].iloc[0]
    report.figures[f"{name}_forecast"] = {
        "best": made.best,
        "sum": float(ahead["value"]),
        **{side: None if pd.isna(ahead[side]) else float(ahead[side]) for side in ("low", "high")},
    }


def _by_model(report: Report, book: Book | None, foreseen: Foreseen) -> None:
    if foreseen.tested is None and foreseen.served is None:
        report.left_out["model"] = "no contribution model has scored this cut-off"
        return
    if book is None or len(book.months) < LEAST_MONTHS:
        report.left_out["model"] = report.left_out["forecast"]
        return
    rows, ahead = by_model(book, foreseen.tested, foreseen.served)
    report.tables["model_origins"] = rows
    if len(rows):
        report.tables["model_errors"] = errors_by_model(rows)
    report.figures["model_sum"] = ahead
