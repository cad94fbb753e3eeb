"""Which products a customer holds, takes and gives up."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import Breadth, Family, Months
from crmml.features.statistics import Count, DaysSince, DaysSinceFirst, Number
from crmml.sources.contract import FAMILIES

_WORDS = {
    "current": ("活期账户数", "current accounts"),
    "savings": ("储蓄账户数", "savings accounts"),
    "time_deposit": ("定期存款户数", "time deposits"),
    "loan": ("贷款户数", "loan accounts"),
    "mortgage": ("按揭贷款户数", "mortgages"),
    "card": ("信用卡张数", "cards"),
    "insurance": ("保险件数", "insurance contracts"),
    "investment": ("理财账户数", "investment accounts"),
    "service": ("签约服务数", "service contracts"),
}
_TAKEN, _GIVEN_UP = _.change > 0, _.change < 0

PRODUCTS = Family(
    name="products",
    table="accounts",
    concept="products",
    zh="产品持有",
    en="products held",
    needs=("accounts",),
    windows=(Months(3), Months(12)),
    measures=[
        Number("accounts", of=_.change, zh="持有账户数", en="accounts held", sign={"churn": -1}),
        *(
            Number(f"accounts_{family}", of=_.change, where=_.family == family, zh=_WORDS[family][0], en=_WORDS[family][1])
            for family in FAMILIES
        ),
        Count("accounts_opened", where=_TAKEN, zh="新开账户数", en="accounts opened", sign={"churn": -1}),
        Count("accounts_closed", where=_GIVEN_UP, zh="销户数", en="accounts closed", sign={"churn": 1}),
        DaysSince("days_since_last_opening", where=_TAKEN, unit="days", zh="距最近一次开户天数",
                  en="days since an account was last opened"),
        DaysSinceFirst("days_since_first_opening", where=_TAKEN, unit="days", zh="距首次开户天数",
                       en="days since the first account was opened", sign={"churn": -1, "default": -1}),
        DaysSince("days_since_last_closing", where=_GIVEN_UP, unit="days", zh="距最近一次销户天数",
                  en="days since an account was last closed"),
    ],
    derived=[
        Breadth("product_families", tuple(f"accounts_{family}_last" for family in FAMILIES), zh="持有产品种类数",
                en="kinds of product held", sign={"churn": -1}),
    ],
)  # fmt: skip
