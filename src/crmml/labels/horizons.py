"""Labels of one target over several horizons, nested: what has happened by a month has happened by every later one."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

IN_POPULATION = ("ok", "immature")


def label_column(months: int) -> str:
    """The column of the label within so many months.

    >>> label_column(12)
    'label_12m'
    """
    return f"label_{months}m"


def nest(by_months: Mapping[int, ir.Table], *, headline: int) -> ir.Table:
    """One row per snapshot: customer_id, cutoff_date, event_id, status, label, and `label_<n>m` of each horizon.

    A customer is in the population at every horizon or at none, so that a curve
    speaks of the same people all along; of several reasons to be out, that of
    the shortest horizon counts. The label within `n` months is 1 if it is 1 at
    `n` or at any shorter horizon: who left and came back has left by then, and a
    curve of chances can be rising. It is null where its window is not over.
    `status` is `ok` once the shortest horizon is known; `label` is that of the
    headline horizon, or of the longest known below it.

    Parameters
    ----------
    by_months : mapping of int to Table
        Labels of each horizon from `build_labels`, the shortest first, of calendar snapshots.
    """
    steps = list(by_months)
    joined = by_months[steps[0]].select("customer_id", "cutoff_date", "event_id", **_named(by_months, steps[0]))
    for months in steps[1:]:
        other = by_months[months].select("customer_id", "cutoff_date", **_named(by_months, months))
        joined = joined.join(other, ["customer_id", "cutoff_date"])
    statuses = [joined[f"status_{months}m"] for months in steps]
    out = ibis.coalesce(*(ibis.ifelse(~each.isin(IN_POPULATION), each, ibis.null("string")) for each in statuses))
    joined = joined.mutate(status=ibis.coalesce(out, statuses[0]))
    labels = {label_column(months): _by(joined, steps, months) for months in steps}
    known = [labels[label_column(months)] for months in reversed(steps) if months <= headline]
    return joined.select("customer_id", "cutoff_date", "event_id", "status", label=ibis.coalesce(*known), **labels)


def _named(by_months: Mapping[int, ir.Table], months: int) -> dict[str, ir.Column]:
    table = by_months[months]
    return {f"status_{months}m": table.status, f"own_{months}m": table.label}


def _by(joined: ir.Table, steps: list[int], months: int) -> ir.FloatingColumn:
    """The label at any horizon up to `months`; null where the row is out or this horizon is not known."""
    so_far = ibis.greatest(*(joined[f"own_{step}m"] for step in steps if step <= months), 0.0)
    is_known = (joined.status == "ok") & (joined[f"status_{months}m"] == "ok")
    return ibis.ifelse(is_known, so_far.cast("float64"), ibis.null("float64"))
