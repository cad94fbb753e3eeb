"""One page about one customer that a banker can read, and trace number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from crmml.economics import FAMILY_WORDS
from crmml.explain import COMPONENTS, REST, wording
from crmml.explain.sentences import COMPONENTS as COMPONENT_WORDS
from crmml.periods import look_back
from crmml.reporting.page import mask_name, money, render, svg
from crmml.reporting.sparkline import line_chart, month_bars
from crmml.reporting.value_charts import Fall, waterfalls

TITLES = {
    "churn": ("流失概率", "probability of leaving"),
    "default": ("违约概率", "probability of default"),
    "take": ("购买概率", "probability of taking the product"),
    "winback": ("回来的概率", "probability of coming back"),
    "bookings": ("发生交易的概率", "probability of such bookings"),
    "contribution": ("预计贡献", "expected contribution"),
}


SEGMENTS = {
    "person, depositor": "个人存款客户 person, depositor",
    "person, borrower": "个人借款客户 person, borrower",
    "company, depositor": "企业存款客户 company, depositor",
    "company, borrower": "企业借款客户 company, borrower",
}


@dataclass(frozen=True)
class Reason:
    """One line of a reasons table; `share` is its bar, from -1 to 1 of the largest on the page."""

    code: str
    zh: str
    en: str
    feature: str | None
    effect: float
    share: float


@dataclass(frozen=True)
class Served:
    """What one model says about the customer, as the score file holds it."""

    target: str
    zh: str
    en: str
    model: str
    value: float
    peer: float
    grade: str
    percentile: float
    is_money: bool
    reasons: Sequence[Reason]
    components: Mapping[str, float] = field(default_factory=dict)

    grades: int = 10

    @property
    def is_risk(self) -> bool:
        """Whether a higher value is worse for the bank."""
        return self.target in ("churn", "default")

    @property
    def chain(self) -> str:
        """The sum or product of the reasons, written out: peers, effects, customer."""
        if self.is_money:
            steps = "".join(f" {'+' if each.effect >= 0 else '−'} {abs(each.effect):,.0f}" for each in self.reasons)
            return f"{money(self.peer)}{steps} = {money(self.value)}"
        steps = " ".join(wording.factor(each.effect) for each in self.reasons)
        return f"{_odds(self.peer)} {steps} = {_odds(self.value)} ({wording.probability(self.value)})"


@dataclass(frozen=True)
class Customer:
    """Who the page is about; the name is masked when shown.

    A row of a feature table names the file in `source`; without a cut-off, its date is not known.
    """

    customer_id: str
    cutoff: date | None
    bank: str  # the bank's folder, as commands name it
    bank_zh: str
    bank_en: str
    name: str | None = None
    kind: str | None = None
    segment: str | None = None
    branch: str | None = None
    manager: str | None = None
    since: date | None = None
    source: str = ""


def served_from(scores: Mapping[str, Any], *, horizon_months: int | None = None) -> Served:
    """What a row of a score file says, ready to be shown.

    Parameters
    ----------
    scores : mapping
        One row of the score file (a dict, or a Series).
    horizon_months : int, optional
        Length of the label window, for the title.
    """
    column = next(name for name in scores if str(name).startswith("prob_") or name == "contribution_12m")
    is_money = column == "contribution_12m"
    target = "contribution" if is_money else str(column).removeprefix("prob_")
    zh, en = TITLES.get(target, (f"{target} 概率", f"probability of {target}"))
    months = horizon_months or (12 if is_money else None)
    if months:
        zh, en = f"未来{months}个月{zh}", f"{en}, next {months} months"
    return Served(
        target=target,
        zh=zh,
        en=en,
        model=f"{scores['model']} v{scores['version']}",
        value=float(scores[column]),
        peer=float(scores["peer_mean"]),
        grade=str(scores["grade"]),
        percentile=float(scores["percentile"]),
        is_money=is_money,
        reasons=_reasons(scores),
        components={name: float(scores[name]) for name in COMPONENTS} if is_money else {},
    )


def customer_page(
    customer: Customer,
    served: Sequence[Served],
    *,
    ledger: pd.DataFrame | None = None,
    peers: Mapping[str, float] | None = None,
    holdings: pd.DataFrame | None = None,
    trend: pd.DataFrame | None = None,
    currency: str = "CNY",
    language: str = "both",
) -> str:
    """The page as HTML: one file, offline, printable.

    Parameters
    ----------
    served : sequence of Served
        One per model, in the order shown.
    ledger : DataFrame, optional
        One row per month of the last twelve: `month_end`, the five components and `contribution`.
    peers : mapping, optional
        The five components and `contribution` of its peers over the same months, on average.
    holdings : DataFrame, optional
        One row per account held at the cut-off: `family`, `product`, `opened_on`, `balance`.
    trend : DataFrame, optional
        One row per month: `month_end` and amounts such as `balance` and `salary`.
    language : str
        What is shown first: `zh`, `en` or `both`.
    """
    return render(
        "customer.html",
        language=language,
        customer=customer,
        shown_name=mask_name(customer.name) if customer.name else "",
        facts=_facts(customer),
        served=list(served),
        ledger=_ledger(ledger),
        ledger_chart=None
        if ledger is None or ledger.empty
        else svg(month_bars(list(ledger["month_end"]), ledger["contribution"].astype(float))),
        value_chart=_value_chart(ledger, peers, currency),
        holdings=_holdings(holdings),
        charts=_trend_charts(trend),
        component_words=COMPONENT_WORDS,
        ledger_command=_ledger_command(customer),
        currency_words=wording.currency_words(currency),
    )


def _value_chart(ledger: pd.DataFrame | None, peers: Mapping[str, float] | None, currency: str) -> Any:
    """The components of the months as a waterfall, beside the peers'."""
    if ledger is None or ledger.empty:
        return None
    amounts = {name: float(ledger[name].astype(float).sum()) for name in (*COMPONENTS, "contribution")}
    return svg(waterfalls([Fall("本客户 this customer", amounts, peers or {})], currency=currency, name="value"))


