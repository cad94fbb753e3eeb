"""`crmml demo`: the synthetic bank made, everything run on it, and the result judged by its known truth."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from crmml import files
from crmml.bundle import HORIZON
from crmml.demo_bank import generate, judge
from crmml.evaluation.discrimination import normalised_gini
from crmml.explain import wording
from crmml.ledger.summary import ledger_summary
from crmml.periods import shift_months
from crmml.reporting.customer_page import Served
from crmml.stages.abts import Ground, lay_ground
from crmml.stages.audit import read_audit
from crmml.stages.explanations import make_page, served_of
from crmml.stages.ledger import reconciliation
from crmml.stages.lists import opened
from crmml.stages.making import Say, Step
from crmml.stages.project import Project, open_project
from crmml.stages.run import run_stages
from crmml.stages.scores import read_scores, read_served
from crmml.stages.summaries import read_metrics
from crmml.stages.training import report_path
from crmml.targeting import rank_by
from crmml.value.ranking import missed
from crmml.warning import CALLED, teams

LIST = "cross_sell"
TOP = 500
MONTHS = 60


def run_demo(*, customers: int, seed: int, only_bank: bool = False, say: Say) -> None:
    """Make the bank, run every stage, and print what came of it, all computed in the run.

    Raises
    ------
    NotFoundError
        If `configs/demo` is not there: the demo runs in the project's folder.
    """
    started = time.monotonic()
    project = open_project("configs/demo")
    with project.alone():
        make_bank(project, customers=customers, seed=seed, say=say)
        if only_bank:
            return
        run_stages(project, say=say)
        ground = lay_ground(project, say=_silent)
        lines = list(screen(project, ground, seconds=lambda: time.monotonic() - started))
    print("\n".join(lines))


def make_bank(project: Project, *, customers: int, seed: int, say: Say) -> None:
    """The synthetic bank's raw tables and its truth, unless they are there already."""
    folder = project.workspace.data
    mark = folder / "made"
    step = Step("bank", mark, {"customers": str(customers), "seed": str(seed), "months": str(MONTHS)})
    if step.is_fresh() and (folder / "source").is_dir():
        say("bank      up to date")
        return
    say(f"bank      … {customers:,} customers, {MONTHS} months")
    generate(folder, customers=customers, months=MONTHS, seed=seed)
    with files.publish(mark, kind=step.name, inputs=step.all_inputs) as staged:
        staged.path("about.json").write_text(json.dumps({"customers": customers, "seed": seed}), encoding="utf-8")


def screen(project: Project, ground: Ground, *, seconds: Any) -> Iterator[str]:
    """The last screen: time, money, models, one customer, the list, what to open."""
    day = project.newest_cutoff()
    yield ""
    yield head(project, ground)
    yield time_line(project)
    yield from money_lines(project, ground)
    yield from model_lines(project)
    customer_id, lines = why_lines(project, day)
    yield from lines
    yield from list_lines(project, ground, day)
    yield from care_lines(project)
    _, page = make_page(project, customer_id, say=_silent)
    yield from open_lines(project, page)
    passed = seconds()
    yield (
        "NEXT      crmml init mybank     then edit mybank/bank.yaml     "
        f"{int(passed // 60)} min {int(passed % 60):02d} s, nothing left this machine"
    )


def head(project: Project, ground: Ground) -> str:
    bank = ground.bank
    counts = {
        name: int(bank.table(name).count().to_pyarrow().as_py()) for name in ("customers", "accounts", "transactions")
    }
    first, last = bank.observed_from("transactions"), bank.observed_until("transactions")
    return (
        f"crmml demo   {counts['customers']:,} customers · {counts['accounts']:,} accounts · "
        f"{counts['transactions'] / 1e6:.1f} M bookings · {first:%Y-%m} to {last:%Y-%m} · synthetic, truth known"
    )


def time_line(project: Project) -> str:
    audit = read_audit(project.workspace.of("audit"))
    return _checked(
        f"TIME      cut-off {audit['cutoff']}: {audit['changed']:,} of {audit['cells']:,} cells changed when "
        f"{audit['removed_rows']:,} later rows were deleted, scrambled, back-dated",
        audit["changed"] == 0,
    )


