"""Whether the index says who stays: later retention by decile of the index, and how well it ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from crmml.evaluation.bootstrap import Customers, figure
from crmml.evaluation.discrimination import Ranked

Array = npt.NDArray[np.float64]
DECILES = 10
RESAMPLES = 200
FEWEST_EVENTS = 10


def validate_index(rows: pd.DataFrame, *, seed: int = 0) -> dict[str, Any] | None:
    """How the index ranks who leaves later, and whether the share that leaves falls with it.

    The AUC is that of a low index for an event, computed per cut-off and
    averaged, its interval by drawing customers. Deciles are made within each
    cut-off and their rows added up. The share that leaves should not rise from
    one decile to the next higher: `rises` counts where it does, `real_rises`
    those whose 95 % interval of the difference lies above 0 (customers drawn),
    and `isotonic_gap` is the largest distance of a decile from the best falling
    curve (pool adjacent violators), in shares.

    Parameters
    ----------
    rows : DataFrame
        `customer_id, cutoff_date, index, label`, and `score` (log-odds of a model) where there is one beside.

    Returns
    -------
    dict or None
        `rows, events, cutoffs, auc, deciles, rises, real_rises, isotonic_gap, is_monotone`, with a score also
        `model_auc`; None with fewer than 10 events or none staying.
    """
    label = rows["label"].to_numpy(dtype=float)
    if label.sum() < FEWEST_EVENTS or label.sum() == len(label):
        return None
    cutoffs = rows["cutoff_date"].astype(str).to_numpy(dtype=str)
    index = rows["index"].to_numpy(dtype=float)
    drawn = Customers(rows["customer_id"].astype(str).to_numpy(dtype=str), resamples=RESAMPLES, seed=seed)
    told: dict[str, Any] = {
        "rows": len(rows),
        "events": int(label.sum()),
        "cutoffs": len(np.unique(cutoffs)),
        "auc": _auc(drawn, label, -index, cutoffs),
    }
    if "score" in rows:
        score = rows["score"].to_numpy(dtype=float)
        told["model_auc"] = _auc(drawn, label, score, cutoffs)
    return told | _by_decile(drawn, label, index, cutoffs)


def _auc(drawn: Customers, label: Array, score: Array, cutoffs: npt.NDArray[np.str_]) -> dict[str, float | None]:
    """Mean over the cut-offs that hold both labels, with its interval."""
    blocks = [np.flatnonzero(cutoffs == cutoff) for cutoff in np.unique(cutoffs)]
    ranked = [(rows, Ranked(label[rows], score[rows])) for rows in blocks if 0 < label[rows].sum() < len(rows)]
    value, resampled = drawn.estimate(
        lambda weights: np.nanmean([each.auc(weights[:, rows]) for rows, each in ranked], axis=0)
    )
    return figure(value, resampled).as_dict()


def _by_decile(drawn: Customers, label: Array, index: Array, cutoffs: npt.NDArray[np.str_]) -> dict[str, Any]:
    """Shares that leave by decile, 1 the least loyal, with intervals, and where they rise."""
    place = deciles_of(index, cutoffs)
    groups = np.unique(place)
    within = (place[None, :] == groups[:, None]).astype(float)

    def shares(weights: Array) -> Array:
        rows = np.maximum(weights @ within.T, 1e-12)
        return np.asarray((weights * label) @ within.T / rows)

    value = shares(np.ones((1, len(label))))[0]
    resampled = np.concatenate([shares(weights) for weights in drawn.draws()])
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    steps = np.diff(value)
    least = np.quantile(np.diff(resampled, axis=1), 0.025, axis=0)
    counts = within.sum(axis=1)
    best = IsotonicRegression(increasing=False).fit_transform(groups.astype(float), value, sample_weight=counts)
    deciles = [
        {
            "decile": int(group) + 1,
            "rows": int(counts[spot]),
            "events": int((label * within[spot]).sum()),
            "rate": float(value[spot]),
            "low": float(low[spot]),
            "high": float(high[spot]),
            "isotonic": float(best[spot]),
            "index_from": float(index[place == group].min()),
            "index_to": float(index[place == group].max()),
        }
        for spot, group in enumerate(groups.tolist())
    ]
    return {
        "deciles": deciles,
        "rises": int((steps > 0).sum()),
        "real_rises": int((least > 0).sum()),
        "isotonic_gap": float(np.abs(best - value).max()),
        "is_monotone": bool(not (least > 0).any()),
    }


def deciles_of(index: Array, cutoffs: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """0 (lowest index) to 9 within each cut-off; equal indices share a decile, fewer rows than ten give fewer."""
    place = np.zeros(len(index), dtype=np.int64)
    for cutoff in np.unique(cutoffs):
        rows = np.flatnonzero(cutoffs == cutoff)
        ranks = pd.Series(index[rows]).rank(method="average").to_numpy()
        place[rows] = np.minimum(((ranks - 0.5) * DECILES / len(rows)).astype(np.int64), DECILES - 1)
    return place


def summarise(told: Mapping[str, Any] | None) -> str:
    """One sentence for the terminal."""
    if told is None:
        return "too few events"
    auc = told["auc"]
    fall = "falls by decile" if told["is_monotone"] else f"rises at {told['real_rises']} deciles"
    return f"AUC {auc['value']:.2f} [{auc['low']:.2f}, {auc['high']:.2f}], {told['events']:,} events, {fall}"
