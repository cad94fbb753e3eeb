from datetime import date

import pytest

from crmml.errors import GateError, SourceError
from crmml.targeting import Suppression
from crmml.targeting.candidates import build_candidates
from crmml.targeting.decisions import Decisions
from crmml.targeting.suppression import apply_suppression, with_suppression
from tests.targeting.lists import AS_OF, inputs, spec, suppression


def left(table, asked=Suppression()):  # noqa: B008
    rows = with_suppression(build_candidates(spec(), inputs()), table)
    decisions = Decisions(rows)
    apply_suppression(decisions, asked, rows, as_of=AS_OF)
    return rows.loc[decisions.left, "customer_id"].unique().tolist(), decisions.waterfall().set_index("step")["removed"]


@pytest.mark.parametrize("flag", ["refuses_marketing", "in_arrears", "has_left", "open_complaint"])
def test_each_flag_leaves_its_customer_alone_and_counts_the_offers(flag):
    customers, removed = left(suppression(**{flag: [False, True, False, False, False]}))
    assert customers == ["c1", "c3", "c4", "c5"]
    assert removed[flag] == 2
    assert removed.sum() == 2


def test_arrears_and_complaints_can_be_allowed_but_not_a_refusal():
    table = suppression(
        refuses_marketing=[True, False, False, False, False],
        in_arrears=[False, True, False, False, False],
        open_complaint=[False, False, True, False, False],
    )
    customers, _ = left(table, Suppression(in_arrears=False, open_complaint=False))
    assert customers == ["c2", "c3", "c4", "c5"]


def test_a_contact_29_days_ago_suppresses_and_one_30_days_ago_does_not():
    table = suppression(last_contacted_on=[date(2025, 12, 2), date(2025, 12, 1), None, AS_OF, None])
    assert left(table)[0] == ["c2", "c3", "c5"]
    assert left(table, Suppression(contacted_within_days=0))[0] == ["c1", "c2", "c3", "c4", "c5"]


def test_a_customer_unknown_on_the_newest_data_is_left_alone():
    customers, removed = left(suppression().iloc[:4])
    assert customers == ["c1", "c2", "c3", "c4"]
    assert removed["unknown"] == 2


def test_a_contact_after_the_day_of_reading_is_refused():
    with pytest.raises(SourceError, match=r"last_contacted_on is after 2025-12-31 on 2 rows"):
        left(suppression(last_contacted_on=[date(2026, 1, 1), None, None, None, None]))


def test_an_unknown_flag_is_refused_rather_than_read_as_no():
    with pytest.raises(SourceError, match="refuses_marketing is null on 1 rows"):
        left(suppression(refuses_marketing=[None, False, False, False, False]))


def test_when_all_refuse_the_refusal_is_named():
    with pytest.raises(GateError, match="'refuses marketing'"):
        left(suppression(refuses_marketing=[True] * 5))
