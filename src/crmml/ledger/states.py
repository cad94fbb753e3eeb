"""Everything the ledger needs to know of an account in a month, as exact sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.economics import CREDIT_FAMILIES, Economics
from crmml.ledger.bookings import monthly_bookings
from crmml.ledger.exchange import in_own_currency
from crmml.ledger.funding import funding_steps
from crmml.ledger.parameters import Products
from crmml.ledger.quotes import Quotes
from crmml.ledger.scratch import Scratch
from crmml.ledger.standing import arrears_at_start, default_days
from crmml.ledger.terms import PPM, term_steps
from crmml.periods import month_end, month_ends
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, movements

ZERO = ibis.literal(0, "int64")
BALANCE_STATES = {
    **{f"{name}_days": "int64" for name in ("balance", "drawn", "unused")},
    **{f"interest_{name}": "float64" for name in ("balance", "drawn")},
    **{f"{name}_{point}": "int64" for name in ("drawn", "unused") for point in ("start", "end")},
}
FUNDING_STATES = {"ftp_balance": "float64", "ftp_drawn": "float64"}


@dataclass(frozen=True)
class Calendar:
    """The months of a ledger, from the first the bank has history of."""

    months: tuple[date, ...]

    @property
    def ends(self) -> list[date]:
        return [month_end(month) for month in self.months]

    def table(self) -> ir.Table:
        frame = pd.DataFrame(
            {
                "month": pd.to_datetime(list(self.months)),
                "month_end": pd.to_datetime(self.ends),
                "month_number": range(len(self.months)),
                "days": [end.day for end in self.ends],
            }
        )
        table = ibis.memtable(frame)
        return table.mutate(month=_.month.cast("date"), month_end=_.month_end.cast("date"))


def booked_changes(bank: Bank, numbers: ir.Table, last: date) -> ir.Table:
    """Changes of balances by the day they count from, as a general ledger books them.

    A movement counts from its value day, or from the day it was posted if that
    is later: a closed month never changes.

    Returns
    -------
    account_number, day, cents
    """
    moved = movements(bank).select(
        "account_id", day=ibis.greatest(_.day, _.posted_on), cents=(_.amount * 100).cast("int64")
    )
    return moved.filter(_.day <= last).join(numbers, "account_id").select("account_number", "day", "cents")


def calendar_of(changes: ir.Table, bookings: ir.Table | None, first: date, last: date) -> Calendar:
    """Months from the bank's first movement or booking, or `first` if that is earlier, to `last`."""
    starts = [changes.day.min().to_pyarrow().as_py()]
    if bookings is not None:
        starts.append(bookings.month.min().to_pyarrow().as_py())
    start = min([day for day in starts if day is not None] + [first])
    return Calendar(tuple(end.replace(day=1) for end in month_ends(start, last)))


def account_spine(held: ir.Table, changes: ir.Table, bookings: ir.Table | None, months: ir.Table) -> ir.Table:
    """One row per account and month it may have something in; empty months fall out at the end.

    From the account's opening, or its first movement or booking, to the end of
    the ledger, or to its closing when nothing is left on it by then.
    """
    moved = changes.group_by("account_number").aggregate(
        first_moved=_.day.min(), last_moved=_.day.max(), left=_.cents.sum()
    )
    spans = held.left_join(moved, "account_number").drop("account_number_right")
    if bookings is not None:
        booked = bookings.group_by("account_number").aggregate(first_booked=_.month.min(), last_booked=_.month.max())
        spans = spans.left_join(booked, "account_number").drop("account_number_right")
    else:
        spans = spans.mutate(first_booked=ibis.null("date"), last_booked=ibis.null("date"))
    is_finished = _.closed_on.notnull() & (ibis.coalesce(_.left, 0) == 0)
    spans = spans.mutate(
        first_day=ibis.least(_.opened_on, _.first_moved, _.first_booked),
        last_day=ibis.ifelse(is_finished, ibis.greatest(_.closed_on, _.last_moved, _.last_booked), ibis.null("date")),
    )
    inside = (spans.first_day <= months.month_end) & (spans.last_day.isnull() | (spans.last_day >= months.month))
    known_on = ibis.coalesce(ibis.greatest(_.opened_on, _.posted_on), _.month_end)
    return spans.join(months, inside).select(
        *("account_number", "product_number", "closed_on", "month", "month_end", "month_number", "days"),
        is_credit=_.family.isin(CREDIT_FAMILIES),
        is_open=(known_on <= _.month_end) & (_.closed_on.isnull() | (_.closed_on >= _.month)),
    )


