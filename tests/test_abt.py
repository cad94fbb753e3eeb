"""Past and future meet on the snapshot's key, and every row that falls out is counted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from crmml import abt as abt_room
from crmml.abt import Abt, in_population, join_abt, label_copies, require_no_copies
from crmml.errors import GateError
from crmml.features import FeatureInfo
from crmml.snapshots import Population

CUTOFF = date(2025, 3, 31)
NAMES = ["4", "1", "3", "2", "5"]


def info(name: str) -> FeatureInfo:
    return FeatureInfo(name, "test", "balances", "数", "number", "number", "x", "", "test", "none", "无")


def key(names: list[str]) -> dict[str, pa.Array]:
    return {
        "customer_id": pa.array(names),
        "cutoff_date": pa.array([CUTOFF] * len(names), pa.date32()),
        "event_id": pa.array([None] * len(names), pa.string()),
    }


def join(population: Population | None = None, names: list[str] = NAMES) -> Abt:
    snapshots = pa.table(
        {
            **key(NAMES),
            "kind": ["person", "person", "company", "person", "person"],
            "branch_id": ["B"] * 5,
            "hash_bucket": [1, 2, 3, 4, 5],
        }
    )
    features = pa.table({**key(sorted(names)), "b": [float(name) for name in sorted(names)], "a": [None] * len(names)})
    status = {"1": "ok", "2": "immature", "3": "ok", "4": "ok", "5": "gone"}
    labels = pa.table(
        {
            **key(NAMES),
            "label": [1.0, 0.0, 1.0, None, None],
            "label_fees": pa.array([Decimal("3.03")] * 5, pa.decimal128(18, 2)),
            "status": [status[name] for name in NAMES],
        }
    )
    return join_abt(
        snapshots,
        features,
        labels,
        population=population or Population(),
        catalogue=(info("b"), info("a")),
        select=["a", "b"],
    )


def test_rows_and_columns_come_in_canonical_order() -> None:
    abt = join()
    assert abt.frame.columns.tolist() == [
        "customer_id", "cutoff_date", "event_id", "hash_bucket", "kind", "branch_id", "b", "a", "label", "label_fees",
    ]  # fmt: skip
    assert abt.frame["customer_id"].tolist() == ["1", "3", "4"]
    assert abt.frame["b"].tolist() == [1.0, 3.0, 4.0]
    assert abt.frame["label_fees"].tolist() == [3.03] * 3
    assert abt.names == ["b", "a"]


def test_the_waterfall_adds_up() -> None:
    steps = dict(
        zip(
            join(Population(kinds=("person",))).waterfall["step"],
            join(Population(kinds=("person",))).waterfall["rows"],
            strict=True,
        )
    )
    assert steps == {"all": 5, "gone": 1, "immature": 1, "not_person": 1, "sample": 2, "events": 1}
    assert steps["all"] == steps["sample"] + steps["gone"] + steps["immature"] + steps["not_person"]


def test_a_population_is_a_condition_on_features() -> None:
    abt = join(Population(where="b >= 3"))
    assert abt.frame["customer_id"].tolist() == ["3", "4"]


def test_who_is_trained_on_is_scored_also_where_the_kind_is_not_known() -> None:
    rows = pd.DataFrame({"status": ["ok"] * 3, "kind": ["person", "company", None], "b": [1.0, 2.0, 3.0]})
    for asked in (Population(kinds=("person",)), Population(), Population(where="b > 1")):
        assert in_population(rows, asked).tolist() == (abt_room._steps(rows, asked) == "sample").tolist()
    assert in_population(rows, Population(kinds=("person",))).tolist() == [True, False, True]


def test_a_snapshot_without_features_is_an_error_not_a_lost_row() -> None:
    with pytest.raises(ValueError, match="1 of 5 snapshots have no row in the features"):
        join(names=NAMES[1:])


def test_a_feature_that_is_the_label_is_refused() -> None:
    names = [str(number) for number in range(20)]
    label = [float(number % 3 == 0) for number in range(20)]
    abt = join_abt(
        pa.table({**key(names), "kind": ["person"] * 20, "branch_id": ["B"] * 20, "hash_bucket": [1] * 20}),
        pa.table({**key(names), "copy": label, "honest": [float(number % 2) for number in range(20)]}),
        pa.table({**key(names), "label": label, "status": ["ok"] * 20}),
        population=Population(),
        catalogue=(info("copy"), info("honest")),
    )
    assert label_copies(abt) == ["copy"]
    with pytest.raises(GateError, match="copy equal the label on all 20 rows"):
        require_no_copies(abt)
