"""Habits: how often a customer moves, how regularly the salary comes, and with whom money is exchanged."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import Family, Months, Ratio, Trend
from crmml.features.families.cash_flow import OUTSIDE, SALARY_KIND
from crmml.features.statistics import Count, DaysSince, Sum
from crmml.features.walked import Concentration, Distinct, LongestGap, MedianGap, MonthsWith, New, Regular, TopShare
from crmml.sources.contract import DEPOSIT_FAMILIES

_HALF_YEAR, _YEAR = (Months(6),), (Months(12),)
_SHORT = (Months(3), Months(12))
#: Fees and interest are booked by the bank: they go on where the customer has fallen silent.
_OWN = OUTSIDE & ~_.kind.fill_null("").isin(["fee", "interest"])

RHYTHM = Family(
    name="rhythm",
    table="transactions",
    concept="rhythm",
    zh="交易节奏",
    en="rhythm of transactions",
    needs=("transactions",),
    windows=_YEAR,
    holds=DEPOSIT_FAMILIES,
    measures=[
        MedianGap("own_gap", where=_OWN, unit="days", zh="交易间隔中位数", en="median gap between days with transactions"),
        LongestGap("own_gap", where=_OWN, unit="days", windows=_SHORT, zh="最长无交易天数", en="longest gap without a transaction",
                   sign={"churn": 1}),
        MonthsWith("active_months", where=_OWN, unit="months", zh="有交易的月数", en="months with a transaction",
                   sign={"churn": -1}),
        DaysSince("days_since_last_own", where=_OWN, unit="days", zh="距最近一次本人交易天数",
                  en="days since the customer's last transaction", sign={"churn": 1}),
        MonthsWith("salary_months", where=SALARY_KIND, unit="months", zh="有代发工资的月数", en="months with a salary",
                   sign={"churn": -1, "default": -1}),
        MedianGap("salary_gap", where=SALARY_KIND, unit="days", zh="代发工资间隔中位数", en="median gap between salaries"),
    ],
    derived=[
        Ratio("silence", "days_since_last_own", "own_gap_median_12m", zh="未交易天数与本人通常间隔之比",
              en="days of silence against the customer's own median gap", sign={"churn": 1}),
        Ratio("salary_overdue", "days_since_last_salary", "salary_gap_median_12m", zh="距上次工资天数与本人通常间隔之比",
              en="days since the salary against the customer's own median gap", sign={"churn": 1, "default": 1}),
    ],
)  # fmt: skip

_IN, _OUT = _.amount > 0, _.amount < 0
_PAYEE = {"by": "counterparty_account", "where": _OUT}
_PAYER = {"by": "counterparty_account", "where": _IN}

COUNTERPARTIES = Family(
    name="counterparties",
    table="payments",
    concept="counterparties",
    zh="交易对手",
    en="counterparties",
    needs=("transactions",),
    windows=_SHORT,
    holds=DEPOSIT_FAMILIES,
    measures=[
        Distinct("payees", zh="付款对手数", en="different accounts paid", **_PAYEE),
        Distinct("payers", windows=_YEAR, zh="收款对手数", en="different accounts that paid in", **_PAYER),
        TopShare("payees", of=-_.amount, unit="share", zh="最大付款对手占比", en="share of the account paid most", **_PAYEE),
        Concentration("payees", of=-_.amount, unit="share", windows=_YEAR, zh="付款集中度", en="concentration of payments out",
                      **_PAYEE),
        TopShare("payers", of=_.amount, unit="share", windows=_YEAR, zh="最大收款对手占比", en="share of the account that pays in most",
                 **_PAYER),
        New("payees_new", windows=_YEAR, zh="新付款对手数(最后3个月才出现)", en="accounts paid in the last 3 months and not before",
            **_PAYEE),
        Regular("payees_regular", windows=_HALF_YEAR, at_least=5, zh="定期付款对手数(至少5个月)",
                en="accounts paid in at least 5 months", sign={"churn": -1}, **_PAYEE),
        Regular("payees_stopped", windows=_HALF_YEAR, at_least=4, stopped=True, zh="上月中断的定期付款数",
                en="regular payments that stopped last month", sign={"churn": 1}, **_PAYEE),
        Sum("paid_outside", where=_OUT & _.is_outside, of=-_.amount, unit="money", windows=(Months(1), *_SHORT), zh="转出至他行金额",
            en="money paid to other banks", sign={"churn": 1}),
        Count("payments_outside", where=_OUT & _.is_outside, windows=_SHORT, zh="转出至他行笔数", en="payments to other banks"),
    ],
    derived=[
        Trend("paid_outside_trend_1m", "paid_outside_1m", "paid_outside_12m", zh="近1个月转出至他行较近12个月月均变化",
              en="money paid to other banks, last month against the monthly average of 12 months", sign={"churn": 1}),
        Ratio("paid_outside_share_3m", "paid_outside_3m", "turnover_out_3m", unit="share", zh="近3个月转出至他行占资金流出比重",
              en="money paid to other banks as a share of money out, last 3 months", sign={"churn": 1}),
    ],
)  # fmt: skip

#: What banks call a purpose; a bank maps its own words onto the first of each row.
_PURPOSES = {
    "cash": (("cash", "withdrawal"), ("现金", "cash")),
    "transfers": (("transfer", "transfer_out", "transfer_in"), ("转账", "transfers")),
    "shopping": (("shopping", "card_payment"), ("消费", "shopping")),
    "bills": (("bill", "tax", "premium"), ("缴费", "bills, taxes and premiums")),
    "repayments": (("repayment",), ("还款", "repayments")),
}


def _purpose_measures() -> list[Sum]:
    return [
        Sum(f"{name}_out", where=OUTSIDE & _OUT & _.kind.isin(kinds), of=-_.amount, unit="money", zh=f"{zh}支出", en=f"paid for {en}"
            if name != "cash" else "cash taken out")
        for name, (kinds, (zh, en)) in _PURPOSES.items()
    ]  # fmt: skip


PURPOSES = Family(
    name="purposes",
    table="transactions",
    concept="cash_flow",
    zh="资金用途",
    en="what money is used for",
    needs=("transactions",),
    windows=_SHORT,
    holds=DEPOSIT_FAMILIES,
    measures=[
        *_purpose_measures(),
        Sum("transfers_in", where=OUTSIDE & _IN & _.kind.isin(_PURPOSES["transfers"][0]), of=_.amount, unit="money",
            zh="转账收入", en="transfers received"),
        Sum("own_transfers", where=_.is_own_transfer & _IN, of=_.amount, unit="money", zh="本人账户间转入",
            en="moved between own accounts"),
    ],
    derived=[
        *(
            Trend(f"{name}_out_trend_3m", f"{name}_out_3m", f"{name}_out_12m", zh=f"近3个月{zh}支出较近12个月月均变化",
                  en=f"{en}, money out per month, last 3 against last 12 months")
            for name, (_kinds, (zh, en)) in _PURPOSES.items()
        ),
        *(
            Ratio(f"{name}_out_share_3m", f"{name}_out_3m", "turnover_out_3m", unit="share", zh=f"近3个月{zh}占资金流出比重",
                  en=f"{en} as a share of money out, last 3 months")
            for name, (_kinds, (zh, en)) in _PURPOSES.items()
        ),
    ],
)  # fmt: skip
