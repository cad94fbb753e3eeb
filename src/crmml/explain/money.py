"""Reasons of a forecast in money: its ledger components against the peers' means."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.explain.reasons import Reasons, find_reasons
from crmml.explain.sentences import Voice, component_sentence

SIGNS = {"margin": 1.0, "fees": 1.0, "expected_loss": -1.0, "service_cost": -1.0, "capital_charge": -1.0}
COMPONENTS = tuple(SIGNS)


def signed_components(components: Mapping[str, npt.ArrayLike] | pd.DataFrame) -> np.ndarray:
    """The components as addends of the contribution: losses, costs and charges with a minus.

    Returns
    -------
    ndarray of shape (n_rows, 5)
        In the order of `COMPONENTS`; a row's sum is its contribution.
    """
    return np.column_stack([sign * np.asarray(components[name], dtype=float) for name, sign in SIGNS.items()])


def find_money_reasons(components: np.ndarray, peers: np.ndarray, *, places: int = 4) -> Reasons:
    """The components that set each row's contribution apart from its peers', in yuan.

    Parameters
    ----------
    components, peers : ndarray of shape (n_rows, 5)
        From `signed_components`.
    """
    return find_reasons(components, peers, COMPONENTS, places=places)


def write_money_sentences(
    reasons: Reasons, place: int, *, components: np.ndarray, peers: np.ndarray, voice: Voice | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The Chinese and the English sentence of one place for every row, None where there is no reason.

    Losses and costs are said as positive amounts, as the ledger holds them.
    """
    zh = np.full(len(components), None, dtype=object)
    en = np.full(len(components), None, dtype=object)
    signs = np.array(list(SIGNS.values()))
    for row, group in enumerate(reasons.groups[:, place].tolist()):
        if group >= 0:
            own, typical = components[row, group] * signs[group], peers[row, group] * signs[group]
            zh[row] = component_sentence(COMPONENTS[group], own, typical, "zh", voice=voice)
            en[row] = component_sentence(COMPONENTS[group], own, typical, "en", voice=voice)
    return zh, en
