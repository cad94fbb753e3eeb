"""The synthetic bank: the same for the same seed, sound in its books, honest in its truth."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from crmml.demo_bank import generate
from crmml.demo_bank.worth import COST_OF_ACCOUNT, COST_OF_BOOKING, FTP, LGD, PROB_DEFAULT
from crmml.sources.contract import CONTRACT

BANK_YAML = Path(__file__).parents[2] / "configs" / "demo" / "bank.yaml"
LATER = {"balances", "labels", "rates"}


@pytest.fixture(scope="module")
def config() -> dict:
    return yaml.safe_load(BANK_YAML.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    generate(folder, customers=300, months=28, seed=3)
    return folder


@pytest.fixture(scope="module")
def bank(folder, config):
    connection = duckdb.connect()
    for name in config["sources"]:
        connection.execute(f"CREATE VIEW {name} AS FROM '{folder / 'source' / name}.parquet'")
    for name, sql in config["tables"].items():
        connection.execute(f"CREATE VIEW c_{name} AS {sql}")
    yield connection
    connection.close()


def counted(bank, sql: str) -> int:
    return bank.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0][0]


def test_every_canonical_table_is_mapped_with_its_required_columns(bank, config):
    assert set(config["tables"]) == set(CONTRACT) - LATER
    for name in config["tables"]:
        columns = [row[0] for row in bank.execute(f"DESCRIBE c_{name}").fetchall()]
        assert set(CONTRACT[name].required) <= set(columns) <= set(CONTRACT[name].columns)
        assert counted(bank, f"FROM c_{name}") > 0


def test_the_same_seed_gives_the_same_bytes_whatever_the_chunk(folder, tmp_path):
    generate(tmp_path, customers=300, months=28, seed=3, chunk=150)
    for path in sorted(folder.rglob("*.parquet")):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name


def test_another_seed_gives_another_bank(folder, tmp_path):
    generate(tmp_path, customers=100, months=6, seed=4)
    first, second = (pq.read_table(path / "source" / "core_cust.parquet").slice(0, 100) for path in (folder, tmp_path))
    assert not first["birth_dt"].equals(second["birth_dt"])


def test_no_deposit_is_ever_below_zero(bank):
    overdrawn = """
        SELECT sum(amount) OVER (PARTITION BY account_id ORDER BY valued_on) AS balance
        FROM c_transactions JOIN c_accounts USING (account_id) JOIN c_products USING (product_id)
        WHERE family IN ('current', 'savings', 'time_deposit') QUALIFY balance < 0"""
    assert counted(bank, overdrawn) == 0


def test_a_closed_account_holds_nothing_and_is_booked_on_no_more(bank):
    assert counted(bank, "FROM c_accounts WHERE closed_on IS NOT NULL") > 50
    late = "FROM c_transactions JOIN c_accounts USING (account_id) WHERE valued_on > closed_on OR posted_on > closed_on"
    assert counted(bank, late) == 0
    held = """SELECT account_id FROM c_transactions JOIN c_accounts USING (account_id)
              WHERE closed_on IS NOT NULL GROUP BY account_id HAVING sum(amount) <> 0"""
    assert counted(bank, held) == 0


def test_nothing_is_booked_before_it_counts_and_a_little_late(bank):
    assert counted(bank, "FROM c_transactions WHERE posted_on < valued_on") == 0
    share = counted(bank, "FROM c_transactions WHERE posted_on > valued_on") / counted(bank, "FROM c_transactions")
    assert 0.002 < share < 0.008


def test_the_parts_of_a_joint_account_sum_to_one(bank):
    joint = "SELECT account_id FROM c_account_holders GROUP BY account_id HAVING count(*) FILTER (role = 'joint') > 0"
    assert counted(bank, joint) > 3
    wrong = """SELECT account_id FROM c_account_holders WHERE role <> 'authorised' GROUP BY account_id
               HAVING abs(sum(share) - 1) > 1e-9"""
    assert counted(bank, wrong) == 0


def test_a_loan_that_is_paid_on_time_falls_to_what_its_plan_says(bank):
    growth = "(1 + interest_rate / 12) ** datediff('month', granted_on, as_of)"
    plan = f"principal * {growth} - instalment * ({growth} - 1) / (interest_rate / 12)"
    on_time = "loan_id NOT IN (SELECT loan_id FROM c_arrears WHERE days_past_due > 0)"
    rows = f"FROM c_arrears JOIN c_loans USING (loan_id) WHERE collateral_value IS NULL AND {on_time}"
    assert counted(bank, rows) > 300
    assert counted(bank, f"{rows} AND granted_on > DATE '2021-01-01' AND abs(outstanding - ({plan})) > 1") == 0


def test_arrears_grow_by_rungs_and_what_is_owed_is_the_balance(bank):
    days = {row[0] for row in bank.execute("SELECT days_past_due FROM c_arrears").fetchall()}
    assert 0 in days
    assert not days & {1, 2, *range(27, 34), *range(88, 95)}
    wrong = """
        SELECT loan_id FROM c_arrears a JOIN (
            SELECT account_id, valued_on, sum(amount) OVER (PARTITION BY account_id ORDER BY valued_on) AS balance
            FROM c_transactions) t
        ON t.account_id = a.loan_id AND t.valued_on <= a.as_of
        GROUP BY loan_id, as_of, outstanding HAVING arg_max(balance, valued_on) <> -outstanding"""
    assert counted(bank, wrong) == 0


def test_duplicates_and_couples_are_told(bank):
    kinds = dict(bank.execute("SELECT relation, count(*) FROM c_relations GROUP BY relation").fetchall())
    assert {"spouse", "same_person", "household", "owner"} >= set(kinds) >= {"spouse", "same_person"}
    same = """FROM c_relations r JOIN c_customers a USING (customer_id) JOIN c_customers b ON b.customer_id = r.related_id
              WHERE relation = 'same_person' AND (a.name <> b.name OR a.born_on <> b.born_on)"""
    assert counted(bank, same) == 0


def test_some_customers_have_no_history(bank):
    assert counted(bank, "FROM c_customers ANTI JOIN c_account_holders USING (customer_id)") > 0


def test_the_generator_prices_as_the_config_says(config):
    economics = config["economics"]
    assert economics["ftp"] == FTP
    assert economics["lgd"] == LGD
    assert economics["cost_per_account_month"] == COST_OF_ACCOUNT
    assert {k: v for k, v in economics["cost_per_transaction"].items() if k != "other"} == COST_OF_BOOKING
    table = economics["prob_default"][0]["table"]
    assert {family: tuple(buckets.values()) for family, buckets in table.items()} == PROB_DEFAULT


def test_sizes_are_refused_when_there_is_nothing_to_make(tmp_path):
    with pytest.raises(ValueError, match="at least 1, got 0"):
        generate(tmp_path, customers=0)
    with pytest.raises(ValueError, match="at least 1 month"):
        generate(tmp_path, months=0)


def test_contacts_are_treated_by_lot(bank):
    arms = dict(bank.execute("SELECT arm, count(*) FROM c_contacts GROUP BY arm").fetchall())
    assert 0.55 < arms["treated"] / sum(arms.values()) < 0.85


def test_truth_is_a_probability(folder):
    truth = pq.read_table(folder / "truth" / "monthly.parquet").to_pandas()
    for name in truth.columns:
        if name.startswith("prob_"):
            known = truth[name].dropna()
            assert len(known), name
            assert known.between(0, 1).all(), name
    assert np.isfinite(truth["contribution_12m"]).all()
