"""Levels come from what managers can do, and stay unless somebody else is clearly likelier to leave."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.limits import Limit
from crmml.warning import Capacity, Levels, changed_share, give_levels, replay
from tests.warning.rows import scored, spec

MONTHS = [date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 30)]


def test_levels_end_where_the_capacity_of_the_manager_says():
    levels = give_levels(scored(0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6), spec())
    # four a month: one red, up to four in all amber or red, up to six with those on watch
    assert levels.tolist() == ["", "red", "", "amber", "watch", "amber", "watch", "amber"]


def test_each_manager_has_a_capacity_of_his_own_and_exceptions_hold():
    rows = pd.concat([scored(0.9, 0.8, 0.7), scored(0.3, 0.2, 0.1, manager="M2")], ignore_index=True)
    given_to = give_levels(rows, spec(capacity=Capacity(per_manager=Limit(1, {"M2": 2}))))
    assert given_to.tolist() == ["red", "watch", "", "red", "amber", "watch"]


def test_customers_without_a_manager_are_cared_for_by_one_more_of_their_branch():
    rows = pd.concat(
        [scored(0.9, 0.8, manager=None), scored(0.7, 0.6), scored(0.5, 0.4, manager=None, branch=None)],
        ignore_index=True,
    )
    levels = give_levels(rows, spec(capacity=Capacity(per_manager=Limit(1)), levels=Levels(1, 1, 1)))
    assert levels.tolist() == ["red", "", "red", "", "red", ""]


def test_the_branch_and_the_bank_limit_too():
    rows = pd.concat([scored(0.9, 0.8), scored(0.7, 0.6, manager="M2")], ignore_index=True)
    flat = Levels(1, 1, 1)
    branch = Capacity(per_manager=Limit(2), per_branch=Limit(3))
    assert give_levels(rows, spec(capacity=branch, levels=flat)).tolist() == ["red", "red", "red", ""]
    assert give_levels(rows, spec(capacity=Capacity(total=1), levels=flat)).tolist() == ["red", "", "", ""]


def test_nobody_less_likely_than_the_average_is_alerted_however_much_room_there_is():
    levels = give_levels(scored(0.5, 0.02, 0.03, 0.01), spec(least_times_average=1.0))
    assert levels.tolist() == ["red", "", "", ""]


def test_value_at_risk_can_lead():
    rows = scored(0.9, 0.1, at_risk=[5.0, 50.0])
    assert give_levels(rows, spec(order="value_at_risk", capacity=Capacity(total=1))).tolist() == ["watch", "red"]


def test_a_place_is_lost_only_to_one_who_is_clearly_likelier():
    one = spec(capacity=Capacity(total=1), levels=Levels(1, 1, 1), hold=1.5)
    held = {"M1-c0": "red"}
    assert give_levels(scored(0.50, 0.55), one, before=held).tolist() == ["red", ""]  # odds 1 against 1.22
    assert give_levels(scored(0.50, 0.65), one, before=held).tolist() == ["", "red"]  # odds 1 against 1.86


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.02, 0.9), min_size=2, max_size=25),
    st.integers(0, 2**32 - 1),
    st.floats(1.05, 2.0),
    st.integers(1, 4),
)
def test_small_noise_never_takes_a_level_away(probabilities, seed, hold, capacity):
    rng = np.random.default_rng(seed)
    log_odds = np.log(np.array(probabilities) / (1 - np.array(probabilities)))
    managers = rng.choice(["M1", "M2"], len(log_odds))
    wanted = spec(hold=hold, capacity=Capacity(per_manager=Limit(capacity), total=capacity + 1))
    before: dict[str, str] = {}
    for turn in range(4):
        noise = rng.uniform(-0.249, 0.249, len(log_odds)) * np.log(
            hold
        )  # at most a quarter either way, half between turns
        rows = scored(*(1 / (1 + np.exp(-(log_odds + noise))))).assign(manager_id=managers)
        levels = dict(zip(rows["customer_id"], give_levels(rows, wanted, before=before), strict=True))
        if turn:
            assert levels == {**levels, **before}
        before = {customer: level for customer, level in levels.items() if level}


def test_levels_do_not_depend_on_the_order_of_rows():
    rows = scored(*np.linspace(0.1, 0.9, 12), at_risk=0.0)
    shuffled = rows.sample(frac=1, random_state=3)
    one = dict(zip(rows["customer_id"], give_levels(rows, spec()), strict=True))
    other = dict(zip(shuffled["customer_id"], give_levels(shuffled, spec()), strict=True))
    assert one == other


def test_a_bank_without_a_scored_customer_has_no_levels():
    assert give_levels(scored(), spec()).tolist() == []


def test_a_run_of_alerts_begins_anew_after_a_break():
    one = spec(capacity=Capacity(total=1), levels=Levels(1, 1, 1), hold=1.0)
    leads = [(0.9, 0.1), (0.8, 0.1), (0.1, 0.9), (0.9, 0.1)]
    found = replay({day: scored(*pair) for day, pair in zip(MONTHS, leads, strict=True)}, one)
    own = found[found["customer_id"] == "M1-c0"]
    since = [None if pd.isna(day) else day.date() for day in own["alerted_since"]]
    assert since == [MONTHS[0], MONTHS[0], None, MONTHS[3]]
    assert own["level_before"].tolist() == ["", "red", "red", ""]


def test_what_moves_is_counted_with_the_hysteresis_and_without():
    one = spec(capacity=Capacity(total=1), levels=Levels(1, 1, 1), hold=1.5)
    leads = [(0.50, 0.45), (0.50, 0.55), (0.50, 0.45)]
    found = replay({day: scored(*pair) for day, pair in zip(MONTHS, leads, strict=False)}, one)
    moved = changed_share(found, one)
    assert moved[["moved", "flapped"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert moved[["moved_without", "flapped_without"]].to_numpy().tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Levels(red=0.5, amber=0.3, watch=2), "0 < red <= amber <= watch"),
        (lambda: Levels(red=0.5, amber=1.2, watch=2), "red and amber are both cared for"),
        (lambda: Capacity(), "capacity says nothing"),
        (lambda: Capacity(per_manager=Limit(-3)), "expected a whole number, 0 or more"),
        (lambda: Capacity(per_manager=Limit(None, {"M1": 3})), "exceptions and no default"),
        (lambda: spec(hold=0.9), "hold is 0.9"),
        (lambda: spec(contact_within_days={"watch": 3}), "expected red or amber"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
