"""Why a candidate is on the list or not: the rule that removed it with the value that failed it, or the price of a place.

Nothing here tells that a row was held out as control. Without the arms, a row
held out and a row that lost its place by order or lot are told alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crmml.targeting.arms import CONTROL
from crmml.targeting.build import TargetList
from crmml.targeting.eligibility import evaluate
from crmml.targeting.prices import prices_of
from crmml.targeting.room import COUNTED, NOBODY, ids_of
from crmml.targeting.spec import NO_BAND, ListSpec, Rule

ON_LIST, NO_ROOM, WORTHLESS = "chosen", "no_room", "not_worthwhile"
BY_LOT = (
    "符合条件,本期名额已按价值、先后与抽签分完",
    "meets every rule; the places of this list were given by value, order and lot",
)
FIGURES = ("expected_value", "effect", "effect_source", "value_if_taken", "prob_take", "incentive", "contact_cost")
_LIMITS = {
    "total": ("名单名额", "a place on the list"),
    "budget": ("预算", "the budget"),
    "offer": ("产品名额:", "a place of "),
    "channel": ("渠道名额:", "a slot of channel "),
    "branch": ("机构名额:", "a slot of branch "),
    "manager": ("客户经理名额:", "a slot of manager "),
    "offer_branch": ("机构产品名额:", "a place of the product in branch "),
    "minimum_offer": ("产品最低数:", "the minimum of "),
    "minimum_branch": ("机构最低数:", "the minimum of branch "),
}
_COMPARED = re.compile(r"([^\W\d]\w*)\s*(<=|>=|<>|!=|<|>|=)\s*('(?:[^']|'')*'|-?\d+(?:\.\d+)?)")
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "=", "!=": "="}
_WORD = re.compile(r"[^\W\d]\w*")


def why_not(
    targets: TargetList, customer_id: str, features: pd.DataFrame | None = None, *, arms: bool = False
) -> pd.DataFrame:
    """What became of every offer and channel of one customer, best first.

    Parameters
    ----------
    features : DataFrame, optional
        The customer's row of features, for the values that rules read.
    arms : bool
        Tell who is held out as control or drawn to explore: for whoever judges the list, not for marketing.

    Returns
    -------
    DataFrame
        One row per candidate: `offer, channel, decision` (a code), `zh, en` (why), the figures of its
        value, `price` (what its places are worth to others) and `short_by` (how far its value is below
        that; null where the price did not decide). Empty where the customer was no candidate.
    """
    return Whys.of(targets, [customer_id], features, arms=arms).of_customer(customer_id)


@dataclass(frozen=True)
class Whys:
    """What became of the candidates of some customers, prices looked up once for all of them."""

    targets: TargetList
    rows: pd.DataFrame
    prices: pd.DataFrame
    features: pd.DataFrame | None
    arms: bool
    with_values: bool
    places: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls,
        targets: TargetList,
        customers: Iterable[str],
        features: pd.DataFrame | None = None,
        *,
        arms: bool = False,
        with_values: bool = True,
    ) -> Whys:
        """As `why_not`; without `with_values` a rule is told by its words alone, and no branch or manager is named."""
        rows = targets.candidates[targets.candidates["customer_id"].isin(list(customers))]
        order = ["customer_id", "expected_value", "offer", "channel"]
        rows = rows.sort_values(order, ascending=[True, False, True, True], ignore_index=True)
        found = rows.groupby("customer_id", sort=False).indices
        places = {str(customer): np.asarray(at) for customer, at in found.items()}
        return cls(targets, rows, prices_of(rows, targets.capacity_use), features, arms, with_values, places)

    def of_customer(self, customer_id: str) -> pd.DataFrame:
        """One row per candidate of a customer, best first."""
        listed = self._listed.get(customer_id, self.targets.table.iloc[:0])
        return pd.DataFrame([self._told(place, listed) for place in self.places.get(customer_id, ())])

    def reason(self, customer_id: str, offer: str, otherwise: tuple[str, str, str]) -> tuple[str, str, str]:
        """Code and words of what became of one offer by its best channel; `otherwise` where it was no candidate."""
        for place in self.places.get(customer_id, ()):
            if self.rows["offer"].iat[place] == offer:
                told = self._told(place, self._listed.get(customer_id, self.targets.table.iloc[:0]))
                return told["decision"], told["zh"], told["en"]
        return otherwise

    @cached_property
    def _listed(self) -> dict[str, pd.DataFrame]:
        own = self.targets.table[self.targets.table["customer_id"].isin(list(self.places))]
        return {str(customer): rows for customer, rows in own.groupby("customer_id", sort=False)}

    def _told(self, place: int, listed: pd.DataFrame) -> dict[str, Any]:
        row = self.rows.iloc[[place]]
        one, prices = row.iloc[0], self.prices.iloc[place]
        price = float(prices.sum()) if len(prices) else 0.0
        code, zh, en, short = str(one["decision"]), "", "", None
        if code in (NO_ROOM, CONTROL) and not (self.arms and code == CONTROL):
            code, zh, en, short = _crowded_out(self, one, prices, price, listed)
        else:
            zh, en = _because(self.targets, row, code, self.features, self.with_values)
        figures = {name: one[name] for name in FIGURES if name in one}
        if code == "by_lot":  # figures above the price would tell a row held out from one that lost its place
            price = np.nan
        told = {"offer": one["offer"], "channel": one["channel"], "decision": code, "zh": zh, "en": en}
        return {**told, **figures, "price": price, "short_by": short}


def _crowded_out(
    whys: Whys, one: pd.Series, prices: pd.Series, price: float, listed: pd.DataFrame
) -> tuple[str, str, str, float | None]:
    """Why an eligible, worthwhile candidate has no place: another offer of the customer, the price, or the lot."""
    shown = listed if whys.arms else listed[listed["arm"] != CONTROL]
    if len(shown):
        won, worth = shown.iloc[0], float(one["expected_value"])
        zh = f"每位客户一个产品:已选 {won['offer_zh']}({won['expected_value']:,.0f}),此项 {worth:,.0f}"
        en = f"one offer per customer: chosen with {won['offer_en']} worth {won['expected_value']:,.0f}, this one {worth:,.0f}"
        return "other_offer", zh, en, None
    short = price - float(one["expected_value"])
    if short > 0:
        zh, en = _dear(whys, one, prices)
        return NO_ROOM, zh, en, short
    return "by_lot", *BY_LOT, None


def _dear(whys: Whys, one: pd.Series, prices: pd.Series) -> tuple[str, str]:
    """The value of a candidate beside the price of each place it needs."""
    worth, parts_zh, parts_en = float(one["expected_value"]), [], []
    for kind, price in prices[prices != 0].items():
        zh, en = _LIMITS.get(str(kind), (f"{kind}:", f"{kind} "))
        name = _limit_name(whys.targets, one, str(kind)) if whys.with_values else ("", "")
        parts_zh.append(f"{(zh + name[0]).rstrip(':')} 值 {price:,.0f}")
        parts_en.append(f"{(en + name[1]).strip()} costs {price:,.0f}")
    short = float(prices.sum()) - worth
    zh = f"预期 {worth:,.0f};{','.join(parts_zh)};差 {short:,.0f}"
    return zh, f"expected {worth:,.0f}; {', '.join(parts_en)}: {short:,.0f} short"


def _limit_name(targets: TargetList, one: pd.Series, kind: str) -> tuple[str, str]:
    kind = kind.removeprefix("minimum_").removeprefix("offer_")
    if kind not in COUNTED:
        return "", ""
    if kind == "offer":
        offer = next(offer for offer in targets.spec.offers if offer.product == one["offer"])
        return offer.zh, offer.en
    key = ids_of(one.to_frame().T, COUNTED[kind]).iloc[0]
    name = one.get(f"{kind}_name")
    shown = key if name is None or pd.isna(name) else f"{name} ({key})"
    return ("未分配", "nobody") if key == NOBODY else (shown, shown)


def _because(
    targets: TargetList, row: pd.DataFrame, code: str, features: pd.DataFrame | None, with_values: bool
) -> tuple[str, str]:
    """The words of a step, with what was found where the step reads a value."""
    one = row.iloc[0]
    if code == ON_LIST:
        return "在名单上", "on the list"
    words = targets.waterfall.set_index("step")
    zh, en = (str(words.loc[code, language]) for language in ("zh", "en")) if code in words.index else (code, code)
    rule = _rule_of(targets.spec, code)
    if rule is not None:
        found = _found(rule, row, features) if with_values else ""
    else:
        found = _figure_of(code, one, targets.about)
    return (f"{zh}:{found}", f"{en}: {found}") if found else (zh, en)


def _figure_of(code: str, one: pd.Series, about: Mapping[str, Any]) -> str:
    """The figure that a step without an expression decided by."""
    if code == "holds":
        return str(one.get("holdings", ""))
    if code == "risk_band":
        return str(one["risk_band"]) if one["risk_band"] != NO_BAND else ""
    if code == "contacted" and pd.notna(one["last_contacted_on"]):
        return f"{pd.Timestamp(one['last_contacted_on']).date()} → {about['suppress_as_of']}"
    if code == WORTHLESS:
        paid = f" − {one['prob_take']:.3f} × {one['incentive']:,.0f}" if one["incentive"] else ""
        worth = f"{one['effect']:.3f} × {one['value_if_taken']:,.0f}{paid} − {one['contact_cost']:,.0f}"
        return f"{worth} = {one['expected_value']:,.1f}"
    return ""


def _rule_of(spec: ListSpec, code: str) -> Rule | None:
    """The rule behind a step, by the number in its code."""
    name, _, number = code.rpartition("_")
    rules: Sequence[Rule] = ()
    if name == "rule":
        rules = spec.eligibility
    elif name == "offer_rule":
        rules = [rule for offer in spec.offers for rule in offer.eligibility]
    return rules[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(rules) else None


def _found(rule: Rule, row: pd.DataFrame, features: pd.DataFrame | None) -> str:
    """The values that failed a rule: each comparison not met turned round, else the values of its columns.

    `prob_churn < 0.5` that met 0.62 reads `prob_churn 0.62 >= 0.5`.
    """
    values = _values(rule, row, features)
    leaves = [match for match in _COMPARED.finditer(rule.where) if match[1].casefold() in values]
    met = evaluate([Rule(match[0]) for match in leaves], row, features)[0] if leaves else []
    said = {}
    for leaf, is_met in zip(leaves, met, strict=True):
        value = values[leaf[1].casefold()]
        if not is_met:
            said[leaf[1].casefold()] = f"{leaf[1]} {_spoken(value)}" + (
                "" if _is_null(value) else f" {_OPPOSITE[leaf[2]]} {leaf[3]}"
            )
    rest = {name: f"{name} {_spoken(value)}" for name, value in values.items()}
    return "; ".join((said or rest).values())


def _values(rule: Rule, row: pd.DataFrame, features: pd.DataFrame | None) -> dict[str, Any]:
    """What the columns a rule names hold for a customer, by lower-case name."""
    known = {str(name).casefold(): value for name, value in row.iloc[0].items()}
    if features is not None and len(features):
        known = {str(name).casefold(): value for name, value in features.iloc[0].items()} | known
    named = dict.fromkeys(word.casefold() for word in _WORD.findall(re.sub(r"'[^']*'", "", rule.where)))
    return {name: known[name] for name in named if name in known and name not in ("prob_default", "holds")}


def _is_null(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _spoken(value: Any) -> str:
    if _is_null(value):
        return "null"
    return f"{value:,.4g}" if isinstance(value, float | np.floating) and abs(value) < 1e6 else str(value)
