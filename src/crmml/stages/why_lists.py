"""Why a customer is on a list with an offer, or why not, from what the list kept."""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from crmml.errors import NotFoundError
from crmml.peers import ALL, read_peers
from crmml.stages.kept_lists import KeptList, open_list
from crmml.stages.list_snapshot import Snapshot
from crmml.targeting import TargetList, why_not
from crmml.targeting.arms import CONTROL
from crmml.targeting.columns import REASONS

NEAR = 3
NOT_SCORED = (
    "没有评分:不在该产品模型的客群内(如已离行、违约或新开户)",
    "not scored: outside the population of the offer's model (has left, is in default, or is too new)",
)


def explain_list(given: Path, *, customer_id: str, name: str | None, arms: bool = False) -> dict[str, Any]:
    """The place of a customer on a list and what became of each offer, as plain data.

    Returns
    -------
    dict
        `list_id, customer_id, is_listed`, `chosen` (the row of the list in short, or None), `why_customer`
        (reasons with the feature, its value, the peers' average and the command that shows its source rows),
        `why_offer` (the factors of the expected value), `offers` (one row per offer and channel).

    Raises
    ------
    NotFoundError
        M001 with the nearest ids if the customer is not known to the list.
    """
    project, kept = open_list(given, name)
    targets, snapshot = kept.targets(), kept.snapshot()
    require_customer(kept, snapshot, targets, customer_id)
    features = features_of(snapshot, customer_id)
    row = _listed(targets, customer_id, arms)
    offers = why_not(targets, customer_id, features, arms=arms)
    told = {
        "list_id": kept.list_id,
        "customer_id": customer_id,
        "is_listed": row is not None,
        "chosen": None if row is None else _chosen(row, arms),
        "why_customer": [] if row is None else list(_reasons(row, snapshot, features, str(project.spec.folder))),
        "why_offer": [] if row is None else list(_factors(row, offers)),
        "offers": [*_plain(offers), *_not_scored(targets, snapshot, customer_id)],
    }
    if row is not None and offers["effect_source"].iloc[0].startswith("propensity"):
        told["stamp"] = "购买倾向,非因果效应 propensity, not causal"
    return told


def require_customer(kept: KeptList, snapshot: Snapshot, targets: TargetList, customer_id: str) -> None:
    """Refuse an id that the list has never heard of (M001), naming those nearest to it."""
    if (targets.candidates["customer_id"] == customer_id).any():
        return
    table = pq.read_table(snapshot.directory / "customers.parquet", columns=["customer_id"])
    known = sorted(table["customer_id"].cast("string").to_pylist())
    place = bisect.bisect_left(known, customer_id)
    if place < len(known) and known[place] == customer_id:
        return
    near = nearest_ids(customer_id, known)
    hint = f" Did you mean {' or '.join(repr(each) for each in near)}?" if near else ""
    raise NotFoundError(
        f"customer {customer_id!r} is not known to the list {kept.list_id}; expected one of its bank's "
        f"{len(known):,} customers, the id as the bank writes it.{hint}",
        code="M001",
    )


def nearest_ids(wanted: str, known: list[str]) -> list[str]:
    """Up to three ids like the one wanted: the same without leading zeros, or near it in a sorted list.

    >>> nearest_ids("411", ["0000410", "0000411", "0000412"])
    ['0000411']
    >>> nearest_ids("C0419", ["C0411", "C0418", "X9999"])
    ['C0418', 'C0411']
    """
    bare = wanted.strip().lstrip("0").casefold()
    same = [each for each in known if each.strip().lstrip("0").casefold() == bare]
    if same:
        return same[:NEAR]
    place = bisect.bisect_left(known, wanted)
    return difflib.get_close_matches(wanted, known[max(0, place - 500) : place + 500], n=NEAR)


def features_of(snapshot: Snapshot, customer_id: str) -> pd.DataFrame:
    """The kept feature row of a customer, as it was served; empty where the customer was no candidate."""
    return pq.read_table(snapshot.feature_file, filters=[("customer_id", "=", customer_id)]).to_pandas()


def scores_of(snapshot: Snapshot, key: str, customer_id: str) -> pd.DataFrame:
    """The kept score row of a customer by one model."""
    return pq.read_table(snapshot.scores / f"{key}.parquet", filters=[("customer_id", "=", customer_id)]).to_pandas()


def _listed(targets: TargetList, customer_id: str, arms: bool) -> pd.Series | None:
    rows = targets.table[targets.table["customer_id"] == customer_id]
    rows = rows if arms else rows[rows["arm"] != CONTROL]
    return None if rows.empty else rows.iloc[0]


