"""Control totals from the source tables, by plain SQL that shares nothing with the ledger's own way."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis

from crmml.economics import Economics
from crmml.sources.bank import Bank
from crmml.sources.sql import quoted

_MOVED_BY_BOOKINGS = """
bookings AS ({source}),
brought AS (
    SELECT account_id, arg_min(balance - amount, row(posted_on, valued_on, transaction_id, amount)) AS amount,
           min(posted_on) AS day
    FROM (SELECT *, min(posted_on) OVER (PARTITION BY account_id) AS first_posted FROM bookings)
    WHERE posted_on = first_posted GROUP BY account_id
),
moved AS (
    SELECT account_id, amount, greatest(valued_on, posted_on) AS day FROM bookings
    UNION ALL SELECT account_id, amount, day FROM brought WHERE amount IS NOT NULL
)
"""

_MOVED_BY_BALANCES = """
known AS (
    SELECT account_id, balance_on, balance,
           greatest(balance_on, max(posted_on) OVER (PARTITION BY account_id ORDER BY balance_on)) AS day
    FROM ({source})
),
standing AS (
    SELECT account_id, balance, day,
           coalesce(lead(day) OVER (PARTITION BY account_id ORDER BY balance_on), DATE '{last}' + 1) AS until
    FROM known
),
moved AS (
    SELECT account_id, balance AS amount, day FROM standing WHERE until > day
    UNION ALL SELECT account_id, -balance, until FROM standing WHERE until > day
)
"""

_BOOKED = """
moved AS (
    SELECT account_id, amount, greatest(valued_on, posted_on) AS day FROM ({source}) WHERE kind IN ({kinds})
)
"""

# What an amount adds to a sum of balance-days up to a last day, or to a sum of amounts booked.
_DAYS = "amount * (date_diff('day', greatest(day, DATE '{first}'), DATE '{last}') + 1)"
_DAYS_OF_MONTH = "amount * (date_diff('day', greatest(day, month), last_day(month)) + 1)"
_ONCE, _ONCE_A_MONTH = "CASE WHEN day >= DATE '{first}' THEN amount END", "CASE WHEN day >= month THEN amount END"

_OWN = """
WITH {moved} SELECT sum({added}) FROM moved WHERE day <= DATE '{last}' {only}
"""

# Amounts of foreign accounts: of each account and month one sum, at the mean rate of the month's days, in cents.
_FOREIGN = """
WITH {moved},
days AS (SELECT unnest(generate_series(DATE '{first}', DATE '{last}', INTERVAL 1 DAY))::DATE AS d),
quoted AS (
    SELECT key, valid_from, greatest(valid_from, posted_on) AS known, round(rate * 1e10)::HUGEINT AS units
    FROM ({rates}) WHERE kind = 'fx' AND tenor_months IS NULL
),
in_force AS (SELECT key, d, arg_max(units, valid_from) AS units FROM quoted JOIN days ON known <= d GROUP BY ALL),
averages AS (
    SELECT key, date_trunc('month', d)::DATE AS month,
           ((2 * sum(units) + count(*)) // (2 * count(*)))::DECIMAL(28, 0) * 0.0000000001 AS fx
    FROM in_force GROUP BY ALL
),
sums AS (
    SELECT account_id, month, any_value(fx) AS fx, sum({added}) AS amount
    FROM moved JOIN ({accounts}) a USING (account_id) JOIN averages ON key = a.currency AND day <= last_day(month)
    WHERE a.currency <> '' AND a.currency <> {currency} GROUP BY ALL
)
SELECT sum(round(amount::DECIMAL(24, 2) * fx, 2)) FROM sums
"""


def control_totals(bank: Bank, economics: Economics, first: date, last: date) -> dict[str, Decimal]:
    """Balance-days, fees and interest booked from `first` to `last`, summed over the whole bank, in its currency."""
    history = "balances" if bank.has("balances") else "transactions"
    span = {"first": first.isoformat(), "last": last.isoformat()}
    found = {"balance_days": Decimal(0), "fees": Decimal(0), "interest_booked": Decimal(0)}
    if bank.has(history):
        way = _MOVED_BY_BALANCES if history == "balances" else _MOVED_BY_BOOKINGS
        moved = way.format(source=_sql(bank, history), **span)
        found["balance_days"] = _total(bank, moved, _DAYS, _DAYS_OF_MONTH, span)
    if bank.has("transactions"):
        for name, kinds, sign in (("fees", economics.fee_kinds, -1), ("interest_booked", economics.interest_kinds, 1)):
            if kinds:
                moved = _BOOKED.format(source=_sql(bank, "transactions"), kinds=", ".join(map(quoted, kinds)))
                found[name] = sign * _total(bank, moved, _ONCE, _ONCE_A_MONTH, span)
    return found


def _total(bank: Bank, moved: str, added: str, added_a_month: str, span: dict[str, str]) -> Decimal:
    """The sum of own-currency accounts at once, and that of foreign ones month by month."""
    if not has_foreign(bank):
        return _value(bank, _OWN.format(moved=moved, added=added.format(**span), only="", **span))
    accounts, currency = _sql(bank, "accounts"), quoted(bank.spec.currency)
    only = (
        f"AND account_id NOT IN (SELECT account_id FROM ({accounts}) WHERE currency <> '' AND currency <> {currency})"
    )
    own = _OWN.format(moved=moved, added=added.format(**span), only=only, **span)
    foreign = _FOREIGN.format(
        moved=moved, added=added_a_month, rates=_sql(bank, "rates"), accounts=accounts, currency=currency, **span
    )
    return _value(bank, own) + _value(bank, foreign)


def has_foreign(bank: Bank) -> bool:
    """Whether an account is in another currency than the bank's."""
    if not (bank.has("accounts") and bank.has("rates")):
        return False
    accounts = bank.table("accounts")
    return bool(
        accounts.filter((accounts.currency != "") & (accounts.currency != bank.spec.currency)).count().execute()
    )


def _sql(bank: Bank, table: str) -> str:
    return str(ibis.to_sql(bank.table(table), dialect="duckdb"))


def _value(bank: Bank, query: str) -> Decimal:
    (value,) = bank.connection.con.sql(query).to_arrow_table().column(0).to_pylist()
    return Decimal(0) if value is None else Decimal(value)