def money_lines(project: Project, ground: Ground) -> Iterator[str]:
    """The ledger of the last twelve months, whether it agrees, and what ranking by deposits costs."""
    assert ground.ledger is not None
    last = project.newest_cutoff()
    total = ledger_summary(ground.ledger, first=shift_months(last, -11), last=last)
    agreement = reconciliation(project)
    yield "MONEY     contribution of the last 12 months, thousand yuan"
    yield (
        f"          margin {_thousand(total.margin)} + fees {_thousand(total.fees)} "
        f"- expected loss {_thousand(total.expected_loss)} - service {_thousand(total.service_cost)} "
        f"- capital {_thousand(total.capital_charge)}  =  {_thousand(total.contribution)}"
    )
    yield _checked(
        "          accounts = customers = products = branches = bank, control totals agree      "
        f"diff {float(agreement['difference']):.2f}",
        float(agreement["difference"]) < 0.01,
    )
    worst = missed_by_deposits(project)
    yield (
        f"          {total.losing_share:.0%} of customers lose money; ranked by deposits, {worst} of the top {TOP} "
        f"are not in the true top {TOP}"
    )


def missed_by_deposits(project: Project) -> int:
    """How many of the `TOP` customers by daily average deposits are not among the `TOP` by contribution."""
    customers = pd.read_parquet(project.workspace.of("value") / "customers.parquet")
    worth, deposits = (customers[name].to_numpy() for name in ("contribution", "deposits"))
    return missed(worth, deposits, list(customers["customer_id"]), TOP)


def model_lines(project: Project) -> Iterator[str]:
    """One line per model: out of time, beside the truth and the plain benchmark."""
    yield "MODELS    tested on later months         AUC [95 %]          truth's   calibration [95 %]   against scorecard"
    money = []
    for model in project.config.models.values():
        if model.event is not None:
            continue
        metrics = read_metrics(project, model.key)
        if model.spec.steps:
            yield from curve_lines(project, model.key, metrics)
            continue
        name = f"{model.key.replace('_', ' ')}, {model.spec.horizon.months} months"
        head, slope = metrics["headline"], _slope(metrics["headline"])
        if metrics["measure"] != "auc":
            money.append(f"          {name:<30} {_money_figures(project, model.key, metrics)}   {slope}")
            continue
        auc, difference = head["auc"], metrics["benchmark"]["difference"]
        yield (
            f"          {name:<30} {auc['value']:.2f} [{auc['low']:.2f}, {auc['high']:.2f}]   "
            f"{truth_auc(project, model.key):.2f}      {slope}    "
            f"{difference['value']:+.2f} ({metrics['benchmark']['verdict']})"
        )
    yield from money


def curve_lines(project: Project, key: str, metrics: dict[str, Any]) -> Iterator[str]:
    """One line per horizon of a curve: its own figures beside the truth of that horizon, on the same rows."""
    rows = pd.read_parquet(project.workspace.of("training", key) / "curve.parquet")
    truth = project.workspace.data / "truth"
    for months, told in metrics["horizons"].items():
        head, auc = told["headline"], told["headline"]["auc"]
        part = rows[rows[HORIZON] == int(months)]
        best = np.mean([judge.auc_of_truth(truth, f"churn_{months}m", day) for _, day in part.groupby("period")])
        name = f"{key}, {months} month{'s' if months != '1' else ''}"
        yield (
            f"          {name:<30} {auc['value']:.2f} [{auc['low']:.2f}, {auc['high']:.2f}]   {best:.2f}      {_slope(head)}"
        )
    separate = metrics["separate"]
    yield (
        f"          one model, {metrics['crossings']} curves cross; against a model of {metrics['headline_months']} months "
        f"alone {separate['difference']['value']:+.3f} ({separate['verdict']})"
    )


def _money_figures(project: Project, key: str, metrics: dict[str, Any]) -> str:
    """The Gini of a forecast of money, of the truth, and of what it must beat."""
    best = metrics["headline"]["normalised_gini"]["value"]
    rivals = ", ".join(
        f"{name} {figures['normalised_gini']['value']:.2f} ({figures['normalised_gini']['verdict']})"
        for name, figures in metrics["benchmark"]["rivals"].items()
    )
    return f"Gini {best:.2f}, truth's {truth_gini(project, key):.2f}; {rivals}"


