"""The leak audit: eight planted kinds of leak are found, clean features raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmml.errors import LeakageError
from crmml.features import CustomFamily, FeatureInfo
from crmml.leakage import AuditReport, audit
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank
from tests.reference.banks import CUTOFFS, Bench
from tests.reference.dense import dense_bank
from tests.tables import bank as make_bank

CUTOFF = date(2025, 3, 31)
CUSTOMERS = 12


def _days(rng: np.random.Generator, size: int, first: date, last: date) -> list[date]:
    return [first + timedelta(days=int(step)) for step in rng.integers(0, (last - first).days + 1, size)]


def make(seed: int = 0) -> Bank:
    """A small bank whose history runs half a year beyond the cut-off."""
    rng = np.random.default_rng(seed)
    names = [f"C{number:02d}" for number in range(CUSTOMERS)]
    accounts = pd.DataFrame(
        {
            "account_id": [f"A{number:02d}" for number in range(2 * CUSTOMERS)],
            "customer_id": names * 2,
            "product_id": ["current"] * CUSTOMERS + ["loan"] * CUSTOMERS,
            "opened_on": [date(2023, 1, 1)] * (2 * CUSTOMERS),
            "closed_on": [date(2025, 6, 30) if number % 3 == 0 else None for number in range(2 * CUSTOMERS)],
        }
    )
    size = 400
    valued = _days(rng, size, date(2024, 1, 1), date(2025, 9, 30))
    # One booking on the day after the cut-off for everybody, so that an off-by-one is seen.
    valued[:CUSTOMERS] = [CUTOFF + timedelta(days=1)] * CUSTOMERS
    owners = [*accounts.account_id[:CUSTOMERS], *rng.choice(accounts.account_id[:CUSTOMERS], size - CUSTOMERS)]
    transactions = pd.DataFrame(
        {
            "account_id": owners,
            "transaction_id": [f"T{number}" for number in range(size)],
            "valued_on": valued,
            "posted_on": [
                day + timedelta(days=int(late))
                for day, late in zip(valued, rng.choice([0, 0, 1, 30], size), strict=True)
            ],
            "amount": rng.integers(-900, 1000, size).astype(float),
            "kind": rng.choice(["salary", "bill", "fee"], size),
            "channel": rng.choice(["mobile", "counter"], size),
        }
    )
    loans = pd.DataFrame(
        {
            "loan_id": [f"L{number}" for number in range(CUSTOMERS)],
            "account_id": accounts.account_id[CUSTOMERS:].to_list(),
            "granted_on": [date(2024, 2, 1)] * CUSTOMERS,
            "principal": [1000.0] * CUSTOMERS,
            "outcome": ["bad" if number % 2 else "good" for number in range(CUSTOMERS)],
            "outcome_known_on": [date(2025, 7, 1)] * CUSTOMERS,
        }
    )
    as_of = [date(2024, month, 28) for month in range(3, 13)] + [date(2025, month, 28) for month in range(1, 9)]
    arrears = pd.DataFrame(
        [(f"L{n}", day, int(rng.choice([0, 0, 10, 95])), 10.0, 900.0) for n in range(CUSTOMERS) for day in as_of],
        columns=["loan_id", "as_of", "days_past_due", "overdue_amount", "outstanding"],
    )
    customers = pd.DataFrame(
        {
            "customer_id": names,
            "kind": "person",
            "born_on": [date(1980, 1, 1)] * CUSTOMERS,
            "manager_id": [f"M{number % 4}" for number in range(CUSTOMERS)],
            "joined_on": [date(2023, 1, 1)] * CUSTOMERS,
        }
    )
    labels = pd.DataFrame(
        {
            "customer_id": names,
            "cutoff_date": [CUTOFF] * CUSTOMERS,
            "target": "churn",
            "value": [float(number % 2) for number in range(CUSTOMERS)],
            "known_on": [date(2025, 7, 31)] * CUSTOMERS,
        }
    )
    tables = {"customers": customers, "accounts": accounts, "transactions": transactions, "loans": loans}
    return make_bank(**tables, arrears=arrears, labels=labels)


def run(*families: CustomFamily | str, seed: int = 0) -> AuditReport:
    bank = make(seed)
    return audit(bank, take_snapshots(bank, [CUTOFF]), families or None, cutoff=CUTOFF)


# --- eight leaks, each a family from outside the package -----------------------


def planted(query: Callable[[Bank, ir.Table], ir.Table]) -> CustomFamily:
    """A family whose one column, named after `query`, is what it gives per snapshot."""

    def build(bank: Bank, snapshots: ir.Table) -> pa.Table:
        values = query(bank, snapshots).group_by("customer_id").aggregate(leak=lambda t: t.leak.sum())
        joined = snapshots.left_join(values, "customer_id")
        columns = joined.select("customer_id", "cutoff_date", "event_id", **{name: joined.leak.cast("float64")})
        return bank.connection.to_pyarrow(columns)

    name = query.__name__
    info = FeatureInfo(name, "planted", "value", "泄漏", "leak", "number", "planted", "", "planted", "none", "无")
    return CustomFamily(name, build, (info,))


def owned(bank: Bank, rows: ir.Table) -> ir.Table:
    return rows.inner_join(bank.table("accounts").select("account_id", "customer_id"), "account_id")


def label_copy(bank: Bank, snapshots: ir.Table) -> ir.Table:
    return bank.table("labels").select("customer_id", leak="value")


def future_balance(bank: Bank, snapshots: ir.Table) -> ir.Table:
    return owned(bank, bank.table("transactions")).select("customer_id", leak="amount")


def whole_table_mean(bank: Bank, snapshots: ir.Table) -> ir.Table:
    bookings = bank.table("transactions")
    return snapshots.select("customer_id").cross_join(bookings.aggregate(leak=bookings.amount.mean()))


def post_event_status(bank: Bank, snapshots: ir.Table) -> ir.Table:
    return owned(bank, bank.table("loans")).select("customer_id", leak=lambda t: (t.outcome == "bad").cast("int64"))


def backfilled_correction(bank: Bank, snapshots: ir.Table) -> ir.Table:
    past = bank.table("transactions").filter(lambda t: t.valued_on <= CUTOFF)
    return owned(bank, past).select("customer_id", leak="amount")


def boundary_tie(bank: Bank, snapshots: ir.Table) -> ir.Table:
    next_day = CUTOFF + timedelta(days=1)
    known = bank.table("transactions").filter(lambda t: (t.valued_on <= next_day) & (t.posted_on <= next_day))
    return owned(bank, known).select("customer_id", leak="amount")


def manager_reassigned(bank: Bank, snapshots: ir.Table) -> ir.Table:
    return bank.table("customers").select("customer_id", leak=lambda t: (t.manager_id == "M1").cast("int64"))


def closed_on_read_raw(bank: Bank, snapshots: ir.Table) -> ir.Table:
    return bank.table("accounts").select("customer_id", leak=lambda t: t.closed_on.notnull().cast("int64"))


def row_order_index(bank: Bank, snapshots: ir.Table) -> ir.Table:
    return bank.table("customers").select("customer_id", leak=ibis.row_number())


LEAKS = (
    label_copy,
    future_balance,
    whole_table_mean,
    post_event_status,
    backfilled_correction,
    boundary_tie,
    manager_reassigned,
    closed_on_read_raw,
    row_order_index,
)


def honest_amounts(bank: Bank, snapshots: ir.Table) -> ir.Table:
    known = bank.table("transactions").filter(lambda t: (t.valued_on <= CUTOFF) & (t.posted_on <= CUTOFF))
    return owned(bank, known).select("customer_id", leak=lambda t: t.amount.cast("float64"))


@pytest.fixture(scope="module")
def report() -> AuditReport:
    """One audit of all leaks, an honest family and a declared one among them."""
    return run(*(planted(leak) for leak in LEAKS), planted(honest_amounts), "products")


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_a_planted_leak_is_found(report: AuditReport, leak: Callable[[Bank, ir.Table], ir.Table]) -> None:
    assert report.by_feature[leak.__name__] > 0


def test_only_the_leaks_are_named(report: AuditReport) -> None:
    assert set(report.by_feature) == {leak.__name__ for leak in LEAKS}
    worst = max(sorted(report.by_feature), key=lambda name: report.by_feature[name])
    with pytest.raises(
        LeakageError, match=rf"^{worst} changed in \d+ cells .* \(first: customer \*\*\*.*Filter on posted_on"
    ):
        report.require_clean()


def test_each_kind_of_change_finds_something(report: AuditReport) -> None:
    assert all(changed > 0 for changed in report.perturbations.values())
    assert sum(report.perturbations.values()) == report.changed


def test_the_declared_features_raise_no_alarm() -> None:
    report = run(seed=1)
    assert report.by_feature == {}
    assert report.removed_rows > 100
    assert report.cells > 4 * CUSTOMERS * 100
    report.require_clean()


@pytest.mark.parametrize("seed", [3, 8])
def test_no_family_of_any_table_notices_the_future(seed: int) -> None:
    bench, tables, cutoff = Bench(), dense_bank(seed), CUTOFFS[1]
    bench.fill(tables)
    report = audit(bench.bank, take_snapshots(bench.bank, [cutoff]), cutoff=cutoff)
    assert report.by_feature == {}
    assert report.removed_rows > 30


def test_a_ledger_built_anew_of_each_bank_is_audited() -> None:
    def leaky_ledger(bank: Bank) -> ir.Table:
        rows = owned(bank, bank.table("transactions")).filter(lambda t: t.valued_on <= CUTOFF)
        money = dict.fromkeys(("margin", "fees", "expected_loss", "service_cost", "capital_charge"), rows.amount)
        return rows.select("customer_id", contribution="amount", month_end=ibis.literal(CUTOFF), **money)

    bank = make()
    report = audit(bank, take_snapshots(bank, [CUTOFF]), ["contribution"], cutoff=CUTOFF, build_ledger=leaky_ledger)
    assert "contribution_1m" in report.by_feature


def test_a_cutoff_without_snapshots_cannot_be_audited() -> None:
    bank = make()
    with pytest.raises(ValueError, match="no snapshot at 2024-12-31"):
        audit(bank, take_snapshots(bank, [CUTOFF]), ["products"], cutoff=date(2024, 12, 31))
