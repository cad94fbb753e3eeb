"""Models of the small synthetic bank find again what was planted: its order, its log-odds, its level, its driver.

The bank is small (58 defaults are tested), so the tolerances are wide; `python -m benchmarks.truth` holds a large one to narrow ones.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.truth import PAGE, lines_of
from benchmarks.truth_page import Line, page_of

#: Model: at most so far below the truth's own AUC or Gini, at least so correlated with it, its mean over ours within.
TOLERANCES = {
    "churn": (0.08, 0.60, (0.75, 1.30)),
    "default": (0.18, 0.45, (0.65, 1.55)),
    "contribution": (0.10, 0.75, (0.70, 1.35)),
}


@pytest.fixture(scope="module")
def lines(workspace: Path) -> dict[str, Line]:
    return {line.model: line for line in lines_of(workspace / "data" / "demo")}


@pytest.mark.parametrize("model", TOLERANCES)
def test_a_model_recovers_the_planted_truth(lines: dict[str, Line], model: str) -> None:
    line, (most_below, alike, (low, high)) = lines[model], TOLERANCES[model]
    assert line.truth - line.served[0] <= most_below
    assert line.correlation >= alike
    assert low <= line.level_of_truth <= high
    # No model knows more than the truth does, but for luck of the events.
    assert line.served[0] - line.truth <= 0.05


@pytest.mark.parametrize(("model", "driver"), [("churn", "cash_flow"), ("default", "credit")])
def test_the_planted_driver_is_among_the_first_two(lines: dict[str, Line], model: str, driver: str) -> None:
    assert lines[model].driver == driver
    assert lines[model].driver_rank in (1, 2)


def test_every_horizon_of_the_curve_follows_the_truth_of_that_horizon(lines: dict[str, Line]) -> None:
    found = [line for name, line in lines.items() if name.startswith("loyalty")]
    assert [line.model for line in found] == [f"loyalty, {months} months" for months in (1, 3, 6, 12)]
    assert all(line.correlation >= 0.5 for line in found)
    truths = [line.truth for line in found]
    assert truths == sorted(truths, reverse=True), "the farther, the less can be known"


def test_a_missed_tolerance_is_named_on_the_page(lines: dict[str, Line]) -> None:
    line = replace(
        lines["churn"], truth=0.80, served=(0.79, 0.7, 0.8), correlation=0.9, events=1200, level=(1.0, 1.0, 1.0)
    )
    held = replace(line, slope=(1.0, 0.9, 1.1))
    assert held.missed == ()
    assert replace(held, slope=(1.2, 1.1, 1.3)).missed == ("slope",)
    assert replace(held, slope=(1.2, 1.1, 1.3), events=499).missed == ()
    assert replace(held, truth=0.86).missed == ("AUC at most 0.05 below the truth's",)
    told = {"customers": 1500, "seed": 7, "machine": "none", "lines": {"churn": [vars(replace(held, correlation=0.1))]}}
    page = page_of({"1500 customers, seed 7": told})
    assert "Missed / 未达: 1." in page
    assert "尚未在该银行上测量: default, uptake, loyalty, contribution" in page
    assert replace(held, truth=0.86, shown=0.81).missed == ()
    assert replace(held, shown=0.83).missed == ("at most 0.03 below what was shown the truth",)
    few = replace(held, events=499, correlation=0.51)
    assert replace(few, shown=0.83).missed == ()
    assert replace(few, shown=0.84, correlation=0.49).missed == (
        "at most 0.03 below what was shown the truth",
        "correlation",
    )


def test_the_page_of_the_large_bank_is_written_from_the_stored_figures_and_not_by_hand() -> None:
    stored = PAGE.with_suffix(".json")
    assert PAGE.read_text(encoding="utf-8") == page_of(json.loads(stored.read_text(encoding="utf-8")))
