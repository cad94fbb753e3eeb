"""What lies on the customer's accounts, and what is owed on them."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import WINDOWS, Family, Months, Ratio, Trend
from crmml.features.statistics import DailyMean, Level, Measure
from crmml.sources.contract import CREDIT_FAMILIES, DEPOSIT_FAMILIES

_ASSETS = (*DEPOSIT_FAMILIES, "investment")
_SHORT = (Months(3), Months(12))


def _of_family(family: str, zh: str, en: str) -> list[Measure]:
    """Balance and daily averages of one product, null for who does not hold it."""
    held = {"of": _.amount, "where": _.family == family, "unit": "money", "holds": (family,)}
    return [
        Level(family, zh=f"{zh}余额", en=f"{en} balance", **held),
        DailyMean(family, zh=zh, en=f"{en} balance", windows=_SHORT, **held),
    ]


_DEPOSITS = {
    "of": _.amount,
    "where": _.family.isin(DEPOSIT_FAMILIES),
    "unit": "money",
    "holds": DEPOSIT_FAMILIES,
    "sign": {"default": -1, "churn": -1},
}
_ALL_ASSETS = {"of": _.amount, "where": _.family.isin(_ASSETS), "unit": "money", "holds": _ASSETS}

BALANCES = Family(
    name="balances",
    table="balances",
    concept="balances",
    zh="存款与资产余额",
    en="balances of deposits and assets",
    needs=("balances|transactions",),
    windows=WINDOWS,
    holds=DEPOSIT_FAMILIES,
    measures=[
        Level("deposits", zh="存款余额", en="deposit balance", **_DEPOSITS),
        DailyMean("deposits", zh="存款", en="deposits", **_DEPOSITS),
        *_of_family("current", "活期存款", "current account"),
        *_of_family("savings", "储蓄存款", "savings"),
        *_of_family("time_deposit", "定期存款", "time deposit"),
        *_of_family("investment", "理财", "investment"),
        Level("assets", zh="资产余额(存款与理财)", en="assets (deposits and investments)", **_ALL_ASSETS),
        DailyMean("assets", zh="资产(存款与理财)", en="assets (deposits and investments)", windows=_SHORT, **_ALL_ASSETS),
    ],
    derived=[
        Trend("deposits_trend_1m", "deposits_mean_1m", "deposits_mean_3m", zh="近1个月日均存款较近3个月变化",
              en="daily average deposits, last month against last 3 months", sign={"churn": -1}),
        Trend("deposits_trend_3m", "deposits_mean_3m", "deposits_mean_12m", zh="近3个月日均存款较近12个月变化",
              en="daily average deposits, last 3 months against last 12 months", sign={"churn": -1}),
        Trend("deposits_trend_6m", "deposits_mean_6m", "deposits_mean_12m", zh="近6个月日均存款较近12个月变化",
              en="daily average deposits, last 6 months against last 12 months", sign={"churn": -1}),
        Trend("deposits_dressing", "deposits_last", "deposits_mean_1m", zh="时点存款较近1个月日均的偏离",
              en="deposit balance at the cut-off against the daily average of the last month"),
        Trend("current_trend_3m", "current_mean_3m", "current_mean_12m", zh="近3个月日均活期存款较近12个月变化",
              en="daily average current account balance, last 3 months against last 12 months"),
        Trend("assets_trend_3m", "assets_mean_3m", "assets_mean_12m", zh="近3个月日均资产较近12个月变化",
              en="daily average assets, last 3 months against last 12 months"),
        Ratio("time_deposit_share", "time_deposit_mean_3m", "deposits_mean_3m", unit="share", zh="定期存款占存款比重(近3个月日均)",
              en="time deposits as a share of deposits, daily averages of the last 3 months", sign={"churn": -1}),
        Ratio("investment_share", "investment_mean_3m", "assets_mean_3m", unit="share", zh="理财占资产比重(近3个月日均)",
              en="investments as a share of assets, daily averages of the last 3 months"),
    ],
)  # fmt: skip

_DEBT = {"of": -_.amount, "unit": "money", "concept": "credit"}

DEBT = Family(
    name="debt",
    table="balances",
    concept="credit",
    zh="负债",
    en="debt",
    needs=("balances|transactions", "accounts"),
    windows=_SHORT,
    measures=[
        Level("debt", zh="贷款与信用卡欠款", en="debt on loans and cards", where=_.family.isin(CREDIT_FAMILIES),
              holds=CREDIT_FAMILIES, sign={"default": 1}, **_DEBT),
        DailyMean("debt", zh="贷款与信用卡欠款", en="debt on loans and cards", where=_.family.isin(CREDIT_FAMILIES),
                  holds=CREDIT_FAMILIES, sign={"default": 1}, **_DEBT),
        Level("card_debt", zh="信用卡欠款", en="debt on cards", where=_.family == "card", holds=("card",), **_DEBT),
        DailyMean("card_debt", zh="信用卡欠款", en="debt on cards", where=_.family == "card", holds=("card",), **_DEBT),
    ],
    derived=[
        Trend("debt_trend_3m", "debt_mean_3m", "debt_mean_12m", zh="近3个月日均欠款较近12个月变化",
              en="daily average debt, last 3 months against last 12 months", sign={"default": 1}),
        Trend("card_debt_trend_3m", "card_debt_mean_3m", "card_debt_mean_12m", zh="近3个月日均信用卡欠款较近12个月变化",
              en="daily average card debt, last 3 months against last 12 months", sign={"default": 1}),
        Ratio("debt_to_deposits", "debt_last", "deposits_mean_3m", zh="欠款与近3个月日均存款之比",
              en="debt to daily average deposits of the last 3 months", sign={"default": 1}),
    ],
)  # fmt: skip
