"""The months of a ledger closed again as if prices or volumes had been others, by the same formulas."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _
from numpy.typing import NDArray

from crmml.economics import DatedPd, Economics
from crmml.ledger.build import open_months
from crmml.ledger.close import COMPONENTS, IN, Prices, close_months
from crmml.ledger.scratch import scratch
from crmml.sources.bank import Bank

Floats = NDArray[np.float64]
_BALANCES = ("balance_days", "drawn_days", "net_drawn_days", "unused_days", "drawn_start", "drawn_end", "unused_start",
             "unused_end", "interest_balance", "interest_drawn", "ftp_balance", "ftp_drawn")  # fmt: skip
_INTEREST = {"interest_balance": "balance_days", "interest_drawn": "drawn_days"}
_FUNDING = {"ftp_balance": "balance_days", "ftp_drawn": "drawn_days"}


@dataclass(frozen=True)
class Moved:
    """What is other than it was, over the months asked for.

    Attributes
    ----------
    rate : float
        Added to every internal rate; customers' rates get `pass_through` of it, by product family (0 where it gives
        none), and none falls below zero by it.
    prob_default, cost : float
        Multiples of default probabilities (no more than 1 in all) and of the costs to serve.
    volume : float
        Multiple of balances, limits and provisions; fees and costs follow by their shares.
    """

    rate: float = 0.0
    prob_default: float = 1.0
    cost: float = 1.0
    volume: float = 1.0
    pass_through: Mapping[str, float] = field(default_factory=dict)
    fees_follow: float = 1.0
    costs_follow: float = 0.0


@dataclass(frozen=True)
class OpenYear:
    """Account-months from `first` on, ready to be closed under any prices.

    Of accounts that default in these months the earlier ones are kept too: what
    they were charged is part of the charge of the default.
    """

    rows: pa.Table
    prices: Prices
    first: date

    def close(self, moved: Moved) -> dict[str, dict[str, int]]:
        """Family -> component (and `contribution`) -> cents of the months asked for, as the ledger rounds them."""
        cents = close_months(_moved_rows(self.rows, self.prices, moved), _moved_prices(self.prices, moved, self.first))
        cents["contribution"] = cents["margin"] + cents["fees"] - sum(cents[name] for name in COMPONENTS[2:])
        begins = np.array(self.prices.months, dtype="datetime64[D]") >= np.datetime64(self.first)
        inside = begins[self.rows["month_number"].to_numpy().astype(np.int64)]
        product = self.rows["product_number"].to_numpy().astype(np.int64)
        families = np.array(self.prices.products.families, dtype=object)[product]
        return {
            str(family): {
                name: int(cents[name][inside & (families == family)].sum()) for name in (*COMPONENTS, "contribution")
            }
            for family in sorted(set(families[inside]))
        }


def open_year(bank: Bank, first: date, last: date) -> OpenYear:
    """The account-months from the month of `first` to that of `last`, unclosed."""
    first = first.replace(day=1)
    with scratch(bank.connection) as room:
        opened = open_months(bank, first, last, room)
        months = opened.prices.months
        start = sum(month < first for month in months)
        states = opened.states.filter(_.month_number < len(months))
        late = states.filter((_.month_number >= start) & (_.default_stage == IN)).select("account_number").distinct()
        chosen = states.filter(_.month_number >= start).union(
            states.filter(_.month_number < start).semi_join(late, "account_number")
        )
        rows = chosen.select(*opened.names).order_by("account_number", "month_number").to_pyarrow()
    return OpenYear(rows, opened.prices, first)


def _moved_rows(rows: pa.Table, prices: Prices, moved: Moved) -> pa.Table:
    """The states with other customers' rates, other volumes and other work."""
    product = rows["product_number"].to_numpy().astype(np.int64)
    share = np.array([moved.pass_through.get(family, 0.0) for family in prices.products.families])[product]
    changed: dict[str, Floats] = {}
    if moved.rate:
        for name, days in _INTEREST.items():
            changed[name] = _moved_interest(_floats(rows, name), _floats(rows, days), share * moved.rate)
        for name, days in _FUNDING.items():
            if name in rows.column_names:
                changed[name] = _floats(rows, name) + moved.rate * _floats(rows, days)
    for name in _BALANCES:
        if moved.volume != 1 and name in rows.column_names:
            changed[name] = changed.get(name, _floats(rows, name)) * moved.volume
    fees = 1 + moved.fees_follow * (moved.volume - 1)
    if fees != 1:
        changed["fees"] = np.round(_floats(rows, "fees") * fees)
    work = moved.cost * (1 + moved.costs_follow * (moved.volume - 1))
    if work != 1:
        changed["work"] = np.round(_floats(rows, "work") * work)
    for name, values in changed.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))
    return rows


def _moved_interest(interest: Floats, days: Floats, move: Floats) -> Floats:
    """Interest at a rate that moved, but no further below zero than it was.

    >>> _moved_interest(np.array([0.3, 0.3]), np.array([10.0, 10.0]), np.array([0.01, -0.05])).tolist()
    [0.4, 0.0]
    """
    rate = np.divide(interest, days, out=np.zeros_like(interest), where=days != 0)
    return np.maximum(rate + move, np.minimum(rate, 0.0)) * days


def _moved_prices(prices: Prices, moved: Moved, first: date) -> Prices:
    products = prices.products
    cost = moved.cost * (1 + moved.costs_follow * (moved.volume - 1))
    if cost != 1:
        products = dataclasses.replace(products, cost_per_month=products.cost_per_month * cost)
    economics = prices.economics
    if moved.prob_default != 1:
        economics = _moved_risk(economics, moved.prob_default, first)
    return dataclasses.replace(prices, products=products, economics=economics, ftp=prices.ftp + moved.rate)


def _moved_risk(economics: Economics, multiple: float, first: date) -> Economics:
    """Default probabilities times a multiple from the first month on, those before as they were."""
    before = [dated for dated in economics.prob_default if dated.valid_from < first]
    later = [dated for dated in economics.prob_default if dated.valid_from >= first]
    if before and not (later and later[0].valid_from == first):
        later = [DatedPd(first, before[-1].table), *later]
    scaled = [
        DatedPd(
            dated.valid_from,
            {
                family: {bucket: min(1.0, share * multiple) for bucket, share in buckets.items()}
                for family, buckets in dated.table.items()
            },
        )
        for dated in later
    ]
    return dataclasses.replace(economics, prob_default=(*before, *scaled))


def _floats(rows: pa.Table, name: str) -> Floats:
    return np.asarray(pc.cast(rows[name], pa.float64()).to_numpy(), dtype=float)
