from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmml.periods import Horizon, Interval, label_window, look_back, month_ends, parse_day, shift_months


def test_three_months_before_30_june_is_31_march():
    assert look_back(date(2025, 6, 30), 3) == Interval(date(2025, 3, 31), date(2025, 6, 30))


def test_a_window_of_one_month_before_a_leap_day_is_the_whole_february():
    assert look_back(date(2024, 2, 29), 1) == Interval(date(2024, 1, 31), date(2024, 2, 29))


def test_the_cutoff_day_is_inside_and_the_start_day_is_not():
    window = look_back(date(2025, 6, 30), 3)
    assert date(2025, 6, 30) in window
    assert date(2025, 4, 1) in window
    assert date(2025, 3, 31) not in window
    assert date(2025, 7, 1) not in window


def test_the_label_window_begins_after_the_gap():
    window = label_window(date(2025, 1, 31), Horizon(months=3, gap=1))
    assert window == Interval(date(2025, 2, 28), date(2025, 5, 31))


def test_an_event_cutoff_in_mid_month_keeps_its_day():
    assert shift_months(date(2025, 3, 14), -3) == date(2024, 12, 14)


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(1, 60))
def test_windows_of_month_ends_are_whole_calendar_months(day, months):
    cutoff = month_ends(day, day)[0]
    start = look_back(cutoff, months).start
    assert start == month_ends(start, start)[0]
    assert (cutoff.year * 12 + cutoff.month) - (start.year * 12 + start.month) == months


@pytest.mark.parametrize(("text", "expected"), [("2025-10", date(2025, 10, 31)), ("2025-10-05", date(2025, 10, 5))])
def test_a_month_reads_as_its_last_day(text, expected):
    assert parse_day(text) == expected


@pytest.mark.parametrize("text", ["tomorrow", "2025-13", "2025-02-30", "31/02/2025", ""])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="not a da"):
        parse_day(text)


@pytest.mark.parametrize(("months", "gap"), [(0, 0), (-1, 0), (3, -1)])
def test_an_empty_or_negative_horizon_is_refused(months, gap):
    with pytest.raises(ValueError, match="at least"):
        Horizon(months=months, gap=gap)
