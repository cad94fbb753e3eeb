"""How balances run between the months' ends: lows, swings, slope, and money brought for the last day."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import Family, Months, Ratio, Trend
from crmml.features.walked import AtMonthEnds, Highest, Lowest, Slope, Volatility
from crmml.sources.contract import DEPOSIT_FAMILIES

_QUARTER_AND_YEAR = (Months(3), Months(12))
_HALF_YEAR = (Months(6),)
_DEPOSITS = {"of": _.amount, "where": _.family.isin(DEPOSIT_FAMILIES), "unit": "money"}

BALANCE_PATH = Family(
    name="balance_path",
    table="balances",
    concept="balances",
    zh="存款走势",
    en="how deposits run",
    needs=("balances|transactions",),
    windows=_QUARTER_AND_YEAR,
    holds=DEPOSIT_FAMILIES,
    measures=[
        Lowest("deposits", zh="存款最低余额", en="lowest deposit balance", sign={"default": -1, "churn": -1}, **_DEPOSITS),
        Volatility("deposits", zh="存款余额波动", en="swing of the deposit balance", **_DEPOSITS),
        AtMonthEnds("deposits", zh="月末存款平均余额", en="average deposits at month ends", **_DEPOSITS),
        Slope("deposits", windows=_HALF_YEAR, zh="存款余额每30天变化", en="change of the deposit balance per 30 days",
              sign={"churn": -1}, **_DEPOSITS),
    ],
    derived=[
        Ratio("deposits_low_share_3m", "deposits_min_3m", "deposits_mean_3m", unit="share", zh="近3个月最低余额与日均存款之比",
              en="lowest deposit balance as a share of the daily average, last 3 months"),
        Ratio("deposits_swing_3m", "deposits_std_3m", "deposits_mean_3m", zh="近3个月存款波动与日均之比",
              en="swing of deposits against their daily average, last 3 months"),
        Ratio("deposits_slope_share_6m", "deposits_slope_6m", "deposits_mean_6m", unit="change", zh="近6个月存款每30天变化率",
              en="change of deposits per 30 days as a share of the daily average, last 6 months", sign={"churn": -1}),
        Trend("deposits_dressing_3m", "deposits_month_end_mean_3m", "deposits_mean_3m", zh="近3个月月末冲时点(月末余额较日均的偏离)",
              en="deposits at month ends against the daily average, last 3 months"),
        Trend("deposits_dressing_12m", "deposits_month_end_mean_12m", "deposits_mean_12m",
              zh="近12个月月末冲时点(月末余额较日均的偏离)", en="deposits at month ends against the daily average, last 12 months"),
    ],
)  # fmt: skip

_CARD = {"of": -_.amount, "where": _.family == "card", "unit": "money", "concept": "limits"}

CARD_PATH = Family(
    name="card_path",
    table="balances",
    concept="limits",
    zh="信用卡欠款走势",
    en="how card debt runs",
    needs=("balances|transactions", "accounts"),
    windows=_QUARTER_AND_YEAR,
    holds=("card",),
    measures=[
        Highest("card_debt", zh="信用卡最高欠款", en="highest card debt", sign={"default": 1}, **_CARD),
        Slope("card_debt", windows=_HALF_YEAR, zh="信用卡欠款每30天变化", en="change of card debt per 30 days",
              sign={"default": 1}, **_CARD),
    ],
    derived=[
        Ratio("card_utilisation_max_3m", "card_debt_max_3m", "card_limit_last", unit="share", zh="近3个月最高信用卡额度使用率",
              en="highest use of the card limit, last 3 months", sign={"default": 1}),
        Ratio("card_utilisation_max_12m", "card_debt_max_12m", "card_limit_last", unit="share", zh="近12个月最高信用卡额度使用率",
              en="highest use of the card limit, last 12 months", sign={"default": 1}),
    ],
)  # fmt: skip
