import dataclasses

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.targeting import Capacities, Limit, Reserve, build_list
from crmml.targeting.reserve import reserve_of
from tests.targeting.lists import AS_OF, inputs, scores, spec


def short_of_room(**changed):
    """Expected values: card 90, 190, 290, 40, -5; loan 180, -10, 80, 580, -18; one row a manager."""
    return spec(capacities=Capacities(per_manager=Limit(1)), **changed)


def test_the_reserve_is_the_next_best_of_each_manager_with_one_offer_each():
    targets = build_list(short_of_room(), inputs(), suppress_as_of=AS_OF)
    assert sorted(targets.table["customer_id"]) == ["c2", "c3", "c4"]
    assert targets.reserve[["customer_id", "offer", "manager_id", "place"]].values.tolist() == [["c1", "loan", "m1", 1]]
    assert targets.reserve["arm"].tolist() == ["reserve"]
    assert targets.reserve["reason_1_zh"].tolist() == ["loan zh 1"]


def test_the_net_value_is_the_value_less_the_price_of_the_places():
    targets = build_list(short_of_room(), inputs(), suppress_as_of=AS_OF)
    use = targets.capacity_use
    price = [
        100.0 if (kind, key) == ("manager", "m1") else 0.0 for kind, key in zip(use["kind"], use["key"], strict=True)
    ]
    reserve = reserve_of(
        targets.spec,
        targets.candidates,
        targets.table["customer_id"],
        use.assign(price=price),
        inputs().uptake,
        suppress_as_of=AS_OF,
    )
    assert reserve[["expected_value", "net_value"]].values.tolist() == [[180.0, 80.0]]


def test_a_bank_may_want_no_reserve():
    assert build_list(short_of_room(reserve=Reserve(0)), inputs(), suppress_as_of=AS_OF).reserve.empty
    assert build_list(spec(), inputs(), suppress_as_of=AS_OF).reserve.empty


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.0, 0.1, 0.5]), most=st.integers(1, 3))
def test_nobody_on_the_list_or_held_out_is_in_reserve_and_no_manager_has_more_than_asked(seed, share, most):
    people = [f"c{n:02d}" for n in range(40)]
    managers = [None if n % 7 == seed % 7 else f"m{n % 3}" for n in range(40)]
    customers = pd.DataFrame({"customer_id": people, "branch_id": "b1", "manager_id": managers})
    chances = pd.Series(range(40)).sample(frac=1, random_state=seed) / 50 + 0.05
    flags = dict.fromkeys(("refuses_marketing", "in_arrears", "has_left", "open_complaint"), False)
    given_ = inputs(
        customers=customers,
        uptake={name: scores(name, chances.tolist(), people) for name in ("card", "loan")},
        suppression=pd.DataFrame({"customer_id": people, "last_contacted_on": None}).assign(**flags),
    )
    asked = spec(capacities=Capacities(total=9), control_share=share, reserve=Reserve(most), seed=seed)
    targets = build_list(asked, given_, suppress_as_of=AS_OF)
    reserve = targets.reserve
    assert not set(reserve["customer_id"]) & set(targets.table["customer_id"])
    assert reserve["customer_id"].is_unique
    assert reserve.groupby("manager_id", dropna=False).size().max() <= most
    for _, rows in reserve.groupby("manager_id", dropna=False):
        assert rows.sort_values("place")["net_value"].is_monotonic_decreasing
        assert rows["place"].tolist() == list(range(1, len(rows) + 1))


def test_the_list_is_the_same_with_and_without_a_reserve():
    with_reserve = build_list(short_of_room(), inputs(), suppress_as_of=AS_OF).table
    without = build_list(dataclasses.replace(short_of_room(), reserve=Reserve(0)), inputs(), suppress_as_of=AS_OF).table
    pd.testing.assert_frame_equal(with_reserve.drop(columns="list_id"), without.drop(columns="list_id"))
