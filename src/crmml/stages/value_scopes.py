"""The value of one customer, product or branch: its components, and a picture of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files
from crmml.errors import NotFoundError, did_you_mean, mask
from crmml.ledger.close import COMPONENTS
from crmml.reporting.value_page import named, scope_page
from crmml.stages.making import Say
from crmml.stages.project import Project, open_project
from crmml.stages.value import figures_of, folder_of, make_value, page_of, read_value, value_ground
from crmml.value.potential import COSTS, GAINS, average_of_peers
from crmml.value.report import GONE, Report

MONEY = (*COMPONENTS, "contribution")


def value_of_bank(folder: str | Path, *, cutoff: date | None, say: Say) -> tuple[dict[str, Any], Path]:
    """The key figures of a bank, and where its page lies."""
    project = open_project(folder)
    report, day = _made(project, cutoff, say=say)
    return figures_of(report), page_of(project, day)


def value_of(
    folder: str | Path, level: str, identifier: str, *, cutoff: date | None, say: Say
) -> tuple[list[dict[str, Any]], Path]:
    """Components of a customer (beside its peers and its potential), product or branch; and its page.

    Raises
    ------
    NotFoundError
        M001 if the ledger of the twelve months has no such id, with the nearest one.
    """
    project = open_project(folder)
    report, day = _made(project, cutoff, say=say)
    sums = report.tables["sums"]
    row = row_of(sums, level, identifier, day)
    peers, words = peers_average(report, identifier) if level == "customer" else (None, "")
    rows = _rows(row, sums, peers, _gaps(report, identifier) if level == "customer" else {})
    spec = project.spec
    page = scope_page(
        row,
        peers,
        title=named(report.tables, level, identifier) if level != "customer" else (identifier, identifier),
        level=level,
        identifier=identifier,
        peers_words=words,
        rows=rows,
        cutoff=day,
        bank=str(spec.folder),
        bank_zh=spec.title_zh,
        bank_en=spec.title_en,
        currency=spec.currency,
    )
    path = project.workspace.out / f"value-{level}-{identifier}.html"
    files.write_atomic(path, page)
    return rows, path


def _made(project: Project, cutoff: date | None, *, say: Say) -> tuple[Report, date]:
    with project.alone():
        bank, ledger, features, day = value_ground(project, cutoff, say=say)
        make_value(project, bank, ledger, features, cutoff=day, say=say)
    return read_value(folder_of(project, day)), day


def row_of(sums: pd.DataFrame, level: str, identifier: str, day: date) -> dict[str, Any]:
    """The sums of one id."""
    rows = sums[(sums["level"] == level) & sums["id"].notna()]
    found = rows[rows["id"] == identifier]
    if found.empty:
        shown = mask(identifier) if level == "customer" else identifier
        known = [str(name) for name in rows["id"]]
        near = did_you_mean(identifier, known)
        raise NotFoundError(
            f"{level} {shown} has nothing in the ledger of the twelve months up to {day}; expected one of its "
            f"{len(known):,} {'branches' if level == 'branch' else level + 's'}.{near}",
            code="M001",
        )
    return {str(name): value for name, value in found.iloc[0].to_dict().items()}


def peers_average(report: Report, customer_id: str) -> tuple[dict[str, float] | None, str]:
    """Components of the peers of a customer, on average; None for one who was not there at the cut-off."""
    customers = report.tables["customers"]
    customers = customers.assign(segment=customers["segment"].where(customers["segment"] != GONE))
    average = average_of_peers(customers, customer_id)
    if average is None:
        return None, ""
    table = report.tables["potential"]
    return average, str(table.loc[table["customer_id"] == customer_id, "peers"].iloc[0])


def _gaps(report: Report, customer_id: str) -> dict[str, float]:
    table = report.tables["potential"]
    found = table[table["customer_id"] == customer_id]
    if found.empty:
        return {}
    row = found.iloc[0]
    gaps = {name: float(row[f"gap_{name}"]) for name in (*GAINS, *COSTS)}
    margin = gaps.pop("deposit_margin") + gaps.pop("credit_margin")
    return {"margin": margin, **gaps, "contribution": float(row["potential_12m"])}


def _rows(
    row: dict[str, Any], sums: pd.DataFrame, peers: dict[str, float] | None, gaps: dict[str, float]
) -> list[dict[str, Any]]:
    """One row per component: the amount, and for a customer its peers' and the gap to their quantile."""
    bank = sums[sums["level"] == "bank"].iloc[0]
    rows = []
    for name in MONEY:
        line: dict[str, Any] = {"component": name, "amount": float(row[name])}
        if peers is not None:
            line |= {"peers_average": peers[name], "gap": gaps.get(name)}
        else:
            line["share_of_bank"] = float(row[name] / bank[name]) if bank[name] else None
        rows.append(line)
    return rows
