"""`python -m benchmarks.truth`: models of a large synthetic bank beside the truth planted in it, written to docs/truth.md.

The bank is drawn large enough that every probability is tested on a thousand
events or more, so calibration is judged and not guessed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.report import machine
from benchmarks.truth_ceiling import auc_from_truth, log_odds
from benchmarks.truth_page import CONFIGS, CURVE, MONEY, Line, page_of
from crmml.bundle import HORIZON
from crmml.demo_bank import judge
from crmml.evaluation.calibration import decile_table
from crmml.evaluation.discrimination import RankedMoney

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "truth.md"
CUSTOMERS, SEED = 45_000, 11
MODELS = ("churn", "default", "uptake_card", "uptake_time_deposit", "uptake_investment", "uptake_insurance")
Array = npt.NDArray[np.float64]


def measure(home: Path, config: str, *, customers: int, seed: int) -> list[Line]:
    """Draw the bank unless it is there, train one config of `configs/demo` on it as a user does, and look the truth up."""
    if not (home / "configs").exists():
        shutil.copytree(ROOT / "configs", home / "configs")
    _crmml(home, "demo", "--customers", str(customers), "--seed", str(seed), "--only-bank")
    _crmml(home, "train", f"configs/demo/{config}.yaml")
    lines = lines_of(home / "data" / "demo", (config,))
    return [replace(line, shown=_shown(home, line.model)) for line in lines]


def _shown(home: Path, model: str) -> float | None:
    """What learning the truth itself reaches; nothing for money."""
    if model == MONEY:
        return None
    if model.startswith(CURVE):
        months = int(model.split()[1])
        return auc_from_truth(home, CURVE, f"churn_{months}m", months=months)
    key = next(key for key in MODELS if key.replace("_", " ") == model.replace("_", " "))
    return auc_from_truth(home, key, key)


def lines_of(data: Path, configs: Sequence[str] = CONFIGS) -> list[Line]:
    """The models of finished trainings beside the truth of their bank."""
    lines: list[Line] = []
    for config in configs:
        if config == MONEY:
            lines.append(money_line(data))
        elif config == CURVE:
            lines += curve_lines(data)
        else:
            lines += [probability_line(data, model) for model in MODELS if model.split("_")[0] == config]
    return lines


def probability_line(data: Path, model: str) -> Line:
    """A probability: its test rows with a known chance, the mean over cut-offs as in the model's report."""
    metrics, rows = _read(data, model)
    return _probability(data, model, model, metrics, rows, judge.true_drivers(model))


def curve_lines(data: Path) -> list[Line]:
    """Each horizon of the loyalty curve against the true chance to leave within it."""
    metrics, _ = _read(data, CURVE)
    rows = pd.read_parquet(data / "training" / CURVE / "curve.parquet")
    return [
        _probability(
            data,
            f"{CURVE}, {months} months",
            f"churn_{months}m",
            {"headline": told["headline"], "importance": metrics["importance"]},
            rows[rows[HORIZON] == int(months)],
            judge.true_drivers("churn") if int(months) == metrics["headline_months"] else "",
        )
        for months, told in metrics["horizons"].items()
    ]


def _probability(data: Path, name: str, target: str, metrics: dict[str, Any], rows: pd.DataFrame, driver: str) -> Line:
    chance = judge.true_probability(data / "truth", target, rows)
    known = rows.assign(chance=chance)[~np.isnan(chance)]
    parts = [part for _, part in known.groupby("period")]
    truth = float(np.mean([judge.auc_of_truth(data / "truth", target, part) for part in parts]))
    alike = float(np.mean([_correlation(log_odds(part["chance"]), part["log_odds"]) for part in parts]))
    return _line(name, "auc", metrics, known, ("probability", "chance"), (truth, alike), driver)


