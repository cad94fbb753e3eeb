"""Saved predictions compared in pairs: each peer's AUC, ours less it on the same draws, and the rule all tables must hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.results.intervals import auc_figure, interval, paired_difference
from benchmarks.results.row import DIGITS, Figure
from crmml.evaluation.calibration import fit_logistic, observed_over_expected, slopes

Array = npt.NDArray[np.float64]
OURS = "crmml"
#: In the order of the page. The second is the one that the mean difference is asked for.
PEERS = ("histgb", "scorecard", "flaml", "autogluon_medium", "autogluon_good")
STRONGEST = "autogluon_good"
ENOUGH_EVENTS = 1_000
SLOPE, RATIO = (0.90, 1.10), (0.97, 1.03)


@dataclass(frozen=True)
class Side:
    """One learner on one table: its AUC, ours less it, and what it took (seconds over all folds)."""

    auc: Figure
    difference: Figure | None
    seconds: float | None = None
    cpu_seconds: float | None = None
    fits: int | None = None
    version: str = ""
    note: str = ""


@dataclass(frozen=True)
class Calibrated:
    """Our probabilities on tested rows: slope of the log-odds, and mean prediction over rate."""

    slope: Figure
    ratio: Figure

    @property
    def holds(self) -> bool:
        return SLOPE[0] <= self.slope.value <= SLOPE[1] and RATIO[0] <= self.ratio.value <= RATIO[1]


@dataclass(frozen=True)
class Compared:
    """One table: who was compared on which rows. `drawn_alike`: the tested rows are drawn like those learned from."""

    zh: str
    en: str
    protocol: str
    rows: int
    events: int
    learned: int
    columns: int
    folds: int
    drawn_alike: bool
    sides: Mapping[str, Side]
    calibrated: Calibrated | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def best(self) -> str:
        """The peer with the highest AUC."""
        return max((name for name in self.sides if name != OURS), key=lambda name: self.sides[name].auc.value)

    @property
    def holds(self) -> bool:
        """Whether the interval of ours less the best peer reaches 0 or lies above it."""
        difference = self.sides[self.best].difference
        return difference is None or difference.high >= 0


def compare(predictions: Mapping[str, pd.DataFrame], told: Mapping[str, Mapping[str, Any]]) -> dict[str, Side]:
    """Each learner's figures from its saved predictions (`row, label, probability`).

    Raises
    ------
    ValueError
        If a learner was judged on other rows than crmml.
    """
    ours = predictions[OURS]
    y, units, mine = (ours[name].to_numpy() for name in ("label", "row", "probability"))
    sides = {}
    for name in (OURS, *(peer for peer in PEERS if peer in predictions)):
        theirs = predictions[name]
        if not (np.array_equal(theirs["row"], units) and np.array_equal(theirs["label"], y)):
            raise ValueError(
                f"{name} was judged on other rows than {OURS}; lay the rows out and let it learn them again"
            )
        scores = theirs["probability"].to_numpy()
        difference = None if name == OURS else paired_difference(y, mine, scores, "AUC", units=units)
        sides[name] = Side(auc_figure(y, scores, units=units), difference, **told.get(name, {}))
    return sides


def calibrate(frame: pd.DataFrame) -> Calibrated:
    """Slope and mean over rate of probabilities, with intervals."""
    y, p = frame["label"].to_numpy(dtype=float), frame["probability"].to_numpy(dtype=float)
    log_odds = np.log(p / (1 - p))
    start = fit_logistic(log_odds, y)
    of: dict[str, Any] = {"rows": len(y), "units": frame["row"].to_numpy()}
    return Calibrated(
        interval(lambda weights: slopes(log_odds, y, weights, start=start)[:, 1], **of),
        interval(lambda weights: 1 / observed_over_expected(y, p, weights), **of),
    )


def mean_to_strongest(compared: Sequence[Compared]) -> tuple[float, int]:
    """The mean difference to the strongest peer, and over how many tables."""
    found = [one.sides[STRONGEST].difference for one in compared if STRONGEST in one.sides]
    values = [difference.value for difference in found if difference is not None]
    return (float(np.mean(values)) if values else float("nan")), len(values)


def read(path: Path) -> dict[str, Compared]:
    """What was compared, by table; nothing where there is no file."""
    if not path.exists():
        return {}
    return {name: _compared(entry) for name, entry in json.loads(path.read_text(encoding="utf-8")).items()}


def text_of(compared: Mapping[str, Compared]) -> str:
    """The file's text: the same figures are the same bytes."""
    plain = {name: _rounded(asdict(compared[name])) for name in sorted(compared)}
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def _compared(entry: Mapping[str, Any]) -> Compared:
    sides = {name: _side(side) for name, side in entry["sides"].items()}
    told = entry["calibrated"]
    calibrated = told and Calibrated(Figure(**told["slope"]), Figure(**told["ratio"]))
    return Compared(**{**entry, "sides": sides, "calibrated": calibrated})


def _side(told: Mapping[str, Any]) -> Side:
    difference = told["difference"]
    return Side(**{**told, "auc": Figure(**told["auc"]), "difference": difference and Figure(**difference)})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    return {key: _rounded(one) for key, one in value.items()} if isinstance(value, dict) else value