def truth_gini(project: Project, key: str) -> float:
    """The normalised Gini of the true expectation on the model's own test rows, the mean over cut-offs."""
    rows = pd.read_parquet(project.workspace.of("training", key) / "predictions.parquet")
    truth = project.workspace.data / "truth"
    ginis = []
    for _, part in rows.groupby("period"):
        expected = judge.true_contribution(truth, part)
        known = ~np.isnan(expected)
        ginis.append(normalised_gini(part["label"].to_numpy(dtype=float)[known], expected[known]))
    return float(np.mean(ginis))


def truth_auc(project: Project, key: str) -> float:
    """The AUC of the true chances on the model's own test rows, the mean over cut-offs as the model's is."""
    rows = pd.read_parquet(project.workspace.of("training", key) / "predictions.parquet")
    truth = project.workspace.data / "truth"
    return float(np.mean([judge.auc_of_truth(truth, key, part) for _, part in rows.groupby("period")]))


def why_lines(project: Project, day: date) -> tuple[str, list[str]]:
    """The customer most likely to leave, explained."""
    scores = read_scores(project, "churn", day)
    assert scores is not None
    customer_id = str(scores.sort_values(["prob_churn", "customer_id"], ascending=[False, True])["customer_id"].iloc[0])
    served = next(each for each, _row in served_of(project, customer_id, day) if each.target == "churn")
    model = project.config.models["churn"]
    lines = [
        f"WHY       customer {customer_id}: leaves within {model.spec.horizon.months} months with "
        f"{wording.probability(served.value)} (like customers: {wording.probability(served.peer)})"
    ]
    lines += [_reason_line(each.zh, each.en, each.effect) for each in _shown(served)]
    worst = max(
        float(each["worst_difference"]) for each in read_served(project.workspace.of("scores", str(day))).values()
    )
    lines.append(
        _checked(
            f"          product of factors x peers' odds = served odds, checked on {len(scores):,} rows: "
            f"worst {worst:.0e}",
            worst <= 1e-9,
        )
    )
    return customer_id, lines


def _shown(served: Served) -> list[Any]:
    return list(served.reasons)


def _reason_line(zh: str, en: str, effect: float) -> str:
    return f"          {zh} / {en}    odds {wording.factor(effect)}"


def list_lines(project: Project, ground: Ground, day: date) -> Iterator[str]:
    """The list, its true value by the generator's secret, and what other rankings would have brought."""
    folder = project.workspace.of("lists", LIST)
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    table = pq.read_table(folder / f"{LIST}.parquet").to_pandas()
    contacted = table[table["arm"] != "control"]
    treated = table[table["arm"] == "treated"]
    rows = about["rows"]
    yield (
        f"LIST      {len(contacted):,} calls, {contacted['branch_id'].nunique()} branches, "
        f"{contacted['manager_id'].nunique()} managers, one offer each, 0 broken rules, "
        f"within {about['gap']:.2%} of the bound; {rows['control']} held out as control, {rows['explore']} random"
    )
    yield (
        f"          expected {treated['expected_value'].sum():,.0f} yuan if the call made every taker "
        f"({', '.join(sorted(set(treated['effect_source'])))}); "
        f"true value by the generator's secret: {true_value(project, treated, day):,.0f}"
    )
    others = " · ".join(
        f"{words} {true_value(project, rows, day):,.0f}"
        for words, rows in other_rankings(project, ground, day, len(treated))
    )
    yield f"          the same {len(treated)} calls {others}"
    for row in contacted.head(3).itertuples():
        yield (
            f"          {row.rank:<3}{row.customer_id}  {row.name}  {row.branch}  {row.offer_zh} {row.offer_en}    "
            f"{row.prob_take:.0%} x {row.value_if_taken:,.0f} yuan - {row.contact_cost + row.prob_take * row.incentive:,.0f} "
            f"= {row.expected_value:,.0f}    {row.reason_1_zh}"
        )