def _facts(customer: Customer) -> list[tuple[str, str, tuple[str, str]]]:
    """What is known beside scores: label in Chinese and English, value in both (the same where it is the bank's own word)."""
    kinds = {"person": "个人 person", "company": "企业 company"}
    facts = [
        ("类型", "kind", kinds.get(customer.kind or "", customer.kind)),
        ("同类群体", "peer group", SEGMENTS.get(customer.segment or "", customer.segment)),
        ("网点", "branch", customer.branch),
        ("客户经理", "manager", customer.manager),
        ("建立关系", "customer since", customer.since),
    ]
    in_both = {*kinds.values(), *SEGMENTS.values()}
    told = [(zh, en, str(value)) for zh, en, value in facts if value]
    return [(zh, en, tuple(value.split(" ", 1)) if value in in_both else (value, value)) for zh, en, value in told]  # type: ignore[misc]


def _ledger_command(customer: Customer) -> str:
    if customer.cutoff is None:
        return ""
    window = look_back(customer.cutoff, 12)
    first = window.start + timedelta(days=1)
    return f"crmml ledger {customer.bank} --from {first:%Y-%m} --to {window.end:%Y-%m}"


def _odds(probability: float) -> str:
    return f"{probability / (1 - probability):.3g}" if probability < 1 else "∞"


def _reasons(scores: Mapping[str, Any]) -> list[Reason]:
    lines: list[tuple[str, str, str, str | None, float]] = []
    place = 1
    while f"reason_{place}_code" in scores:
        prefix = f"reason_{place}"
        if not wording.is_missing(scores[f"{prefix}_code"]):
            lines.append(
                (
                    str(scores[f"{prefix}_code"]),
                    str(scores[f"{prefix}_zh"]),
                    str(scores[f"{prefix}_en"]),
                    str(scores[f"{prefix}_feature"]),
                    float(scores[f"{prefix}_effect"]),
                )
            )
        place += 1
    lines.append(("", REST["zh"], REST["en"], None, float(scores["reason_rest_effect"])))
    largest = max((abs(effect) for *_, effect in lines), default=0.0) or 1.0
    return [Reason(code, zh, en, feature, effect, effect / largest) for code, zh, en, feature, effect in lines]


def _ledger(ledger: pd.DataFrame | None) -> dict[str, Any] | None:
    if ledger is None or ledger.empty:
        return None
    columns = [*COMPONENTS, "contribution"]
    amounts = ledger[columns].astype(float)
    months = [str(day)[:7] for day in ledger["month_end"]]
    return {
        "rows": list(zip(months, amounts.to_numpy().tolist(), strict=True)),
        "totals": dict(zip(columns, amounts.sum().tolist(), strict=True)),
        "first": months[0],
        "last": months[-1],
    }


def _holdings(holdings: pd.DataFrame | None) -> list[dict[str, Any]]:
    if holdings is None:
        return []
    rows = [{str(name): value for name, value in row.items()} for row in holdings.to_dict("records")]
    for row in rows:
        row["opened_on"] = str(row["opened_on"])[:10]
        row["family_zh"], row["family_en"] = FAMILY_WORDS.get(row["family"], (row["family"], row["family"]))
    return rows


def _trend_charts(trend: pd.DataFrame | None) -> list[dict[str, Any]]:
    if trend is None or trend.empty:
        return []
    words = {"balance": ("月均存款余额", "average deposit balance"), "salary": ("代发工资", "salary credits")}
    charts = []
    for column in trend.columns.drop("month_end"):
        values = trend[column].astype(float).to_numpy()
        if np.isfinite(values).any():
            zh, en = words.get(str(column), (str(column), str(column)))
            charts.append(
                {"zh": zh, "en": en, "svg": svg(line_chart(list(trend["month_end"]), values)), "last": values[-1]}
            )
    return charts
