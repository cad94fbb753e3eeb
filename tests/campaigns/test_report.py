"""What a campaign brought: by hand on small lists; nothing claimed from statuses; both arms looked at equally long."""

from datetime import date

import pandas as pd
import pytest

from crmml.campaigns import check_returned, contact_rows, read_campaign, read_history, take_in, write_campaign
from crmml.campaigns.report import LEAST, report
from crmml.campaigns.sentences import sentences
from crmml.reporting.campaign_page import campaign_page
from tests.campaigns.frozen_list import LIST_ID, about, campaign, list_folder, rows

END = date(2026, 3, 31)
FIELDS = ("customer_id", "offer", "list_id", "status", "contacted_on", "taken", "taken_on", "channel", "note")


def returned(entries):
    """Entries as a file that came back: dicts of fields."""
    frame = pd.DataFrame([{**dict.fromkeys(FIELDS, ""), "list_id": LIST_ID, **entry} for entry in entries])
    return frame.astype("str").assign(is_number=False, row=[str(n) for n in range(len(frame))])


def take(made, entries, on=END):
    found = check_returned(made, returned(entries), known_on=on)
    assert not found.faults, found.faults
    take_in(made.folder.parent, made, found.entries, source="file", about={})


def offer_of(number):
    return "card" if number <= 5 else "loan"


def results(taken, numbers=range(1, 13)):
    return [{"customer_id": f"{n:04d}", "offer": offer_of(n), "taken": "yes" if n in taken else "no"} for n in numbers]


@pytest.fixture
def made(tmp_path):
    return campaign(tmp_path)


def test_treated_against_control_as_drawn_and_the_explored_apart(made):
    take(made, results({1, 2, 6, 11, 12}))  # 0005 and 0011 are control, 0012 explored
    told = report(made, read_history(made))
    effect = told["effect"]
    assert (effect["treated"], effect["control"]) == (9, 2)
    assert (effect["taken_treated"], effect["taken_control"]) == (3, 1)
    # card: 2 of 4 against 0 of 1, loan: 1 of 5 against 1 of 1, weighted by 4/5 and 5/6
    by_hand = (4 / 5 * 0.5 + 5 / 6 * (0.2 - 1)) / (4 / 5 + 5 / 6)
    assert effect["difference"] == pytest.approx(by_hand)
    assert effect["low"] < by_hand < effect["high"]
    assert told["explore"] == pytest.approx(
        {"customers": 1, "takers": 1, "rate": 1.0, "low": 0.2065, "high": 1.0}, abs=1e-4
    )
    assert told["is_settled"]


def test_money_is_incremental_takers_times_what_a_taker_is_worth_less_contacts(made):
    take(made, results({1, 2, 6}))
    told = report(made, read_history(made))
    brought = told["effect"]["difference"] * 9
    assert told["money"]["takers"] == pytest.approx(brought)
    assert told["money"]["cost"] == 90.0
    assert told["money"]["net"] == pytest.approx(brought * 100 - 90)
    assert told["money"]["net_low"] == pytest.approx(told["effect"]["low"] * 9 * 100 - 90)
    card = told["offers"][0]
    assert (card["expected_takers"], card["takers"]) == (pytest.approx(0.8), 2)
    assert card["value"] == pytest.approx(2 * 100 - 4 * 10)


def test_a_campaign_to_keep_customers_counts_who_stays_and_credits_no_value_for_it(tmp_path):
    offers = {
        name: {"zh": "挽留", "en": "keep", "kind": "retain", "products": [], "horizon_months": 3}
        for name in ("card", "loan")
    }
    made = campaign(tmp_path, offers=offers)
    take(made, results({1, 2, 3, 6, 7}))
    told = report(made, read_history(made))
    assert told["success"] == "kept"
    assert (told["effect"]["taken_treated"], told["effect"]["taken_control"]) == (5, 0)
    assert [row["value"] for row in told["offers"]] == [None, None]
    assert told["money"]["net"] == pytest.approx(told["effect"]["difference"] * 9 * 100 - 90)
    zh, en = sentences(told)[0]
    assert "留存率" in zh
    assert "share of customers kept" in en
    page = campaign_page(("演示银行", "demo bank"), told, sentences(told))
    assert "holding a main account when the window is over" in page
    assert "办理" not in page.split("依据")[0].split("漏斗")[0]


def test_statuses_alone_claim_no_effect(made):
    take(made, [{"customer_id": "0001", "offer": "card", "status": "taken"}])
    told = report(made, read_history(made))
    assert (told["effect"], told["money"], told["why"]) == (None, None, "statuses_only")
    assert "no effect is claimed" in sentences(told)[0][1]
    take(made, results({1}, range(1, 5)))  # results of treated customers only
    assert report(made, read_history(made))["why"] == "one_arm"


def test_a_campaign_without_any_outcome_says_so(made):
    told = report(made, read_history(made))
    assert told["why"] == "nothing"
    assert sentences(told)[0] == ("尚无任何结果", "no outcomes yet")


def test_a_campaign_without_any_outcome_has_none_as_of_a_day_either(made):
    assert report(made, read_history(made, as_of=END), as_of=END)["why"] == "nothing"


def test_contacted_controls_are_counted_told_and_stay_in_their_arm(made):
    take(made, [{"customer_id": "0005", "offer": "card", "status": "declined", "contacted_on": "2026-01-09"}])
    take(made, results({1, 2}))
    told = report(made, read_history(made))
    assert (told["contamination"]["control_contacted"], told["contamination"]["control"]) == (1, 2)
    assert told["effect"]["control"] == 2
    assert any("1 of 2 control customers were contacted" in en for _, en in sentences(told))


