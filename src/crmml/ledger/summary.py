"""The bank's contribution in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.ledger.close import COMPONENTS


@dataclass(frozen=True)
class LedgerSummary:
    """Sums over some months of the whole bank, in currency; `contribution` is its economic value added (EVA).

    `losing` counts the customers, of `customers`, whose contribution is below zero.
    """

    first: date
    last: date
    margin: Decimal
    fees: Decimal
    expected_loss: Decimal
    service_cost: Decimal
    capital_charge: Decimal
    contribution: Decimal
    customers: int
    losing: int

    @property
    def losing_share(self) -> float:
        return self.losing / self.customers if self.customers else 0.0

    def raroc(self, hurdle: float) -> float:
        """Return on the capital employed, as a fraction per year: contribution before the capital charge over it.

        The charge is hurdle × capital × years, so the capital-years are charge / hurdle.
        """
        if not self.capital_charge:
            raise ValueError("no capital was employed, so there is no return on it")
        return float(self.contribution + self.capital_charge) * hurdle / float(self.capital_charge)


def ledger_summary(ledger: ir.Table, *, first: date | None = None, last: date | None = None) -> LedgerSummary:
    """Sum the ledger's months that end from `first` to `last`, by default all of them."""
    months = ledger
    if first is not None:
        months = months.filter(_.month_end >= ibis.literal(first))
    if last is not None:
        months = months.filter(_.month_end <= ibis.literal(last))
    names = (*COMPONENTS, "contribution")
    by_customer = months.group_by("customer_id").aggregate(**{name: months[name].sum() for name in names})
    sums = by_customer.aggregate(
        **{name: by_customer[name].sum() for name in names},
        customers=by_customer.customer_id.count(),
        losing=by_customer.count(where=(by_customer.contribution < 0) & by_customer.customer_id.notnull()),
    )
    row = sums.to_pyarrow().to_pylist()[0]
    span = months.aggregate(first=_.month_end.min(), last=_.month_end.max()).to_pyarrow().to_pylist()[0]
    if span["last"] is None:
        raise ValueError("the ledger has no months in this span")
    return LedgerSummary(**span, **row)
