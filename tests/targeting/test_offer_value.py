import dataclasses

import numpy as np
import pandas as pd
import pytest

from crmml.errors import ConfigError, SourceError
from crmml.targeting import ValueEstimate, build_list
from crmml.targeting.candidates import build_candidates
from crmml.targeting.offer_value import segment_means, with_values
from tests.targeting.lists import AS_OF, CARD, LOAN, inputs, spec

ESTIMATED = dataclasses.replace(CARD, value_if_taken=None)
TIERS = pd.DataFrame({"customer_id": ["c1", "c2", "c3", "c4", "c5"], "tier": ["low", "high", "low", "new", None]})


def takers(values: dict[str, list[float]], displaced: float = 0.0) -> pd.DataFrame:
    rows = [("gold", "card", f"t{n}", tier, value) for tier, of in values.items() for n, value in enumerate(of)]
    frame = pd.DataFrame(rows, columns=["product_id", "family", "customer_id", "tier", "first_year_contribution"])
    return frame.assign(displaced=displaced)


def test_segments_are_drawn_towards_the_products_mean_by_hand():
    # Segments 8, 12 and 88, 112: means 10 and 100, mean 55. Within: (8 + 288) / 2 = 148. Between: 8100 / 1 = 8100,
    # typical size (4 - 8 / 4) / 1 = 2, so tau2 = (8100 - 148) / 2 = 3976 and w = 7952 / 8100.
    means = segment_means(
        np.array([8.0, 12, 88, 112]), np.array(["a", "a", "b", "b"]), ValueEstimate(minimum_takers=2, winsorise=0)
    )
    weight = 7952 / 8100
    assert means.product_mean == 55
    assert means.table["weight"].tolist() == pytest.approx([weight, weight])
    assert means.table["value"].tolist() == pytest.approx(
        [weight * 10 + (1 - weight) * 55, weight * 100 + (1 - weight) * 55]
    )


def test_segments_that_differ_no_more_than_chance_read_the_products_mean():
    means = segment_means(
        np.array([0.0, 10, 1, 9]), np.array(["a", "a", "b", "b"]), ValueEstimate(minimum_takers=2, winsorise=0)
    )
    assert means.table["value"].tolist() == [5, 5]


def test_one_huge_taker_is_drawn_in():
    values = np.append(np.full(99, 100.0), 1e6)
    means = segment_means(values, np.full(100, "all"), ValueEstimate(winsorise=0.02))
    assert means.product_mean == pytest.approx(100)


def test_candidates_read_their_segment_new_segments_the_product_and_displacement_is_taken_off():
    asked = spec(offers=(ESTIMATED, LOAN), value=ValueEstimate(("tier",), minimum_takers=2, winsorise=0))
    rows = build_candidates(asked, inputs()).merge(TIERS, on="customer_id")
    valued = with_values(asked, rows, takers({"low": [13.0, 17], "high": [93.0, 117]}, displaced=5))
    card = valued[valued["offer"] == "card"].set_index("customer_id")
    weight = 7952 / 8100
    low, high = weight * 10 + (1 - weight) * 55, weight * 100 + (1 - weight) * 55
    assert card["value_if_taken"].tolist() == pytest.approx([low, high, low, 55, 55])
    assert card["value_source"].tolist() == ["takers_segment"] * 3 + ["takers_product"] * 2
    assert "2 like takers (low)" in card.loc["c1", "value_source_en"]
    assert "4 位已购客户" in card.loc["c4", "value_source_zh"]
    assert set(valued.loc[valued["offer"] == "loan", "value_source"]) == {"config"}
    assert valued.index.tolist() == rows.index.tolist()


def test_displacement_is_estimated_apart_and_a_gain_elsewhere_is_not_the_offers():
    asked = spec(offers=(ESTIMATED,), value=ValueEstimate(minimum_takers=2, winsorise=0))
    rows = build_candidates(asked, inputs())
    past = takers({"low": [100.0, 200, 300]})
    for displaced, value, words in (
        ([20.0, 40.0, None], 170, "less 30 displaced"),
        ([-50.0, 10.0, 10.0], 200, "less 0 displaced"),
        ([None, None, 90.0], 200, "displacement not known, not taken off"),
    ):
        valued = with_values(asked, rows, past.assign(displaced=displaced))
        assert set(valued["value_if_taken"]) == {value}
        assert words in valued["value_source_en"].iloc[0]


def test_an_amount_that_is_no_number_is_refused():
    wrong = takers({"low": [1.0, float("nan"), 3.0]})
    with pytest.raises(SourceError, match="value is not a number on 1 rows"):
        with_values(spec(offers=(ESTIMATED,)), build_candidates(spec(offers=(ESTIMATED,)), inputs()), wrong)


def test_a_segment_with_too_few_takers_reads_the_products_mean():
    means = segment_means(
        np.array([8.0, 12, 10, 100]), np.array(["a", "a", "a", "b"]), ValueEstimate(minimum_takers=2, winsorise=0)
    )
    assert means.table["weight"].tolist()[1] == 0
    assert means.table["value"].tolist()[1] == means.product_mean


def test_too_few_takers_are_refused_with_their_number():
    with pytest.raises(SourceError, match=r"3 earlier takers of card; expected 20 or more.*value_if_taken.*D019"):
        build_list(spec(offers=(ESTIMATED,)), inputs(takers=takers({"low": [1.0, 2, 3]})), suppress_as_of=AS_OF)


def test_without_any_history_a_value_must_be_given():
    with pytest.raises(SourceError, match="0 earlier takers of card"):
        build_list(spec(offers=(ESTIMATED,)), inputs(), suppress_as_of=AS_OF)


def test_a_segment_column_that_is_not_there_is_named():
    asked = spec(offers=(ESTIMATED,), value=ValueEstimate(("tiers",)))
    with pytest.raises(ConfigError, match=r"value.segments names column 'tiers'.*Did you mean 'tier'"):
        build_list(asked, inputs(features=TIERS, takers=takers({"low": [1.0] * 30})), suppress_as_of=AS_OF)
