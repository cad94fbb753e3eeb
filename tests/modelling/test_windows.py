from datetime import date

from crmml.modelling.spec import Split
from crmml.modelling.windows import plan_calendar, usable_range
from crmml.periods import Horizon, month_ends

MONTHS = tuple(month_ends(date(2024, 1, 31), date(2024, 12, 31)))


def test_the_calendar_tells_of_short_history_and_labels_not_yet_observed():
    plan = plan_calendar(
        Split((date(2023, 6, 30), date(2024, 1, 31)), (date(2024, 6, 30),)),
        Horizon(3),
        look_back_months=12,
        observed_from=date(2023, 1, 1),
        observed_until=date(2024, 8, 31),
    )
    assert plan["state"].tolist() == ["history too short", "ok", "label not yet observed"]
    assert plan["label_until"].tolist() == [date(2023, 9, 30), date(2024, 4, 30), date(2024, 9, 30)]


def test_the_usable_range_has_full_history_and_an_observed_label():
    found = usable_range(
        Horizon(3, gap=1), look_back_months=12, observed_from=date(2021, 1, 1), observed_until=date(2025, 12, 31)
    )
    assert found == (date(2021, 12, 31), date(2025, 8, 31))
    short = usable_range(
        Horizon(12), look_back_months=12, observed_from=date(2024, 1, 1), observed_until=date(2025, 6, 30)
    )
    assert short is None
