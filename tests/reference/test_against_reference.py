"""The planned features against the slow reference, on banks drawn by hypothesis."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import product
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from crmml.features import build as build_module
from crmml.features.build import Build
from tests.reference.banks import CUSTOMERS, CUTOFFS, LEDGER_MONEY, OBSERVED_FROM, Bench, banks
from tests.reference.dense import dense_bank
from tests.reference.slow import Slow

#: Shrinking would compute hundreds of banks; a failing one is small enough to read.
_SETTINGS = settings(
    phases=[Phase.generate], max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class Planned:
    """A build on a bench, planned once for calendar or event windows."""

    def __init__(self, *, as_events: bool) -> None:
        self.bench = Bench()
        self.bench.fill({"ledger": [ledger_row(OBSERVED_FROM["events"].replace(day=1), "C1")]})
        pairs = list(product(CUTOFFS, CUSTOMERS))
        snapshots = pa.table(
            {
                "customer_id": [customer for _, customer in pairs],
                "cutoff_date": pa.array([cutoff for cutoff, _ in pairs], pa.date32()),
                "event_id": pa.array([None] * len(pairs), pa.string()),
            }
        )
        self.build = Build(self.bench.bank, ibis.memtable(snapshots), ledger=self.bench.ledger)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(build_module, "SPARSE", 2.0 if as_events else 0.0)
            self.slabs = [(slab, self.build.computation(slab)) for slab in self.build.slabs()]

    def features(self, tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        self.bench.fill(tables)
        parts = [self.build.table(slab, computation) for slab, computation in self.slabs]
        return pa.concat_tables(parts).to_pylist()


def ledger_row(month_end: Any, customer: str) -> dict[str, Any]:
    return {"customer_id": customer, "month_end": month_end, **{name: Decimal(0) for name in LEDGER_MONEY}}


@pytest.fixture(scope="module", params=["calendar", "event"])
def planned(request: pytest.FixtureRequest) -> Planned:
    return Planned(as_events=request.param == "event")


@_SETTINGS
@given(tables=banks())
def test_every_feature_equals_the_slow_reference(planned: Planned, tables: dict[str, list[dict[str, Any]]]) -> None:
    compare(planned.features(tables), tables, OBSERVED_FROM)


@pytest.mark.parametrize("seed", range(4))
def test_every_feature_equals_the_reference_on_customers_with_many_rows(planned: Planned, seed: int) -> None:
    tables = dense_bank(seed)
    compare(planned.features(tables), tables, OBSERVED_FROM)


def test_the_dense_banks_give_every_declared_feature_something_to_count(planned: Planned) -> None:
    rows = [row for seed in range(12) for row in planned.features(dense_bank(seed))]
    empty = [name for name in rows[0] if name != "event_id" and not any(row[name] for row in rows)]
    # Measures of the bank's own, and families of product no account belongs to, are drawn by hypothesis.
    others = ("logins_", "points_", "accounts_mortgage", "accounts_insurance", "accounts_service")
    assert [name for name in empty if not name.startswith(others) or name == "logins_on_file_12m"] == []


def compare(rows: list[dict[str, Any]], tables: dict[str, list[dict[str, Any]]], first: dict[str, Any]) -> None:
    for row in rows:
        customer, cutoff = row.pop("customer_id"), row.pop("cutoff_date")
        row.pop("event_id")
        expected = Slow(tables, {**first, "ledger": first["events"].replace(day=1)}, customer, cutoff).features()
        assert set(row) <= set(expected), "a feature the reference does not know"
        wrong = {name: (value, expected[name]) for name, value in row.items() if not same(value, expected[name])}
        assert not wrong, f"{customer} at {cutoff}"


def same(found: Any, expected: Any) -> bool:
    """Sums and counts to the cent, means and ratios to 1e-9."""
    if found is None or expected is None or isinstance(expected, str):
        return found == expected
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    return found == float(expected)
