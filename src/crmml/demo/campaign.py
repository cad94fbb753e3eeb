"""What a frozen campaign would have brought on the synthetic bank: outcomes drawn by its truth, in files as they come back."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd

from crmml import files
from crmml.campaigns import Campaign, read_campaign, window_end
from crmml.demo_bank import judge
from crmml.errors import NotFoundError
from crmml.stages.campaign_rows import campaigns_home
from crmml.stages.making import Say
from crmml.stages.project import Project, open_project
from crmml.targeting.arms import CONTROL
from crmml.targeting.columns import STATUSES

CALLED = 0.97
CALL_DAYS = 20
_NOT_TAKEN = {"declined": 0.62, "considering": 0.20, "no_answer": 0.15, "refuses_marketing": 0.03}


def play_campaign(name: str, *, seed: int, say: Say) -> list[Path]:
    """Write the workbook as managers would send it back, and who of both arms took the offer as a product system would.

    Raises
    ------
    NotFoundError
        If there is no such campaign of the demo, or its workbook is not in `out/`.
    """
    project = open_project("configs/demo")
    campaign = read_campaign(campaigns_home(project), name)
    told = drawn_outcomes(project.workspace.data / "truth", campaign, seed=seed)
    say(
        f"campaign  {len(told):,} customers of {name}, outcomes drawn by the truth: {int(told['is_taken'].sum()):,} take the offer"
    )
    results = project.workspace.out / f"campaign-{campaign.name}-results.csv"
    files.write_atomic(results, _results(campaign, told))
    return [_returned(project, campaign, told), results]


def drawn_outcomes(truth: Path, campaign: Campaign, *, seed: int) -> pd.DataFrame:
    """By customer: `is_taken`, `taken_on`, and for those to contact `status` and `contacted_on`.

    A contacted customer takes with the chance of the contacted, all others with
    the chance of those left alone; offers without a truth have no result.
    """
    random = np.random.default_rng([seed, 11])
    rows = campaign.rows.sort_values("customer_id", ignore_index=True)
    alone, asked = judge.true_takes(truth, rows)
    called = (rows["arm"] != CONTROL).to_numpy() & (random.random(len(rows)) < CALLED)
    takes = random.random(len(rows)) < np.where(called, asked, alone)
    call_day = 1 + random.integers(0, CALL_DAYS, len(rows))
    wait, choice = random.random(len(rows)), random.random(len(rows))
    records: list[dict[str, Any]] = []
    for place, row in enumerate(rows.itertuples()):
        last = (window_end(campaign, str(row.offer)) - campaign.assigned_on).days
        first = int(call_day[place]) if called[place] else 1
        taken_on = campaign.assigned_on + timedelta(days=first + int(wait[place] * (last - first)))
        is_known = not np.isnan(alone[place])
        records.append(
            {
                "customer_id": row.customer_id,
                "offer": row.offer,
                "is_taken": bool(is_known and takes[place]),
                "is_known": is_known,
                "taken_on": taken_on if is_known and takes[place] else None,
                "contacted_on": campaign.assigned_on + timedelta(days=first) if called[place] else None,
                "status": _status(bool(is_known and takes[place]), bool(called[place]), float(choice[place]), row.arm),
            }
        )
    return pd.DataFrame(records).set_index("customer_id")


def _status(takes: bool, called: bool, luck: float, arm: Any) -> str | None:
    if arm == CONTROL:
        return None
    if not called:
        return "wrong_details"
    if takes:
        return "taken"
    steps = np.cumsum(list(_NOT_TAKEN.values()))
    return list(_NOT_TAKEN)[min(int(np.searchsorted(steps, luck)), len(_NOT_TAKEN) - 1)]


def _results(campaign: Campaign, told: pd.DataFrame) -> str:
    known = told[told["is_known"]].reset_index()
    days = known["taken_on"].map(lambda day: day.isoformat() if isinstance(day, date) else "")
    taken = known["is_taken"].map({True: "1", False: "0"})
    frame = pd.DataFrame(
        {
            "customer_id": known["customer_id"],
            "product": known["offer"],
            "list_id": campaign.list_id,
            "taken": taken,
            "taken_on": days,
        }
    )
    return frame.to_csv(index=False, lineterminator="\n")


def _returned(project: Project, campaign: Campaign, told: pd.DataFrame) -> Path:
    """The workbook that went out, with statuses and days filled in."""
    sent = project.workspace.out / f"{campaign.about['list']}.xlsx"
    if not sent.is_file():
        raise NotFoundError(
            f"no workbook {sent} of list {campaign.list_id}; build the list again: `crmml list`", code="M001"
        )
    path = project.workspace.out / f"campaign-{campaign.name}-returned.xlsx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # decorations that openpyxl does not carry over
        book = openpyxl.load_workbook(sent)
    filled = 0
    for sheet in book.worksheets:
        places = {str(cell.value).split("\n")[-1]: cell.column for cell in sheet[1] if cell.value}
        if not {"Customer", "Status", "List id"} <= set(places):
            continue
        for line in range(2, sheet.max_row + 1):
            customer = str(sheet.cell(line, places["Customer"]).value)
            if sheet.cell(line, places["List id"]).value != campaign.list_id or customer not in told.index:
                continue
            row = told.loc[customer]
            sheet.cell(line, places["Status"]).value = STATUSES[str(row["status"])]
            if "Contacted on" in places and isinstance(row["contacted_on"], date):
                sheet.cell(line, places["Contacted on"]).value = row["contacted_on"].isoformat()
            filled += 1
    if not filled:
        raise NotFoundError(
            f"{sent} holds no row of list {campaign.list_id}; expected the workbook of the frozen list. The list was built "
            "again since: put the workbook of then back",
            code="M001",
        )
    with files.staged_file(path) as staged:
        book.save(staged)
    return path
