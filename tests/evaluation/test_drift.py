"""A scored batch against the rows a model was trained on: numbers by hand."""

import numpy as np
import pytest

from crmml.bundle import Encoding, Reference
from crmml.evaluation.drift import BatchWatch, batch_summary
from crmml.evaluation.stability import psi

NAN = float("nan")
ENCODING = Encoding(("age", "job"), {"job": {"clerk": 0, "farmer": 1}})
REFERENCE = Reference(
    "",
    {},
    (),
    (),
    {
        "age": {"edges": [40.0], "counts": [50, 50, 0], "range": [20.0, 60.0], "missing": [0.0], "whole": [1.0]},
        "job": {"edges": [0.0], "counts": [80, 20, 0], "range": [0.0, 1.0], "missing": [0.1], "whole": [1.0]},
    },
)


def watched(*blocks):
    watch = BatchWatch(ENCODING, REFERENCE)
    for X, unseen in blocks:
        watch.add(np.array(X, dtype=float), unseen)
    return {row["feature"]: row for row in watch.report()}


def test_unseen_levels_are_counted_apart_from_what_is_missing():
    told = watched(([[30, NAN], [30.5, NAN], [99, 0], [NAN, 1]], {"job": 1}))
    assert (told["job"]["unseen_rows"], told["job"]["missing_share"], told["job"]["missing_share_trained"]) == (
        1,
        0.25,
        0.1,
    )
    assert (told["age"]["outside_rows"], told["age"]["fraction_rows"], told["age"]["missing_share"]) == (1, 1, 0.25)
    assert told["job"]["outside_rows"] == 0


def test_chunks_give_what_the_whole_gives():
    X = [[25 + number % 30, number % 2] for number in range(200)]
    assert watched((X, {})) == watched((X[:70], {}), (X[70:], {}))


def test_psi_compares_with_the_frozen_population_at_the_smaller_size():
    told = watched(([[30, 0]] * 150 + [[50, 0]] * 50, {}))
    assert told["age"]["psi"] == pytest.approx(psi([50, 50, 0], [75, 25, 0]))
    assert watched(([[30, 0]] * 99, {}))["age"]["psi"] is None


def test_the_summary_names_the_worst_and_is_silent_where_nothing_is():
    told = watched(([[99, NAN]] * 200, {"job": 200}))
    assert batch_summary(list(told.values())) == (
        "unseen levels, read as missing: job 200; outside the training range: age 200; "
        f"PSI above 0.25: age {told['age']['psi']:.2f}, job {told['job']['psi']:.2f}"
        if told["age"]["psi"] > told["job"]["psi"]
        else f"unseen levels, read as missing: job 200; outside the training range: age 200; PSI above 0.25: "
        f"job {told['job']['psi']:.2f}, age {told['age']['psi']:.2f}"
    )
    assert batch_summary([{"feature": "x", "unseen_rows": 0, "outside_rows": 0, "fraction_rows": 0, "psi": 0.2}]) == ""
