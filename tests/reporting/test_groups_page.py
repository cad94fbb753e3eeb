"""Where the score of an axis comes from, in words."""

from crmml.reporting.groups_page import _source


def test_a_forecast_of_value_says_over_how_many_months():
    assert _source("value", {"kind": "champion", "months": 9}) == (
        "未来9个月预计贡献",
        "forecast contribution, next 9 months",
    )
    assert _source("value", {"kind": "champion"}).en.endswith("next 12 months")
