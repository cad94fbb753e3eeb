"""Every declared feature once more: slowly, row by row, day by day, from lists of rows.

It shares no code with the planner: a window is asked of every row, a daily
average is an average over days, a state is looked up at the cut-off.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
DEPOSIT = ("current", "savings", "time_deposit")
CREDIT = ("loan", "mortgage", "card")
ALL = (*DEPOSIT, *CREDIT, "insurance", "investment", "service")
CHANNELS = ("mobile", "online", "counter", "atm")
DAY = timedelta(days=1)


def months_before(day: date, months: int) -> date:
    """The day `months` before, counted from the first of the next month."""
    following = day + DAY
    month = following.year * 12 + following.month - 1 - months
    first = date(month // 12, month % 12 + 1, 1)
    next_first = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(first + DAY * (following.day - 1), next_first - DAY) - DAY


class Slow:
    """The features of one customer at one cut-off."""

    def __init__(
        self, tables: dict[str, list[Row]], observed_from: dict[str, date], customer: str, cutoff: date
    ) -> None:
        self.tables, self.first = tables, observed_from
        self.customer, self.cutoff = customer, cutoff
        self.accounts = {row["account_id"]: row for row in tables["accounts"]}
        self.families = {row["product_id"]: row["family"] for row in tables["products"]}
        self.holdings = [
            row for row in tables["account_holders"] if row["role"] != "authorised" and row["customer_id"] == customer
        ]
        self.out: dict[str, Any] = {}
        self._balances: dict[tuple[date, tuple[str, ...]], Decimal] = {}

    def features(self) -> dict[str, Any]:
        for part in (self.balances, self.turnover, self.salary, self.channels, self.products, self.loans, self.limits,
                     self.arrears, self.events, self.contacts, self.people, self.ledger, self.activity,
                     self.paths, self.rhythm, self.counterparties, self.purposes, self.limit_changes, self.maturity,
                     self.relations, self.history):  # fmt: skip
            part()
        self.ratios()
        return self.out

    # --- what is known -------------------------------------------------------

    def family(self, account_id: str) -> str:
        return self.families[self.accounts[account_id]["product_id"]]

    def known(self, own: date, *posted: date) -> bool:
        return own <= self.cutoff and all(day <= self.cutoff for day in posted)

    def spans(self) -> list[tuple[str, date, date, date | None]]:
        """(account, begin, known, end) of each holding."""
        found = []
        for row in self.holdings:
            account = self.accounts[row["account_id"]]
            begin = max(account["opened_on"], row["since"])
            ends = [day for day in (account["closed_on"], row["until"]) if day is not None]
            end = max(begin, min(ends)) if ends else None
            found.append((row["account_id"], begin, max(account["posted_on"], row["posted_on"]), end))
        return found

    def count_held(self, families: Iterable[str] = ALL) -> int:
        return sum(
            1
            for account, begin, known, end in self.spans()
            if self.family(account) in families
            and self.known(begin, known)
            and not (end is not None and end <= self.cutoff)
        )

    def put(
        self,
        name: str,
        value: Any,
        *,
        source: str | None = None,
        months: int | None = None,
        holds: tuple[str, ...] | None = None,
    ) -> None:
        """Store a value unless the window is not covered or the product not held."""
        if source is not None and source in self.first:
            start = self.cutoff if months is None else months_before(self.cutoff, months) + DAY
            value = None if start < self.first[source] else value
        if holds is not None and self.count_held(holds) == 0:
            value = None
        self.out[name] = value

    def window(self, rows: Iterable[tuple[date, Any]], months: int) -> list[Any]:
        start = months_before(self.cutoff, months)
        return [value for day, value in rows if start < day <= self.cutoff]

    # --- families ------------------------------------------------------------

    def balance_on(self, day: date, families: tuple[str, ...]) -> Decimal:
        if (day, families) not in self._balances:
            self._balances[day, families] = self._balance_on(day, families)
        return self._balances[day, families]

    def _balance_on(self, day: date, families: tuple[str, ...]) -> Decimal:
        total = Decimal(0)
        for row in self.holdings:
            ended = row["until"] is not None and row["until"] <= day
            if (
                self.family(row["account_id"]) in families
                and row["since"] <= day
                and max(row["posted_on"], self.accounts[row["account_id"]]["posted_on"]) <= self.cutoff
                and not ended
            ):
                total += sum(
                    (t["amount"] for t in self.tables["transactions"]
                     if t["account_id"] == row["account_id"] and t["valued_on"] <= day and t["posted_on"] <= self.cutoff),
                    Decimal(0),
                )  # fmt: skip
        return total

    def has_balance(self, families: tuple[str, ...]) -> bool:
        return any(
            t["account_id"] == row["account_id"]
            and self.family(t["account_id"]) in families
            and self.known(
                max(t["valued_on"], row["since"]),
                t["posted_on"],
                row["posted_on"],
                self.accounts[row["account_id"]]["posted_on"],
            )
            for row in self.holdings
            for t in self.tables["transactions"]
        )

    def level(self, name: str, families: tuple[str, ...], windows: tuple[int, ...], sign: int = 1) -> None:
        given = self.has_balance(families)
        common = {"source": "transactions", "holds": families}
        self.put(f"{name}_last", sign * self.balance_on(self.cutoff, families) if given else None, **common)
        for months in windows:
            start = months_before(self.cutoff, months)
            days = [start + DAY * step for step in range(1, (self.cutoff - start).days + 1)]
            mean = Fraction(sum(self.balance_on(day, families) for day in days)) / len(days) if given else None
            self.put(f"{name}_mean_{months}m", mean and float(sign * mean) if given else None, months=months, **common)

    def balances(self) -> None:
        self.level("deposits", DEPOSIT, (1, 3, 6, 12))
        for family in ("current", "savings", "time_deposit", "investment"):
            self.level(family, (family,), (3, 12))
        self.level("assets", (*DEPOSIT, "investment"), (3, 12))
        self.level("debt", CREDIT, (3, 12), -1)
        self.level("card_debt", ("card",), (3, 12), -1)

    def bookings(self) -> list[Row]:
        """Known bookings of accounts held on the day, with own transfers marked."""
        found = []
        for row in self.tables["transactions"]:
            for held in self.holdings:
                if held["account_id"] != row["account_id"] or held["since"] > row["valued_on"]:
                    continue
                if held["until"] is not None and held["until"] < row["valued_on"]:
                    continue
                posted = max(row["posted_on"], held["posted_on"], self.accounts[row["account_id"]]["posted_on"])
                if self.known(row["valued_on"], posted):
                    family = self.family(row["account_id"])
                    found.append({**row, "own": self.is_own(row, posted), "family": family, "known": posted})
        return found

    def is_own(self, row: Row, posted: date) -> bool:
        mine = [held for held in self.holdings if held["account_id"] == row["counterparty_account"]]
        if not mine:
            return False
        first = min(mine, key=lambda held: (held["posted_on"], held["since"]))
        return first["since"] <= row["valued_on"] and first["posted_on"] <= posted

    def flows(self, name: str, rows: list[tuple[date, Decimal]], windows: tuple[int, ...], how: Callable[[list[Any]], Any],
              **common: Any) -> None:  # fmt: skip
        for months in windows:
            self.put(f"{name}_{months}m", how(self.window(rows, months)), months=months, **common)

    def days_since(self, name: str, days: list[date], **common: Any) -> None:
        self.put(name, (self.cutoff - max(days)).days if days else None, **common)

    def turnover(self) -> None:
        common = {"source": "transactions", "holds": DEPOSIT}
        outside = [row for row in self.bookings() if row["family"] in DEPOSIT and not row["own"]]
        money_in = [(row["valued_on"], row["amount"]) for row in outside if row["amount"] > 0]
        money_out = [(row["valued_on"], -row["amount"]) for row in outside if row["amount"] < 0]
        everything = [(row["valued_on"], row["amount"]) for row in outside]
        fees = [(row["valued_on"], -row["amount"]) for row in self.bookings() if row["kind"] == "fee"]
        self.flows("turnover_in", money_in, (1, 3, 6, 12), total, **common)
        self.flows("turnover_out", money_out, (1, 3, 6, 12), total, **common)
        self.flows("transactions", everything, (1, 3, 6, 12), len, **common)
        self.flows("inflows", money_in, (3, 12), len, **common)
        self.flows("inflow_max", money_in, (3, 12), largest, **common)
        self.flows("outflow_max", money_out, (3, 12), largest, **common)
        self.flows("fees_paid", fees, (3, 12), total, **common)
        self.days_since("days_since_last_inflow", [day for day, _ in money_in], **common)
        self.days_since("days_since_last_outflow", [day for day, _ in money_out], **common)

    def salary(self) -> None:
        common = {"source": "transactions", "holds": DEPOSIT}
        paid = [(row["valued_on"], row["amount"]) for row in self.bookings() if row["kind"] == "salary"]
        self.flows("salary_in", paid, (1, 3, 6, 12), total, **common)
        self.flows("salary_payments", paid, (1, 3, 6, 12), len, **common)
        self.flows("salary_in_max", paid, (12,), largest, **common)
        self.days_since("days_since_last_salary", [day for day, _ in paid], **common)

    def channels(self) -> None:
        common = {"source": "transactions", "holds": ALL}
        for channel in CHANNELS:
            rows = [(row["valued_on"], 1) for row in self.bookings() if row["channel"] == channel]
            self.flows(f"transactions_{channel}", rows, (3, 12), len, **common)
        known = [(row["valued_on"], 1) for row in self.bookings() if row["channel"] in CHANNELS]
        self.flows("transactions_by_channel", known, (3, 12), len, **common)
        mobile = [row["valued_on"] for row in self.bookings() if row["channel"] == "mobile"]
        self.days_since("days_since_last_mobile", mobile, **common)

    def products(self) -> None:
        self.put("accounts_last", self.count_held())
        for family in ALL:
            self.put(f"accounts_{family}_last", self.count_held((family,)))
        taken = [(begin, 1) for _, begin, known, _ in self.spans() if self.known(begin, known)]
        given_up = [(end, 1) for _, _, known, end in self.spans() if end is not None and self.known(end, known)]
        self.flows("accounts_opened", taken, (3, 12), len)
        self.flows("accounts_closed", given_up, (3, 12), len)
        self.days_since("days_since_last_opening", [day for day, _ in taken])
        first = min((day for day, _ in taken), default=None)
        self.put("days_since_first_opening", None if first is None else (self.cutoff - first).days)
        self.days_since("days_since_last_closing", [day for day, _ in given_up])
        self.put("product_families", sum(1 for family in ALL if self.count_held((family,)) > 0))

    def held_loans(self) -> list[tuple[Row, date]]:
        """Loans of accounts of this customer, with the day the holding was known."""
        return [
            (loan, known)
            for account, _, known, _ in self.spans()
            for loan in self.tables["loans"]
            if loan["account_id"] == account
        ]

    def loans(self) -> None:
        granted = [
            (loan["granted_on"], loan)
            for loan, known in self.held_loans()
            if self.known(loan["granted_on"], loan["posted_on"], known)
        ]
        running = []
        for _, loan in granted:
            ends = [day for day in (loan["closed_on"], loan["written_off_on"]) if day is not None]
            if not ends or min(ends) > self.cutoff:
                running.append(loan)
        self.put("loans_last", len(running))
        self.flows("loans_granted", granted, (12,), len)
        self.flows("loans_granted_amount", [(day, loan["principal"]) for day, loan in granted], (12,), total)
        self.days_since("days_since_last_loan", [day for day, _ in granted])
        for name, column in (("principal", "principal"), ("instalment", "instalment")):
            self.put(f"{name}_last", total([loan[column] for loan in running]) if granted else None, holds=CREDIT)
        due = [
            added_months(loan["granted_on"], loan["term_months"]) for loan in running if loan["term_months"] is not None
        ]
        self.put(
            "days_to_loan_end",
            max(((day - self.cutoff).days for day in due if day > self.cutoff), default=None),
            holds=CREDIT,
        )

    def arrears(self) -> None:
        common = {"source": "arrears", "holds": CREDIT}
        newest: dict[str, tuple[Any, Row]] = {}
        reports = []
        for loan, known in self.held_loans():
            written_off, closed = loan["written_off_on"], loan["closed_on"]
            repaid = closed if closed is not None and (written_off is None or closed < written_off) else None
            rows = [row for row in self.tables["arrears"] if row["loan_id"] == loan["loan_id"]]
            rows = [
                row
                for row in rows
                if (repaid is None or row["as_of"] < repaid) and self.known(row["as_of"], row["posted_on"], known)
            ]
            reports += [(row["as_of"], row) for row in rows]
            for row in rows:
                rank = (row["as_of"], max(row["posted_on"], known))
                if loan["loan_id"] not in newest or rank > newest[loan["loan_id"]][0]:
                    newest[loan["loan_id"]] = (rank, row)
            if repaid is not None and self.known(repaid, loan["posted_on"], known):
                nothing = {"days_past_due": 0, "overdue_amount": Decimal(0), "outstanding": Decimal(0)}
                newest[loan["loan_id"]] = ((repaid, repaid), nothing)
        last = [row for _, row in newest.values()]
        self.put("days_past_due_last", max((row["days_past_due"] for row in last), default=None), **common)
        for name, column in (("overdue", "overdue_amount"), ("outstanding", "outstanding")):
            self.put(f"{name}_last", total([row[column] for row in last]) if last else None, **common)
        past_due = [(day, row) for day, row in reports if row["days_past_due"] > 0]
        self.flows(
            "days_past_due_max", [(day, row["days_past_due"]) for day, row in reports], (3, 6, 12), largest, **common
        )
        self.flows("overdue_reports", past_due, (3, 6, 12), len, **common)
        self.days_since("days_since_last_overdue", [day for day, _ in past_due], **common)

    def limits(self) -> None:
        newest: dict[str, tuple[Any, Decimal]] = {}
        changes = []
        for account, begin, known, end in self.spans():
            if self.family(account) != "card":
                continue
            for row in self.tables["account_terms"]:
                day, posted = max(row["valid_from"], begin), max(row["posted_on"], known)
                after_end = end is not None and row["valid_from"] >= end
                if (
                    row["account_id"] != account
                    or row["credit_limit"] is None
                    or after_end
                    or not self.known(day, posted)
                ):
                    continue
                if row["credit_limit"] > 0:
                    changes.append((day, 1))
                rank = (day, posted, row["credit_limit"])
                if account not in newest or rank > newest[account][0]:
                    newest[account] = (rank, row["credit_limit"])
            if end is not None and self.known(end, known):
                newest[account] = ((end,), Decimal(0))
        limits = [limit for _, limit in newest.values()]
        self.put("card_limit_last", total(limits) if limits else None, holds=("card",))
        self.flows("card_limit_changes", changes, (12,), len, holds=("card",))

    def events(self) -> None:
        mine = [row for row in self.tables["events"] if row["customer_id"] == self.customer]
        mine = [row for row in mine if self.known(row["happened_on"], row["posted_on"])]
        complaints = [row for row in mine if row["kind"] == "complaint"]
        common = {"source": "events"}
        self.flows("events", [(row["happened_on"], 1) for row in mine], (1, 3, 6, 12), len, **common)
        self.flows("complaints", [(row["happened_on"], 1) for row in complaints], (1, 3, 6, 12), len, **common)
        still_open = [row for row in complaints if row["closed_on"] is None or row["closed_on"] > self.cutoff]
        self.put("complaints_open_last", len(still_open), **common)
        self.days_since("days_since_last_complaint", [row["happened_on"] for row in complaints], **common)
        self.days_since("days_since_last_event", [row["happened_on"] for row in mine], **common)
        closed = [
            row for row in complaints if row["closed_on"] is not None and self.known(row["closed_on"], row["posted_on"])
        ]
        lasted = [(row["closed_on"], (row["closed_on"] - row["happened_on"]).days) for row in closed]
        self.flows("complaints_closed", lasted, (12,), len, **common)
        self.flows("complaint_days_mean", lasted, (12,), mean, **common)
        logins = [row["happened_on"] for row in mine if row["kind"] == "login"]
        self.flows("logins_on_file", [(day, 1) for day in logins], (3, 12), len, **common)
        self.days_since("days_since_last_login", logins, **common)

    def contacts(self) -> None:
        mine = [row for row in self.tables["contacts"] if row["customer_id"] == self.customer]
        common = {"source": "contacts"}
        for name, column in (("contact", "contacted_on"), ("response", "responded_on")):
            days = [
                row[column] for row in mine if row[column] is not None and self.known(row[column], row["posted_on"])
            ]
            self.flows(f"{name}s", [(day, 1) for day in days], (3, 6, 12), len, **common)
            self.days_since(f"days_since_last_{name}", days, **common)

        refused = []
        for row in mine:
            if row["contacted_on"] is None:
                continue
            day = row["contacted_on"] + 60 * DAY
            if (row["responded_on"] is None or row["responded_on"] > day) and self.known(day, row["posted_on"]):
                refused.append((day, 1))
        self.flows("refusals", refused, (12,), len, **common)

    def people(self) -> None:
        rows = [row for row in self.tables["customers"] if row["customer_id"] == self.customer]
        rows = [row for row in rows if row["valid_from"] is None or self.known(row["valid_from"], row["posted_on"])]
        row = max(rows, key=lambda row: row["valid_from"] or date.min, default={})
        self.put("tenure_months", whole_months(row.get("joined_on"), self.cutoff, self.cutoff + DAY))
        age = whole_months(row.get("born_on"), self.cutoff, self.cutoff)
        self.put("age", None if age is None else age // 12)
        for name in ("kind", "gender", "region", "industry", "occupation", "income"):
            self.put(name, row.get(name))
        items = ("born_on", "gender", "region", "industry", "occupation", "income")
        self.put("profile_missing", sum(row.get(name) is None for name in items) if row else None)

    def ledger(self) -> None:
        rows = [row for row in self.tables["ledger"] if row["customer_id"] == self.customer]
        for name, windows in (("contribution", (1, 3, 6, 12)), ("margin", (3, 12)), ("fees", (3, 12)), ("expected_loss", (3, 12)),
                              ("service_cost", (3, 12)), ("capital_charge", (3, 12))):  # fmt: skip
            self.flows(name, [(row["month_end"], row[name]) for row in rows], windows, total, source="ledger")

    def activity(self) -> None:
        mine = [row for row in self.tables["activity"] if row["customer_id"] == self.customer]
        mine = [row for row in mine if self.known(row["period_end"], row["posted_on"])]
        logins = [(row["period_end"], row["value"]) for row in mine if row["measure"] == "logins"]
        self.flows("logins", logins, (1, 3, 6, 12), total, source="activity")
        points = [row for row in mine if row["measure"] == "points"]
        last = max(points, key=lambda row: (row["period_end"], row["posted_on"], row["value"]), default={"value": None})
        self.put("points_last", last["value"], source="activity")
        rows = [(row["period_end"], row["value"]) for row in points]
        self.flows(
            "points_mean",
            rows,
            (3, 6, 12),
            lambda values: float(Fraction(sum(values)) / len(values)) if values else None,
            source="activity",
        )

    # --- what does not add up ---------------------------------------------------

    def path(self, families: tuple[str, ...], months: int, sign: int = 1) -> list[tuple[date, Fraction]]:
        start = months_before(self.cutoff, months)
        days = [start + DAY * step for step in range(1, (self.cutoff - start).days + 1)]
        return [(day, Fraction(sign * self.balance_on(day, families))) for day in days]

    def on_path(
        self, name: str, families: tuple[str, ...], months: int, how: Callable[[list[Any]], Any], sign: int = 1
    ) -> None:
        value = how(self.path(families, months, sign)) if self.has_balance(families) else None
        self.put(f"{name}_{months}m", value, source="transactions", months=months, holds=families)

    def paths(self) -> None:
        for months in (3, 12):
            self.on_path("deposits_min", DEPOSIT, months, lambda path: min(level for _, level in path))
            self.on_path("deposits_std", DEPOSIT, months, spread)
            self.on_path("deposits_month_end_mean", DEPOSIT, months, at_month_ends)
            self.on_path("card_debt_max", ("card",), months, lambda path: max(level for _, level in path), -1)
        self.on_path("deposits_slope", DEPOSIT, 6, slope)
        self.on_path("card_debt_slope", ("card",), 6, slope, -1)

    def month_of(self, day: date) -> int:
        """0 for the last month before the cut-off, 1 for the one before."""
        return next(back for back in range(20) if day > months_before(self.cutoff, back + 1))

    def rhythm(self) -> None:
        common = {"source": "transactions", "holds": DEPOSIT}
        outside = [row for row in self.bookings() if row["family"] in DEPOSIT and not row["own"]]
        own = [(row["valued_on"],) * 2 for row in outside if row["kind"] not in ("fee", "interest")]
        paid = [(row["valued_on"],) * 2 for row in self.bookings() if row["kind"] == "salary"]
        self.flows("own_gap_median", own, (12,), median_gap, **common)
        self.flows("salary_gap_median", paid, (12,), median_gap, **common)
        for months in (3, 12):
            ends = [months_before(self.cutoff, months), self.cutoff]
            days = sorted({*ends, *self.window(own, months)})
            longest = max((later - day).days for day, later in itertools.pairwise(days))
            self.put(f"own_gap_max_{months}m", longest, months=months, **common)
        for name, rows in (("active_months", own), ("salary_months", paid)):
            self.flows(name, rows, (12,), lambda days: len({self.month_of(day) for day in days}), **common)
        self.days_since("days_since_last_own", [day for day, _ in own], **common)

    def is_ours(self, row: Row) -> bool:
        account = self.accounts.get(row["counterparty_account"])
        return account is not None and account["opened_on"] <= row["valued_on"] and account["posted_on"] <= row["known"]

    def counterparties(self) -> None:
        common = {"source": "transactions", "holds": DEPOSIT}
        rows = [row for row in self.bookings() if row["family"] in DEPOSIT and not row["own"]]
        rows = [row for row in rows if row["counterparty_account"] is not None]
        paid = [(row["valued_on"], row) for row in rows if row["amount"] < 0]
        received = [(row["valued_on"], row) for row in rows if row["amount"] > 0]
        outside = [(day, -row["amount"]) for day, row in paid if not self.is_ours(row)]
        self.flows("payees", paid, (3, 12), lambda rows: len(sums(rows)), **common)
        self.flows("payers", received, (12,), lambda rows: len(sums(rows)), **common)
        self.flows("payees_top_share", paid, (3, 12), lambda rows: max(shares(rows), default=None), **common)
        self.flows("payers_top_share", received, (12,), lambda rows: max(shares(rows), default=None), **common)
        self.flows("payees_concentration", paid, (12,),
                   lambda rows: sum(share**2 for share in shares(rows)) if rows else None, **common)  # fmt: skip
        names = {
            month: {row["counterparty_account"] for day, row in paid if self.is_in(day, month)} for month in range(12)
        }
        recent = set().union(*(names[month] for month in range(3)))
        before = set().union(*(names[month] for month in range(3, 12)))
        self.put("payees_new_12m", len(recent - before), months=12, **common)
        half_year = [name for month in range(6) for name in names[month]]
        self.put("payees_regular_6m", len({n for n in half_year if half_year.count(n) >= 5}), months=6, **common)
        stopped = {name for name in half_year if half_year.count(name) >= 4} - names[0]
        self.put("payees_stopped_6m", len(stopped), months=6, **common)
        self.flows("paid_outside", outside, (1, 3, 12), total, **common)
        self.flows("payments_outside", outside, (3, 12), len, **common)

    def is_in(self, day: date, month: int) -> bool:
        return months_before(self.cutoff, month + 1) < day <= months_before(self.cutoff, month)

    def purposes(self) -> None:
        common = {"source": "transactions", "holds": DEPOSIT}
        outside = [row for row in self.bookings() if row["family"] in DEPOSIT and not row["own"]]
        for name, kinds in PURPOSES.items():
            rows = [(row["valued_on"], -row["amount"]) for row in outside if row["kind"] in kinds and row["amount"] < 0]
            self.flows(f"{name}_out", rows, (3, 12), total, **common)
        rows = [row for row in outside if row["kind"] in PURPOSES["transfers"] and row["amount"] > 0]
        self.flows("transfers_in", [(row["valued_on"], row["amount"]) for row in rows], (3, 12), total, **common)
        moved = [row for row in self.bookings() if row["own"] and row["amount"] > 0]
        self.flows("own_transfers", [(row["valued_on"], row["amount"]) for row in moved], (3, 12), total, **common)

    def terms(self, families: tuple[str, ...], column: str) -> list[tuple[str, date, date, Any]]:
        """(account, day, posted, value) of the terms known of held accounts."""
        found = []
        for account, begin, known, end in self.spans():
            for row in self.tables["account_terms"]:
                day, posted = max(row["valid_from"], begin), max(row["posted_on"], known)
                if row["account_id"] != account or row[column] is None or self.family(account) not in families:
                    continue
                if column == "credit_limit" and end is not None and row["valid_from"] >= end:
                    continue
                if self.known(day, posted):
                    found.append((account, day, posted, row[column]))
            if (
                column == "credit_limit"
                and end is not None
                and self.family(account) in families
                and self.known(end, known)
            ):
                found.append((account, end, max(known, end), Decimal(0)))
        return found

    def limit_changes(self) -> None:
        rows = self.terms(("card",), "credit_limit")
        early = [row for row in rows if row[1] <= months_before(self.cutoff, 12)]
        had = {row[0] for row in early}
        now, then = newest(row for row in rows if row[0] in had), newest(early)
        change = total(list(now.values())) - total(list(then.values()))
        self.put("card_limit_change_12m", change if had else None, months=12, holds=("card",))

    def maturity(self) -> None:
        held, holds = ("time_deposit",), {"holds": ("time_deposit",)}
        due = []
        for account, day in newest(self.terms(held, "matures_on")).items():
            balance = self.balance_on(self.cutoff, held)
            if account == "A3" and balance > 0:
                due.append((day, balance))
        self.put(
            "days_to_maturity",
            min(((day - self.cutoff).days for day, _ in due if day > self.cutoff), default=None),
            **holds,
        )
        for months in (1, 3):
            last = months_before(self.cutoff, -months)
            soon = total([money for day, money in due if self.cutoff < day <= last])
            self.put(f"time_deposit_maturing_{months}m", soon if due else None, **holds)

    def pairs(self) -> list[tuple[str, date, date, date | None]]:
        """(other customer, since, known, until) of each relation."""
        rows = [row for row in self.tables["relations"] if row["customer_id"] != row["related_id"]]
        return [
            (other, row["since"], row["posted_on"], row["until"])
            for row in rows
            for mine, other in ((row["customer_id"], row["related_id"]), (row["related_id"], row["customer_id"]))
            if mine == self.customer
        ]

    def relations(self) -> None:
        pairs = self.pairs()
        standing: dict[str, int] = {}
        for other, since, known, until in pairs:
            held = int(self.known(since, known)) - int(until is not None and self.known(until, known))
            standing[other] = standing.get(other, 0) + held
        self.put("related_last", sum(count > 0 for count in standing.values()))
        for name, ends in (("left", self.leavers()), ("defaulted", self.defaulters())):
            rows = [
                (day, other)
                for other, _, known, until in pairs
                for who, day, posted in ends
                if who == other and (until is None or until > day) and self.known(day, posted, known)
            ]
            self.flows(f"related_{name}", rows, (12,), lambda names: len(set(names)))

    def leavers(self) -> list[tuple[str, date, date]]:
        rows = [row for row in self.tables["customers"] if row["left_on"] is not None]
        return [(row["customer_id"], row["left_on"], row["left_on"]) for row in rows]

    def defaulters(self) -> list[tuple[str, date, date]]:
        found = []
        for name in {row["customer_id"] for row in self.tables["account_holders"]}:
            other = Slow(self.tables, self.first, name, self.cutoff)
            for loan, known in other.held_loans():
                off, closed = loan["written_off_on"], loan["closed_on"]
                repaid = closed if closed is not None and (off is None or closed < off) else None
                if off is not None:
                    found.append((name, off, max(off, loan["posted_on"], known)))
                for row in self.tables["arrears"]:
                    is_late = row["days_past_due"] >= 90 and (repaid is None or row["as_of"] < repaid)
                    if row["loan_id"] == loan["loan_id"] and is_late:
                        found.append((name, row["as_of"], max(row["posted_on"], known)))
        return found

    def history(self) -> None:
        days: list[date] = []
        for held in self.holdings:
            for row in self.tables["transactions"]:
                if row["account_id"] != held["account_id"]:
                    continue
                day = max(row["valued_on"], held["since"])
                posted = max(row["posted_on"], held["posted_on"], self.accounts[row["account_id"]]["posted_on"])
                if self.known(day, posted):
                    days.append(day)
                if held["until"] is not None and self.known(max(day, held["until"]), max(posted, held["until"])):
                    days.append(max(day, held["until"]))
        common = {"source": "transactions"}
        self.put("history_days", (self.cutoff - min(days)).days if days else None, **common)
        self.put("history_rows", len(days), **common)
        self.put("has_no_history", int(not days), **common)

    # --- what is derived -----------------------------------------------------

    def ratio(self, name: str, one: str, other: str) -> None:
        top, bottom = self.out[one], self.out[other]
        self.out[name] = None if top is None or bottom is None or bottom <= 0 else float(top) / float(bottom)

    def trend(self, name: str, recent: str, base: str, months: tuple[int, int] = (1, 1)) -> None:
        one, other = self.out[recent], self.out[base]
        usable = one is not None and other is not None and other > 0
        self.out[name] = (float(one) / months[0]) / (float(other) / months[1]) - 1 if usable else None

    def less(self, name: str, one: str, other: str) -> None:
        minuend, subtrahend = self.out[one], self.out[other]
        self.out[name] = None if minuend is None or subtrahend is None else float(minuend) - float(subtrahend)

    def ratios(self) -> None:
        self.trend("deposits_trend_1m", "deposits_mean_1m", "deposits_mean_3m")
        self.trend("deposits_trend_3m", "deposits_mean_3m", "deposits_mean_12m")
        self.trend("deposits_trend_6m", "deposits_mean_6m", "deposits_mean_12m")
        self.trend("deposits_dressing", "deposits_last", "deposits_mean_1m")
        for name in ("current", "assets", "debt", "card_debt"):
            self.trend(f"{name}_trend_3m", f"{name}_mean_3m", f"{name}_mean_12m")
        self.trend("turnover_in_trend_1m", "turnover_in_1m", "turnover_in_12m", (1, 12))
        self.trend("salary_trend_1m", "salary_in_1m", "salary_in_12m", (1, 12))
        self.trend("salary_trend_3m", "salary_in_3m", "salary_in_12m", (3, 12))
        self.trend("own_transactions_trend_3m", "transactions_by_channel_3m", "transactions_by_channel_12m", (3, 12))
        for name in ("turnover_in", "turnover_out", "transactions", "contribution", "margin", "logins"):
            self.trend(f"{name}_trend_3m", f"{name}_3m", f"{name}_12m", (3, 12))
        self.trend("points_trend_3m", "points_mean_3m", "points_mean_12m")
        self.less("points_change", "points_last", "points_mean_12m")
        self.less("points_change_3m", "points_last", "points_mean_3m")
        self.less("net_inflow_3m", "turnover_in_3m", "turnover_out_3m")
        self.less("net_inflow_12m", "turnover_in_12m", "turnover_out_12m")
        for months in (3, 12):
            self.trend(f"deposits_dressing_{months}m", f"deposits_month_end_mean_{months}m", f"deposits_mean_{months}m")
        self.trend("paid_outside_trend_1m", "paid_outside_1m", "paid_outside_12m", (1, 12))
        for name in PURPOSES:
            self.trend(f"{name}_out_trend_3m", f"{name}_out_3m", f"{name}_out_12m", (3, 12))
            self.ratio(f"{name}_out_share_3m", f"{name}_out_3m", "turnover_out_3m")
        for name, one, other in _RATIOS:
            self.ratio(name, one, other)
        for channel in CHANNELS:
            self.ratio(f"{channel}_share_3m", f"transactions_{channel}_3m", "transactions_by_channel_3m")


_RATIOS = (
    ("time_deposit_share", "time_deposit_mean_3m", "deposits_mean_3m"),
    ("investment_share", "investment_mean_3m", "assets_mean_3m"),
    ("debt_to_deposits", "debt_last", "deposits_mean_3m"),
    ("turnover_out_to_deposits", "turnover_out_3m", "deposits_mean_3m"),
    ("salary_share_of_inflow", "salary_in_12m", "turnover_in_12m"),
    ("instalment_to_inflow", "instalment_last", "turnover_in_3m"),
    ("principal_left", "outstanding_last", "principal_last"),
    ("overdue_share", "overdue_last", "outstanding_last"),
    ("card_utilisation", "card_debt_last", "card_limit_last"),
    ("card_utilisation_3m", "card_debt_mean_3m", "card_limit_last"),
    ("card_utilisation_12m", "card_debt_mean_12m", "card_limit_last"),
    ("response_rate_12m", "responses_12m", "contacts_12m"),
    ("deposits_low_share_3m", "deposits_min_3m", "deposits_mean_3m"),
    ("deposits_swing_3m", "deposits_std_3m", "deposits_mean_3m"),
    ("deposits_slope_share_6m", "deposits_slope_6m", "deposits_mean_6m"),
    ("card_utilisation_max_3m", "card_debt_max_3m", "card_limit_last"),
    ("card_utilisation_max_12m", "card_debt_max_12m", "card_limit_last"),
    ("silence", "days_since_last_own", "own_gap_median_12m"),
    ("salary_overdue", "days_since_last_salary", "salary_gap_median_12m"),
    ("paid_outside_share_3m", "paid_outside_3m", "turnover_out_3m"),
    ("time_deposit_maturing_share_3m", "time_deposit_maturing_3m", "deposits_last"),
)
PURPOSES = {
    "cash": ("cash", "withdrawal"),
    "transfers": ("transfer", "transfer_out", "transfer_in"),
    "shopping": ("shopping", "card_payment"),
    "bills": ("bill", "tax", "premium"),
    "repayments": ("repayment",),
}


def mean(values: list[Any]) -> Any:
    return float(Fraction(sum(values)) / len(values)) if values else None


def spread(path: list[tuple[date, Fraction]]) -> float:
    levels = [level for _, level in path]
    average = sum(levels) / len(levels)
    return math.sqrt(sum((level - average) ** 2 for level in levels) / len(levels))


def slope(path: list[tuple[date, Fraction]]) -> float:
    """Least squares over days, per 30 days."""
    middle = Fraction(len(path) - 1, 2)
    moment = sum((step - middle) * level for step, (_, level) in enumerate(path))
    return float(30 * moment / sum((step - middle) ** 2 for step in range(len(path))))


def at_month_ends(path: list[tuple[date, Fraction]]) -> float | None:
    return mean([level for day, level in path if (day + DAY).day == 1])


def median_gap(days: list[date]) -> float | None:
    ordered = sorted(set(days))
    gaps = [(later - day).days for day, later in itertools.pairwise(ordered)]
    return float(statistics.median(gaps)) if len(gaps) >= 3 else None


def sums(rows: list[Row]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row["counterparty_account"]] = found.get(row["counterparty_account"], Decimal(0)) + abs(row["amount"])
    return found


def shares(rows: list[Row]) -> list[float]:
    amounts = sums(rows)
    return [float(amount / sum(amounts.values())) for amount in amounts.values()]


def newest(rows: Iterable[tuple[str, date, date, Any]]) -> dict[str, Any]:
    """The value of each account's latest day, of equal days the latest posting, of equal postings the largest."""
    return {account: value for account, _, _, value in sorted(rows)}


def added_months(day: date, months: int) -> date:
    first = date(day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1, 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + DAY * (day.day - 1), following - DAY)


def total(values: list[Any]) -> Any:
    return sum(values, Decimal(0))


def largest(values: list[Any]) -> Any:
    return max(values, default=None)


def whole_months(begin: date | None, cutoff: date, end: date) -> int | None:
    if begin is None or begin > cutoff:
        return None
    return (end.year - begin.year) * 12 + end.month - begin.month - (end.day < begin.day)
