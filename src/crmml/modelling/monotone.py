"""Signs that a risk model must keep: asked of the engine, then seen to be kept by the served model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import HORIZON, Bundle
from crmml.errors import ConfigError
from crmml.modelling.preparation import Prepared
from crmml.modelling.spec import ModelSpec

Array = npt.NDArray[np.float64]
PERTURBED = 1_000
_TOLERANCE = 1e-12
_PLACES = 101


def expected_signs(prepared: Prepared, spec: ModelSpec) -> tuple[int, ...]:
    """The sign of every feature that the model must keep, 0 for none; only a default model has any, and a curve.

    A curve over horizons may not fall from one to a later one: the horizon has the sign +1.

    Raises
    ------
    ConfigError
        C010 if a category has one: LightGBM ends the whole process on it.
    """
    if spec.steps:
        return tuple(int(info.name == HORIZON) for info in prepared.infos)
    if spec.kind != "default":
        return ()
    wrong = [info for info in prepared.infos if info.kind == "category" and info.sign.get(spec.kind, 0)]
    if wrong:
        first = wrong[0]
        raise ConfigError(
            f"{spec.name}: {first.name} is a category and has the expected sign {first.sign[spec.kind]:+d} for "
            f"{spec.kind}; expected a sign on numbers only, the levels of a category have no order. Take the sign out of "
            "its declaration, or declare it as a number",
            code="C010",
        )
    return tuple(int(info.sign.get(spec.kind, 0)) for info in prepared.infos)


def verify_signs(bundle: Bundle, prepared: Prepared, spec: ModelSpec) -> dict[str, Any] | None:
    """Whether the served log-odds move as expected when one feature is changed and nothing else.

    For each constrained feature 1,000 rows (test rows first) are scored twice, with the lower and the higher of two
    values: the row's own, or a quantile where it is null, and another quantile of the training rows.

    Returns
    -------
    dict or None
        `features` (name, words, sign, perturbed rows, violations, largest move against the sign), `perturbed`,
        `violations`; None for a model without expected signs.
    """
    signs = expected_signs(prepared, spec)
    if not any(signs):
        return None
    rows = _rows_to_change(prepared)
    told = []
    for position, sign in enumerate(signs):
        if not sign:
            continue
        low, high = _pairs(prepared.X[rows, position], prepared.X[prepared.train, position])
        X = prepared.X[rows].copy()
        X[:, position] = low
        before = bundle.log_odds(X)
        X[:, position] = high
        against = sign * (before - bundle.log_odds(X))
        info = prepared.infos[position]
        told.append(
            {
                "name": info.name,
                "zh": info.zh,
                "en": info.en,
                "sign": sign,
                "perturbed": int((low < high).sum()),
                "violations": int((against > _TOLERANCE).sum()),
                "largest": float(max(0.0, against.max())),
            }
        )
    return {
        "features": told,
        "perturbed": sum(each["perturbed"] for each in told),
        "violations": sum(each["violations"] for each in told),
    }


def _rows_to_change(prepared: Prepared) -> npt.NDArray[np.intp]:
    """1,000 rows spread evenly over the test rows and then the training rows; repeated where there are fewer."""
    rows = np.concatenate([prepared.test, prepared.train])
    if len(rows) <= PERTURBED:
        return np.resize(rows, PERTURBED)
    source = prepared.test if len(prepared.test) >= PERTURBED else rows
    return source[np.linspace(0, len(source) - 1, PERTURBED).astype(int)]


def _pairs(own: Array, trained: Array) -> tuple[Array, Array]:
    """For each row two different values of the feature, the lower and the higher."""
    known = np.unique(np.quantile(trained[~np.isnan(trained)], np.linspace(0, 1, _PLACES)))
    if len(known) < 2:
        known = np.array([known[0], known[0] + 1.0])
    places = np.arange(len(own))
    first = np.where(np.isnan(own), known[places % len(known)], own)
    # Another step for each round through the quantiles, so that rows meet many of them.
    second = known[(places * 37 + places // len(known) + 1) % len(known)]
    second = np.where(second == first, np.where(first == known[-1], known[0], known[-1]), second)
    return np.minimum(first, second), np.maximum(first, second)
