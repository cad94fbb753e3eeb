"""The ledger of Berka's complete accounts: it reconciles, and its fees and interest are those of the raw files."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crmml.config.bank_file import load_bank
from crmml.ledger import GRAINS, build_ledger, reconcile, roll_up
from crmml.sources.bank import Bank, open_tables
from crmml.sources.ingest import ingest
from tests.conftest import REPOSITORY

DATA = os.environ.get("CRMML_DATA")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA or not (Path(DATA) / "berka").is_dir(), reason="CRMML_DATA names no folder with berka"),
]
# How the files call them, in Czech and in English, with and without underscores.
KINDS = {"fees": r"SLUZBY|payment.for.statement", "interest_booked": r"UROK|interest.credited|SANK.*|sanc.*"}


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """The 392 accounts whose histories are whole, with their loans and cards, and nobody else."""
    spec = load_bank(REPOSITORY / "configs" / "berka")
    folder = tmp_path_factory.mktemp("berka") / "tables"
    ingest(spec, folder)
    bank = open_tables(spec, folder)
    loans = _raw_loans()
    granted = loans["date"].astype(int)
    own = loans[(granted <= 940331) | (granted >= 970101)]
    accounts = bank.table("accounts")
    holders = bank.table("account_holders")
    people = holders.filter(holders.account_id.isin(own["account_id"].tolist())).select("customer_id").distinct()
    theirs = holders.semi_join(people, "customer_id").select("account_id").distinct()
    kept = {
        name: bank.table(name).semi_join(theirs, "account_id") for name in ("account_holders", "transactions", "loans")
    }
    return bank.with_tables(
        accounts=accounts.semi_join(theirs, "account_id"),
        customers=bank.table("customers").semi_join(people, "customer_id"),
        arrears=bank.table("arrears").semi_join(kept["loans"].select("loan_id"), "loan_id"),
        **kept,
    )


def _raw_loans() -> pd.DataFrame:
    return pd.read_csv(f"{DATA}/berka/loan.asc.gz", sep=";", dtype=str)


def _raw_bookings(kinds: str) -> pd.DataFrame:
    """Bookings of some kinds straight from the three files: account_id, day, signed amount."""
    parts = []
    for name, separator, debit in (("trans_test.csv.gz", ";", "credit"), ("trans_after_loan.csv.gz", ",", "credit"),
                                   ("trans_19930101_19940331.asc.gz", ";", "PRIJEM")):  # fmt: skip
        frame = pd.read_csv(f"{DATA}/berka/{name}", sep=separator, dtype=str)
        chosen = frame[frame["k_symbol"].fillna("").str.fullmatch(kinds)]
        sign = chosen["type"].eq(debit).map({True: 1, False: -1})
        day = chosen["date"].where(chosen["date"].str.contains("-"), "19" + chosen["date"])
        parts.append(
            pd.DataFrame(
                {
                    "file": name,
                    "account_id": chosen["account_id"],
                    "day": pd.to_datetime(day, format="mixed"),
                    "amount": sign * chosen["amount"].astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_the_complete_accounts_reconcile_to_the_cent(complete: Bank) -> None:
    first, last = complete.observed_from("transactions"), complete.observed_until("transactions")
    ledger = build_ledger(complete, first, last)
    result = reconcile(ledger, complete)
    result.require_clean()
    assert result.difference == Decimal(0)
    sums: dict[str, Any] = {
        by: round(roll_up(ledger, complete, by=by, first=first, last=last)["contribution"].sum(), 2) for by in GRAINS
    }
    assert set(sums.values()) == {sums["bank"]}
    _require_raw_sums(ledger, last)


def _require_raw_sums(ledger: Any, last: Any) -> None:
    """Fees and interest of the accounts with loans granted from 1997 on, whose files do not overlap."""
    loans = _raw_loans()
    late = set(loans.loc[loans["date"].astype(int) >= 970101, "account_id"])
    found = ledger.filter(ledger.account_id.isin(sorted(late)))
    sums = found.aggregate(fees=found.fees.sum(), interest_booked=found.interest_booked.sum()).to_pandas().iloc[0]
    for name, sign in (("fees", -1), ("interest_booked", 1)):
        raw = _raw_bookings(KINDS[name])
        raw = raw[raw["account_id"].isin(late) & (raw["day"] <= pd.Timestamp(last))]
        raw = raw[raw["file"] != "trans_19930101_19940331.asc.gz"]
        assert len(raw) > 1_000
        assert float(sums[name]) == pytest.approx(sign * raw["amount"].sum(), abs=0.005)
