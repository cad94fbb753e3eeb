"""What a list needs beside scores: names, holdings, who must be left alone, and what earlier takers brought.

Read on the newest data and written as files, so that targeting never opens the bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq
from ibis import _

from crmml import files
from crmml.ledger import first_year_contribution, with_displacement
from crmml.peers import deposit_tier_of
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, holders
from crmml.stages.features import features_digest
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.project import Project
from crmml.stages.tables import tables_digest

CLOSED_WORDS = ("closed", "resolved", "done", "已结", "已办结")


def make_directory(
    project: Project, bank: Bank, ledger: ir.Table | None, features: Path, *, force: bool = False, say: Say
) -> Path:
    """The files a list is made from; the folder that holds them."""
    as_of = suppress_as_of(project)
    inputs = {"tables": tables_digest(project), "features": features_digest(features), "as_of": str(as_of)}
    step = Step("directory", project.workspace.of("directory"), inputs)
    if not needs_making(step, force=force, say=say):
        return step.folder
    tables: dict[str, ir.Table] = {
        "customers": _customers(bank, as_of),
        "holdings": _holdings(bank, as_of),
        "suppression": _suppression(bank, as_of),
    }
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        for name, table in tables.items():
            rows = table.order_by(list(table.columns[:2])).to_pyarrow()
            pq.write_table(rows, staged.path(f"{name}.parquet", rows=rows.num_rows), compression="zstd")
        if ledger is not None:
            takers = with_tiers(_takers(bank, ledger, as_of).to_pandas(), features)
            takers.to_parquet(staged.path("takers.parquet", rows=len(takers)), index=False)
    return step.folder


def _takers(bank: Bank, ledger: ir.Table, as_of: date) -> ir.Table:
    """Earlier takers: what a new account brought in its first year, and what it took from the customer's others."""
    customers = _newest_customers(bank, as_of).select("customer_id", "kind")
    first_years = with_displacement(first_year_contribution(ledger, accounts(bank)), ledger, customers)
    return first_years.select(
        "customer_id",
        "account_id",
        "product_id",
        "family",
        "opened_on",
        "kind",
        first_year_contribution=_.contribution.cast("float64"),
        displaced=_.displaced.cast("float64"),
    )


def with_tiers(takers: pd.DataFrame, features: Path) -> pd.DataFrame:
    """Takers with the `deposit_tier` of the last cut-off before they opened the account; `unknown` without one."""
    days = sorted(pd.Timestamp(path.stem) for path in (features / "features").glob("*.parquet"))
    parts = []
    for day in days:
        frame = pd.read_parquet(features / "features" / f"{day.date()}.parquet")
        parts.append(
            pd.DataFrame({"customer_id": frame["customer_id"], "day": day, "deposit_tier": deposit_tier_of(frame)})
        )
    known = pd.concat(parts).sort_values("day")
    opened = takers.assign(day=pd.to_datetime(takers["opened_on"]).astype(known["day"].dtype)).sort_values("day")
    found = pd.merge_asof(opened, known, on="day", by="customer_id", allow_exact_matches=False)
    tiers = found["deposit_tier"].fillna("unknown")
    return (
        found.assign(deposit_tier=tiers)
        .drop(columns="day")
        .sort_values(["customer_id", "account_id"], ignore_index=True)
    )


def suppress_as_of(project: Project) -> date:
    """The newest day the bank's data reach: who to leave alone is read as of that day."""
    spec = project.spec
    return max(spec.last_day(name) for name in spec.tables)


def _newest_customers(bank: Bank, as_of: date) -> ir.Table:
    """One row per customer: the one valid on the day."""
    customers = bank.table("customers")
    valid = customers.filter(
        (_.valid_from.isnull() | (_.valid_from <= as_of)) & (_.valid_to.isnull() | (_.valid_to > as_of))
    )
    newest = valid.mutate(
        place=ibis.row_number().over(ibis.window(group_by="customer_id", order_by=ibis.desc("valid_from")))
    )
    return newest.filter(newest.place == 0).drop("place")


