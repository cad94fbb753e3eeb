"""The population frozen with a model: peers, distribution of scores, bins of features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from crmml.bundle import HORIZON, SIGNS, Bundle, Encoding, Reference
from crmml.bundle.reference import MASTER_SCALE, add_components, deciles_of, make_peers, quantiles_of
from crmml.evaluation.stability import bin_counts, edges_of
from crmml.explain import top_groups
from crmml.modelling.calibration import newest_rows
from crmml.modelling.fit import keep_customers
from crmml.modelling.horizons import of_horizon
from crmml.modelling.preparation import Prepared

Array = npt.NDArray[np.float64]
REFERENCE_ROWS = 1_000
# Contributions cost far more than scores, and as much more as there are trees: their means come from so many rows.
EXPLAINED_ROWS = 10_000
EXPLAINED_ROWS_OF_MANY_TREES = 2_000
MANY_TREES = 1_000


def make_served(
    draft: Bundle, prepared: Prepared, *, headline: int | None = None
) -> tuple[Bundle, dict[str, float], float]:
    """A bundle with its frozen population, the shares of concept groups, the worst gap of sums.

    With several horizons each has a reference of its own: the same customers,
    looked at as many months ahead. The bundle speaks of the `headline`.
    """
    if headline is None:
        reference, importance, exactness = make_reference(draft, prepared)
        return replace(draft, reference=reference), importance, exactness
    shortest = of_horizon(prepared, int(prepared.column(HORIZON).min()))
    curve, worst, shares = {}, 0.0, dict[str, float]()
    for months in np.unique(prepared.column(HORIZON)).astype(int).tolist():
        ahead = replace(shortest, X=draft.ahead(shortest.X, months))
        curve[months], importance, exactness = make_reference(draft, ahead)
        worst, shares = max(worst, exactness), importance if months == headline else shares
    return replace(draft, curve=curve).at(headline), shares, worst


def make_reference(bundle: Bundle, prepared: Prepared) -> tuple[Reference, dict[str, float], float]:
    """The frozen population of the newest training cut-off, the shares of concept groups, the worst gap of sums."""
    blocks = prepared.blocks[prepared.train]
    rows = prepared.train[newest_rows(blocks, enough=REFERENCE_ROWS)]
    newest = prepared.days[rows].max()
    served = bundle.served(prepared.X[rows])
    is_slow = bundle.is_money or bundle.parts[0].booster.trees > MANY_TREES
    most = EXPLAINED_ROWS_OF_MANY_TREES if is_slow else EXPLAINED_ROWS
    few = rows[keep_customers(prepared.customers[rows], min(1.0, most / len(rows)))]
    contributions, base = bundle.contributions(prepared.X[few])
    scale = bundle.scale(prepared.X[few])
    gap = np.abs(base + contributions.sum(axis=1) - scale)
    exactness = float((gap / np.maximum(1.0, np.abs(scale)) if bundle.is_money else gap).max())
    peers = make_peers(prepared.segments[few], contributions, base)
    if bundle.is_money:
        money = bundle.predict_money(prepared.X[rows])
        peers = add_components(peers, prepared.segments[rows], {name: money[name].to_numpy() for name in SIGNS})
    reference = Reference(
        cutoff_date="" if np.isnat(newest) else str(newest),
        segments=peers,
        quantiles=quantiles_of(served),
        grade_bounds=deciles_of(served) if bundle.is_money else MASTER_SCALE,
        baseline=baseline_of(prepared.X[rows], prepared.X[prepared.train], prepared.encoding),
    )
    return reference, top_groups(contributions, bundle.concepts), exactness


def baseline_of(reference: Array, train: Array, encoding: Encoding) -> dict[str, dict[str, list[float]]]:
    """What a later batch is compared with, per feature.

    `edges` and `counts` are bins of the reference population (of a category, one
    for each code); `range` and `missing` (a share) are of all training rows, and
    `whole` is 1 where they hold whole numbers only.
    """
    baseline = {}
    for position, name in enumerate(encoding.names):
        values, trained = reference[:, position], train[:, position]
        levels = encoding.levels.get(name)
        edges = edges_of(values) if levels is None else np.unique(list(levels.values())).astype(float)[:-1]
        known = trained[~np.isnan(trained)]
        baseline[name] = {
            "edges": edges.tolist(),
            "counts": bin_counts(values, edges).tolist(),
            "range": [float(known.min()), float(known.max())] if len(known) else [],
            "missing": [float(np.isnan(trained).mean())],
            "whole": [float((known == np.round(known)).all())],
        }
    return baseline


def no_reference() -> Reference:
    """An empty population, for a bundle whose own figures make the real one."""
    return Reference("", {}, (), ())
