"""Loans, arrears and the use of limits."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import Family, Months, Ratio
from crmml.features.statistics import Count, DaysSince, Latest, Level, Max, Number, Sum
from crmml.features.walked import Due
from crmml.sources.contract import CREDIT_FAMILIES

_GRANTED = _.change > 0
_PAST_DUE = _.is_report & (_.days_past_due > 0)

LOANS = Family(
    name="loans",
    table="loans",
    concept="credit",
    zh="贷款",
    en="loans",
    needs=("loans", "accounts"),
    windows=(Months(12),),
    measures=[
        Number("loans", of=_.change, zh="在贷笔数", en="loans running"),
        Count("loans_granted", where=_GRANTED, zh="新发放贷款笔数", en="loans granted"),
        Sum("loans_granted_amount", where=_GRANTED, of=_.principal, unit="money", zh="新发放贷款金额", en="amount of loans granted"),
        DaysSince("days_since_last_loan", where=_GRANTED, unit="days", zh="距最近一次贷款发放天数",
                  en="days since a loan was last granted"),
        Level("principal", of=_.principal, unit="money", holds=CREDIT_FAMILIES, zh="在贷合同金额", en="principal of running loans"),
        Due("days_to_loan_end", by="entity_id", of=_.change, mark=_.due_on, over="farthest", unit="days", holds=CREDIT_FAMILIES,
            zh="距最后一笔贷款到期天数", en="days until the last running loan ends"),
        Level("instalment", of=_.instalment, unit="money", holds=CREDIT_FAMILIES, zh="每月应还款", en="monthly instalments"),
    ],
    derived=[
        Ratio("instalment_to_inflow", "instalment_last", "turnover_in_3m", zh="每月应还款与近3个月资金流入之比",
              en="monthly instalments to money in of the last 3 months", sign={"default": 1}),
        Ratio("principal_left", "outstanding_last", "principal_last", unit="share", zh="贷款未还比例",
              en="share of the principal still owed"),
    ],
)  # fmt: skip

_WORSE = {"default": 1}

ARREARS = Family(
    name="arrears",
    table="arrears",
    concept="credit",
    zh="逾期",
    en="arrears",
    needs=("arrears", "loans", "accounts"),
    windows=(Months(3), Months(6), Months(12)),
    holds=CREDIT_FAMILIES,
    measures=[
        Latest("days_past_due", over="max", of=_.days_past_due, unit="days", zh="当前逾期天数", en="days past due", sign=_WORSE),
        Latest("overdue", of=_.overdue_amount, unit="money", zh="当前逾期金额", en="overdue amount", sign=_WORSE),
        Latest("outstanding", of=_.outstanding, unit="money", zh="贷款余额", en="outstanding on loans"),
        Max("days_past_due", of=_.days_past_due, where=_.is_report, unit="days", zh="最长逾期天数", en="longest days past due",
            sign=_WORSE),
        Count("overdue_reports", where=_PAST_DUE, zh="逾期次数", en="reports of arrears", sign=_WORSE),
        DaysSince("days_since_last_overdue", where=_PAST_DUE, unit="days", zh="距最近一次逾期天数",
                  en="days since the last report of arrears", sign={"default": -1}),
    ],
    derived=[
        Ratio("overdue_share", "overdue_last", "outstanding_last", unit="share", zh="逾期金额占贷款余额比重",
              en="overdue amount as a share of what is outstanding", sign={"default": 1}),
    ],
)  # fmt: skip

LIMITS = Family(
    name="limits",
    table="account_terms",
    concept="limits",
    zh="额度使用",
    en="use of limits",
    needs=("account_terms", "accounts"),
    windows=(Months(12),),
    holds=("card",),
    measures=[
        Latest("card_limit", of=_.credit_limit, where=_.family == "card", unit="money", zh="信用卡额度", en="card limit",
               sign={"default": -1}),
        Count("card_limit_changes", where=(_.family == "card") & (_.credit_limit > 0), zh="信用卡额度设定次数",
              en="settings of the card limit"),
    ],
    derived=[
        Ratio("card_utilisation", "card_debt_last", "card_limit_last", unit="share", zh="信用卡额度使用率",
              en="use of the card limit", sign={"default": 1}),
        Ratio("card_utilisation_3m", "card_debt_mean_3m", "card_limit_last", unit="share", zh="近3个月日均信用卡额度使用率",
              en="use of the card limit, daily average of the last 3 months", sign={"default": 1}),
        Ratio("card_utilisation_12m", "card_debt_mean_12m", "card_limit_last", unit="share", zh="近12个月日均信用卡额度使用率",
              en="use of the card limit, daily average of the last 12 months", sign={"default": 1}),
    ],
)  # fmt: skip
