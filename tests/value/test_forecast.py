"""Forecasts by hand, and a back-test that knows only what was known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmml.periods import month_ends
from crmml.value.backtest import forecast, score, seasonal_scale
from crmml.value.book import Book
from crmml.value.forecast import BottomUp, autoregression, seasonal_naive
from crmml.value.scored import by_model


def book(values: np.ndarray, is_there: np.ndarray | None = None, rest: np.ndarray | None = None) -> Book:
    months = month_ends(date(2021, 1, 31), date(2030, 1, 31))[: values.shape[1]]
    names = np.array([f"{place:02d}" for place in range(len(values))], dtype=object)
    there = np.ones(values.shape, dtype=bool) if is_there is None else is_there
    return Book(names, tuple(months), values, there, np.zeros(values.shape[1]) if rest is None else rest)


def test_customers_who_never_change_are_carried_forward_to_the_cent() -> None:
    made = BottomUp(book(np.full((3, 30), 7.0), rest=np.full(30, 2.0)), "year_ago")
    assert made.forecast(29).tolist() == [23.0] * 12


def test_those_who_left_are_not_counted_and_newcomers_are() -> None:
    # one customer stays with 10; another leaves after 24 months; each month from the third on a new one comes with 1, for that month
    values, there = np.zeros((40, 36)), np.zeros((40, 36), dtype=bool)
    values[0], there[0] = 10.0, True
    values[1, :24], there[1, :24] = 5.0, True
    for month in range(2, 36):
        values[month, month], there[month, month] = 1.0, True
    ahead = BottomUp(book(values, there), "last")
    assert ahead.newcomers(35)[0] == pytest.approx(34 / 35)
    assert ahead.forecast(35)[0] == pytest.approx(10 + 1 - 1 + 34 / 35, abs=0.35)


def test_a_forecast_does_not_change_with_what_comes_after_its_origin() -> None:
    draws = np.random.default_rng(5)
    values = draws.normal(100, 20, (30, 40))
    later = values.copy()
    later[:, 30:] = 1e6
    for base in ("year_ago", "last"):
        one, other = (BottomUp(book(each), base).forecast(29) for each in (values, later))
        assert one.tolist() == other.tolist()


def test_an_autoregression_finds_the_lag_and_a_constant_is_a_constant() -> None:
    draws = np.random.default_rng(2)
    series = np.zeros(400)
    for place in range(1, 400):
        series[place] = 10 + 0.8 * series[place - 1] + draws.normal()
    ahead = autoregression(series)
    assert ahead[-1] == pytest.approx(50, abs=3)  # returns to its mean, 10 / (1 - 0.8)
    assert autoregression(np.full(30, 4.0)).tolist() == [4.0] * 12


def test_errors_are_scaled_by_the_seasonal_difference_before_the_origin() -> None:
    rows = pd.DataFrame({"method": "m", "origin": [date(2023, 1, 31), date(2023, 2, 28)], "horizon": 1,
                         "forecast": [10.0, 10.0], "actual": [14.0, 8.0], "scale": [2.0, 4.0]})  # fmt: skip
    found = score(rows).iloc[0]
    assert (found["mae"], found["mase"], found["bias"]) == (3.0, pytest.approx((4 / 2 + 2 / 4) / 2), -1.0)
    assert seasonal_scale(np.r_[np.zeros(12), np.full(6, 2.0)]) == 2.0


def test_a_season_that_repeats_is_foreseen_by_the_naive_method_and_the_best_is_named() -> None:
    season = np.tile([100.0, 0, 0, 50, 0, 0, 70, 0, 0, 20, 0, 0], 4)
    made = forecast(book(np.vstack([season, season])), "year_ago")
    assert made is not None
    assert made.best == "seasonal_naive"  # as good as bottom-up, and plainer
    naive = made.ahead[(made.ahead["method"] == "seasonal_naive") & (made.ahead["horizon"] > 0)]
    assert naive["value"].tolist() == (2 * season[:12]).tolist()
    assert naive["month_end"].iloc[0] == date(2025, 1, 31)
    assert seasonal_naive(season)[0] == 100


def test_fewer_than_24_months_are_no_history() -> None:
    assert forecast(book(np.ones((2, 23))), "last") is None


def test_a_models_sum_has_customers_it_does_not_speak_of_at_their_usual_month() -> None:
    values = np.vstack([np.full(40, 5.0), np.full(40, 3.0)])
    values[1, 25] = -900.0  # one month of default, which must not be repeated
    tested = pd.DataFrame({"customer_id": ["00"], "cutoff_date": [date(2023, 3, 31)], "predicted": [66.0]})
    rows, ahead = by_model(book(values), tested, {"00": 70.0})
    assert rows["model"].tolist() == [66.0 + 12 * 3.0]
    assert rows["actual"].tolist() == [12 * 8.0]
    assert ahead == 70.0 + 36.0
