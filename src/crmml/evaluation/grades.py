"""Whether each grade holds what its probabilities promise, cut-off by cut-off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, chi2, fisher_exact

Array = npt.NDArray[np.float64]
LEVEL = 0.05
IN_LINE, WATCH, TOO_LOW, TOO_HIGH = "in line", "watch", "probability too low", "probability too high"
#: Fewer rows than this are told as counts, without a verdict.
LEAST_ROWS = 20


def backtest_grades(
    label: Array,
    probability: Array,
    *,
    customers: npt.NDArray[Any],
    cutoffs: npt.NDArray[Any],
    bounds: Sequence[float],
) -> dict[str, Any]:
    """Expected and observed events of every grade, on each cut-off by itself.

    Parameters
    ----------
    label, probability : ndarray of shape (n_rows,)
        0 or 1, and the calibrated probability.
    bounds : sequence of float
        Lower bounds of the second and later grades; a probability on a bound has the higher grade.

    Returns
    -------
    dict
        `bounds`; `per_cutoff`, each with `rows` of its grades (rows, share, expected and observed events and rates,
        Clopper-Pearson interval, exact p-value and verdict), `hosmer_lemeshow`, `concentration` and `neighbours`;
        `migration` between successive cut-offs; `outside`, how many grades of all lie outside their interval and how
        many would by chance.

    Notes
    -----
    The intervals take rows as independent. Customers default together in bad years, so a verdict against a grade
    is a reason to look and no proof. Of twenty grades that are right, one lies outside a 95 % interval by chance: a
    grade is called wrong only where it still is by Holm's correction over the grades of its cut-off, and `watch`
    where its interval alone misses the probability.

    References
    ----------
    .. [1] Clopper, Pearson, The use of confidence or fiducial limits, Biometrika 26, 1934.
    .. [2] Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
    .. [3] BCBS Working Paper 14, Studies on the Validation of Internal Rating Systems, 2005 (binomial test,
       Hosmer-Lemeshow, Herfindahl index, correlation of defaults).
    """
    grades = np.searchsorted(np.asarray(bounds), probability, side="right") + 1
    days = np.unique(cutoffs)
    per_cutoff = []
    for day in days:
        inside = cutoffs == day
        per_cutoff.append({"cutoff_date": str(day), **_of_cutoff(label[inside], probability[inside], grades[inside])})
    judged = [row for part in per_cutoff for row in part["rows"] if row["verdict"] is not None]
    return {
        "bounds": [float(bound) for bound in bounds],
        "per_cutoff": per_cutoff,
        "migration": [
            migration(customers, cutoffs, grades, before, after, count=len(bounds) + 1)
            for before, after in pairwise(days)
        ],
        "outside": {
            "judged": len(judged),
            "found": sum(row["verdict"] != IN_LINE for row in judged),
            "by_chance": LEVEL * len(judged),
            "wrong": sum(row["verdict"] in (TOO_LOW, TOO_HIGH) for row in judged),
        },
    }


def _of_cutoff(label: Array, probability: Array, grades: npt.NDArray[np.intp]) -> dict[str, Any]:
    rows = [_grade_row(int(grade), label[grades == grade], probability[grades == grade]) for grade in np.unique(grades)]
    for row in rows:
        row["share"] = row["rows"] / len(label)
    _judge([row for row in rows if row["rows"] >= LEAST_ROWS])
    shares = np.array([row["share"] for row in rows])
    index = float((shares**2).sum())
    return {
        "rows": rows,
        "hosmer_lemeshow": hosmer_lemeshow(rows),
        "concentration": {"herfindahl": index, "largest": float(shares.max())},
        "neighbours": [_neighbours(lower, upper) for lower, upper in pairwise(rows)],
    }


def _grade_row(grade: int, label: Array, probability: Array) -> dict[str, Any]:
    """One grade: the mean probability is what is expected of each of its rows."""
    rows, events, expected = len(label), int(label.sum()), float(probability.mean())
    test = binomtest(events, rows, min(max(expected, 1e-12), 1 - 1e-12))
    interval = test.proportion_ci(confidence_level=1 - LEVEL, method="exact")
    return {
        "grade": grade,
        "rows": rows,
        "expected_rate": expected,
        "expected_events": expected * rows,
        "events": events,
        "rate": events / rows,
        "low": float(interval.low),
        "high": float(interval.high),
        "p_value": float(test.pvalue),
        "verdict": None,
    }


def _judge(rows: list[dict[str, Any]]) -> None:
    """The verdict on each grade, Holm's correction over all that are judged."""
    largest = 0.0
    for place, row in enumerate(sorted(rows, key=lambda each: each["p_value"])):
        largest = max(largest, min(1.0, row["p_value"] * (len(rows) - place)))
        row["p_holm"] = largest
        covers = row["low"] <= row["expected_rate"] <= row["high"]
        wrong = TOO_LOW if row["rate"] > row["expected_rate"] else TOO_HIGH
        row["verdict"] = IN_LINE if covers else wrong if largest < LEVEL else WATCH


