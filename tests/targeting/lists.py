"""A bank of five customers and two offers whose list can be worked by hand."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmml.targeting import Capacities, Contact, Inputs, Limit, ListSpec, MinimumShare, Offer

AS_OF = date(2025, 12, 31)
CUSTOMERS = ["c1", "c2", "c3", "c4", "c5"]


def spec(**changed: Any) -> ListSpec:
    """Card worth 1,000 at 10 a contact, loan worth 2,000 at 20; no control, no exploration, no limits."""
    given: dict[str, Any] = {
        "name": "cross_sell",
        "zh": "交叉销售名单",
        "en": "cross-sell list",
        "purpose": "test",
        "offers": (CARD, LOAN),
        "capacities": Capacities(),
        "control_share": 0.0,
        "explore_share": 0.0,
        "seed": 7,
        "call_by_days": 30,
    }
    return ListSpec(**{**given, **changed})


CARD = Offer("card", "信用卡", "credit card", "phone", 10.0, value_if_taken=1000.0)
LOAN = Offer("loan", "贷款", "loan", "branch", 20.0, value_if_taken=2000.0)


def scores(product: str, probabilities: list[float], customers: list[str] = CUSTOMERS) -> pd.DataFrame:
    reasons = {
        f"reason_{n}_{part}": f"{product} {part} {n}" if part != "effect" else 0.1 * n
        for n in (1, 2, 3, 4)
        for part in ("code", "zh", "en", "effect")
    }
    return pd.DataFrame(
        {"customer_id": customers, "cutoff_date": date(2025, 10, 31), "prob_take": probabilities}
    ).assign(**reasons)


def inputs(**changed: Any) -> Inputs:
    """Expected values: card 90, 190, 290, 40, -5; loan 180, -10, 80, 580, -18."""
    customers = pd.DataFrame(
        {
            "customer_id": CUSTOMERS,
            "name": ["陈一", "王二", "李三", "赵四", "周五"],
            "kind": "person",
            "branch_id": ["b1", "b1", "b1", "b2", "b2"],
            "branch_name": ["城关支行", "城关支行", "城关支行", "东湖支行", "东湖支行"],
            "manager_id": ["m1", "m1", "m2", "m3", None],
            "manager_name": ["甲", "甲", "乙", "丙", None],
        }
    )
    given = Inputs(
        customers=customers,
        uptake={
            "card": scores("card", [0.1, 0.2, 0.3, 0.05, 0.005]),
            "loan": scores("loan", [0.1, 0.005, 0.05, 0.3, 0.001]),
        },
        suppression=suppression(),
        models={"demo.uptake_card": "version 3"},
    )
    return dataclasses.replace(given, **changed)


def suppression(**flags: list[Any]) -> pd.DataFrame:
    given: dict[str, Any] = dict.fromkeys(
        ("refuses_marketing", "in_arrears", "has_left", "open_complaint"), [False] * 5
    )
    return pd.DataFrame({"customer_id": CUSTOMERS, **given, "last_contacted_on": [None] * 5, **flags})


def pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["customer_id"], table["offer"], strict=True))


def random_case(
    seed: int, customers: int = 40, offers: int = 4, *, minimums: bool = False
) -> tuple[pd.DataFrame, ListSpec]:
    """Random candidates with values, and a spec with some of every kind of limit, and of minimums where asked for."""
    random = np.random.default_rng(seed)
    products = tuple(
        Offer(
            f"p{k}", "产品", "product", capacity=int(random.integers(0, customers)) if random.random() < 0.6 else None,
            channels={f"ch{c}": Contact(float(random.integers(1, 9))) for c in ((0, 1) if k == 0 else (k % 2,))},
        )
        for k in range(offers)
    )  # fmt: skip
    manager = random.integers(0, 6, customers)
    rows = [
        (f"c{i:03d}", offer.product, channel, f"b{manager[i] // 2}", f"m{manager[i]}", contact.contact_cost)
        for i in range(customers)
        for offer in products
        for channel, contact in offer.contacts.items()
        if random.random() < 0.8
    ]
    names = ["customer_id", "offer", "channel", "branch_id", "manager_id", "contact_cost"]
    frame = pd.DataFrame(rows, columns=names)
    frame["prob_take"] = random.random(len(frame))
    frame["expected_value"] = random.lognormal(3, 1, len(frame)) - 10
    capacities = Capacities(
        total=int(random.integers(1, customers)) if random.random() < 0.7 else None,
        per_channel={"ch0": int(random.integers(0, customers))} if random.random() < 0.5 else {},
        per_branch=Limit(int(random.integers(1, 15)) if random.random() < 0.5 else None),
        per_manager=Limit(int(random.integers(1, 6)), {"m1": int(random.integers(0, 4))}),
        budget=float(random.integers(20, 200)) if random.random() < 0.5 else None,
    )
    frame["kind"] = frame["customer_id"].map(lambda name: "company" if int(name[1:]) % 4 == 0 else "person")
    frame = frame.sort_values(["customer_id", "offer", "channel"], ignore_index=True)
    if random.random() < 0.5:
        limit = Limit(int(random.integers(0, 6)), {"b1": int(random.integers(0, 4))})
        capacities = dataclasses.replace(capacities, per_product_branch={"p1": limit})
    if minimums:
        most = max(1, customers // 12)
        capacities = dataclasses.replace(
            capacities,
            total=None if capacities.total is None else max(capacities.total, 2 * most),
            minimum_per_product={"p0": int(random.integers(0, most + 1))},
            minimum_per_branch=Limit(int(random.integers(0, 2))),
            minimum_shares=(MinimumShare("kind = 'company'", float(random.choice([0.1, 0.3, 0.5]))),)
            if random.random() < 0.7
            else (),
        )
        products = tuple(
            dataclasses.replace(each, capacity=None if each.capacity is None else max(each.capacity, most))
            for each in products
        )
        capacities = dataclasses.replace(
            capacities, budget=None if capacities.budget is None else max(capacities.budget, 9.0 * most)
        )
    return frame, spec(offers=products, capacities=capacities)
