"""A stored model behind MLflow's plain interface: a frame in, scores with reasons out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmml import bundle as bundles
from crmml.bundle import SIGNS, TOTAL, Bundle
from crmml.explain import find_money_reasons, find_reasons, signed_components, write_money_sentences, write_sentences

PLACES = 4


class PyfuncModel:
    """What `mlflow.pyfunc.load_model` holds; the bundle was checked against its manifest first."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Scores with reasons, one row per row of features.

        Returns
        -------
        DataFrame
            `effect`, `probability` (for a model of several horizons `probability_<n>m` of each) and `log_odds`, or `contribution` and its components; `grade`,
            `percentile`, `peer_mean`, and for each of four places `reason_n_code`,
            `reason_n_zh`, `reason_n_en`, `reason_n_effect`; `reason_rest_effect`.
        """
        return (_money if self.bundle.is_money else _probability)(self.bundle, model_input)


def _load_pyfunc(path: str) -> PyfuncModel:
    """MLflow's way in: `path` is the bundle folder."""
    return PyfuncModel(bundles.load(Path(path)))


def _probability(bundle: Bundle, frame: pd.DataFrame) -> pd.DataFrame:
    X = bundle.encode(frame)
    segments = bundle.segments(frame)
    contributions, _ = bundle.contributions(X)
    peers, peer_scale = bundle.peer_contributions(segments)
    served = bundle.served(X)
    reasons = find_reasons(contributions, peers, bundle.concepts, places=PLACES)
    columns: dict[str, Any] = {"effect": served} if bundle.is_effect else _chances(bundle, X, served)
    columns |= {
        "grade": bundle.grade(served),
        "percentile": bundle.percentile(served),
        "peer_mean": peer_scale if bundle.is_effect else bundles.probability_of(peer_scale),
    }
    for place in range(PLACES):
        words = write_sentences(reasons, place, values=frame, segments=segments, peers={}, infos=bundle.features)
        columns |= _place(reasons, place, words)
    return pd.DataFrame(columns | {"reason_rest_effect": reasons.rest}, index=frame.index)


def _chances(bundle: Bundle, X: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    return {
        "probability": probability,
        **{f"probability_{months}m": chance for months, chance in bundle.probabilities(X).items()},
        "log_odds": bundle.log_odds(X),
    }


def _money(bundle: Bundle, frame: pd.DataFrame) -> pd.DataFrame:
    money = bundle.predict_money(bundle.encode(frame))
    peers = bundle.peer_components(bundle.segments(frame))
    signs = np.array(list(SIGNS.values()))
    parts, peer_parts = signed_components(money), peers * signs
    reasons = find_money_reasons(parts, peer_parts, places=PLACES)
    total = money[TOTAL].to_numpy()
    columns: dict[str, Any] = {
        **{name: money[name].to_numpy() for name in (TOTAL, *SIGNS)},
        "grade": bundle.grade(total),
        "percentile": bundle.percentile(total),
        "peer_mean": peer_parts.sum(axis=1),
    }
    for place in range(PLACES):
        words = write_money_sentences(reasons, place, components=parts, peers=peer_parts)
        columns |= _place(reasons, place, words)
    return pd.DataFrame(columns | {"reason_rest_effect": reasons.rest}, index=frame.index)


def _place(reasons: Any, place: int, words: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    prefix = f"reason_{place + 1}"
    has_place = place < reasons.effects.shape[1]
    empty = np.full(len(reasons.rest), None, dtype=object)
    return {
        f"{prefix}_code": reasons.codes(place) if has_place else empty,
        f"{prefix}_zh": words[0],
        f"{prefix}_en": words[1],
        f"{prefix}_effect": reasons.effects[:, place] if has_place else np.zeros(len(reasons.rest)),
    }
