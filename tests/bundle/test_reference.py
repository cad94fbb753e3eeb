import numpy as np
import pytest

from crmml.bundle.reference import MASTER_SCALE, Peers, Reference, add_components, make_peers, quantiles_of


@pytest.fixture
def reference():
    contributions = np.arange(120.0).reshape(60, 2)
    segments = ["many"] * 40 + ["few"] * 20
    peers = add_components(make_peers(segments, contributions, -1.0), segments, {"margin": np.arange(60.0)})
    return Reference("2025-06-30", peers, quantiles_of(np.linspace(0, 1, 500)), MASTER_SCALE)


def test_the_mean_of_the_peers_is_the_base_plus_their_mean_contributions(reference):
    many = reference.segments["many"]
    assert many == Peers(40, -1.0 + 39.0 + 40.0, (39.0, 40.0), {"margin": 19.5})


def test_a_segment_of_few_rows_is_compared_with_all(reference):
    assert set(reference.segments) == {"all", "many"}
    assert reference.segment("few") == reference.segment("never seen") == reference.segments["all"]
    assert reference.peer_rows(["few", "many"], "served").tolist() == [-1 + 59 + 60, 78.0]
    assert reference.peer_rows(["many", "few", "many"], "contributions").shape == (3, 2)


def test_grades_rise_with_the_value_and_a_bound_belongs_to_the_higher(reference):
    assert reference.grade([0.0, 0.0025, 0.03, 0.9]).tolist() == ["1", "2", "5", "10"]


def test_percentiles_stay_between_0_and_100_and_ties_count_half(reference):
    assert reference.percentile([-1, 2]).tolist() == [0.0, 100.0]
    assert reference.percentile([0.5])[0] == pytest.approx(50, abs=0.1)
    tied = Reference("", reference.segments, quantiles_of([1.0, 1.0]), ())
    assert tied.percentile([1.0]).tolist() == [50.0]


def test_a_reference_survives_being_stored(reference):
    assert Reference.from_dict(reference.as_dict()) == reference
