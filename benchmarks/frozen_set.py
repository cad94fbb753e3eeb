"""The frozen set of 102 columns: key, 96 windowed features, recency, balance and two trends, as anyone declares them."""

from __future__ import annotations

from datetime import date

from ibis import _

from benchmarks.frozen_bank import CHANNELS, KINDS
from crmml.features.declare import WINDOWS, Family, Trend
from crmml.features.statistics import Count, DaysSince, Level, Max, Mean, Measure, Min, Sum
from crmml.periods import month_ends, shift_months

MONTHS = tuple(window.months for window in WINDOWS)
CUTOFFS = tuple(month_ends(date(2025, 1, 31), date(2025, 12, 31)))
MANY_CUTOFFS = tuple(month_ends(date(2023, 1, 31), date(2025, 12, 31)))

_IN = ~_.is_own_transfer & (_.amount > 0)
_OUT = ~_.is_own_transfer & (_.amount < 0)
_MONEY = {"unit": "money"}


def _measures() -> list[Measure]:
    by_kind: list[Measure] = []
    for kind in KINDS:
        by_kind.append(Count(f"number_{kind}", where=_.kind == kind, zh=kind, en=kind))
        by_kind.append(Sum(f"sum_{kind}", where=_.kind == kind, of=_.amount, zh=kind, en=kind, **_MONEY))
    by_channel: list[Measure] = [
        Count(f"number_{channel}", where=_.channel == channel, zh=channel, en=channel) for channel in CHANNELS
    ]
    return [
        Count("bookings", where=~_.is_own_transfer, zh="交易笔数", en="bookings"),
        Count("inflows", where=_IN, zh="流入笔数", en="payments in"),
        Sum("money_in", where=_IN, of=_.amount, zh="资金流入", en="money in", **_MONEY),
        Sum("money_out", where=_OUT, of=-_.amount, zh="资金流出", en="money out", **_MONEY),
        Max("inflow", where=_IN, of=_.amount, zh="单笔最大流入", en="largest payment in", **_MONEY),
        Max("outflow", where=_OUT, of=-_.amount, zh="单笔最大流出", en="largest payment out", **_MONEY),
        Mean("booked", of=_.amount, zh="笔均金额", en="booked", **_MONEY),
        Min("booked", of=_.amount, zh="最小金额", en="booked", **_MONEY),
        *by_kind,
        *by_channel,
        Sum("sum_mobile", where=_.channel == "mobile", of=_.amount, zh="手机银行金额", en="booked by mobile", **_MONEY),
        DaysSince("days_since_last_booking", where=~_.is_own_transfer, unit="days", zh="距最近一次交易天数",
                  en="days since the last booking"),
        Level("balance", of=_.amount, zh="余额", en="balance", **_MONEY),
    ]  # fmt: skip


FROZEN = Family(
    name="frozen",
    table="transactions",
    concept="cash_flow",
    zh="测速特征",
    en="the frozen set",
    needs=("transactions",),
    windows=WINDOWS,
    measures=_measures(),
    derived=[
        Trend("money_in_trend", "money_in_3m", "money_in_12m", zh="资金流入趋势", en="trend of money in"),
        Trend("bookings_trend", "bookings_3m", "bookings_12m", zh="交易笔数趋势", en="trend of bookings"),
    ],
)

#: The windowed measures in plain words: name, statistic, sign of the amount, condition in SQL on `is_own`, `amount`, `kind`, `channel`.
PLAIN: tuple[tuple[str, str, int, str], ...] = (
    ("bookings", "count", 1, "NOT is_own"),
    ("inflows", "count", 1, "NOT is_own AND amount > 0"),
    ("money_in", "sum", 1, "NOT is_own AND amount > 0"),
    ("money_out", "sum", -1, "NOT is_own AND amount < 0"),
    ("inflow_max", "max", 1, "NOT is_own AND amount > 0"),
    ("outflow_max", "max", -1, "NOT is_own AND amount < 0"),
    ("booked_mean", "mean", 1, ""),
    ("booked_min", "min", 1, ""),
    *((f"number_{kind}", "count", 1, f"kind = '{kind}'") for kind in KINDS),
    *((f"sum_{kind}", "sum", 1, f"kind = '{kind}'") for kind in KINDS),
    *((f"number_{channel}", "count", 1, f"channel = '{channel}'") for channel in CHANNELS),
    ("sum_mobile", "sum", 1, "channel = 'mobile'"),
)


def start_of(cutoff: date, months: int) -> date:
    """The last day before the window."""
    return shift_months(cutoff, -months)
