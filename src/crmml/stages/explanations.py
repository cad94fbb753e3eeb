"""One customer, explained on one page."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.errors import NotFoundError, mask
from crmml.files import write_atomic
from crmml.ledger.close import COMPONENTS
from crmml.periods import shift_months
from crmml.reporting.customer_page import Customer, Served, customer_page, served_from
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, customer_transactions, holders, movements
from crmml.stages.directory import make_directory
from crmml.stages.features import features_at
from crmml.stages.making import Say
from crmml.stages.project import Project, open_project
from crmml.stages.scores import make_scores, read_scores
from crmml.stages.value import segments_at
from crmml.value.potential import average_of_peers
from crmml.value.sums import sum_by_customer, year_to

MONTHS = 12
DEPOSITS = ("current", "savings", "time_deposit")


def explain_customer(
    folder: str | Path, *, customer_id: str, cutoff: date | None, html: Path | None, say: Say
) -> tuple[list[dict[str, Any]], Path]:
    """Write a customer's page; its reasons as rows, and where the page lies.

    Raises
    ------
    NotFoundError
        If no champion scored the customer at the cut-off.
    """
    project = open_project(folder)
    with project.alone():
        return make_page(project, customer_id, cutoff=cutoff, html=html, say=say)


def make_page(
    project: Project, customer_id: str, *, cutoff: date | None = None, html: Path | None = None, say: Say
) -> tuple[list[dict[str, Any]], Path]:
    """As `explain_customer`, for whoever holds the bank's lock already."""
    day = project.scored_cutoff(cutoff)
    bank, ledger, features = features_at(project, day, say=say)
    make_scores(project, cutoff=day, say=say)
    directory = make_directory(project, bank, ledger, features, say=say)
    served = served_of(project, customer_id, day)
    people = pd.read_parquet(directory / "customers.parquet").set_index("customer_id")
    page = customer_page(
        _customer(project, customer_id, day, people, bank, served[0][1]),
        [each for each, _row in served],
        ledger=_months_of_ledger(ledger, customer_id, day),
        peers=None if ledger is None else _peers_value(ledger, features, customer_id, day),
        holdings=_holdings(bank, customer_id, day),
        trend=_trend(bank, customer_id, day),
        currency=project.spec.currency,
    )
    path = html or project.workspace.out / f"customer-{customer_id}.html"
    write_atomic(path, page)
    return [line for each, row in served for line in lines_of(each, row)], path


def served_of(project: Project, customer_id: str, day: date) -> list[tuple[Served, dict[str, Any]]]:
    """What every champion says of a customer, with the row of its score file."""
    found = []
    for key, model in project.config.models.items():
        scores = read_scores(project, key, day)
        rows = None if scores is None else scores[scores["customer_id"] == customer_id]
        if rows is None or rows.empty:
            continue
        row = {str(name): value for name, value in rows.iloc[0].to_dict().items()}
        served = served_from(row, horizon_months=model.spec.horizon.months)
        found.append((dataclasses.replace(served, zh=model.zh, en=model.en), row))
    if not found:
        raise NotFoundError(
            f"customer {mask(customer_id)} has no score at {day}; expected one of the scored customers. "
            "The customer may have left, or belong to no model's population",
            code="M001",
        )
    return found


def _customer(
    project: Project, customer_id: str, day: date, people: pd.DataFrame, bank: Bank, row: dict[str, Any]
) -> Customer:
    person = people.loc[customer_id] if customer_id in people.index else pd.Series(dtype=object)

    def known(name: str) -> Any:
        value = person.get(name)
        return None if value is None or pd.isna(value) else value

    joined = bank.table("customers").filter(_.customer_id == customer_id).joined_on.min().to_pyarrow().as_py()
    return Customer(
        customer_id=customer_id,
        cutoff=day,
        bank=str(project.spec.folder),
        bank_zh=project.spec.title_zh,
        bank_en=project.spec.title_en,
        name=known("name"),
        kind=known("kind"),
        segment=row.get("segment"),
        branch=known("branch_name") or known("branch_id"),
        manager=known("manager_name") or known("manager_id"),
        since=joined,
    )


