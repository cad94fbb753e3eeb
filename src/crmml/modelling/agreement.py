"""How far two models name the same reasons, by concept group: between retrainings, and with the champion.

Two models fitted on two draws of the same customers already differ in what
they name first. That difference is the measure for a new version: its reasons
should agree with the champion's about as well as those of two refits do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import Bundle, Part
from crmml.bundle.reference import make_peers
from crmml.evaluation.bootstrap import Customers, Figure, figure
from crmml.explain import find_reasons
from crmml.modelling.boosting import Binned
from crmml.modelling.fit import keep_customers, make_aims, make_growth
from crmml.modelling.money import aim_of
from crmml.modelling.preparation import Prepared
from crmml.modelling.spec import ModelSpec

Array = npt.NDArray[np.float64]
Named = list[tuple[str, frozenset[str]]]
PLACES = 3
REFITS = 2
EXPLAINED_ROWS = 600
#: A refit learns from a fixed part of the customers where rows x columns x boosters are more than this.
MOST_CELLS = 1_500_000
RESAMPLES = 200


@dataclass(frozen=True)
class Champion:
    """The version in use of a model, as the registry has it."""

    version: str
    bundle: Bundle


def reasons_agreement(
    served: Bundle,
    prepared: Prepared,
    spec: ModelSpec,
    *,
    trees: Mapping[str, int],
    params: Mapping[str, Any],
    champion: Champion | None = None,
    threads: int = 0,
) -> dict[str, Any]:
    """Agreement of the first three reasons, between two refits of this model and with the champion.

    Parameters
    ----------
    champion : Champion, optional
        The model that is champion now; where its card tells how its own refits agree, that is the measure.

    Returns
    -------
    dict
        `rows` that were explained (test rows of the newest period), `places`, `refits`, `refit_rows` and
        `refit_share` of the training rows' customers they drew from, `baseline` (value, low, high, first:
        the share of rows with the same first reason), `champion` (the same with `version, digest`, the
        champion's own `baseline`; `reason` where it could not be compared) or null.
    """
    rows = newest_rows_of(prepared)
    X, segments, customers = prepared.X[rows], prepared.segments[rows], prepared.customers[rows]
    grown = make_growth(prepared, spec).seeds * len(served.parts)
    share = min(1.0, MOST_CELLS / (len(prepared.train) * len(prepared.infos) * grown))
    binned = _bin(prepared, spec, share, threads=threads)
    one, other = (
        _named(_refit(served, binned, params, trees, seed=spec.tuning.seed + draw), X, segments)
        for draw in range(REFITS)
    )
    told: dict[str, Any] = {
        "rows": len(rows),
        "places": PLACES,
        "refits": REFITS,
        "refit_rows": len(binned.rows),
        "refit_share": share,
        "baseline": agreement(one, other, customers),
        "champion": None,
    }
    if champion is not None:
        told["champion"] = _with_champion(served, champion, prepared, rows, told["baseline"])
    return told


def newest_rows_of(prepared: Prepared) -> npt.NDArray[np.intp]:
    """The test rows of the newest block, at most 600 by the hash of their customer; of all where it has few."""
    blocks = prepared.blocks[prepared.test]
    newest = prepared.test[blocks == blocks.max()]
    rows = newest if len(newest) >= EXPLAINED_ROWS // 2 else prepared.test
    kept = rows[keep_customers(prepared.customers[rows], min(1.0, EXPLAINED_ROWS / len(rows)))]
    return kept if len(kept) else rows[:EXPLAINED_ROWS]


def agreement(one: Named, other: Named, customers: npt.NDArray[np.str_]) -> dict[str, Any]:
    """The mean share of named groups that both name, with its interval by customer.

    Each entry of `one` and `other` is a pair (first group, all named groups) of a row.

    Examples
    --------
    >>> row = lambda *names: (names[0], frozenset(names))
    >>> agreement([row("a", "b", "c")], [row("b", "a", "d")], np.array(["1"]))["value"]
    0.6666666666666666
    """
    shared = np.array(
        [len(a & b) / max(1, len(a), len(b)) if a or b else 1.0 for (_, a), (_, b) in zip(one, other, strict=True)]
    )
    first = float(np.mean([a == b for (a, _), (b, _) in zip(one, other, strict=True)]))
    drawn = Customers(customers, resamples=RESAMPLES)
    value, resampled = drawn.estimate(lambda weights: weights @ shared / weights.sum(axis=1))
    return _dict(figure(value, resampled)) | {"first": first}


class _Drawn:
    """The training rows binned once, and what is learned from them."""

    def __init__(self, binned: Binned, rows: npt.NDArray[np.intp], prepared: Prepared, spec: ModelSpec) -> None:
        self.binned, self.rows = binned, rows
        self.aims = {aim.name: aim.learned[rows] for aim in make_aims(prepared, spec)}
        self.prepared, self.spec = prepared, spec
        self.customers = prepared.customers[prepared.train][rows]
        self.weight = None if prepared.weights is None else prepared.weights[prepared.train][rows]


def _bin(prepared: Prepared, spec: ModelSpec, share: float, *, threads: int) -> _Drawn:
    kept = keep_customers(prepared.customers[prepared.train], share)
    rows = np.flatnonzero(kept if kept.any() else np.ones(len(kept), dtype=bool))
    growth = make_growth(prepared, spec, threads=threads)
    y = make_aims(prepared, spec)[0].learned[rows]
    binned = Binned(prepared.X[prepared.train][rows], y, prepared.encoding.categorical, growth)
    return _Drawn(binned, rows, prepared, spec)


def _refit(served: Bundle, drawn: _Drawn, params: Mapping[str, Any], trees: Mapping[str, int], *, seed: int) -> Bundle:
    """The same model from customers drawn with replacement; its calibration is kept, which moves no ranking."""
    names, codes = np.unique(drawn.customers, return_inverse=True)
    draws = np.random.default_rng(seed).integers(0, len(names), len(names))
    counts = np.bincount(draws, minlength=len(names))[codes].astype(float)
    inside = np.flatnonzero(counts > 0)
    weight = counts if drawn.weight is None else counts * drawn.weight
    parts: list[Part] = []
    for part in served.parts:
        if part.link != "identity":
            parts.append(replace(part, text=_refit_amount(part, drawn, inside, weight[inside], params, trees)))
            continue
        learned = drawn.aims[part.name]
        again = drawn.binned.of_rows(inside, learned[inside], weight[inside])
        parts.append(replace(part, text=again.fit(params, trees[part.name])))
    return replace(served, parts=tuple(parts))


def _refit_amount(
    part: Part,
    drawn: _Drawn,
    inside: npt.NDArray[np.intp],
    weight: Array,
    params: Mapping[str, Any],
    trees: Mapping[str, int],
) -> str:
    """The booster of a component that is learned in proportion to its size, or as a multiple, from drawn rows."""
    aim, rows = aim_of(part, drawn.prepared, drawn.spec), drawn.rows[inside]
    binned = Binned(
        drawn.prepared.X[drawn.prepared.train][rows],
        aim.learned[rows],
        drawn.prepared.encoding.categorical,
        replace(drawn.binned.growth, objective=aim.objective),
        weight=weight if aim.weight is None else weight * aim.weight[rows],
        start=None if aim.begin is None else aim.begin[rows],
    )
    return binned.fit(params, trees[part.name])


def _named(bundle: Bundle, X: Array, segments: npt.NDArray[np.str_]) -> Named:
    """For each row its first named concept group, and the set of the first three; peers are these very rows."""
    contributions, base = bundle.contributions(X)
    peers = make_peers(segments, contributions, base)
    means = np.array([peers.get(str(name), peers["all"]).contributions for name in segments])
    reasons = find_reasons(contributions, means, bundle.concepts, places=PLACES)
    rows = []
    for groups in reasons.groups:
        names = [reasons.names[group] for group in groups if group >= 0]
        rows.append((names[0] if names else "", frozenset(names)))
    return rows


def _with_champion(
    served: Bundle,
    champion: Champion,
    prepared: Prepared,
    rows: npt.NDArray[np.intp],
    baseline: Mapping[str, Any],
) -> dict[str, Any]:
    """The agreement with the champion; its own refits are the measure, ours where its card has none."""
    bundle = champion.bundle
    told = {"version": champion.version, "digest": bundle.digest}
    frame = prepared.frame.iloc[rows]
    missing = [name for name in bundle.names if name not in frame]
    if missing:
        return told | {"value": None, "reason": f"the champion needs {', '.join(missing[:3])}, which this table lacks"}
    segments = prepared.segments[rows]
    ours = _named(served, prepared.X[rows], segments)
    theirs = _named(bundle, bundle.encode(frame), segments)
    own = (bundle.card["metrics"].get("reasons_agreement") or {}).get("baseline")
    return (
        told
        | agreement(ours, theirs, prepared.customers[rows])
        | {"baseline": dict(own or baseline), "baseline_of": "champion" if own else "challenger"}
    )


def _dict(found: Figure) -> dict[str, Any]:
    return dict(found.as_dict())
