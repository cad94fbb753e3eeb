"""Money in and out of deposit accounts, salaries, and the channels that are used."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import WINDOWS, Difference, Family, Months, Ratio, Trend
from crmml.features.statistics import Count, DaysSince, Max, Measure, Sum
from crmml.sources.contract import DEPOSIT_FAMILIES

_SHORT = (Months(3), Months(12))
#: Transfers between a customer's own accounts are neither income nor spending.
OUTSIDE = _.family.isin(DEPOSIT_FAMILIES) & ~_.is_own_transfer
_IN = OUTSIDE & (_.amount > 0)
_OUT = OUTSIDE & (_.amount < 0)

TURNOVER = Family(
    name="turnover",
    table="transactions",
    concept="cash_flow",
    zh="资金流",
    en="money in and out",
    needs=("transactions",),
    windows=WINDOWS,
    holds=DEPOSIT_FAMILIES,
    measures=[
        Sum("turnover_in", where=_IN, of=_.amount, unit="money", zh="资金流入", en="money in",
            sign={"default": -1, "churn": -1}),
        Sum("turnover_out", where=_OUT, of=-_.amount, unit="money", zh="资金流出", en="money out"),
        Count("transactions", where=OUTSIDE, zh="交易笔数", en="transactions", sign={"churn": -1}),
        Count("inflows", where=_IN, windows=_SHORT, zh="流入笔数", en="payments in"),
        Max("inflow", where=_IN, of=_.amount, unit="money", windows=_SHORT, zh="单笔最大流入", en="largest payment in"),
        Max("outflow", where=_OUT, of=-_.amount, unit="money", windows=_SHORT, zh="单笔最大流出", en="largest payment out"),
        Sum("fees_paid", where=_.kind == "fee", of=-_.amount, unit="money", windows=_SHORT, zh="支付手续费", en="fees paid"),
        DaysSince("days_since_last_inflow", where=_IN, unit="days", zh="距最近一次资金流入天数",
                  en="days since the last payment in", sign={"churn": 1}),
        DaysSince("days_since_last_outflow", where=_OUT, unit="days", zh="距最近一次资金流出天数",
                  en="days since the last payment out", sign={"churn": 1}),
    ],
    derived=[
        Difference("net_inflow_3m", "turnover_in_3m", "turnover_out_3m", zh="近3个月资金净流入",
                   en="net money in, last 3 months", sign={"churn": -1}),
        Difference("net_inflow_12m", "turnover_in_12m", "turnover_out_12m", zh="近12个月资金净流入",
                   en="net money in, last 12 months"),
        Trend("turnover_in_trend_1m", "turnover_in_1m", "turnover_in_12m", zh="近1个月资金流入较近12个月月均变化",
              en="money in, last month against the monthly average of 12 months", sign={"churn": -1}),
        Trend("turnover_in_trend_3m", "turnover_in_3m", "turnover_in_12m", zh="近3个月资金流入较近12个月月均变化",
              en="money in per month, last 3 against last 12 months", sign={"churn": -1}),
        Trend("turnover_out_trend_3m", "turnover_out_3m", "turnover_out_12m", zh="近3个月资金流出较近12个月月均变化",
              en="money out per month, last 3 against last 12 months"),
        Trend("transactions_trend_3m", "transactions_3m", "transactions_12m", zh="近3个月交易笔数较近12个月月均变化",
              en="transactions per month, last 3 against last 12 months", sign={"churn": -1}),
        Ratio("turnover_out_to_deposits", "turnover_out_3m", "deposits_mean_3m", zh="近3个月资金流出与日均存款之比",
              en="money out to daily average deposits, last 3 months"),
    ],
)  # fmt: skip

SALARY_KIND = _.kind == "salary"

SALARY = Family(
    name="salary",
    table="transactions",
    concept="salary",
    zh="工资代发",
    en="salary paid in",
    needs=("transactions",),
    windows=WINDOWS,
    holds=DEPOSIT_FAMILIES,
    measures=[
        Sum("salary_in", where=SALARY_KIND, of=_.amount, unit="money", zh="代发工资", en="salary paid in",
            sign={"default": -1, "churn": -1}),
        Count("salary_payments", where=SALARY_KIND, zh="代发工资次数", en="salary payments", sign={"churn": -1}),
        Max("salary_in", where=SALARY_KIND, of=_.amount, unit="money", windows=(Months(12),), zh="单次最高代发工资",
            en="largest salary payment"),
        DaysSince("days_since_last_salary", where=SALARY_KIND, unit="days", zh="距最近一次代发工资天数",
                  en="days since the last salary", sign={"default": 1, "churn": 1}),
    ],
    derived=[
        Trend("salary_trend_1m", "salary_in_1m", "salary_in_12m", zh="近1个月代发工资较近12个月月均变化",
              en="salary, last month against the monthly average of 12 months", sign={"default": -1, "churn": -1}),
        Trend("salary_trend_3m", "salary_in_3m", "salary_in_12m", zh="近3个月代发工资较近12个月月均变化",
              en="salary per month, last 3 against last 12 months", sign={"default": -1, "churn": -1}),
        Ratio("salary_share_of_inflow", "salary_in_12m", "turnover_in_12m", unit="share", zh="近12个月代发工资占资金流入比重",
              en="salary as a share of money in, last 12 months", sign={"churn": -1}),
    ],
)  # fmt: skip

_CHANNELS = {
    "mobile": ("手机银行", "mobile banking"),
    "online": ("网上银行", "online banking"),
    "counter": ("柜面", "the counter"),
    "atm": ("自助设备", "cash machines"),
}


def _channel_measures() -> list[Measure]:
    counted: list[Measure] = [
        Count(f"transactions_{channel}", where=_.channel == channel, windows=_SHORT, zh=f"{zh}交易笔数",
              en=f"transactions through {en}")
        for channel, (zh, en) in _CHANNELS.items()
    ]  # fmt: skip
    all_known = Count("transactions_by_channel", where=_.channel.isin(list(_CHANNELS)), windows=_SHORT,
                      zh="客户自办交易笔数", en="transactions the customer made")  # fmt: skip
    last = DaysSince("days_since_last_mobile", where=_.channel == "mobile", unit="days", zh="距最近一次手机银行交易天数",
                     en="days since the last transaction through mobile banking")  # fmt: skip
    return [*counted, all_known, last]


def _channel_shares() -> list[Ratio | Trend]:
    shares: list[Ratio | Trend] = [
        Ratio(f"{channel}_share_3m", f"transactions_{channel}_3m", "transactions_by_channel_3m", unit="share",
              zh=f"近3个月{zh}交易占比", en=f"share of {en} in transactions, last 3 months")
        for channel, (zh, en) in _CHANNELS.items()
    ]  # fmt: skip
    trend = Trend("own_transactions_trend_3m", "transactions_by_channel_3m", "transactions_by_channel_12m",
                  zh="近3个月客户自办交易较近12个月月均变化",
                  en="transactions the customer made per month, last 3 against last 12 months", sign={"churn": -1})  # fmt: skip
    return [*shares, trend]


CHANNELS = Family(
    name="channels",
    table="transactions",
    concept="channel",
    zh="渠道使用",
    en="use of channels",
    needs=("transactions",),
    holds=(),
    measures=_channel_measures(),
    derived=_channel_shares(),
)