def _chosen(row: pd.Series, arms: bool) -> dict[str, Any]:
    names = ("offer", "offer_zh", "offer_en", "channel", "branch", "manager", "expected_value", "call_by")
    told = {name: None if pd.isna(row[name]) else row[name] for name in names} | {"call_by": str(row["call_by"].date())}
    return {"arm": row["arm"], **told} if arms else told


def _reasons(row: pd.Series, snapshot: Snapshot, features: pd.DataFrame, bank: str) -> Iterator[dict[str, Any]]:
    """The reasons of a row, each with the cell it speaks of."""
    speakers = _speakers(snapshot, str(row["customer_id"]))
    peers = read_peers(snapshot.peer_file) if snapshot.peer_file.exists() else {}
    for place in range(1, REASONS + 1):
        zh = row[f"reason_{place}_zh"]
        if pd.isna(zh) or not zh:
            continue
        feature, segment, model = speakers.get(zh, (None, ALL, None))
        effect = row[f"reason_{place}_effect"]
        yield {
            "zh": zh,
            "en": row[f"reason_{place}_en"],
            "code": row[f"reason_{place}_code"],
            "effect": None if pd.isna(effect) else float(effect),
            "model": model,
            "feature": feature,
            "value": None if feature is None else _cell(features, feature),
            "peers": peers.get(segment, peers.get(ALL, {})).get(feature) if feature else None,
            "rows": f"crmml features {bank} --explain {feature} --customer {row['customer_id']} --cutoff {snapshot.cutoff}",
        }


def _speakers(snapshot: Snapshot, customer_id: str) -> dict[str, tuple[str, str, str]]:
    """By sentence: the feature that speaks, the customer's segment, and the model."""
    found: dict[str, tuple[str, str, str]] = {}
    for key, model in snapshot.models.items():
        for row in scores_of(snapshot, key, customer_id).to_dict("records"):
            for place in range(1, 5):
                zh, feature = row.get(f"reason_{place}_zh"), row.get(f"reason_{place}_feature")
                if isinstance(zh, str) and isinstance(feature, str):
                    found.setdefault(zh, (feature, str(row.get("segment")), f"{model['name']} {model['version']}"))
    return found


def _cell(features: pd.DataFrame, name: str) -> Any:
    if name not in features or features.empty or pd.isna(features[name].iloc[0]):
        return None
    value = features[name].iloc[0]
    return value.item() if hasattr(value, "item") else value


def _factors(row: pd.Series, offers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Why this offer: the factors of its value, and the customer's next best offer."""
    source = {"zh": row["value_source_zh"], "en": row["value_source_en"]}
    yield {"factor": "effect", "value": float(row["effect"]), "zh": "联系的效应", "en": str(row["effect_source"])}
    yield {"factor": "value_if_taken", "value": float(row["value_if_taken"]), **source}
    yield {"factor": "prob_take", "value": float(row["prob_take"]), "zh": "购买概率", "en": "probability of taking"}
    yield {"factor": "incentive", "value": -float(row["incentive"]), "zh": "成交奖励", "en": "paid if taken"}
    yield {
        "factor": "contact_cost",
        "value": -float(row["contact_cost"]),
        "zh": "联系成本",
        "en": "cost of the contact",
    }
    how = "effect × value_if_taken − prob_take × incentive − contact_cost"
    yield {"factor": "expected_value", "value": float(row["expected_value"]), "zh": "预期价值", "en": how}
    others = offers[(offers["offer"] != row["offer"]) & offers["decision"].isin(["other_offer", "not_worthwhile"])]
    if len(others):
        next_best = others.iloc[0]
        words = {"zh": f"次优产品 {next_best['offer']}", "en": f"next best offer: {next_best['offer']}"}
        yield {"factor": "next_best", "value": float(next_best["expected_value"]), **words}


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if not isinstance(value, str) and pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _not_scored(targets: TargetList, snapshot: Snapshot, customer_id: str) -> Iterator[dict[str, Any]]:
    """The offers for which the customer was no candidate: held already, or of no population of their model."""
    own = targets.candidates["customer_id"] == customer_id
    scored = set(targets.candidates.loc[own, "offer"])
    held = pq.read_table(
        snapshot.directory / "holdings.parquet", filters=[("customer_id", "=", customer_id)]
    ).to_pandas()
    for offer in targets.spec.offers:
        has = held[(held["product_id"].astype(str) == offer.product) | (held["family"].astype(str) == offer.product)]
        words = {"decision": "not_scored", "zh": NOT_SCORED[0], "en": NOT_SCORED[1]}
        if len(has):
            named = has["name"].fillna(has["product_id"]) if "name" in has else has["product_id"]
            names = "、".join(sorted(set(named.astype(str))))
            words = {"decision": "holds", "zh": f"已持有该产品:{names}", "en": f"already holds the product: {names}"}
        if offer.product not in scored:
            yield {"offer": offer.product, "channel": None, **words}