def _customers(bank: Bank, as_of: date) -> ir.Table:
    people = _newest_customers(bank, as_of).select("customer_id", "name", "kind", "branch_id", "manager_id")
    for unit in ("branch", "manager"):
        table = f"{unit}s" if unit == "manager" else "branches"
        if bank.has(table):
            names = bank.table(table).select(**{f"{unit}_id": f"{unit}_id", f"{unit}_name": "name"})
            people = people.left_join(names, f"{unit}_id").drop(f"{unit}_id_right")
    return people


def _holdings(bank: Bank, as_of: date) -> ir.Table:
    """One row per customer and product held at the end of the day."""
    held = accounts(bank).filter((_.opened_on <= as_of) & (_.closed_on.isnull() | (_.closed_on > as_of)))
    owned = holders(bank).filter((_.since.isnull() | (_.since <= as_of)) & (_.until.isnull() | (_.until > as_of)))
    pairs = owned.inner_join(held, "account_id").select("customer_id", "product_id", "family").distinct()
    if not bank.has("products"):
        return pairs
    names = bank.table("products").select("product_id", name=in_language(_.name, bank.spec.language))
    return pairs.left_join(names, "product_id").drop("product_id_right")


def in_language(name: ir.Deferred, language: str) -> ir.Deferred:
    """The part of a product's name in one language, where the bank writes both as `zh|en`."""
    return name.split("|")[0] if language == "zh" else name.split("|")[-1]


def _suppression(bank: Bank, as_of: date) -> ir.Table:
    """Flags of every customer, as design of the list asks: refusal, arrears, left, open complaint, last contact."""
    people = _newest_customers(bank, as_of).select(
        "customer_id",
        refuses_marketing=_.refuses_marketing.fill_null(False),
        has_left=_.left_on.notnull() & (_.left_on <= as_of),
    )
    flags: Mapping[str, ir.Table] = {
        "in_arrears": _in_arrears(bank, as_of),
        "open_complaint": _open_complaints(bank, as_of),
    }
    for name, found in flags.items():
        marked = found.select("customer_id").distinct().mutate(**{name: True})
        people = people.left_join(marked, "customer_id").drop("customer_id_right")
        people = people.mutate(**{name: people[name].fill_null(False)})
    people = people.left_join(_last_contact(bank, as_of), "customer_id").drop("customer_id_right")
    return people.distinct()


def _none(bank: Bank) -> ir.Table:
    return bank.table("customers").select("customer_id").filter(ibis.literal(False))


def _in_arrears(bank: Bank, as_of: date) -> ir.Table:
    if not (bank.has("arrears") and bank.has("loans")):
        return _none(bank)
    known = bank.table("arrears").filter((_.as_of <= as_of) & (_.posted_on <= as_of))
    newest = known.group_by("loan_id").aggregate(days_past_due=_.days_past_due.argmax(_.as_of))
    late = newest.filter(newest.days_past_due > 0)
    loans = bank.table("loans").select("loan_id", "account_id")
    return late.inner_join(loans, "loan_id").inner_join(holders(bank), "account_id").select("customer_id")


def _open_complaints(bank: Bank, as_of: date) -> ir.Table:
    if not bank.has("events"):
        return _none(bank)
    complaints = bank.table("events").filter((_.kind == "complaint") & (_.happened_on <= as_of))
    still_open = complaints.filter(
        (_.closed_on.isnull() | (_.closed_on > as_of)) & (_.status.isnull() | ~_.status.lower().isin(CLOSED_WORDS))
    )
    return still_open.select("customer_id")


def _last_contact(bank: Bank, as_of: date) -> ir.Table:
    if not bank.has("contacts"):
        return _none(bank).mutate(last_contacted_on=ibis.null("date"))
    made = bank.table("contacts").filter(_.contacted_on.notnull() & (_.contacted_on <= as_of))
    return made.group_by("customer_id").aggregate(last_contacted_on=_.contacted_on.max())