def test_no_arm_is_looked_at_longer_than_the_other(made):
    first = date(2026, 1, 31)
    take(made, results(set()), on=first)
    late = {"customer_id": "0001", "offer": "card", "taken_on": "2026-02-15"}
    take(made, [late], on=date(2026, 2, 28))
    told = report(made, read_history(made))
    assert told["results_until"] == "2026-01-31"
    assert told["effect"]["taken_treated"] == 0
    assert not told["is_settled"]
    assert any("interim" in en for _, en in sentences(told))


def test_missing_results_are_counted_by_arm(made):
    take(made, results({1}, [1, 2, 5, 6, 11]))
    told = report(made, read_history(made))
    assert told["arms"]["treated"] == {"rows": 9, "results_missing": 6}
    assert any("not known of 6 treated and 0 control" in en for _, en in sentences(told))


def test_the_funnel_counts_what_managers_told(made):
    said = ["no_answer", "considering", "taken", "wrong_details"]
    take(made, [{"customer_id": f"000{n}", "offer": "card", "status": word} for n, word in enumerate(said, 1)])
    told = report(made, read_history(made))["funnel"]
    assert [told[name] for name in ("assigned", "told", "contacted", "reached", "considering", "taken")] == [
        10,
        4,
        3,
        2,
        1,
        1,
    ]


def test_units_of_a_few_customers_stand_together_so_that_none_is_known_by_subtraction(tmp_path):
    arms = ["treated"] * 70 + ["control"] * 10
    table = rows(arms).assign(branch=["a"] * 30 + ["b"] * 25 + ["c"] * 15 + ["a"] * 10)
    made = campaign(tmp_path, table)
    take(made, results({1, 40}, range(1, 81)))
    units = report(made, read_history(made))["units"]["branch"]
    assert [(unit["name"], unit["customers"]) for unit in units] == [("a", 30), (None, 40)]
    assert units[1]["units"] == 2
    assert all(unit["customers"] >= LEAST for unit in units)


def test_the_power_statement_names_the_smallest_effect_that_could_be_seen(tmp_path):
    table = rows(["treated"] * 214 + ["control"] * 40)
    made = campaign(tmp_path, table)
    take(made, results(set(range(1, 250, 10)), range(1, 255)))
    told = report(made, read_history(made))
    points = told["power"]["smallest"] * 100
    assert any(
        f"with 214 contacts and 40 controls an effect below {points:.1f} points" in en for _, en in sentences(told)
    )
    assert any(f"低于 {points:.1f} 个百分点的效果看不出来" in zh for zh, _ in sentences(told))


def test_the_page_shows_no_customer_and_no_rate_of_a_few(made):
    take(made, results({1, 2, 6, 11}))
    told = report(made, read_history(made))
    page = campaign_page(("示例银行", "Demo"), told, sentences(told))
    assert "campaign-effects" in page
    assert "&lt;5" in page  # the control arm of two
    assert not any(f"{n:04d}<" in page for n in range(1, 13))
    for language in ("zh", "en"):
        assert campaign_page(("示例银行", "Demo"), told, sentences(told), language=language)


def test_contact_rows_hold_assignment_contact_and_the_settled_result(made):
    take(
        made,
        [{"customer_id": "0001", "offer": "card", "status": "taken", "contacted_on": "2026-01-05", "channel": "visit"}],
    )
    before = contact_rows(made, read_history(made)).set_index("customer_id")
    assert before.loc["0001", "outcome"] == "taken"
    assert before.loc["0005", "outcome"] is None
    take(made, [{**row, "taken_on": "2026-01-20"} if row["customer_id"] == "0001" else row for row in results({1, 5})])
    found = contact_rows(made, read_history(made)).set_index("customer_id")
    assert len(found) == 12
    one = found.loc["0001", ["product_id", "arm", "is_contacted", "contacted_on", "channel", "responded_on", "outcome"]]
    assert one.tolist() == ["3010", "treated", True, date(2026, 1, 5), "visit", date(2026, 1, 20), "taken"]
    held = found.loc["0005", ["arm", "is_contacted", "contacted_on", "channel", "responded_on", "outcome"]]
    assert held.tolist() == ["control", False, None, None, None, "taken"]
    assert found.loc["0012", ["arm", "outcome", "product_id"]].tolist() == ["treated", "not_taken", "2010"]


def test_a_result_that_may_still_come_is_no_outcome_yet(made):
    take(made, results({1}), on=date(2026, 2, 1))
    found = contact_rows(made, read_history(made)).set_index("customer_id")["outcome"]
    assert found["0001"] == "taken"
    assert found["0002"] is None


def test_an_offer_that_is_no_product_is_reported_and_gives_no_contact_row(tmp_path):
    table = rows().assign(offer="keep_call", prob_take=float("nan"))
    source = list_folder(tmp_path / "lists" / "cross_sell", table)
    words = {"zh": "挽留回访", "en": "retention call", "kind": "retain", "products": [], "horizon_months": 3}
    write_campaign(tmp_path / "campaigns", source, about(source, table, offers={"keep_call": words}))
    made = read_campaign(tmp_path / "campaigns", "jan")
    take(made, [{"customer_id": f"{n:04d}", "offer": "keep_call", "status": "considering"} for n in (1, 2)])
    assert contact_rows(made, read_history(made)).empty
    told = report(made, read_history(made))
    assert told["why"] == "statuses_only"
    kept = [{"customer_id": f"{n:04d}", "offer": "keep_call", "taken": "yes" if n < 5 else "no"} for n in range(1, 13)]
    take(made, kept)
    told = report(made, read_history(made))
    assert told["effect"]["taken_treated"] == 4
    assert "挽留回访" in campaign_page(("示例银行", "Demo"), told, sentences(told))
