"""Does the ledger agree with itself and with the source tables?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.errors import IntegrityError
from crmml.ledger.close import COMPONENTS
from crmml.ledger.control import control_totals
from crmml.ledger.groups import related_groups
from crmml.ledger.parameters import require_economics
from crmml.ledger.rollup import with_manager
from crmml.sources.bank import Bank

AMOUNTS = (*COMPONENTS, "contribution", "balance_days", "interest_booked")
DIMENSIONS = {
    "account": ("account_id", "accounts"),
    "customer": ("customer_id", "customers"),
    "product": ("product_id", "products"),
    "branch": ("branch_id", "branches"),
}


@dataclass(frozen=True)
class Reconciliation:
    """Sums of a ledger by every way to sum it, and against the sources.

    `totals` has a row per way (bank, account, customer, product, branch, group,
    manager): its sums over the ids found in their own table, plus what has no id.
    `controls` has a row per control total: ledger, source, difference.
    `broken_rows` counts rows whose contribution is not the sum of its parts.
    """

    totals: pd.DataFrame
    controls: pd.DataFrame
    unassigned: Decimal
    broken_rows: int

    @property
    def difference(self) -> Decimal:
        """The largest difference anywhere, in currency."""
        sums = self.totals.drop(columns="by").to_dict("records")
        inside = max(abs(row[name] - sums[0][name]) for row in sums for name in AMOUNTS)
        return max([inside, *(abs(value) for value in self.controls["difference"])])

    @property
    def is_clean(self) -> bool:
        return self.difference < Decimal("0.01") and self.broken_rows == 0

    @property
    def _apart(self) -> list[str]:
        """The ways whose sums are not the bank's."""
        sums = self.totals.to_dict("records")
        return [row["by"] for row in sums if any(row[name] != sums[0][name] for name in AMOUNTS)]

    def require_clean(self) -> None:
        """Refuse a ledger that does not agree.

        Raises
        ------
        IntegrityError
            If a sum differs by a cent or more, naming the first that does.
        """
        if self.is_clean:
            return
        off = self.controls[self.controls["difference"] != 0]
        what = (
            f"control total {off['total'].iloc[0]}"
            if len(off)
            else f"sums over accounts, customers, products, branches, groups, managers ({', '.join(self._apart)})"
        )
        raise IntegrityError(
            f"the ledger does not reconcile: {what} differ by up to {self.difference:,.2f}, "
            f"{self.broken_rows:,} rows are not the sum of their parts; expected 0.00",
            code="I005",
        )


def reconcile(ledger: ir.Table, bank: Bank) -> Reconciliation:
    """Sum the ledger by bank, account, customer, product, branch, related group and manager, and compare it with control totals.

    An id that its own table does not list (a branch that is no branch) is left
    out of its sum, so it shows as a difference; a null id is counted apart and
    added. Groups are those of the ledger's last day, managers those of each month:
    a customer in two of either would count twice. Control totals come from plain
    SQL over the source tables.
    """
    whole = _sums(ledger)
    totals = [{"by": "bank", **whole}]
    for way, (column, table) in DIMENSIONS.items():
        listed = ledger
        if bank.has(table):
            ids = bank.table(table).select(column).distinct()
            listed = ledger.semi_join(ids, column)
        known, nameless = _sums(listed.filter(listed[column].notnull())), _sums(ledger.filter(_[column].isnull()))
        totals.append({"by": way, **{name: known[name] + nameless[name] for name in AMOUNTS}})
    if bank.has("customers"):
        totals += [{"by": way, **_sums(joined)} for way, joined in _joined(ledger, bank)]
    parts = _.margin + _.fees - _.expected_loss - _.service_cost - _.capital_charge
    return Reconciliation(
        totals=pd.DataFrame(totals),
        controls=_controls(ledger, bank, whole),
        unassigned=_sums(ledger.filter(_.customer_id.isnull()))["contribution"],
        broken_rows=ledger.filter(_.contribution != parts).count().to_pyarrow().as_py(),
    )


def _joined(ledger: ir.Table, bank: Bank) -> Iterator[tuple[str, ir.Table]]:
    """The ledger with the group and with the manager of its customers, as the roll-up joins them."""
    last = ledger.aggregate(last=_.month_end.max()).to_pyarrow().to_pylist()[0]["last"]
    if last is None:
        return
    groups = ibis.memtable(related_groups(bank, last)[["customer_id", "group_id"]].astype(str),
                           schema={"customer_id": "string", "group_id": "string"})  # fmt: skip
    yield "group", ledger.left_join(groups, "customer_id")
    yield "manager", with_manager(ledger, bank)


def _sums(ledger: ir.Table) -> dict[str, Decimal]:
    row = ledger.aggregate(**{name: ledger[name].sum() for name in AMOUNTS}).to_pyarrow().to_pylist()[0]
    return {name: value or Decimal(0) for name, value in row.items()}


def _controls(ledger: ir.Table, bank: Bank, whole: dict[str, Decimal]) -> pd.DataFrame:
    span = ledger.aggregate(first=_.month_end.min(), last=_.month_end.max()).to_pyarrow().to_pylist()[0]
    if span["last"] is None:
        return pd.DataFrame(columns=["total", "ledger", "source", "difference"])
    first: date = span["first"].replace(day=1)
    families = set(ledger.select("family").distinct().to_pyarrow()["family"].to_pylist())
    source = control_totals(bank, require_economics(bank, families), first, span["last"])
    rows = [{"total": n, "ledger": whole[n], "source": s, "difference": whole[n] - s} for n, s in source.items()]
    return pd.DataFrame(rows)