def _months_of_ledger(ledger: ir.Table | None, customer_id: str, day: date) -> pd.DataFrame | None:
    if ledger is None:
        return None
    own = ledger.filter(
        (_.customer_id == customer_id) & (_.month_end > shift_months(day, -MONTHS)) & (_.month_end <= day)
    )
    names = [*COMPONENTS, "contribution"]
    months = own.group_by("month_end").aggregate(**{name: _[name].sum().cast("float64") for name in names})
    frame: pd.DataFrame = months.order_by("month_end").to_pandas()
    return frame


def _peers_value(ledger: ir.Table, features: Path, customer_id: str, day: date) -> dict[str, float] | None:
    """What the customer's peers contributed in the same months, on average, by component."""
    segment = segments_at(features, day)
    year = sum_by_customer(year_to(ledger, day))
    return average_of_peers(year.assign(segment=year["customer_id"].map(segment)), customer_id)


def _own_accounts(bank: Bank, customer_id: str) -> ir.Table:
    return holders(bank).filter(_.customer_id == customer_id).select("account_id").distinct()


def _balances_at(bank: Bank, customer_id: str, day: date) -> ir.Table:
    """Balance of each of the customer's accounts at the end of the day, as known then."""
    known = movements(bank).filter((_.day <= day) & (_.posted_on <= day))
    own = known.inner_join(_own_accounts(bank, customer_id), "account_id")
    return own.group_by("account_id").aggregate(balance=_.amount.sum().cast("float64"))


def _holdings(bank: Bank, customer_id: str, day: date) -> pd.DataFrame:
    held = accounts(bank).filter((_.opened_on <= day) & (_.closed_on.isnull() | (_.closed_on > day)))
    rows = held.inner_join(_own_accounts(bank, customer_id), "account_id")
    rows = rows.left_join(_balances_at(bank, customer_id, day), "account_id").drop("account_id_right")
    if bank.has("products"):
        names = bank.table("products").select("product_id", product=_.name.replace("|", " "))
        rows = rows.left_join(names, "product_id").drop("product_id_right")
    else:
        rows = rows.mutate(product=rows.product_id)
    frame: pd.DataFrame = rows.select("family", "product", "opened_on", "balance").order_by("opened_on").to_pandas()
    return frame


def _trend(bank: Bank, customer_id: str, day: date) -> pd.DataFrame:
    """Deposit balance at the last twelve month ends and, where bookings tell, salary of each month."""
    ends = [shift_months(day, -back) for back in range(MONTHS - 1, -1, -1)]
    own = movements(bank).inner_join(_own_accounts(bank, customer_id), "account_id")
    rows = own.filter(_.family.isin(DEPOSITS) & (_.posted_on <= day)).select("day", "amount").to_pandas()
    days, amounts = pd.to_datetime(rows["day"]), rows["amount"].astype(float)
    trend = {"month_end": ends, "balance": [amounts[days <= pd.Timestamp(end)].sum() for end in ends]}
    if bank.has("transactions"):
        booked = customer_transactions(bank).filter(
            (_.customer_id == customer_id) & (_.kind == "salary") & (_.posted_on <= day)
        )
        salary = booked.select("valued_on", "amount").to_pandas()
        months, paid = pd.to_datetime(salary["valued_on"]), salary["amount"].astype(float)
        trend["salary"] = [
            paid[(months > pd.Timestamp(shift_months(end, -1))) & (months <= pd.Timestamp(end))].sum() for end in ends
        ]
    return pd.DataFrame(trend)


def lines_of(served: Served, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The reasons of one model as rows for the terminal."""
    return [
        {
            "model": served.model,
            "value": served.value,
            "peers": served.peer,
            "reason": each.code or "REST",
            "zh": each.zh,
            "en": each.en,
            "effect": each.effect,
            "feature": each.feature or "",
        }
        for each in served.reasons
    ]