def hosmer_lemeshow(rows: Sequence[dict[str, Any]]) -> dict[str, float | int | None]:
    """The sum over grades of (observed - expected)² / variance, and its p-value.

    On rows the model did not learn from there are as many degrees of freedom as grades. Grades of whom less than one
    event is expected are added to their neighbour, where the normal law would not hold.
    """
    merged: list[list[float]] = []
    for row in rows:
        part = [row["rows"], row["events"], row["expected_events"]]
        if merged and (merged[-1][2] < 1 or row["expected_events"] < 1):
            merged[-1] = [a + b for a, b in zip(merged[-1], part, strict=True)]
        else:
            merged.append(part)
    known = [(n, k, e) for n, k, e in merged if 0 < e < n]
    if not known:
        return {"statistic": None, "grades": 0, "p_value": None}
    statistic = float(sum((k - e) ** 2 / (e * (1 - e / n)) for n, k, e in known))
    return {"statistic": statistic, "grades": len(known), "p_value": float(chi2.sf(statistic, len(known)))}


def _neighbours(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Whether the higher of two grades has the higher rate, by Fisher's exact test (one-sided)."""
    table = [[upper["events"], upper["rows"] - upper["events"]], [lower["events"], lower["rows"] - lower["events"]]]
    p_value = float(fisher_exact(table, alternative="greater")[1])
    return {
        "lower": lower["grade"],
        "upper": upper["grade"],
        "rises": upper["rate"] >= lower["rate"],
        "p_value": p_value,
        "differ": p_value < LEVEL,
    }


def migration(
    customers: npt.NDArray[Any],
    cutoffs: npt.NDArray[Any],
    grades: npt.NDArray[np.intp],
    before: Any,
    after: Any,
    *,
    count: int,
) -> dict[str, Any]:
    """From which grade to which the customers of two cut-offs went.

    Where a customer has several rows at a cut-off (several loans), the highest grade counts.
    """
    first, second = (_highest(customers[cutoffs == day], grades[cutoffs == day]) for day in (before, after))
    both = sorted(first.keys() & second.keys())
    table = np.zeros((count, count), dtype=int)
    for customer in both:
        table[first[customer] - 1, second[customer] - 1] += 1
    places = np.subtract.outer(np.arange(count), np.arange(count))
    known = max(1, len(both))
    return {
        "from": str(before),
        "to": str(after),
        "customers": len(both),
        "came": len(second) - len(both),
        "left": len(first) - len(both),
        "stayed": float(np.trace(table) / known),
        "rose": float(table[places < 0].sum() / known),
        "fell": float(table[places > 0].sum() / known),
        "table": table.tolist(),
    }


def _highest(customers: npt.NDArray[Any], grades: npt.NDArray[np.intp]) -> dict[str, int]:
    highest: dict[str, int] = {}
    for customer, grade in zip(customers.tolist(), grades.tolist(), strict=True):
        highest[customer] = max(grade, highest.get(customer, 0))
    return highest
