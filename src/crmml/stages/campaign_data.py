"""The outcomes of a campaign as the bank's own data tell them: its contact log, and who opened what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from crmml.campaigns import Campaign, window_end
from crmml.campaigns.returned import FIELDS
from crmml.campaigns.statuses import status_of
from crmml.labels.frame import complete_until, holdings, holds_on
from crmml.sources.bank import Bank
from crmml.stages.making import Say
from crmml.targeting.keeping import SELL, WIN_BACK

_TOLD = ["customer_id", "offer", "taken", "taken_on"]


def returned_of_bank(
    bank: Bank, campaign: Campaign, known: pd.DataFrame, *, say: Say
) -> Iterator[tuple[str, pd.DataFrame, date]]:
    """Name, rows as a file would hold them, and the day up to which they speak: contacts, then what was taken.

    `known` are the rows the campaign itself gave to the bank's contacts; they are not read back.
    """
    if bank.has("contacts"):
        rows = _contacts(bank, campaign, known)
        if len(rows):
            yield "contacts", rows, max(bank.observed_until("contacts"), campaign.assigned_on)
    until = complete_until(bank, "accounts") if bank.has("accounts") else None
    if until is None:
        say("campaign  this bank has no accounts, so who took what must come in a file with the column taken")
    elif until <= campaign.assigned_on:
        say(
            f"campaign  accounts are complete up to {until}; nothing after {campaign.assigned_on} can be read from them yet"
        )
    else:
        rows = pd.concat([_taken(bank, campaign, until), _kept(bank, campaign, until)], ignore_index=True)
        yield "accounts", _as_returned(rows, campaign), until


def _contacts(bank: Bank, campaign: Campaign, known: pd.DataFrame) -> pd.DataFrame:
    log = bank.table("contacts")
    own = log.filter(log.list_id == campaign.list_id, log.contacted_on.notnull() | log.outcome.notnull())
    frame = own.select("customer_id", "product_id", "contacted_on", "channel", "outcome").to_pandas()
    given = set(_signs(known))
    frame = frame[np.array([sign not in given for sign in _signs(frame)], dtype=bool)]
    # A word that is no status stays as it is, so that the check names it; `not_taken` tells of no contact.
    words = frame["outcome"].fillna("").map(lambda word: status_of(word) or ("" if word == "not_taken" else word))
    days = pd.to_datetime(frame["contacted_on"]).dt.strftime("%Y-%m-%d").fillna("")
    told = pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "offer": frame["product_id"],
            "status": words,
            "contacted_on": days,
            "channel": frame["channel"].fillna(""),
        }
    )
    return _as_returned(told[(told["status"] != "") | (told["contacted_on"] != "")], campaign)


def _signs(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    """Rows as comparable texts: whose, of what, contacted when, with what outcome."""
    days = pd.to_datetime(rows["contacted_on"]).dt.strftime("%Y-%m-%d").fillna("")
    words = (rows[name].fillna("").astype("str") for name in ("customer_id", "product_id", "outcome"))
    return list(zip(*words, days, strict=True))


def _taken(bank: Bank, campaign: Campaign, until: date) -> pd.DataFrame:
    """Every customer offered a product: whether an account of it was opened in the window, as far as accounts tell."""
    held = holdings(bank)
    opened = (
        held.filter(held.held_from > campaign.assigned_on).select("customer_id", "product_id", "held_from").to_pandas()
    )
    records = []
    by_customer = dict(iter(opened.groupby("customer_id")))
    for row in campaign.rows[["customer_id", "offer"]].itertuples():
        products = campaign.about["offers"][row.offer]["products"]
        if not products:
            continue
        last = min(window_end(campaign, str(row.offer)), until)
        mine = by_customer.get(str(row.customer_id))
        days = [] if mine is None else pd.to_datetime(mine.loc[mine["product_id"].isin(products), "held_from"]).dt.date
        first = min((day for day in days if day <= last), default=None)
        records.append((str(row.customer_id), row.offer, "yes" if first else "no", str(first or "")))
    return pd.DataFrame(records, columns=_TOLD)


def _kept(bank: Bank, campaign: Campaign, until: date) -> pd.DataFrame:
    """Every customer to be kept, cared for or won back: whether they hold a main account when the window is over.

    Before that nobody is told: who has left by now would be known, and who stays would not. Of those to be won back
    who never closed their main accounts, accounts cannot tell whether they are back.
    """
    rows = campaign.rows[["customer_id", "offer"]].astype("str")
    kind = rows["offer"].map({offer: told["kind"] for offer, told in campaign.about["offers"].items()})
    last = rows["offer"].map({offer: window_end(campaign, offer) for offer in rows["offer"].unique()})
    asked = rows.assign(last=last, is_gone=kind == WIN_BACK)[(kind != SELL) & (last <= until)]
    if asked.empty:
        return pd.DataFrame(columns=_TOLD)
    table = ibis.memtable(asked, schema=dict.fromkeys(rows, "string") | {"last": "date", "is_gone": "boolean"})
    joined = table.left_join(holdings(bank).filter(_.main), "customer_id")
    found = joined.group_by(["customer_id", "offer", "is_gone"]).aggregate(
        stays=_holds(joined, joined.last), held=_holds(joined, ibis.literal(campaign.assigned_on))
    )
    told = found.filter(~(_.is_gone & _.held)).order_by("customer_id").to_pandas()
    return told.assign(taken=told["stays"].map({True: "yes", False: "no"}), taken_on="")[_TOLD]


def _holds(joined: ir.Table, day: ir.Value) -> ir.Value:
    """Whether any account of a group is held at the end of a day; no account is none held."""
    return ibis.coalesce((joined.account_id.notnull() & holds_on(joined, day)).any(), False)


def _as_returned(rows: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """The columns of a file that came back."""
    rows = rows.reset_index(drop=True).assign(list_id=campaign.list_id)
    frame = pd.DataFrame({name: rows.get(name, "") for name in FIELDS}, index=rows.index).astype("str")
    return frame.assign(is_number=False, row=[str(number) for number in range(1, len(frame) + 1)])
