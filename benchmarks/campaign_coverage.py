"""`python -m benchmarks.campaign_coverage NAME`: how often the interval of a campaign report holds the true effect.

One frozen campaign of the demo; its arms are drawn again and again by the
drawing that drew them, outcomes by the generator's truth, and the report's own
interval is asked each time. Written to docs/campaign_coverage.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.campaigns import Campaign, read_campaign
from crmml.demo.campaign import CALLED
from crmml.demo_bank import judge
from crmml.evaluation.difference import Counts, difference, difference_interval
from crmml.stages.workspace import project_root
from crmml.targeting.arms import EXPLORE, draw_control

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "campaign_coverage.md"
CAMPAIGNS, MANY = 500, 5000
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """Of `campaigns` drawn again: the share whose interval held the true effect, lay below it, lay above it."""

    truth: str
    effect: float
    campaigns: int
    covered: float
    below: float
    above: float
    width: float
    wald: float


def arms_drawn_again(rows: pd.DataFrame, share: float, campaigns: int, *, seed: int) -> npt.NDArray[np.bool_]:
    """Who is held out in each campaign: (campaigns, rows)."""
    return np.stack([draw_control(rows, share, seed=seed + number) for number in range(campaigns)])


def coverage_of_chance(
    offers: Sequence[str], alone: Array, asked: Array, held: npt.NDArray[np.bool_], *, seed: int
) -> Coverage:
    """The truth is the mean change of the customers' chances; every campaign draws outcomes anew."""
    random = np.random.default_rng([seed, 1])
    takes = random.random(held.shape) < np.where(held, alone, asked)
    return _judged("chance", float(np.mean(asked - alone)), offers, takes, held)


def coverage_of_list(
    offers: Sequence[str], alone: Array, asked: Array, held: npt.NDArray[np.bool_], *, seed: int
) -> Coverage:
    """The truth is what contact changes for exactly these customers, drawn once; only the arms are drawn anew."""
    luck = np.random.default_rng([seed, 2]).random(len(alone))
    by_itself, if_asked = luck < alone, luck < asked
    takes = np.where(held, by_itself, if_asked)
    return _judged("list", float(np.mean(if_asked) - np.mean(by_itself)), offers, takes, held)


def _judged(
    truth: str, effect: float, offers: Sequence[str], takes: npt.NDArray[np.bool_], held: npt.NDArray[np.bool_]
) -> Coverage:
    counts = counted(offers, takes, held)
    low, high = difference_interval(counts)
    return Coverage(
        truth=truth,
        effect=effect,
        campaigns=len(held),
        covered=float(np.mean((low <= effect) & (effect <= high))),
        below=float(np.mean(high < effect)),
        above=float(np.mean(low > effect)),
        width=float(np.mean(high - low)),
        wald=_wald(counts, effect),
    )


def counted(offers: Sequence[str], takes: npt.NDArray[np.bool_], held: npt.NDArray[np.bool_]) -> Counts:
    """Takers and customers by campaign and offer."""
    is_offer = pd.get_dummies(pd.Series(list(offers))).to_numpy(dtype=np.float64)
    free = ~held
    return Counts((takes & free) @ is_offer, free @ is_offer, (takes & held) @ is_offer, held @ is_offer)


def _wald(counts: Counts, effect: float) -> float:
    """Coverage of estimate ± 1.96 standard errors, for comparison."""
    with np.errstate(all="ignore"):
        p1, p0 = counts.taken_treated / counts.treated, counts.taken_control / counts.control
        each = p1 * (1 - p1) / counts.treated + p0 * (1 - p0) / counts.control
    spread = np.sqrt((counts.weights**2 * np.nan_to_num(each)).sum(axis=-1))
    return float(np.mean(np.abs(difference(counts) - effect) <= 1.959964 * spread))


def measure(campaign: Campaign, truth: Path, *, seed: int) -> list[Coverage]:
    """Both truths, over 500 campaigns and over many more."""
    rows = campaign.rows[campaign.rows["arm"] != EXPLORE].reset_index(drop=True)
    alone, asked = judge.true_takes(truth, rows)
    is_known = ~np.isnan(alone)
    rows, alone, asked = rows[is_known].reset_index(drop=True), alone[is_known], asked[is_known]
    asked = CALLED * asked + (1 - CALLED) * alone
    held = arms_drawn_again(rows, campaign.about["spec"]["control_share"], MANY, seed=seed)
    offers = rows["offer"].tolist()
    return [
        judge_one(offers, alone, asked, held[:count], seed=seed)
        for judge_one in (coverage_of_chance, coverage_of_list)
        for count in (CAMPAIGNS, MANY)
    ]


def page_of(campaign: Campaign, found: Sequence[Coverage]) -> str:
    words = {
        "chance": "客户概率的平均变化,结果每次重抽 mean change of the customers' chances, outcomes drawn anew",
        "list": "名单上这些客户的实际变化,仅重抽分组 change for exactly these customers, only arms drawn anew",
    }
    arms = campaign.rows["arm"].value_counts()
    lines = [
        "# How often a campaign's interval holds the truth / 活动区间的覆盖率",
        "",
        "Written by `python -m benchmarks.campaign_coverage`; nothing here is edited by hand. 由命令生成,不手工修改。",
        "",
        f"One frozen list of the demo: {arms['treated']} treated and {arms['control']} control customers. Its arms are drawn again by the",
        "drawing that drew them, outcomes by the generator's truth, and the interval is that of `crmml campaign report`. With 500",
        "campaigns a coverage of 95 % is measured to within 1.9 points, with 5,000 to within 0.6. Beside it stands the usual",
        "estimate ± 1.96 standard errors (Wald). 一份冻结名单,按原抽取方式重抽分组,按真实概率抽结果,区间即报告所用。",
        "",
        "| truth 真值 | effect 效果 | campaigns 活动数 | covered 覆盖 | interval below 区间偏低 | above 偏高 | mean width 平均宽度 | Wald covered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {words[one.truth]} | {one.effect * 100:+.2f} | {one.campaigns:,} | {one.covered:.1%} | {one.below:.1%} | "
        f"{one.above:.1%} | {one.width * 100:.1f} | {one.wald:.1%} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaign", help="a frozen campaign of the demo")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    root = project_root()
    campaign = read_campaign(root / "models" / "campaigns" / "demo", given.campaign)
    page = page_of(campaign, measure(campaign, root / "data" / "demo" / "truth", seed=given.seed))
    PAGE.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
