"""Labels a bank already owns."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.errors import SourceError, did_you_mean
from crmml.labels.frame import Observed, flag
from crmml.labels.targets import Given
from crmml.sources.bank import Bank


def given(bank: Bank, base: ir.Table, target: Given) -> Observed:
    """The value of the bank's own table for the customer and cut-off.

    A value known after the source's last complete day is not used (`immature`);
    a customer without a row has `no_label`, once the source could hold one.
    """
    owned = bank.table("labels").filter(_.target == target.name)
    _require_some(bank, target)
    until = bank.observed_until("labels")
    values = owned.select("customer_id", "cutoff_date", "value", "known_on")
    rows = base.left_join(values, ["customer_id", "cutoff_date"])
    label = rows.value if target.positive is None else (rows.value == target.positive).cast("float64")
    late = rows.known_on > ibis.literal(until)
    rows = rows.select(
        "row_id",
        label=label,
        # At the newest cut-offs nobody has a label yet, and everybody is to be scored.
        reason=ibis.coalesce(
            flag(rows.value.isnull() & (rows.window_end <= ibis.literal(until)), "no_label"), flag(late, "immature")
        ),
        in_gap=ibis.null("string"),
    )
    return Observed(rows, until)


def _require_some(bank: Bank, target: Given) -> None:
    names = bank.table("labels").select("target").distinct().order_by("target").to_pyarrow()["target"].to_pylist()
    if target.name not in names:
        raise SourceError(
            f"labels: no row has target {target.name!r}; expected one of {', '.join(names)}."
            f"{did_you_mean(target.name, names)}",
            code="D018",
        )
