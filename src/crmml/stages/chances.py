"""The chance to take an offer without a contact, for assignments of a log: told by nothing that saw how they ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml import bundle, registry
from crmml.bundle import Bundle
from crmml.config import Model
from crmml.errors import NotFoundError
from crmml.files import digest_of
from crmml.modelling.boosting import Growth
from crmml.modelling.fit import LOG_ODDS
from crmml.modelling.splits import assign_rows, days_of
from crmml.modelling.unseen import unseen_chances
from crmml.periods import Horizon, label_window
from crmml.stages.abts import Ground, make_abt
from crmml.stages.project import Project

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Taking:
    """The champion of an uptake model, and the config it is grown again by."""

    model: Model
    bundle: Bundle

    @property
    def identity(self) -> str:
        """A digest of both: bases change with either."""
        return digest_of({"bundle": self.bundle.digest, "spec": dataclasses.asdict(self.model.spec)})

    @property
    def learned_until(self) -> date:
        """The last day of the labels the champion learned from."""
        told = self.bundle.card["config"]
        horizon = Horizon(told["horizon"]["learned_months"] or told["horizon"]["months"], told["horizon"]["gap"])
        return label_window(date.fromisoformat(max(told["split"]["train"])), horizon).end


def uptake_champions(project: Project, offers: tuple[str, ...]) -> dict[str, Taking]:
    """The champion of the uptake model of each offer that has one."""
    found: dict[str, Taking] = {}
    for model in project.config.models.values():
        target = model.spec.target
        offer = getattr(target, "product_family", None) or getattr(target, "product_id", None)
        if model.spec.kind != "uptake" or model.event is not None or offer not in offers:
            continue
        try:
            resolved = registry.resolve(f"{model.spec.name}@champion", models=project.workspace.models)
        except NotFoundError:
            continue  # without a champion the chance to take is not known for this offer
        found[str(offer)] = Taking(model, bundle.load(resolved.bundle_dir))
    return found


def base_of(project: Project, ground: Ground, frame: pd.DataFrame, takers: Mapping[str, Taking]) -> Array:
    """The chance of each row to take its offer without a contact; null for an offer without an uptake champion.

    The champion speaks of assignments after the last day of the labels it learned from. Of earlier ones it may have seen
    the outcome, and would call those likely who did take: their chance is told by models of its settings that learned
    from other customers.
    """
    base = np.full(len(frame), np.nan)
    days = days_of(frame["cutoff_date"])
    for offer, taking in takers.items():
        of_offer = (frame["offer"] == offer).to_numpy()
        is_later = days >= np.datetime64(taking.learned_until)
        later, earlier = np.flatnonzero(of_offer & is_later), np.flatnonzero(of_offer & ~is_later)
        if len(later):
            base[later] = taking.bundle.probability(taking.bundle.encode(frame.iloc[later]))
        if len(earlier):
            base[earlier] = _unseen(project, ground, taking, frame.iloc[earlier])
    return base


def _unseen(project: Project, ground: Ground, taking: Taking, rows: pd.DataFrame) -> Array:
    """The chances of rows by models like the champion that learned from other customers."""
    champion, spec = taking.bundle, taking.model.spec
    abt = make_abt(project, taking.model, ground)
    learned = abt.frame[assign_rows(abt.frame, spec.split)[0]]
    found = champion.card["tuning"]
    growth = Growth(is_binary=True, fixed=dict(spec.lightgbm.params), seed=spec.tuning.seed, seeds=int(found["seeds"]))
    known = (champion.encode(learned), learned["label"].to_numpy(np.float64), _ids(learned))
    return unseen_chances(
        known,
        (champion.encode(rows), _ids(rows)),
        growth=growth,
        params=found["params"],
        trees=int(found["trees"][LOG_ODDS]),
        categorical=champion.encoding.categorical,
    )


def _ids(frame: pd.DataFrame) -> npt.NDArray[np.str_]:
    return frame["customer_id"].astype(str).to_numpy(str)
