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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.report import machine
from crmml.bundle import HORIZON
from crmml.demo_bank import judge
from crmml.evaluation.calibration import decile_table
from crmml.evaluation.discrimination import RankedMoney

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "truth.md"
CUSTOMERS, SEED = 36_000, 11
MODELS = ("churn", "default", "uptake_card", "uptake_time_deposit", "uptake_investment", "uptake_insurance")
MONEY, CURVE = "contribution", "loyalty"
#: What a model of the planted bank must hold: its distance from the truth's own ranking, its correlation with the true
#: log-odds (or amounts), calibration slope, level, and the place of the planted driver.
MOST_BELOW, CORRELATION, SLOPE, LEVEL, DRIVER_AMONG = 0.05, 0.70, (0.9, 1.1), 0.10, 2
#: Of fewer events than this the slope and the level are not judged, their intervals stand.
ENOUGH_EVENTS = 1_000

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One model, or one horizon of a curve, beside the truth. `measure` is AUC, or normalised Gini for money.

    Intervals are 95 %. `correlation` is that of the served log-odds with the true ones (of money: of the amounts), the
    mean over cut-offs. `level_of_truth` is the mean of the true chances (or amounts) over the mean served: no luck of events in it.
    `deciles_of_truth` are the least and the greatest of the same by tenths of the customers in order of the score.
    """

    model: str
    measure: str
    cutoffs: int
    rows: int
    events: int | None
    served: tuple[float, float, float]
    truth: float
    correlation: float
    slope: tuple[float, float, float]
    level: tuple[float, float, float]
    level_of_truth: float
    deciles_of_truth: tuple[float, float]
    driver: str
    driver_rank: int | None

    @property
    def missed(self) -> tuple[str, ...]:
        """The tolerances that are not held."""
        judged = self.events is None or self.events >= ENOUGH_EVENTS
        held = {
            f"{self.measure} at most {MOST_BELOW:g} below the truth's": self.truth - self.served[0] <= MOST_BELOW,
            "correlation": self.correlation >= CORRELATION,
            "slope": not judged or SLOPE[0] <= self.slope[0] <= SLOPE[1],
            "level": not judged or abs(self.level[0] - 1) <= LEVEL,
            "driver": self.driver_rank is None or self.driver_rank <= DRIVER_AMONG,
        }
        return tuple(name for name, is_held in held.items() if not is_held)


def measure(home: Path, *, customers: int, seed: int) -> list[Line]:
    """Draw the bank, train every model of `configs/demo` on it as a user does, and look the truth up."""
    if not (home / "configs").exists():
        shutil.copytree(ROOT / "configs", home / "configs")
    _crmml(home, "demo", "--customers", str(customers), "--seed", str(seed), "--only-bank")
    _crmml(home, "run", "configs/demo", "--stage", "train")
    return lines_of(home / "data" / "demo")


def lines_of(data: Path) -> list[Line]:
    """Every model of a finished training beside the truth of its bank."""
    return [*(probability_line(data, model) for model in MODELS), *curve_lines(data), money_line(data)]


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
    alike = float(np.mean([_correlation(_log_odds(part["chance"]), part["log_odds"]) for part in parts]))
    return _line(name, "auc", metrics, known, ("probability", "chance"), (truth, alike), driver)


def _log_odds(chance: pd.Series) -> Array:
    """Of chances kept off 0 and 1, where the truth has customers who cannot stay or go."""
    kept = np.clip(chance.to_numpy(dtype=float), _SURE, 1 - _SURE)
    return np.asarray(np.log(kept / (1 - kept)))


#: A true chance nearer to 0 or 1 than this has the log-odds of this.
_SURE = 1e-4


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


def page_of(told: dict[str, Any]) -> str:
    """The document, from what is stored beside it."""
    lines = [_from_json(one) for one in told["lines"]]
    rows = "\n".join(_row(line) for line in lines)
    missed = sum(len(line.missed) for line in lines)
    return f"""# Models beside the planted truth / 模型与植入真值对照

Written by `python -m benchmarks.truth` from `truth.json` beside it; nothing here is edited by hand. A synthetic bank of
{told["customers"]:,} customers (seed {told["seed"]}; `make demo` shows 6,000) is drawn, and every model of `configs/demo` is trained on it as a
user trains it. The generator's true chances are read here only. Figures are means over the later cut-offs; brackets are 95 %.

本页由 `python -m benchmarks.truth` 生成,不手工修改。生成 {told["customers"]:,} 名客户的合成银行(种子 {told["seed"]}),按用户的方式训练全部模型;
真实概率只在此处读取。数值为各较晚截止日的平均,方括号为 95 % 区间。

| model 模型 | tested rows (events) 检验行(事件) | measure 指标 | crmml | truth's 真值 | correlation 相关 | slope 校准斜率 | observed / expected 实际/预期 | truth / served 真值/预测 | by tenths 各十分位 | planted driver's rank 植入动因名次 | missed 未达 |
|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Tolerances / 容差: AUC or Gini at most {MOST_BELOW:g} below the ranking by the truth itself; correlation with the truth at least {CORRELATION:g}; slope
{SLOPE[0]:g} to {SLOPE[1]:g} and observed over expected within {LEVEL:.0%} (with {ENOUGH_EVENTS:,} events or more); the planted concept group among the first {DRIVER_AMONG}.
Missed / 未达: {missed}.

- **truth's** is what a ranking by the true chance (or the expected amount) reaches on the same rows: no model does better on average.
- **correlation** is that of the served log-odds with the true ones, of money that of the amounts, within a cut-off.
- **truth / served** is the mean true chance over the mean served, so it holds no luck of which customers had the event; **by
  tenths** its least and greatest over tenths of the customers in order of the score (of money, tenths whose mean is beyond 200 yuan).

Machine / 机器: {told["machine"]}
"""


def _row(line: Line) -> str:
    events = f" ({line.events:,})" if line.events is not None else ""
    cells = (
        line.model.replace("_", " "),
        f"{line.rows:,}{events}",
        line.measure,
        _figure(line.served, 3),
        f"{line.truth:.3f}",
        f"{line.correlation:.2f}",
        _figure(line.slope, 2),
        _figure(line.level, 2),
        f"{line.level_of_truth:.2f}",
        f"{line.deciles_of_truth[0]:.2f} to {line.deciles_of_truth[1]:.2f}",
        f"{line.driver} {line.driver_rank}" if line.driver else "–",
        ", ".join(f"**{name}**" for name in line.missed) or "none",
    )
    return "| " + " | ".join(cells) + " |"


def _figure(ends: Sequence[float], digits: int) -> str:
    value, low, high = (f"{end:.{digits}f}" for end in ends)
    return f"{value} [{low}, {high}]"


def _from_json(one: dict[str, Any]) -> Line:
    return Line(**{name: tuple(value) if isinstance(value, list) else value for name, value in one.items()})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--home", type=Path, help="keep the bank and its models here (default: a folder that goes)")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from the stored figures")
    options = parser.parse_args()
    stored = PAGE.with_suffix(".json")
    if not options.page:
        with tempfile.TemporaryDirectory(prefix="crmml-truth-") as scratch:
            load = os.getloadavg()[0]
            lines = measure(options.home or Path(scratch), customers=options.customers, seed=options.seed)
        told = {"customers": options.customers, "seed": options.seed, "machine": machine((load, os.getloadavg()[0]))}
        told |= {"lines": [asdict(line) for line in lines]}
        stored.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page_of(json.loads(stored.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
