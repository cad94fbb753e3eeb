"""The synthetic bank, written to disk chunk by chunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from crmml.demo_bank.life import live
from crmml.demo_bank.months import months_from_start
from crmml.demo_bank.side_sources import (
    campaign_table,
    holder_and_relation_tables,
    loan_tables,
    service_tables,
    truth_table,
)
from crmml.demo_bank.sources import account_table, booking_table, customer_table, fixed_tables, term_table
from crmml.demo_bank.writing import Folder


def generate(
    directory: Path,
    *,
    customers: int = 6000,
    months: int = 60,
    seed: int = 7,
    noise: bool = False,
    chunk: int = 2000,
) -> None:
    """Write a bank whose truth is known.

    Raw tables go to `directory/source`, the true chances to `directory/truth`.
    The same seed gives the same files whatever the chunk; memory depends on
    the chunk only.

    Parameters
    ----------
    directory : Path
        Folder of the bank; existing files of the same names are replaced.
    customers, months : int
        Size; the first month is January 2021.
    seed : int
        Which of the possible banks.
    noise : bool
        Leaving, default and uptake happen by chance alone: nothing foretells them.
    chunk : int
        Customers held in memory at a time, rounded up to an even number.
    """
    if customers < 1 or chunk < 1:
        raise ValueError(f"customers and chunk must be at least 1, got {customers} and {chunk}")
    calendar = months_from_start(months)
    directory = Path(directory)
    step = chunk + chunk % 2
    with Folder(directory / "source") as source, Folder(directory / "truth") as truth:
        source.add(fixed_tables())
        for first in range(0, customers, step):
            state = live(seed, np.arange(first, min(first + step, customers)), calendar, noise=noise)
            accounts, numbers, closed = account_table(state)
            source.add(
                {
                    "core_cust": customer_table(state),
                    "core_acct": accounts,
                    "core_acct_rate": term_table(state),
                    "core_txn": booking_table(state, numbers, closed),
                    **holder_and_relation_tables(state),
                    **loan_tables(state),
                    **service_tables(state),
                    **campaign_table(state),
                }
            )
            truth.add(truth_table(state))