def balance_states(spine: ir.Table, changes: ir.Table, steps: ir.Table, funding: ir.Table | None = None) -> ir.Table:
    """Balance-days, drawn days, unused limit and interest of every account-month, exact to the day.

    Movements, changes of terms and month starts are laid in one line per
    account; running sums give balance, rate and limit of every stretch between
    two of them, and a stretch never crosses the end of a month. With `funding`
    (account_number, day, ftp_step) there is internal interest beside it.
    """
    begins = spine.group_by("account_number").aggregate(begin=_.month.min())
    clipped = steps.join(begins, "account_number").mutate(day=ibis.greatest(_.day, _.begin))
    parts = [
        changes.select("account_number", "day", "cents", rate=ZERO, credit_limit=ZERO),
        clipped.select("account_number", "day", cents=ZERO, rate=_.rate_step, credit_limit=_.limit_step),
        spine.select("account_number", day=_.month, cents=ZERO, rate=ZERO, credit_limit=ZERO),
    ]
    running = ["balance", "rate", "credit_limit"]
    if funding is not None:
        own = funding.join(begins, "account_number").mutate(day=ibis.greatest(_.day, _.begin))
        parts = [part.mutate(ftp=ZERO) for part in parts]
        parts.append(own.select("account_number", "day", cents=ZERO, rate=ZERO, credit_limit=ZERO, ftp=_.ftp_step))
        running.append("ftp")
    marks = ibis.union(*parts).rename(balance="cents")
    by_account = {"group_by": "account_number", "order_by": "day"}
    so_far = ibis.window(**by_account, preceding=None, following=0)
    line = marks.mutate(
        **{name: marks[name].sum().over(so_far).cast("int64") for name in running},
        following=_.day.lead().over(ibis.window(**by_account)),
        month=_.day.truncate("M").cast("date"),
    ).mutate(next_month=(_.month + ibis.interval(months=1)).cast("date"))
    # Marks of one day make stretches of no days but for the last of them, which has all their sums.
    stretches = line.mutate(
        # After the last month asked for, or of the account, the next mark may lie months ahead.
        until=ibis.least(ibis.coalesce(_.following, _.next_month), _.next_month),
        drawn=ibis.greatest(-_.balance, ZERO),
    ).mutate(days=_.until.delta(_.day, unit="day"), unused=ibis.greatest(_.credit_limit - _.drawn, ZERO))
    own_price = {
        f"ftp_{name}": (stretches[name] * stretches.days * stretches.ftp).sum().cast("float64") / PPM
        for name in ("balance", "drawn")
        if funding is not None
    }
    states = stretches.group_by(["account_number", "month"]).aggregate(
        **own_price,
        balance_days=(_.balance * _.days).sum().cast("int64"),
        drawn_days=(_.drawn * _.days).sum().cast("int64"),
        unused_days=(_.unused * _.days).sum().cast("int64"),
        interest_balance=(_.balance * _.days * _.rate).sum().cast("float64") / PPM,
        interest_drawn=(_.drawn * _.days * _.rate).sum().cast("float64") / PPM,
        drawn_end=_.drawn.argmax(_.until),
        unused_end=_.unused.argmax(_.until),
    )
    return _with_start(states, ["drawn_end", "unused_end"])


def _with_start(table: ir.Table, ends: list[str]) -> ir.Table:
    """Each `x_end` of the month before as `x_start`; 0 in an account's first month."""
    before = ibis.window(group_by="account_number", order_by="month")
    return table.mutate(
        **{name.replace("_end", "_start"): ibis.coalesce(table[name].lag().over(before), 0) for name in ends}
    )


