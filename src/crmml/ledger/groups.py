"""Related groups of customers, and branches with all that lies below them."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crmml.errors import ConfigError, SourceError, did_you_mean
from crmml.sources.bank import Bank


def related_groups(bank: Bank, as_of: date) -> pd.DataFrame:
    """One row per customer who is related to another on a day: customer_id, group_id.

    A group is all who are connected by relations in force on that day and known
    by it, over any number of steps and in either direction; it is named after
    its first member. A customer related to two groups joins them into one, so
    each customer is in one group and counted once. `group_relations` in
    `bank.yaml` says which relations count; without it, all.

    Raises
    ------
    ConfigError
        If `group_relations` names a relation that no row has.
    """
    if not bank.has("relations"):
        return pd.DataFrame(columns=["customer_id", "group_id"])
    rows = bank.table("relations")
    _require_words(bank, rows)
    holds = (rows.since.isnull() | (rows.since <= as_of)) & (rows.until.isnull() | (rows.until > as_of))
    rows = rows.filter(holds & (rows.posted_on.isnull() | (rows.posted_on <= as_of)))
    if bank.spec.group_relations:
        rows = rows.filter(_.relation.isin(list(bank.spec.group_relations)))
    pairs = rows.select("customer_id", "related_id").distinct().to_pandas()
    codes, names = pd.factorize(pd.concat([pairs["customer_id"], pairs["related_id"]]), sort=True)
    first, second = codes[: len(pairs)], codes[len(pairs) :]
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(names), len(names)))
    _count, group = connected_components(graph, directed=False)
    members = pd.DataFrame({"customer_id": np.asarray(names, dtype=object), "group": group})
    return members.assign(group_id=members.groupby("group")["customer_id"].transform("min")).drop(columns="group")


def _require_words(bank: Bank, rows: ir.Table) -> None:
    known = rows.select("relation").distinct().to_pyarrow()["relation"].to_pylist()
    for word in bank.spec.group_relations:
        if word not in known:
            raise ConfigError(
                f"{bank.spec.name}: group_relations names {word!r}, which no row of relations has; expected some of "
                f"{', '.join(sorted(known))}.{did_you_mean(word, known)}",
                code="C002",
            )


def branches_above(bank: Bank) -> pd.DataFrame:
    """One row per branch and each branch it lies under, itself included: branch_id, above.

    Raises
    ------
    SourceError
        If branches lie under themselves.
    """
    if not bank.has("branches"):
        return pd.DataFrame(columns=["branch_id", "above"])
    rows = bank.table("branches").select("branch_id", "parent_id").to_pyarrow().to_pylist()
    parents: dict[str, str | None] = {row["branch_id"]: row["parent_id"] or None for row in rows}
    pairs = []
    for branch in parents:
        path: list[str] = []
        above: str | None = branch
        while above is not None:
            if above in path:
                raise SourceError(
                    f"branches: parent_id goes in a circle, {' -> '.join([*path[path.index(above) :], above])}; expected "
                    "a tree. Leave parent_id of the head office empty",
                    code="D030",
                )
            path.append(above)
            above = parents.get(above)
        pairs += [(branch, above) for above in path]
    return pd.DataFrame(pairs, columns=["branch_id", "above"])
