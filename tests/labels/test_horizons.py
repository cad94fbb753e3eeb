"""Labels over several horizons: nested, of one population, null where not known."""

import ibis
import pytest

from crmml.labels.horizons import nest


def labels(rows):
    names = ("customer_id", "status", "label")
    frame = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    frame |= {"cutoff_date": ["2025-06-30"] * len(rows), "event_id": [None] * len(rows)}
    schema = dict.fromkeys(("customer_id", "status", "cutoff_date", "event_id"), "string") | {"label": "float64"}
    return ibis.memtable(frame, schema={name: schema[name] for name in frame})


@pytest.fixture
def nested():
    short = labels([("stays", "ok", 0), ("leaves", "ok", 0), ("returns", "ok", 1), ("out", "ok", 0), ("new", "ok", 0)])
    long = labels(
        [
            ("stays", "ok", 0),
            ("leaves", "ok", 1),
            ("returns", "ok", 0),
            ("out", "below_floor", None),
            ("new", "immature", None),
        ]
    )
    frame = nest({1: short, 6: long}, headline=6).to_pandas().set_index("customer_id")
    return frame.astype(object).where(frame.notna(), None)


def test_what_happened_within_a_month_has_happened_within_six(nested):
    assert nested.loc["returns", ["label_1m", "label_6m"]].tolist() == [1, 1]
    assert nested.loc["leaves", ["label_1m", "label_6m"]].tolist() == [0, 1]
    assert nested.loc["stays", ["label_1m", "label_6m"]].tolist() == [0, 0]


def test_who_is_out_at_one_horizon_is_out_of_the_whole_curve(nested):
    assert nested.loc["out", ["status", "label_1m", "label_6m"]].tolist() == ["below_floor", None, None]


def test_a_horizon_that_is_not_over_has_no_label_and_the_shorter_ones_keep_theirs(nested):
    assert nested.loc["new", ["status", "label_1m", "label_6m", "label"]].tolist() == ["ok", 0, None, 0]