def numbered_accounts(bank: Bank, products: Products) -> ir.Table:
    """The accounts with whole numbers for themselves and their products, and the rate of the product."""
    codes = pd.DataFrame(
        {
            "product_id": products.ids,
            "currency": products.currencies,
            "product_number": range(len(products.ids)),
            "rate_ppm": pd.Series(products.base_rate * PPM).round().astype("Int64"),
        }
    )
    schema = {"product_id": "string", "currency": "string", "product_number": "int64", "rate_ppm": "int64"}
    held = with_currency(bank).mutate(account_number=ibis.row_number().over(order_by="account_id"))
    return held.join(ibis.memtable(codes, schema=schema), ["product_id", "currency"])


def with_currency(bank: Bank) -> ir.Table:
    """The accounts, those without a currency in the bank's own."""
    return accounts(bank).mutate(currency=ibis.coalesce(_.currency.nullif(""), bank.spec.currency))


@dataclass(frozen=True)
class AccountMonths:
    """The states of all account-months by numbers, the names behind the numbers, and the months."""

    states: ir.Table
    accounts: ir.Table
    calendar: Calendar


def account_months(
    bank: Bank,
    economics: Economics,
    products: Products,
    curves: dict[str, Quotes],
    first: date,
    last: date,
    room: Scratch,
) -> AccountMonths:
    """One row per account and month with all that its contribution is made of, in cents and days.

    Months begin with the bank's history, not with `first`, because the charge
    of a default depends on what was charged before it.
    """
    held = room.keep(numbered_accounts(bank, products))
    numbers = held.select("account_id", "account_number")
    changes = room.keep(booked_changes(bank, numbers, last))
    bookings = monthly_bookings(bank, economics)
    if bookings is not None:
        bookings = room.keep(bookings.filter(_.month <= last).join(numbers, "account_id").drop("account_id"))
    calendar = calendar_of(changes, bookings, first, last)
    spine = room.keep(account_spine(held, changes, bookings, calendar.table()))
    steps = term_steps(bank, held.select("account_id", "rate_ppm")).filter(_.day <= last).join(numbers, "account_id")
    funding = funding_steps(bank, held, products, curves, last)
    own = None if funding is None else room.keep(_funding_table(funding)).filter(_.day <= last)
    kinds = BALANCE_STATES if own is None else BALANCE_STATES | FUNDING_STATES
    states = _join_or_zero(spine, balance_states(spine, changes, steps, own), kinds)
    states = _join_or_zero(states, bookings, dict.fromkeys(("fees", "interest_booked", "work"), "int64"))
    arrears = arrears_at_start(bank, spine.select("account_number", "month"), numbers)
    states = _join_or_zero(states, arrears, {"days_past_due": "int64", "provision": "int64"})
    states = in_own_currency(states, bank, products, list(calendar.months))
    return AccountMonths(_with_default(states, default_days(bank, numbers)), held, calendar)


def _funding_table(funding: pd.DataFrame) -> ir.Table:
    table = ibis.memtable(funding, schema={"account_number": "int64", "day": "timestamp", "ftp_step": "int64"})
    return table.mutate(day=_.day.cast("date"))


def _join_or_zero(states: ir.Table, other: ir.Table | None, columns: dict[str, str]) -> ir.Table:
    if other is None:
        return states.mutate(**dict.fromkeys(columns, ZERO))
    joined = states.left_join(other, ["account_number", "month"]).drop("account_number_right", "month_right")
    return joined.mutate(**{name: ibis.coalesce(joined[name], 0).cast(kind) for name, kind in columns.items()})


def _with_default(states: ir.Table, defaults: ir.Table | None) -> ir.Table:
    """`default_stage`: 0 before the month of default, 1 in it, 2 after."""
    if defaults is None:
        return states.mutate(default_stage=ibis.literal(0, "int8"))
    joined = states.left_join(defaults, "account_number").drop("account_number_right")
    is_after = ibis.coalesce(joined.defaulted_on < joined.month, False)
    is_in = ibis.coalesce(joined.defaulted_on <= joined.month_end, False)
    return joined.mutate(default_stage=ibis.cases((is_after, 2), (is_in, 1), else_=0).cast("int8"))
