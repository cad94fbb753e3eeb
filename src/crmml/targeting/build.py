"""One list from spec and tables: eligible, not suppressed, valued, allocated, drawn into arms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from crmml.errors import ConfigError, IntegrityError, NotFoundError, SourceError, did_you_mean, mask
from crmml.files import digest_of
from crmml.targeting.allocation import Allocation
from crmml.targeting.arms import CONTROL, EXPLORE, TREATED, choose
from crmml.targeting.candidates import Inputs, Table, build_candidates
from crmml.targeting.capacity_use import capacity_use
from crmml.targeting.check import check_allocation
from crmml.targeting.columns import finish
from crmml.targeting.decisions import Decisions, Step
from crmml.targeting.eligibility import apply_eligibility, with_columns
from crmml.targeting.keeping import SELL
from crmml.targeting.offer_value import with_values
from crmml.targeting.reserve import reserve_of
from crmml.targeting.room import NOBODY, ids_of, limits_of_units, with_members
from crmml.targeting.spec import ListSpec
from crmml.targeting.suppression import apply_suppression, with_suppression
from crmml.targeting.value import UPLIFT, with_expected_value

ALL = Step("all", "全部客户 × 产品 × 渠道", "all customers × offers × channels", is_total=True)
ELIGIBLE = Step("eligible", "符合条件", "eligible", is_total=True)
UNSUPPRESSED = Step("unsuppressed", "可联系", "not suppressed", is_total=True)
HELPFUL = Step("no_help", "联系没有增量", "a contact does not help: its effect is not above 0")
WORTHWHILE = Step("not_worthwhile", "预期价值不大于零", "expected value not above 0")
FITTING = Step(
    "no_room", "每客户一个产品、一个渠道,容量有限", "one offer per customer through one channel, within capacities"
)
CHOSEN = Step("allocated", "入选", "allocated", is_total=True)
HELD_OUT = Step("control", "随机留作对照组,不联系", "held out at random as control, not contacted")
CONTACTED = Step("contacted_rows", "名单行数", "rows to contact", is_total=True)


@dataclass(frozen=True)
class TargetList:
    """A finished list and everything needed to judge it.

    Attributes
    ----------
    spec
        What was asked for.
    table
        One row per chosen customer, best first: the columns of `columns.TABLE` and `list_id`.
    candidates
        Every customer, offer and channel with all factors, and `decision`: the step that
        removed it, or `chosen`.
    waterfall
        One row per step, see `Decisions.waterfall`.
    capacity_use
        One row per limit and minimum: `kind, key, name, used, limit` (rows; currency for the budget; shares for a
        minimum share), and `price` in currency per row: what one more of a limit, or one less of a minimum, is worth,
        0 where it is slack, in words in `price_zh, price_en`.
    bound, gap
        What no allocation can exceed, in currency, for the treated and control
        rows together, and how far the list is from it at most, as a share.
    about
        List id, dates, models, totals: what the list's own page says.
    reserve
        The next best customers of each manager, see `reserve.py`.
    changes
        What changed since an earlier list, see `changes.py`; without columns where none was compared.
    """

    spec: ListSpec
    table: pd.DataFrame
    candidates: pd.DataFrame
    waterfall: pd.DataFrame
    capacity_use: pd.DataFrame
    bound: float
    gap: float
    about: Mapping[str, Any]
    reserve: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    changes: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)

    @property
    def rows(self) -> int:
        """Rows to contact (treated and explore)."""
        return int((self.table["arm"] != CONTROL).sum())

    @property
    def allowed(self) -> pd.DataFrame:
        """The eligible, unsuppressed candidates among whom the list was chosen."""
        among = [HELPFUL.code, WORTHWHILE.code, FITTING.code, HELD_OUT.code, "chosen"]
        return self.candidates[self.candidates["decision"].isin(among)]

    @property
    def list_id(self) -> str:
        return str(self.about["list_id"])


def build_list(spec: ListSpec, inputs: Inputs, *, suppress_as_of: date, currency: str = "CNY") -> TargetList:
    """Make a target list.

    Parameters
    ----------
    spec
        Offers, rules, capacities and arms.
    inputs
        Score, feature, value and suppression tables.
    suppress_as_of
        The day on which the suppression table was read, not before the cut-off.
    currency
        In which the prices of the capacities are told.

    Raises
    ------
    ConfigError
        If a rule, an offer or a limit names what is not there.
    SourceError
        If a table breaks its contract.
    GateError
        If nobody is left, naming the rule that removed the last candidate, or if
        minimums cannot be met, naming the rules in conflict.
    """
    candidates = build_candidates(spec, inputs)
    cutoff = _cutoff(candidates, suppress_as_of)
    _require_known_units(spec, candidates)
    if any(offer.value_if_taken is None and offer.kind == SELL for offer in spec.offers):
        candidates = with_columns(candidates, spec.value.segments, inputs.features, what="value.segments")
    candidates = with_expected_value(with_values(spec, candidates, inputs.takers))
    candidates = with_suppression(candidates, inputs.suppression)
    decisions = Decisions(candidates)
    decisions.total(ALL)
    apply_eligibility(decisions, spec, candidates, inputs.features)
    decisions.total(ELIGIBLE)
    apply_suppression(decisions, spec.suppression, candidates, as_of=suppress_as_of)
    decisions.total(UNSUPPRESSED)
    allowed = with_members(spec, candidates[decisions.left], inputs.features)
    chosen = choose(spec, allowed)
    _decide(decisions, candidates, chosen.rows)
    _require_feasible(chosen.rows, spec, allowed, inputs.features)
    table = finish(spec, chosen.rows, inputs.uptake, suppress_as_of=suppress_as_of)
    use = capacity_use(spec, candidates, allowed, chosen, currency=currency)
    about = _about(spec, inputs, table, chosen.allocation, cutoff, suppress_as_of)
    decided = decisions.of_candidates(candidates)
    reserve = reserve_of(spec, decided, table["customer_id"], use, inputs.uptake, suppress_as_of=suppress_as_of)
    return TargetList(
        spec=spec,
        table=table.assign(list_id=about["list_id"]),
        candidates=decided,
        reserve=reserve.assign(list_id=about["list_id"]),
        waterfall=decisions.waterfall(),
        capacity_use=use,
        bound=chosen.allocation.bound,
        gap=chosen.allocation.gap,
        about=about,
    )


def why(targets: TargetList, customer_id: str) -> pd.DataFrame:
    """Every offer and channel of one customer, what it is worth and what became of it, best first.

    Raises
    ------
    NotFoundError
        If the customer was not scored for any offer.
    """
    rows = targets.candidates[targets.candidates["customer_id"] == str(customer_id)]
    if rows.empty:
        raise NotFoundError(
            f"customer {mask(customer_id)} has no uptake score; expected one scored at {targets.about['cutoff_date']}",
            code="M001",
        )
    words = targets.waterfall.set_index("step")
    said = {"zh": {"chosen": "入选名单"}, "en": {"chosen": "on the list"}}
    for language, chosen in said.items():
        rows = rows.assign(**{f"decision_{language}": rows["decision"].map({**words[language], **chosen})})
    return rows.sort_values(["expected_value", "offer", "channel"], ascending=[False, True, True], ignore_index=True)


def _cutoff(candidates: pd.DataFrame, suppress_as_of: date) -> date:
    if candidates.empty:
        raise SourceError(
            "no customer has a score for any offer, so there is nobody to list; expected the newest cut-off scored. "
            "See `crmml score` for the rows of each model",
            code="D002",
        )
    cutoff = candidates["cutoff_date"].iloc[0].date()
    if suppress_as_of < cutoff:
        raise SourceError(
            f"suppression is as of {suppress_as_of}, before the scores' cut-off {cutoff}; expected the newest data",
            code="D023",
        )
    return cutoff


def _require_known_units(spec: ListSpec, candidates: pd.DataFrame) -> None:
    for kind, limits in limits_of_units(spec).items():
        known = set(ids_of(candidates, (f"{kind}_id",)))
        for rule, limit in limits:
            for key in limit.overrides:
                if key not in known | {NOBODY}:
                    raise ConfigError(
                        f"capacities.{rule} names {key!r}; expected a {kind} of a scored customer."
                        f"{did_you_mean(key, known)}",
                        code="C002",
                    )


def _decide(decisions: Decisions, candidates: pd.DataFrame, rows: pd.DataFrame) -> None:
    is_chosen = candidates.index.isin(rows.index)
    is_explored = candidates.index.isin(rows.index[rows["arm"] == EXPLORE])
    helps = (candidates["effect_source"] != UPLIFT) | (candidates["effect"] > 0)
    decisions.keep(HELPFUL, helps.to_numpy() | is_explored)
    decisions.keep(WORTHWHILE, (candidates["expected_value"] > 0).to_numpy() | is_explored)
    decisions.keep(FITTING, is_chosen)
    decisions.total(CHOSEN)
    decisions.keep(HELD_OUT, ~candidates.index.isin(rows.index[rows["arm"] == CONTROL]))
    decisions.total(CONTACTED)


def _require_feasible(rows: pd.DataFrame, spec: ListSpec, allowed: pd.DataFrame, features: Table | None) -> None:
    broken = check_allocation(rows, spec, allowed, features)
    if broken:
        first = broken[0]
        raise IntegrityError(
            f"the list breaks {len(broken)} rules (first: {first.rule} {first.key}: {first.found:g} found, "
            f"{first.allowed:g} allowed); this is a bug, do not use the list",
            code="M006",
        )


def _about(
    spec: ListSpec, inputs: Inputs, table: pd.DataFrame, allocation: Allocation, cutoff: date, suppress_as_of: date
) -> dict[str, Any]:
    contacted = table[table["arm"] != CONTROL]
    content = digest_of([dataclasses.asdict(spec), dict(inputs.models), table.to_csv(index=False, lineterminator="\n")])
    sources = table["effect_source"].value_counts()
    return {
        "list_id": f"{spec.name}-{suppress_as_of:%Y%m%d}-{content[:10]}",
        "name": spec.name,
        "zh": spec.zh,
        "en": spec.en,
        "purpose": spec.purpose,
        "cutoff_date": str(cutoff),
        "suppress_as_of": str(suppress_as_of),
        "call_by": str(table["call_by"].iloc[0].date()),
        "models": dict(inputs.models),
        "effect_source": {str(source): int(count) for source, count in sources.items()},
        "rows": {arm: int((table["arm"] == arm).sum()) for arm in (TREATED, CONTROL, EXPLORE)},
        "expected_takers": float(contacted["prob_take"].sum()),
        "expected_value": float(contacted["expected_value"].sum()),
        "contact_cost": float(contacted["contact_cost"].sum()),
        "incentive": float((contacted["prob_take"] * contacted["incentive"]).sum()),
        "allocated_value": allocation.value,
        "bound": allocation.bound,
        "gap": allocation.gap,
        "lp_optimum": allocation.lp_optimum,
        "violated_rules": 0,
        "seed": spec.seed,
    }
