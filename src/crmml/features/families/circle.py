"""Whom the customer is related to, when time deposits fall due, and how much the bank knows at all."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import Family, Months, Ratio
from crmml.features.statistics import DaysSinceFirst, NoRow, RowsKnown
from crmml.features.walked import Change, Distinct, Due, Maturing, Standing

_YEAR = (Months(12),)

RELATIONS = Family(
    name="relations",
    table="relations",
    concept="relations",
    zh="关系圈",
    en="related customers",
    needs=("relations",),
    windows=_YEAR,
    measures=[
        Standing("related", by="related_id", of=_.change, where=_.step == "related", zh="关联客户数", en="related customers"),
        Distinct("related_left", by="related_id", where=_.step == "left", zh="已流失的关联客户数", en="related customers who left",
                 sign={"churn": 1}),
        Distinct("related_defaulted", by="related_id", where=_.step == "default", zh="违约的关联客户数",
                 en="related customers in default", sign={"default": 1}),
    ],
)  # fmt: skip

MATURITY = Family(
    name="maturity",
    table="maturities",
    concept="balances",
    zh="定期到期",
    en="maturity of time deposits",
    needs=("account_terms", "accounts", "balances|transactions"),
    holds=("time_deposit",),
    measures=[
        Due("days_to_maturity", by="account_id", of=_.amount, mark=_.matures_on, unit="days", zh="距最近一笔定期到期天数",
            en="days until the next time deposit matures"),
        *(
            Maturing("time_deposit_maturing", ahead=months, by="account_id", of=_.amount, mark=_.matures_on, unit="money",
                     zh=f"未来{months}个月到期的定期存款", en=f"time deposits maturing within {months} months")
            for months in (1, 3)
        ),
    ],
    derived=[
        Ratio("time_deposit_maturing_share_3m", "time_deposit_maturing_3m", "deposits_last", unit="share",
              zh="未来3个月到期的定期占存款比重", en="time deposits maturing within 3 months as a share of deposits",
              sign={"churn": 1}),
    ],
)  # fmt: skip

LIMIT_CHANGES = Family(
    name="limit_changes",
    table="account_terms",
    concept="limits",
    zh="额度变动",
    en="changes of limits",
    needs=("account_terms", "accounts"),
    windows=_YEAR,
    holds=("card",),
    measures=[
        Change("card_limit", by="entity_id", mark=_.credit_limit, where=_.family == "card", unit="money", zh="信用卡额度变动",
               en="change of the card limit", sign={"default": -1}),
    ],
)  # fmt: skip

HISTORY = Family(
    name="history",
    table="balances",
    concept="history",
    zh="信息厚度",
    en="how much is known",
    needs=("balances|transactions",),
    measures=[
        DaysSinceFirst("history_days", unit="days", zh="有账务记录的天数", en="days since the first balance or booking"),
        RowsKnown("history_rows", zh="账务记录数", en="changes of balance on file"),
        NoRow("has_no_history", zh="无账务记录", en="no balance or booking at all"),
    ],
)  # fmt: skip
