"""What the customer has contributed, from the ledger of closed months."""

from __future__ import annotations

from ibis import _

from crmml.features.declare import WINDOWS, Family, Months, Trend
from crmml.features.statistics import Sum

_SHORT = (Months(3), Months(12))

CONTRIBUTION = Family(
    name="contribution",
    table="ledger",
    concept="value",
    zh="历史贡献",
    en="past contribution",
    needs=("ledger",),
    windows=WINDOWS,
    measures=[
        Sum("contribution", of=_.contribution, unit="money", zh="综合贡献", en="contribution", sign={"contribution": 1}),
        Sum("margin", of=_.margin, unit="money", windows=_SHORT, zh="利差收入", en="interest margin", sign={"contribution": 1}),
        Sum("fees", of=_.fees, unit="money", windows=_SHORT, zh="手续费收入", en="fee income", sign={"contribution": 1}),
        Sum("expected_loss", of=_.expected_loss, unit="money", windows=_SHORT, zh="预期损失", en="expected loss",
            sign={"contribution": -1}),
        Sum("service_cost", of=_.service_cost, unit="money", windows=_SHORT, zh="服务成本", en="cost to serve",
            sign={"contribution": -1}),
        Sum("capital_charge", of=_.capital_charge, unit="money", windows=_SHORT, zh="资本占用成本", en="capital charge",
            sign={"contribution": -1}),
    ],
    derived=[
        Trend("contribution_trend_3m", "contribution_3m", "contribution_12m", zh="近3个月综合贡献较近12个月月均变化",
              en="contribution per month, last 3 against last 12 months", sign={"contribution": 1}),
        Trend("margin_trend_3m", "margin_3m", "margin_12m", zh="近3个月利差收入较近12个月月均变化",
              en="interest margin per month, last 3 against last 12 months", sign={"contribution": 1}),
    ],
)  # fmt: skip
