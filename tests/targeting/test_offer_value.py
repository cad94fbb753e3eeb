import dataclasses

import pandas as pd
import pytest

from crmml.errors import ConfigError, SourceError
from crmml.targeting import ValueEstimate, build_list
from crmml.targeting.candidates import build_candidates
from crmml.targeting.offer_value import with_values
from tests.targeting.lists import AS_OF, CARD, LOAN, inputs, spec

ESTIMATED = dataclasses.replace(CARD, value_if_taken=None)
TIERS = pd.DataFrame({"customer_id": ["c1", "c2", "c3", "c4", "c5"], "tier": ["low", "high", "low", "new", None]})


def takers(values: dict[str, list[float]], displaced: float = 0.0) -> pd.DataFrame:
    rows = [("gold", "card", f"t{n}", tier, value) for tier, of in values.items() for n, value in enumerate(of)]
    frame = pd.DataFrame(rows, columns=["product_id", "family", "customer_id", "tier", "first_year_contribution"])
    return frame.assign(displaced=displaced)


def test_candidates_read_their_segment_new_segments_the_product_and_displacement_is_taken_off():
    asked = spec(offers=(ESTIMATED, LOAN), value=ValueEstimate(("tier",), minimum_takers=2, winsorise=0))
    rows = build_candidates(asked, inputs()).merge(TIERS, on="customer_id")
    valued = with_values(asked, rows, takers({"low": [8.0, 12], "high": [88.0, 112]}))
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
        # Mean 30, standard error 10: 1 - (10 / 30)^2 of it lies beyond chance.
        ([20.0, 40.0, None], 200 - 30 * 8 / 9, "less 27 displaced"),
        ([-60.0, 100.0, None], 200, "less 0 displaced"),
        ([-50.0, 10.0, 10.0], 200, "less 0 displaced"),
        ([None, None, 90.0], 200, "displacement not known, not taken off"),
    ):
        valued = with_values(asked, rows, past.assign(displaced=displaced))
        assert valued["value_if_taken"].tolist() == pytest.approx([value] * len(valued))
        assert words in valued["value_source_en"].iloc[0]


def test_the_newest_takers_count_most_where_prices_moved():
    asked = spec(offers=(ESTIMATED,), value=ValueEstimate(winsorise=0))
    rows = build_candidates(asked, inputs())
    past = takers({"low": [-100.0, -90] * 10 + [0.0, 10] * 10 + [100.0, 110] * 10})
    years = [date for year in (2022, 2023, 2024) for date in [f"{year}-06-15"] * 20]
    moved = with_values(asked, rows, past.assign(opened_on=pd.to_datetime(years)))
    # Half-life 6 months: takers of 0, 12 and 24 months before count 1, 1/4 and 1/16.
    assert moved["value_if_taken"].iloc[0] == pytest.approx((105 + 5 / 4 - 95 / 16) / (1 + 1 / 4 + 1 / 16))
    assert "the newest count most (half-life 6 months)" in moved["value_source_en"].iloc[0]
    mixed = [f"{year}-06-15" for year in (2022, 2023, 2024)] * 20
    steady = with_values(asked, rows, past.assign(opened_on=pd.to_datetime(mixed)))
    assert steady["value_if_taken"].iloc[0] == pytest.approx(5)
    assert "half-life" not in steady["value_source_en"].iloc[0]


def test_an_amount_that_is_no_number_is_refused():
    wrong = takers({"low": [1.0, float("nan"), 3.0]})
    with pytest.raises(SourceError, match="value is not a number on 1 rows"):
        with_values(spec(offers=(ESTIMATED,)), build_candidates(spec(offers=(ESTIMATED,)), inputs()), wrong)


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