def _correlation(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    return float(np.corrcoef(np.asarray(one, dtype=float), np.asarray(other, dtype=float))[0, 1])


def money_line(data: Path) -> Line:
    """The contribution of twelve months against what was to be expected of each customer."""
    metrics, rows = _read(data, MONEY)
    known = rows.assign(expected=judge.true_contribution(data / "truth", rows)).dropna(subset=["expected"])
    parts = [part for _, part in known.groupby("period")]
    truth = float(np.mean([_gini(part) for part in parts]))
    alike = float(np.mean([_correlation(part["expected"], part["predicted"]) for part in parts]))
    return _line(MONEY, "normalised_gini", metrics, known, ("predicted", "expected"), (truth, alike), "")


def _gini(rows: pd.DataFrame) -> float:
    ranked = RankedMoney(rows["label"].to_numpy(dtype=float), rows["expected"].to_numpy(dtype=float))
    return float(ranked.gini(np.ones((1, len(rows))))[0])


def _line(
    model: str,
    name: str,
    metrics: dict[str, Any],
    rows: pd.DataFrame,
    columns: tuple[str, str],
    found: tuple[float, float],
    driver: str,
) -> Line:
    """A line from the model's own figures, the columns (served, true) of its rows, and the truth's measure and correlation."""
    (served, true), (truth, alike) = columns, found
    head, groups = metrics["headline"], list(metrics["importance"])
    tenths = decile_table(rows[served], rows[true])
    # Tenths around nothing have no ratio worth telling: amounts of both signs meet there.
    ratios = [tenth["actual"] / tenth["predicted"] for tenth in tenths if abs(tenth["predicted"]) > _LEAST[name]]
    return Line(
        model=model,
        measure={"auc": "AUC", "normalised_gini": "Gini"}[name],
        cutoffs=head["cutoffs"],
        rows=head["rows"],
        events=head.get("events"),
        served=_ends(head[name]),
        truth=truth,
        correlation=alike,
        slope=_ends(head["calibration_slope"]),
        level=_ends(head["observed_over_expected"]),
        level_of_truth=float(rows[true].mean() / rows[served].mean()),
        deciles_of_truth=(min(ratios), max(ratios)),
        driver=driver,
        driver_rank=groups.index(driver) + 1 if driver in groups else None if not driver else len(groups) + 1,
    )


#: Tenths with a mean below this, of a probability or in yuan, have no ratio.
_LEAST = {"auc": 0.0, "normalised_gini": 200.0}


def _ends(figure: dict[str, float]) -> tuple[float, float, float]:
    return figure["value"], figure["low"], figure["high"]


def _read(data: Path, model: str) -> tuple[dict[str, Any], pd.DataFrame]:
    folder = data / "training" / model
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    card = json.loads((data / "bundles" / model / "card.json").read_text(encoding="utf-8"))
    return {**metrics, "importance": card["importance"]}, pd.read_parquet(folder / "predictions.parquet")


def _crmml(home: Path, *words: str) -> None:
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "CRMML_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", "from crmml.cli import main; main()", *words]
    subprocess.run(command, cwd=home, env=environment, check=True)


def _keep(stored: Path, bank: dict[str, Any], config: str, found: list[Line]) -> None:
    """Put the lines of one config among those of the same bank (customers and seed)."""
    told = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    name = f"{bank['customers']} customers, seed {bank['seed']}"
    kept = {**told.get(name, {}).get("lines", {}), config: [asdict(line) for line in found]}
    told[name] = bank | {"lines": {one: kept[one] for one in CONFIGS if one in kept}}
    stored.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--home", type=Path, help="keep the bank and its models here (default: a folder that goes)")
    parser.add_argument("--only", action="append", choices=CONFIGS, help="this config; the others' figures stay")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from the stored figures")
    options = parser.parse_args()
    stored = PAGE.with_suffix(".json")
    if not options.page:
        with tempfile.TemporaryDirectory(prefix="crmml-truth-") as scratch:
            for config in options.only or CONFIGS:
                load = os.getloadavg()[0]
                found = measure(options.home or Path(scratch), config, customers=options.customers, seed=options.seed)
                told = {
                    "customers": options.customers,
                    "seed": options.seed,
                    "machine": machine((load, os.getloadavg()[0])),
                }
                _keep(stored, told, config, found)
    PAGE.write_text(page_of(json.loads(stored.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
