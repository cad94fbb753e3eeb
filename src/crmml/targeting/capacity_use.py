"""How far each capacity is used, and what one more of it is worth, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from crmml.targeting.arms import CONTROL, Chosen
from crmml.targeting.columns import CHANNELS
from crmml.targeting.room import COUNTED, NOBODY, ids_of, member_column, room_of
from crmml.targeting.spec import ListSpec

_COLUMNS = ["kind", "key", "name", "used", "limit"]
_ALWAYS = ("total", "offer")
_MINIMUMS = ("minimum_offer", "minimum_branch", "minimum_share")


def capacity_use(
    spec: ListSpec, candidates: pd.DataFrame, allowed: pd.DataFrame, chosen: Chosen, *, currency: str
) -> pd.DataFrame:
    """One line per limit and minimum, of the rows to contact; every offer has a line, other kinds where limited.

    Columns: `kind, key, name, used, limit` and `price, price_zh, price_en`, see `TargetList.capacity_use`.
    """
    contacted = chosen.rows[chosen.rows["arm"] != CONTROL]
    lines = [*_limits(spec, candidates, contacted), *_minimums(spec, allowed, contacted)]
    use = pd.DataFrame(lines, columns=_COLUMNS)
    use = use[np.isfinite(use["limit"]) | use["kind"].isin(_ALWAYS)].reset_index(drop=True)
    prices = [chosen.allocation.prices.get((kind, key), 0.0) for kind, key in zip(use["kind"], use["key"], strict=True)]
    said = [
        price_words(kind, key, name, price, spec=spec, currency=currency)
        for kind, key, name, price in zip(use["kind"], use["key"], use["name"], prices, strict=True)
    ]
    return use.assign(
        price=np.array(prices, dtype=float),
        price_zh=pd.array([zh for zh, _ in said], dtype="str"),
        price_en=pd.array([en for _, en in said], dtype="str"),
    )


def price_words(kind: str, key: str, name: str, price: float, *, spec: ListSpec, currency: str) -> tuple[str, str]:
    """What a price says, in Chinese and English; of a limit that leaves room, that more of it brings nothing.

    >>> from crmml.targeting import Capacities, Offer
    >>> asked = ListSpec("l", "名", "n", "p", (Offer("card", "卡", "card", "phone", 1.0),), Capacities(), 0.0, 1, 30)
    >>> price_words("branch", "b1", "城关支行", 86.4, spec=asked, currency="CNY")
    ('再多一个城关支行的电话名额值 86 元', 'one more call slot in branch 城关支行 is worth 86 yuan')
    """
    zh_money, en_money = ("元", "yuan") if currency == "CNY" else (currency, currency)
    amount = f"{price:,.2f}" if price < 10 else f"{price:,.0f}"
    if kind in _MINIMUMS:
        if price == 0:
            return "不影响名单价值", "costs nothing"
        return f"少要求一户可多得 {amount} {zh_money}", f"asking for one row less brings {amount} {en_money}"
    if price == 0:
        return "有余量,再多也不增加价值", "room is left; more of it brings nothing"
    if kind == "budget":
        return (
            f"每多 1 {zh_money}预算值 {amount} {zh_money}",
            f"one more {en_money} of budget is worth {amount} {en_money}",
        )
    zh, en = _slot(kind, key, name, spec)
    return f"再多一个{zh}值 {amount} {zh_money}", f"one more {en} is worth {amount} {en_money}"


def _slot(kind: str, key: str, name: str, spec: ListSpec) -> tuple[str, str]:
    """A slot of a limit in words; of a channel where there is but one."""
    only = spec.channels[0] if len(spec.channels) == 1 else ""
    zh_slot, en_slot = (f"{CHANNELS.get(only, (only,))[0]}名额", _call(only)) if only else ("名额", "slot")
    if kind == "channel":
        return f"{CHANNELS.get(key, (key,))[0]}名额", _call(key)
    if kind == "total":
        return zh_slot, f"{en_slot} in all"
    if kind == "offer":
        offer = spec.offer(key)
        return f"{offer.zh}{zh_slot}", f"{en_slot} for {offer.en}"
    if kind == "offer_branch":
        offer, branch = spec.offer(key.split(" × ", 1)[0]), name.rsplit(" × ", 1)[1]
        return f"{branch}{offer.zh}的{zh_slot}", f"{en_slot} for {offer.en} in branch {branch}"
    return f"{name}的{zh_slot}", f"{en_slot} {'in branch' if kind == 'branch' else 'of manager'} {name}"


def _call(channel: str) -> str:
    return "call slot" if channel == "phone" else f"{CHANNELS.get(channel, (channel, channel))[1]} slot"


def _limits(
    spec: ListSpec, candidates: pd.DataFrame, contacted: pd.DataFrame
) -> Iterator[tuple[str, str, str, float, float]]:
    room = room_of(spec, candidates)
    yield "total", "", "", float(len(contacted)), room.total
    yield "budget", "", "", float(contacted["contact_cost"].sum()), room.budget
    for kind, columns in COUNTED.items():
        counts = ids_of(contacted, columns).value_counts()
        names = _names(spec, candidates, kind)
        for key, limit in room.free[kind].items():
            yield kind, key, names.get(key, key), float(counts.get(key, 0)), limit


def _minimums(
    spec: ListSpec, allowed: pd.DataFrame, contacted: pd.DataFrame
) -> Iterator[tuple[str, str, str, float, float]]:
    room = room_of(spec, allowed)
    for kind, ids in room.least.items():
        counts = ids_of(contacted, COUNTED[kind]).value_counts()
        names = _names(spec, allowed, kind)
        for key, least in ids.items():
            yield f"minimum_{kind}", key, names.get(key, key), float(counts.get(key, 0)), least
    for number, share in enumerate(spec.capacities.minimum_shares):
        name = share.zh if share.zh == share.en else f"{share.zh} {share.en}"
        found = float(contacted[member_column(number)].mean()) if len(contacted) else 0.0
        yield "minimum_share", str(number + 1), name, found, share.share


def _names(spec: ListSpec, candidates: pd.DataFrame, kind: str) -> dict[str, str]:
    offers = {offer.product: f"{offer.zh} {offer.en}" for offer in spec.offers}
    if kind == "offer":
        return offers
    if kind == "offer_branch":
        branches = _names(spec, candidates, "branch")
        return {
            f"{product} × {branch}": f"{name} × {branches.get(branch, branch)}"
            for product, name in offers.items()
            for branch in ids_of(candidates, COUNTED["branch"]).unique()
        }
    if f"{kind}_name" not in candidates:
        return {}
    named = candidates.dropna(subset=[f"{kind}_id", f"{kind}_name"]).drop_duplicates(f"{kind}_id")
    return {NOBODY: "未分配 none", **dict(zip(named[f"{kind}_id"], named[f"{kind}_name"], strict=True))}
