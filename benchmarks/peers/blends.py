"""`python -m benchmarks.peers.blends [--folder DIR]`: how far a blend with the scorecard could go, with the test in sight.

A mean of log-odds of the booster and the points scorecard would stay additive and exact. For every table whose predictions
`python -m benchmarks.peers` has saved, the weight of the scorecard that is best on the tested rows is looked up: no honest
choice can do better, so a best gain of nothing says that blending is not worth its place. Written to `docs/tried.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.peers.__main__ import FOLDER
from benchmarks.peers.compare import OURS
from benchmarks.peers.tried import STORED
from crmml.evaluation.discrimination import auc

NAME = "blends"
WEIGHTS = tuple(round(weight * 0.1, 1) for weight in range(11))
_SURE = 1e-12


def blended(ours: pd.DataFrame, scorecard: pd.DataFrame) -> dict[str, float]:
    """The AUC of ours, of the best weighted mean of log-odds, its weight of the scorecard, and the scorecard's own AUC.

    Both frames hold `row`, `label` and `probability`, one row a tested row.
    """
    both = ours.merge(scorecard[["row", "probability"]], on="row", suffixes=("", "_scorecard"), validate="one_to_one")
    label = both["label"].to_numpy(dtype=float)
    one, other = _log_odds(both["probability"]), _log_odds(both["probability_scorecard"])
    found = {weight: float(auc(label, (1 - weight) * one + weight * other)) for weight in WEIGHTS}
    best = max(WEIGHTS, key=lambda weight: (found[weight], -weight))
    figures = {"crmml": found[0.0], "best": found[best], "scorecard": found[1.0]}
    return {name: round(value, 5) for name, value in figures.items()} | {"weight": best}


def _log_odds(probability: pd.Series) -> npt.NDArray[np.float64]:
    kept = np.clip(probability.to_numpy(dtype=float), _SURE, 1 - _SURE)
    return np.asarray(np.log(kept / (1 - kept)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.blends", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where `python -m benchmarks.peers` saved predictions"
    )
    tables = sorted(path.parent for path in parser.parse_args().folder.glob("*/predictions"))
    if not tables:
        print("no saved predictions; run `make peers` first", file=sys.stderr)
        return 1
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    stored[NAME] = {
        table.name: blended(*(pd.read_parquet(table / "predictions" / f"{one}.parquet") for one in (OURS, "scorecard")))
        for table in tables
    }
    STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for name, figures in stored[NAME].items():
        print(f"{name}: {figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