def care_lines(project: Project) -> Iterator[str]:
    """The early warning beside rules, chance and the truth's own ranking; the groups beside what noise would do to them."""
    folder = project.workspace.of("warning")
    counts = pd.read_parquet(folder / "alerts.parquet")["level"].value_counts()
    judged = pd.read_parquet(folder / "precision.parquet").query("cutoff == 'mean'").set_index("chosen")
    lead = float(pd.read_parquet(folder / "lead.parquet").set_index("level")["median"].astype(float)["all"])
    figures = judged[["precision", "low", "high"]].astype(float)
    own, precision = figures.loc["capacity"], figures["precision"]
    yield (
        f"CARE      {counts.get('red', 0)} red, {counts.get('amber', 0)} amber, {counts.get('watch', 0)} on watch; of those called "
        f"at past cut-offs {own['precision']:.0%} [{own['low']:.0%}, {own['high']:.0%}] left"
    )
    yield (
        f"          ranked by the truth {precision_of_truth(project):.0%}, by fall of deposits {precision['deposit_fall_share']:.0%}, at random "
        f"{precision['random']:.0%}; first alert {lead:.0f} days before (median)"
    )
    groups = pd.read_parquet(project.workspace.of("groups") / "described.parquet")
    flaps = pd.read_parquet(project.workspace.of("groups") / "flapping.parquet").set_index(["axis", "hysteresis"])[
        "rate"
    ]
    yield (
        f"GROUPS    {groups['customers'].sum():,} customers in {len(groups)} groups of value x loyalty x risk; value bands taken "
        f"back {flaps['value', True]:.1%}, without hysteresis {flaps['value', False]:.1%}"
    )


def precision_of_truth(project: Project) -> float:
    """The precision of as many calls by each manager, ranked by the true chance to leave: no model does better on average."""
    history = pd.read_parquet(project.workspace.of("warning") / "history.parquet")
    rows = history[history["label"].notna()].reset_index(drop=True)
    chance = judge.true_probability(project.workspace.data / "truth", "churn", rows)
    rows = rows.assign(team=teams(rows), chance=np.nan_to_num(chance), called=rows["level"].isin(CALLED))
    keys = ["cutoff_date", "team"]
    ranked = rows.sort_values(["chance", "customer_id"], ascending=[False, True])
    chosen = ranked[ranked.groupby(keys).cumcount() < ranked.groupby(keys)["called"].transform("sum")]
    return float(chosen.groupby("cutoff_date")["label"].mean().mean())


def true_value(project: Project, rows: pd.DataFrame, day: date) -> float:
    """Yuan that contacting these customers truly brings, less the contacts and incentives."""
    truth = project.workspace.data / "truth"
    frame = rows[["customer_id", "offer"]].assign(cutoff_date=pd.Timestamp(day))
    gain = np.nan_to_num(judge.true_offer_value(truth, frame))
    taken = np.zeros(len(rows))
    for offer, part in frame.groupby("offer"):
        chance = judge.true_probability(truth, f"uptake_{offer}", part)
        taken[frame.index.get_indexer(part.index)] = np.nan_to_num(chance)
    cost = rows["contact_cost"].to_numpy(float) + taken * rows["incentive"].to_numpy(float)
    return float((gain - cost).sum())


def other_rankings(project: Project, ground: Ground, day: date, calls: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """The same number of calls under the same capacities, ranked on one column alone."""
    folder = project.workspace.of("lists", LIST)
    candidates = pd.read_parquet(folder / "candidates.parquet")
    later = ("chosen", "control", "no_room", "not_worthwhile")
    allowed = candidates[candidates["decision"].isin(later)]
    features = pd.read_parquet(
        ground.features / "features" / f"{day}.parquet", columns=["customer_id", "deposits_last"]
    )
    allowed = allowed.merge(features, on="customer_id", how="left", validate="many_to_one")
    spec = project.config.lists[LIST]
    for words, column in (
        ("by probability", "prob_take"),
        ("by value", "value_if_taken"),
        ("by deposits", "deposits_last"),
    ):
        yield words, rank_by(allowed, column, spec, rows=calls)


def open_lines(project: Project, page: Path) -> Iterator[str]:
    here = Path.cwd()
    shown = [opened(project, LIST)[0], page, report_path(project, project.config.models["churn"])]
    paths = [str(path.relative_to(here)) if path.is_relative_to(here) else str(path) for path in shown]
    yield f"OPEN      {'   '.join(paths)}   (offline)"


def _slope(head: dict[str, Any]) -> str:
    slope = head["calibration_slope"]
    return f"{slope['value']:.2f} [{slope['low']:.2f}, {slope['high']:.2f}]"


def _checked(text: str, good: bool) -> str:
    return f"{text}     {'ok' if good else 'NOT OK'}"


def _thousand(amount: Any) -> str:
    return f"{float(amount) / 1000:,.0f}"


def _silent(_text: str) -> None:
    """Nothing to say."""
