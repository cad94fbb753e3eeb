"""What features know: windows, posting days, holdings, nulls."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmml.errors import ConfigError, NotFoundError
from crmml.features import CustomFamily, FeatureInfo, build_features, catalogue, explain_cell, left_out, write_features
from crmml.sources.bank import Bank
from tests.tables import bank

JUNE = date(2025, 6, 30)
CUSTOMERS = """
customer_id kind   joined_on  born_on
1           person 2020-01-01 1980-07-01
2           person 2020-01-01 -"""
ACCOUNTS = """
account_id customer_id product_id opened_on  closed_on
a          1           current    2020-01-01 -
b          2           current    2020-01-01 -"""


def snapshots(*keys: tuple[str, str], event: str | None = None) -> ibis.Table:
    days = pa.array([date.fromisoformat(day) for _, day in keys], pa.date32())
    events = pa.array([event] * len(keys), pa.string())
    return ibis.memtable(pa.table({"customer_id": [name for name, _ in keys], "cutoff_date": days, "event_id": events}))


def features_of(made: Bank, customer: str, day: str, *families: str) -> dict[str, Any]:
    return build_features(made, snapshots((customer, day)), list(families)).to_pylist()[0]


def test_turnover_counts_the_cutoff_day_and_not_the_next() -> None:
    made = bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="""
        account_id posted_on  valued_on  amount
        a          2025-03-31 2025-03-31 1
        a          2025-04-01 2025-04-01 -2
        a          2025-06-30 2025-06-30 4
        a          2025-07-01 2025-07-01 -8""",
    )
    row = features_of(made, "1", "2025-06-30", "turnover")
    assert (row["turnover_in_3m"], row["turnover_out_3m"]) == (4, 2)


def test_a_late_posting_counts_from_the_day_it_was_known() -> None:
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="""
        account_id valued_on  posted_on  amount
        a          2025-06-01 2025-06-01 1
        a          2025-06-10 2025-07-02 16""",
    )
    table = build_features(made, snapshots(("1", "2025-06-30"), ("1", "2025-07-31")), ["turnover", "balances"])
    assert table["turnover_in_3m"].to_pylist() == [1, 17]
    assert table["deposits_last"].to_pylist() == [1, 17]


def test_daily_average_weighs_each_balance_with_its_days() -> None:
    # June: 9 days of 0, 21 days of 100, of which the last 6 have 50 more: (2100 + 300) / 30.
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="""
        account_id valued_on  amount
        a          2025-06-10 100
        a          2025-06-25 50""",
    )
    assert features_of(made, "1", "2025-06-30", "balances")["deposits_mean_1m"] == 80


def test_held_without_rows_is_zero_or_null_and_not_held_is_null() -> None:
    made = bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS.replace("2020-01-01 -\nb", "2020-01-01 2025-06-30\nb"),
        transactions="account_id valued_on amount\na 2024-01-01 1",
    )
    held = features_of(made, "2", "2025-06-30", "turnover", "balances")
    assert (held["turnover_in_3m"], held["transactions_12m"]) == (0, 0)
    assert (held["deposits_last"], held["deposits_mean_3m"], held["days_since_last_inflow"], held["inflow_max_3m"]) == (
        None,
    ) * 4
    closed = features_of(made, "1", "2025-06-30", "turnover")
    assert closed["turnover_in_12m"] is None
    assert features_of(made, "1", "2025-06-29", "turnover")["turnover_in_12m"] == 0
    assert held["savings_last"] is None


def test_a_window_older_than_the_history_is_null_for_everyone() -> None:
    made = bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="account_id valued_on amount\na 2025-04-01 1\nb 2025-06-01 1",
    )
    for customer in "12":
        row = features_of(made, customer, "2025-06-30", "turnover")
        assert row["turnover_in_3m"] == 1
        assert row["turnover_in_6m"] is None


def test_own_transfers_are_neither_income_nor_spending() -> None:
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=f"{ACCOUNTS}\nc 1 savings 2020-01-01 -",
        transactions="""
        account_id valued_on  amount counterparty_account
        a          2025-06-01 -10    c
        c          2025-06-01 10     a
        a          2025-06-02 -3     b""",
    )
    row = features_of(made, "1", "2025-06-30", "turnover")
    assert (row["turnover_in_1m"], row["turnover_out_1m"]) == (0, 3)


def test_a_stopped_salary_shows() -> None:
    months = "\n".join(f"a 2024-{month:02d}-15 100 salary" for month in range(6, 13))
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions=f"account_id valued_on amount kind\n{months}",
    )
    row = features_of(made, "1", "2025-03-31", "salary")
    assert (row["salary_in_1m"], row["salary_in_12m"], row["days_since_last_salary"]) == (0, 700, 106)
    assert row["salary_trend_3m"] == -1


def test_undated_attributes_need_the_banks_word_and_protected_ones_never_pass() -> None:
    tables = {
        "customers": "customer_id kind income gender industry\n1 person 10 f farm",
        "transactions": "account_id valued_on amount\n1 2025-01-01 1",
    }
    plain = features_of(bank(**tables), "1", "2025-06-30", "profile")
    assert "income" not in plain
    static = {"static": ("customers.income", "customers.gender"), "protected": ("gender",)}
    told = features_of(bank(overrides=static, **tables), "1", "2025-06-30", "profile")
    assert told["income"] == 10
    assert "gender" not in told
    assert "industry" not in told


def test_age_and_tenure_are_whole_and_future_joining_is_unknown() -> None:
    made = bank(customers=CUSTOMERS, accounts=ACCOUNTS, transactions="account_id valued_on amount\na 2025-01-01 1")
    row = features_of(made, "1", "2025-06-30", "profile", "tenure")
    assert (row["age"], row["tenure_months"]) == (44, 66)
    assert features_of(made, "1", "2019-12-31", "tenure")["tenure_months"] is None


def test_terms_pass_through_beside_the_features() -> None:
    made = bank(customers=CUSTOMERS, accounts=ACCOUNTS, transactions="account_id valued_on amount\na 2025-01-01 1")
    asked = snapshots(("1", "2025-06-30"), event="L1").mutate(term_principal=ibis.literal(3.03).cast("decimal(18, 2)"))
    table = build_features(made, asked, ["products"])
    assert table["term_principal"].to_pylist() == [3.03]
    assert [info.concept for info in catalogue(made, ["products"], snapshots=asked)][-1] == "terms"
    names = [info.name for info in catalogue(made, ["products"], snapshots=asked)]
    assert table.column_names == ["customer_id", "cutoff_date", "event_id", *names]


def test_files_hold_one_cutoff_each_and_the_same_rows(tmp_path: Path) -> None:
    made = bank(customers=CUSTOMERS, accounts=ACCOUNTS, transactions="account_id valued_on amount\na 2025-01-01 1")
    asked = snapshots(("2", "2025-06-30"), ("1", "2025-06-30"), ("1", "2025-05-31"))
    counts = write_features(made, asked, ["balances", "products"], tmp_path)
    assert counts == {"2025-05-31.parquet": 1, "2025-06-30.parquet": 2}
    files = pa.concat_tables([pq.read_table(tmp_path / name) for name in sorted(counts)])
    assert files.equals(build_features(made, asked, ["balances", "products"]))


def test_slabs_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="account_id valued_on amount\na 2025-01-01 1\nb 2025-02-01 2",
    )
    asked = snapshots(("2", "2025-06-30"), ("1", "2025-06-30"))
    whole = build_features(made, asked, ["balances", "turnover"])
    monkeypatch.setattr("crmml.features.build.CELLS", 1)
    assert build_features(made, asked, ["balances", "turnover"]).equals(whole)


def test_what_the_bank_lacks_is_left_out_and_named() -> None:
    made = bank(customers=CUSTOMERS, transactions="account_id valued_on amount\n1 2025-01-01 1")
    assert ("products", "accounts") in left_out(made)
    assert ("contribution", "ledger") in left_out(made)
    assert "debt_to_deposits" not in [info.name for info in catalogue(made)]
    with pytest.raises(ConfigError, match=r"'balance' is not a feature family.* Did you mean 'balances'"):
        build_features(made, snapshots(("1", "2025-06-30")), ["balance"])


def test_empty_tables_and_no_snapshots_are_fine() -> None:
    made = bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="account_id valued_on amount",
        events="customer_id happened_on kind",
        contacts="customer_id product_id assigned_on arm",
    )
    row = features_of(made, "1", "2025-06-30", "turnover", "events", "contacts", "balances")
    assert (row["turnover_in_3m"], row["events_3m"], row["deposits_last"]) == (0, 0, None)
    none = build_features(made, snapshots(("1", "2025-06-30")).limit(0), ["turnover", "profile"])
    assert none.num_rows == 0
    assert none.schema.field("turnover_in_3m").type == pa.float64()


def test_the_rows_behind_a_cell_add_up_to_it() -> None:
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions="""
        account_id valued_on  posted_on  amount
        a          2025-03-31 2025-03-31 1
        a          2025-04-01 2025-04-01 2
        a          2025-05-01 2025-07-01 4
        a          2025-06-30 2025-06-30 8
        b          2025-06-30 2025-06-30 16""",
    )
    behind = explain_cell(made, "turnover_in_3m", "1", JUNE)
    assert [(str(row["day"]), float(row["value"])) for row in behind.to_pylist()] == [
        ("2025-04-01", 2.0),
        ("2025-06-30", 8.0),
    ]
    assert sum(behind["value"].to_pylist()) == features_of(made, "1", "2025-06-30", "turnover")["turnover_in_3m"]
    assert set(explain_cell(made, "net_inflow_3m", "1", JUNE)["part"].to_pylist()) == {"turnover_in_3m"}
    with pytest.raises(NotFoundError, match="Did you mean 'turnover_in_3m'"):
        explain_cell(made, "turnover_in_3", "1", JUNE)
    with pytest.raises(NotFoundError, match="own row"):
        explain_cell(made, "age", "1", JUNE)


def test_a_custom_family_is_joined_on_the_key() -> None:
    made = bank(customers=CUSTOMERS, accounts=ACCOUNTS, transactions="account_id valued_on amount\na 2025-01-01 1")

    def build(_: Bank, keys: ibis.Table) -> pa.Table:
        return (
            keys.mutate(length=keys.customer_id.length().cast("float64")).filter(keys.customer_id == "2").to_pyarrow()
        )

    info = FeatureInfo(
        "length", "own", "profile", "长度", "length", "number", "length", "", "customers", "unknown", "未知"
    )
    table = build_features(
        made, snapshots(("1", "2025-06-30"), ("2", "2025-06-30")), [CustomFamily("own", build, (info,))]
    )
    assert table["length"].to_pylist() == [None, 1.0]


def test_money_brought_for_the_months_ends_shows_as_dressing() -> None:
    # 100 all the time, and 300 more on the last day of each of the three months, taken away the day after.
    days = [("2025-04-30", 300), ("2025-05-01", -300), ("2025-05-31", 300), ("2025-06-01", -300), ("2025-06-30", 300)]
    rows = "\n".join(f"a {day} {amount}" for day, amount in [("2024-01-01", 100), *days])
    made = bank(customers=CUSTOMERS, accounts=ACCOUNTS, transactions=f"account_id valued_on amount\n{rows}")
    row = features_of(made, "1", "2025-06-30", "balance_path")
    assert (row["deposits_month_end_mean_3m"], row["deposits_min_3m"]) == (400, 100)
    assert row["deposits_dressing_3m"] == pytest.approx(400 / (100 + 900 / 91) - 1)


def test_silence_is_measured_against_the_customers_own_gap() -> None:
    rows = "\n".join(f"a 2025-{month:02d}-01 -10 bill" for month in range(1, 5))
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions=f"account_id valued_on amount kind\n{rows}\na 2025-06-29 -1 fee",
    )
    row = features_of(made, "1", "2025-06-30", "rhythm")
    # Gaps of 31, 28 and 31 days; then 90 days of silence, in which the bank took a fee.
    assert (row["own_gap_median_12m"], row["days_since_last_own"], row["own_gap_max_3m"]) == (31, 90, 90)
    assert row["silence"] == pytest.approx(90 / 31)
    assert row["active_months_12m"] == 4


def test_a_related_customer_who_left_counts_from_the_day_he_did() -> None:
    made = bank(
        customers="customer_id kind left_on\n1 person -\n2 person 2025-06-15",
        transactions="account_id valued_on amount\n1 2025-01-01 1",
        relations="customer_id related_id relation since\n2 1 spouse 2020-01-01",
    )
    before, after = (features_of(made, "1", day, "relations") for day in ("2025-06-14", "2025-06-15"))
    assert (before["related_last"], before["related_left_12m"]) == (1, 0)
    assert (after["related_last"], after["related_left_12m"]) == (1, 1)


def test_time_deposits_fall_due_as_agreed_and_nothing_is_said_where_no_day_is_known() -> None:
    tables = {
        "customers": CUSTOMERS,
        "accounts": "account_id customer_id product_id opened_on closed_on\nt 1 time_deposit 2025-01-01 -\nu 2 time_deposit 2025-01-01 -",
        "transactions": "account_id valued_on amount\nt 2025-01-01 500\nu 2025-01-01 500",
        "account_terms": "account_id valid_from matures_on\nt 2025-01-01 2025-07-31\nt 2025-07-01 2026-01-31",
    }
    row = features_of(bank(**tables), "1", "2025-06-30", "maturity")
    assert (row["days_to_maturity"], row["time_deposit_maturing_1m"]) == (31, 500)
    renewed = features_of(bank(**tables), "1", "2025-07-31", "maturity")
    assert (renewed["days_to_maturity"], renewed["time_deposit_maturing_1m"]) == (184, 0)
    unknown = features_of(bank(**tables), "2", "2025-06-30", "maturity")
    assert (unknown["days_to_maturity"], unknown["time_deposit_maturing_3m"]) == (None, None)


def test_a_regular_payment_that_stops_is_counted_as_stopped() -> None:
    rows = "\n".join(f"a 2025-{month:02d}-05 -10 X" for month in range(1, 6))
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions=f"account_id valued_on amount counterparty_account\n{rows}\na 2025-06-05 -30 Y",
    )
    row = features_of(made, "1", "2025-06-30", "counterparties")
    assert (row["payees_3m"], row["payees_new_12m"]) == (2, 1)
    assert (row["payees_regular_6m"], row["payees_stopped_6m"]) == (1, 1)
    assert row["payees_top_share_3m"] == pytest.approx(30 / 50)
    assert features_of(made, "1", "2025-05-31", "counterparties")["payees_stopped_6m"] == 0
