"""The offline page of a list, from the list and what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmml import registry
from crmml.evaluation.takers import Takers, calibration_error, expected_takers
from crmml.reporting.list_page import Composition, ListStory, list_page
from crmml.reporting.metric_words import GROUPS
from crmml.reporting.words import Words
from crmml.sources.bank import Bank
from crmml.stages.project import Project
from crmml.stages.protected import attribute_names, beside, groups_of, protected_of
from crmml.targeting import Inputs, TargetList
from crmml.targeting.about import reasons_of
from crmml.targeting.arms import CONTROL, EXPLORE
from crmml.targeting.candidates import as_frame
from crmml.targeting.columns import CHANNELS
from crmml.targeting.value import UPLIFT

KINDS = {"person": Words("个人", "person"), "company": Words("公司", "company")}


def page_of(project: Project, bank: Bank, targets: TargetList, given: Inputs, served: Mapping[str, Any]) -> str:
    """The page of a list as HTML.

    Parameters
    ----------
    given
        What the list was made from.
    served
        The models behind its scores, as `scores/<cut-off>/models.json` holds them.
    """
    contacted = targets.table[targets.table["arm"] != CONTROL]
    gone = targets.changes[targets.changes["change"] == "gone"] if len(targets.changes) else targets.changes
    story = ListStory(
        bank=Words(project.spec.title_zh, project.spec.title_en),
        title=Words(targets.spec.zh, targets.spec.en),
        about=targets.about,
        rows=with_parts(contacted, given),
        eligible=best_offers(targets.allowed),
        takers=takers_of(project, contacted, served),
        waterfall=targets.waterfall,
        capacity_use=targets.capacity_use,
        fairness=selection_by_group(bank, targets),
        compositions=compositions(targets),
        why_gone=reasons_of(gone),
        by_propensity=int(contacted["effect_source"].ne(UPLIFT).sum()),
        currency=project.spec.currency,
    )
    return list_page(story, language=project.spec.language)


def compositions(targets: TargetList) -> tuple[Composition, ...]:
    """The ways the page parts the rows to contact."""
    channels = {code: Words(*words) for code, words in CHANNELS.items()}
    offers = {offer.product: Words(offer.zh, offer.en) for offer in targets.spec.offers}
    return (
        Composition("offer", Words("产品", "Offer"), offers),
        Composition("channel", Words("渠道", "Channel"), channels),
        Composition("kind", Words("客户类型", "Kind of customer"), KINDS),
        Composition("deposit_tier", Words("存款档次", "Deposit tier"), GROUPS),
        Composition("branch", Words("机构", "Branch")),
    )


def with_parts(rows: pd.DataFrame, given: Inputs) -> pd.DataFrame:
    """The rows with the kind and the deposit tier of their customers."""
    found = rows
    for name, table in (("kind", given.customers), ("deposit_tier", given.features)):
        frame = pd.DataFrame() if table is None else as_frame(table)
        if name in frame:
            by_customer = frame.assign(customer_id=frame["customer_id"].astype("str")).set_index("customer_id")[name]
            found = found.assign(**{name: found["customer_id"].map(by_customer)})
        else:
            found = found.assign(**{name: None})
    return found


def best_offers(allowed: pd.DataFrame) -> pd.DataFrame:
    """The best offer of each eligible customer: `expected_value, prob_take`."""
    order = allowed.sort_values(["expected_value", "customer_id"], ascending=[False, True], kind="stable")
    return order.drop_duplicates("customer_id")[["expected_value", "prob_take"]]


def takers_of(project: Project, contacted: pd.DataFrame, served: Mapping[str, Any]) -> Takers:
    """Expected takers with the errors of the calibration that the models were tested with."""
    errors = {}
    for model in served.values():
        if not model["product"]:
            continue
        log = registry.log(model["name"], models=project.workspace.models)
        entry = next((each for each in reversed(log) if each.version == str(model["version"])), None)
        card = None if entry is None else project.workspace.models / entry.bundle / "card.json"
        if card is not None and card.is_file():
            headline = json.loads(card.read_text(encoding="utf-8")).get("metrics", {}).get("headline", {})
            error = calibration_error(headline.get("observed_over_expected"))
            if error is not None:
                errors[str(model["product"])] = error
    chances = contacted["prob_take"].to_numpy(dtype=float)
    return expected_takers(chances, contacted["offer"].to_numpy(dtype=str), errors)


def selection_by_group(bank: Bank, targets: TargetList) -> pd.DataFrame:
    """How many customers of each protected group were scored, could be contacted, and were selected by value."""
    columns = ["attribute", "group", "scored", "eligible", "selected"]
    protected = protected_of(bank)
    if protected is None:
        return pd.DataFrame(columns=columns)
    keys = targets.candidates[["customer_id", "cutoff_date"]].drop_duplicates("customer_id").reset_index(drop=True)
    values = beside(protected, keys[["customer_id"]])
    by_value = targets.table.loc[targets.table["arm"] != EXPLORE, "customer_id"]
    flags = {
        "scored": np.ones(len(keys), dtype=int),
        "eligible": keys["customer_id"].isin(targets.allowed["customer_id"]).to_numpy(dtype=int),
        "selected": keys["customer_id"].isin(by_value).to_numpy(dtype=int),
    }
    parts = []
    for name in attribute_names(protected):
        groups = groups_of(values[name], keys["cutoff_date"])
        counted = pd.DataFrame({"group": groups, **flags}).groupby("group", as_index=False).sum()
        parts.append(counted.assign(attribute=name)[columns])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
