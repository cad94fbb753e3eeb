"""The last screen of `crmml demo`: time, money, models, one customer, lists, care, what to open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from crmml.demo.care import care_lines
from crmml.demo.lists import LIST, list_lines
from crmml.demo.models import model_lines
from crmml.demo.words import checked, silent, thousand
from crmml.explain import wording
from crmml.ledger.summary import ledger_summary
from crmml.periods import shift_months
from crmml.stages.abts import Ground
from crmml.stages.audit import read_audit
from crmml.stages.explanations import make_page, served_of
from crmml.stages.ledger import reconciliation
from crmml.stages.lists import opened
from crmml.stages.project import Project
from crmml.stages.scores import read_scores, read_served
from crmml.stages.training import report_path
from crmml.value.ranking import missed

TOP = 500


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
    _, page = make_page(project, customer_id, say=silent)
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
    return checked(
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
        f"          margin {thousand(total.margin)} + fees {thousand(total.fees)} "
        f"- expected loss {thousand(total.expected_loss)} - service {thousand(total.service_cost)} "
        f"- capital {thousand(total.capital_charge)}  =  {thousand(total.contribution)}"
    )
    yield checked(
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
    lines += [_reason_line(each.zh, each.en, each.effect) for each in served.reasons]
    worst = max(
        float(each["worst_difference"]) for each in read_served(project.workspace.of("scores", str(day))).values()
    )
    lines.append(
        checked(
            f"          product of factors x peers' odds = served odds, checked on {len(scores):,} rows: "
            f"worst {worst:.0e}",
            worst <= 1e-9,
        )
    )
    return customer_id, lines


def _reason_line(zh: str, en: str, effect: float) -> str:
    return f"          {zh} / {en}    odds {wording.factor(effect)}"


def open_lines(project: Project, page: Path) -> Iterator[str]:
    here = Path.cwd()
    shown = [opened(project, LIST)[0], page, report_path(project, project.config.models["churn"])]
    paths = [str(path.relative_to(here)) if path.is_relative_to(here) else str(path) for path in shown]
    yield f"OPEN      {'   '.join(paths)}   (offline)"
