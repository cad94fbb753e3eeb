"""Control totals from the source tables, by plain SQL that shares nothing with the ledger's own way."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis

from crmml.economics import Economics
from crmml.sources.bank import Bank

_BALANCE_DAYS_OF_BOOKINGS = """
WITH bookings AS ({transactions}),
brought AS (
    SELECT account_id, arg_min(balance - amount, row(posted_on, valued_on, transaction_id, amount)) AS amount,
           min(posted_on) AS day
    FROM (SELECT *, min(posted_on) OVER (PARTITION BY account_id) AS first_posted FROM bookings)
    WHERE posted_on = first_posted GROUP BY account_id
),
moved AS (
    SELECT amount, greatest(valued_on, posted_on) AS day FROM bookings
    UNION ALL SELECT amount, day FROM brought WHERE amount IS NOT NULL
)
SELECT sum(amount * (date_diff('day', greatest(day, DATE '{first}'), DATE '{last}') + 1))
FROM moved WHERE day <= DATE '{last}'
"""

_BALANCE_DAYS_OF_BALANCES = """
WITH known AS (
    SELECT account_id, balance_on, balance,
           greatest(balance_on, max(posted_on) OVER (PARTITION BY account_id ORDER BY balance_on)) AS day
    FROM ({balances})
),
standing AS (
    SELECT balance, day,
           coalesce(lead(day) OVER (PARTITION BY account_id ORDER BY balance_on), DATE '{last}' + 1) AS until
    FROM known
)
SELECT sum(balance * greatest(0, date_diff('day', greatest(day, DATE '{first}'), least(until, DATE '{last}' + 1))))
FROM standing
"""

_BOOKED = """
SELECT sum(amount) FROM ({transactions})
WHERE kind IN ({kinds}) AND greatest(valued_on, posted_on) BETWEEN DATE '{first}' AND DATE '{last}'
"""


def control_totals(bank: Bank, economics: Economics, first: date, last: date) -> dict[str, Decimal]:
    """Balance-days, fees and interest booked from `first` to `last`, summed over the whole bank."""
    span = {"first": first.isoformat(), "last": last.isoformat()}
    balances = _BALANCE_DAYS_OF_BALANCES if bank.has("balances") else _BALANCE_DAYS_OF_BOOKINGS
    source = "balances" if bank.has("balances") else "transactions"
    found = {"balance_days": Decimal(0), "fees": Decimal(0), "interest_booked": Decimal(0)}
    if bank.has(source):
        found["balance_days"] = _total(bank, balances.format(**{source: _sql(bank, source)}, **span))
    if bank.has("transactions"):
        booked = {
            name: _total(bank, _BOOKED.format(transactions=_sql(bank, "transactions"), kinds=_words(kinds), **span))
            for name, kinds in (("fees", economics.fee_kinds), ("interest_booked", economics.interest_kinds))
            if kinds
        }
        found["fees"] = -booked.get("fees", Decimal(0))
        found["interest_booked"] = booked.get("interest_booked", Decimal(0))
    return found


def _sql(bank: Bank, table: str) -> str:
    return str(ibis.to_sql(bank.table(table), dialect="duckdb"))


def _words(kinds: tuple[str, ...]) -> str:
    return ", ".join("'" + kind.replace("'", "''") + "'" for kind in kinds)


def _total(bank: Bank, query: str) -> Decimal:
    (value,) = bank.connection.con.sql(query).to_arrow_table().column(0).to_pylist()
    return Decimal(0) if value is None else Decimal(value)
