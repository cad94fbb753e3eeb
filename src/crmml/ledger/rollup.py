"""The ledger summed by account, customer, related group, product, branch, manager and for the whole bank."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from crmml.economics.returns import raroc
from crmml.errors import ConfigError, UsageError, did_you_mean
from crmml.ledger.close import COMPONENTS
from crmml.ledger.groups import branches_above, related_groups
from crmml.ledger.relationship import COSTS, relationship_costs
from crmml.periods import month_end
from crmml.sources.bank import Bank

GRAINS = {
    "bank": None,
    "branch": "branch_id",
    "manager": "manager_id",
    "product": "product_id",
    "family": "family",
    "group": "group_id",
    "customer": "customer_id",
    "account": "account_id",
}
_BY_CUSTOMER = ("customer", "group", "manager", "bank")
_NAMED = {"branch": "branches", "manager": "managers", "product": "products"}
_MONEY = (*COMPONENTS, "contribution", "tax")


def roll_up(
    ledger: ir.Table, bank: Bank, *, by: str, first: date, last: date, with_below: bool = False
) -> pd.DataFrame:
    """Components, contribution, EVA and RAROC of the months from that of `first` to that of `last`.

    EVA = contribution - tax. RAROC = (contribution + capital charge - tax) over
    the capital employed, per year; null where none was. `capital` is the average
    over the days of the span. What has no customer, branch or manager has a row
    with a null name, so that every grain sums to the bank. Groups are those of
    the last day; a manager has a customer in the months in which he had him, as
    far as `customers` has a history, else today's. With costs of acquisition or
    development in the economics, grains made of customers show them and the
    relationship's value, EVA less both. `with_below` adds to each branch all
    branches below it.

    Returns
    -------
    One row per member of the grain, the highest contribution first; money as
    floats of whole cents.

    Raises
    ------
    UsageError
        If there is no such grain.
    """
    _require_grain(by, with_below=with_below)
    inside = ledger.filter((_.month_end >= ibis.literal(first.replace(day=1))) & (_.month_end <= ibis.literal(last)))
    key = GRAINS[by]
    frame = _summed_cents(with_manager(inside, bank) if by == "manager" else inside, _stored_key(by))
    if by in _BY_CUSTOMER:
        frame = _with_costs(frame, bank, by, first, last)
    if by == "group":
        frame = _by_group(frame, bank, last)
    if with_below:
        frame = _with_below(frame, bank)
    if key is None and frame.empty:
        raise UsageError(f"the ledger has no months from {first} to {last}", code="U004")
    ended = _finished(frame, bank, first, last)
    named = _named(ended, bank, by)
    return named.sort_values(["contribution", *([key] if key else [])], ascending=[False, *([True] if key else [])],
                             ignore_index=True)  # fmt: skip


def _require_grain(by: str, *, with_below: bool) -> None:
    if by not in GRAINS:
        raise UsageError(f"--by is {by!r}; expected one of {', '.join(GRAINS)}.{did_you_mean(by, GRAINS)}", code="U004")
    if with_below and by != "branch":
        raise UsageError(f"--roll-up is for --by branch, got --by {by}", code="U004")


def _stored_key(by: str) -> str | None:
    """The column to sum by: a group is made of its customers afterwards."""
    return "customer_id" if by in ("group", "bank") else GRAINS[by]


def _summed_cents(rows: ir.Table, key: str | None) -> pd.DataFrame:
    sums = {name: (rows[name].sum() * 100).cast("int64") for name in _MONEY}
    sums["capital_days"] = ((rows.capital * 100).cast("int64") * rows.month_end.day()).sum().cast("int64")
    assert key is not None
    frame: pd.DataFrame = rows.group_by(key).aggregate(**sums).to_pandas()
    return frame


def with_manager(rows: ir.Table, bank: Bank) -> ir.Table:
    """The rows with the manager of their customer, as of the end of their month where that is known."""
    people = bank.table("customers").filter(_.manager_id.notnull())
    if int(people.valid_from.count().to_pyarrow().as_py()) == 0:
        now = people.group_by("customer_id").aggregate(manager_id=_.manager_id.max())
        return rows.left_join(now, "customer_id").drop("customer_id_right")
    keys = rows.select("customer_id", "month_end").distinct()
    known = keys.join(people.select("customer_id", "manager_id", "valid_from", "posted_on"), "customer_id")
    is_known = (known.valid_from.isnull() | (known.valid_from <= known.month_end)) & (
        known.posted_on.isnull() | (known.posted_on <= known.month_end)
    )
    begin = ibis.coalesce(known.valid_from, ibis.date(1, 1, 1))
    newest = known.filter(is_known).group_by(["customer_id", "month_end"])
    found = newest.aggregate(manager_id=known.manager_id.argmax(begin))
    return rows.left_join(found, ["customer_id", "month_end"]).drop("customer_id_right", "month_end_right")


def _with_costs(frame: pd.DataFrame, bank: Bank, by: str, first: date, last: date) -> pd.DataFrame:
    """Costs of acquisition and development beside, in cents, where the economics price them."""
    economics = bank.spec.economics
    is_priced = economics is not None and any(
        (*vars(economics.acquisition_cost).values(), *vars(economics.development_cost).values())
    )
    if economics is None or not is_priced:
        return frame if by != "bank" else _one_row(frame)
    costs = relationship_costs(bank, economics, first, last)
    if by == "manager":
        costs = _costs_by_manager(costs, bank)
    key = "manager_id" if by == "manager" else "customer_id"
    merged = frame.merge(costs, on=key, how="outer")
    filled = merged.fillna(dict.fromkeys([*_MONEY, "capital_days", *COSTS], 0))
    return filled if by != "bank" else _one_row(filled)


def _costs_by_manager(costs: pd.DataFrame, bank: Bank) -> pd.DataFrame:
    """By the newest manager of each customer: who paid is not recorded."""
    people = bank.table("customers").filter(_.manager_id.notnull())
    begin = ibis.coalesce(people.valid_from, ibis.date(1, 1, 1))
    now = people.group_by("customer_id").aggregate(manager_id=people.manager_id.argmax(begin)).to_pandas()
    joined = costs.merge(now, on="customer_id", how="left")
    return joined.groupby("manager_id", dropna=False, as_index=False)[list(COSTS)].sum()


def _one_row(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="customer_id").sum().to_frame().T if len(frame) else frame


def _by_group(frame: pd.DataFrame, bank: Bank, last: date) -> pd.DataFrame:
    joined = frame.merge(related_groups(bank, last), on="customer_id", how="left")
    group = joined["group_id"].where(joined["group_id"].notna(), joined["customer_id"])
    sums = joined.assign(group_id=group, customers=joined["customer_id"].notna().astype("int64"))
    return sums.drop(columns="customer_id").groupby("group_id", dropna=False, as_index=False).sum()


def _with_below(frame: pd.DataFrame, bank: Bank) -> pd.DataFrame:
    pairs = branches_above(bank)
    lone = frame[~frame["branch_id"].isin(pairs["branch_id"])]
    joined = (
        pairs.merge(frame, on="branch_id", how="left").drop(columns="branch_id").rename(columns={"above": "branch_id"})
    )
    sums = joined.fillna(0).groupby("branch_id", as_index=False).sum()
    return pd.concat([sums, lone], ignore_index=True)


def _finished(frame: pd.DataFrame, bank: Bank, first: date, last: date) -> pd.DataFrame:
    """Cents as currency, with EVA, average capital, RAROC, and the relationship's value where costs are known."""
    economics = bank.spec.economics
    if economics is None:
        raise ConfigError(f"{bank.spec.name}: the ledger needs 'economics:' in bank.yaml, found none", code="C011")
    days = (month_end(last) - first.replace(day=1)).days + 1
    cents = frame.assign(eva=frame["contribution"] - frame["tax"])
    profit = cents["eva"] + cents["capital_charge"]
    capital_years = cents["capital_days"] / economics.day_count
    ratio = raroc(profit.to_numpy(dtype=float), capital_years.to_numpy(dtype=float))
    cents["capital"] = (cents["capital_days"] / days).round()
    money = [*_MONEY, "eva", "capital"]
    if COSTS[0] in cents:
        cents["relationship_value"] = cents["eva"] - cents[COSTS[0]] - cents[COSTS[1]]
        money += [*COSTS, "relationship_value"]
    names = [name for name in (*(key for key in GRAINS.values() if key), "customers") if name in cents]
    ended = pd.DataFrame({**{name: cents[name] for name in names}, **{name: cents[name] / 100 for name in money}})
    # A missing ratio is none, never infinite.
    ended["raroc"] = pd.Series([None if np.isnan(value) else float(value) for value in ratio], dtype=object)
    return ended


def _named(frame: pd.DataFrame, bank: Bank, by: str) -> pd.DataFrame:
    """With the names that people know, where the bank gives them."""
    table, key = _NAMED.get(by), GRAINS[by]
    if table is None or key is None or not bank.has(table):
        return frame
    names = bank.table(table).select(key, *(["parent_id"] if by == "branch" else []), "name").distinct(on=key)
    joined = frame.merge(names.to_pandas(), on=key, how="left")
    return joined[[*names.columns, *(name for name in joined.columns if name not in names.columns)]]
