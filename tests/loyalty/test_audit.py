"""The label audit by hand: sums, overlap, maturity."""

from datetime import date

import pandas as pd
import pytest

from crmml.errors import IntegrityError
from crmml.loyalty import audit_labels
from crmml.periods import Horizon

DAY = pd.Timestamp("2025-06-30")


def frame(**customers):
    """Customer to (status, label)."""
    rows = [(name, DAY, status, label) for name, (status, label) in customers.items()]
    return pd.DataFrame(rows, columns=["customer_id", "cutoff_date", "status", "label"])


@pytest.fixture
def audit():
    labels = {
        "closed": frame(a=("ok", 1.0), b=("ok", 1.0), c=("ok", 0.0), d=("gone", None), e=("ok", 0.0)),
        "attrited": frame(a=("ok", 1.0), b=("ok", 0.0), c=("ok", 1.0), d=("gone", None), e=("below_floor", None)),
        "silent": frame(a=("ok", 1.0), b=("ok", 0.0), c=("ok", 0.0), d=("gone", None), e=("immature", None)),
    }
    until = dict.fromkeys(labels, date(2025, 10, 31))
    return audit_labels(labels, until, Horizon(3, 1), absent={})


def test_snapshots_are_the_excluded_the_immature_and_the_population(audit):
    counts = {row["kind"]: row for row in audit.counts}
    told = ("snapshots", "excluded", "immature", "population", "events")
    assert [counts["closed"][name] for name in told] == [5, 1, 0, 4, 2]
    assert [counts["attrited"][name] for name in told] == [5, 2, 0, 3, 2]
    assert [counts["silent"][name] for name in told] == [5, 1, 1, 3, 1]
    assert counts["closed"]["rate"] == 0.5
    excluded = sum(row["rows"] for row in audit.exclusions if row["kind"] == "attrited")
    assert excluded == counts["attrited"]["excluded"]


def test_pairs_overlap_among_those_in_both_populations(audit):
    pair = next(row for row in audit.overlap if (row["kind"], row["other"]) == ("closed", "attrited"))
    parts = [pair[name] for name in ("both", "kind_only", "other_only", "neither")]
    assert parts == [1, 1, 1, 0]
    assert sum(parts) == pair["customers"] == 3
    assert pair["jaccard"] == pytest.approx(1 / 3)


def test_the_eight_parts_of_three_kinds_sum_to_their_customers(audit):
    (row,) = audit.regions
    parts = {name: value for name, value in row.items() if name not in ("cutoff_date", "customers", "jaccard")}
    assert len(parts) == 8
    assert sum(parts.values()) == row["customers"] == 3
    assert (parts["closed_attrited_silent"], parts["closed"], parts["attrited"], parts["none"]) == (1, 1, 1, 0)
    assert row["jaccard"] == pytest.approx(1 / 3)


def test_maturity_names_the_next_cutoff_and_the_day_it_is_known(audit):
    closed = next(row for row in audit.maturity if row["kind"] == "closed")
    assert (closed["mature"], closed["last_mature_cutoff"]) == (1, "2025-06-30")
    assert (closed["next_cutoff"], closed["next_known_on"]) == ("2025-07-31", "2025-11-30")


def test_rows_that_do_not_add_up_are_refused(monkeypatch):
    wrong = {
        "kind": "closed",
        "cutoff_date": "2025-06-30",
        "snapshots": 3,
        "excluded": 0,
        "immature": 1,
        "population": 1,
    }
    monkeypatch.setattr("crmml.loyalty.audit._counts", lambda kind, labels: [wrong])
    with pytest.raises(IntegrityError, match="closed at 2025-06-30 has 3 snapshots"):
        audit_labels({"closed": frame(a=("ok", 0.0))}, {"closed": date(2025, 12, 31)}, Horizon(3))
