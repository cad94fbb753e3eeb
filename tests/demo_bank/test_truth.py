"""What the synthetic bank says will happen does happen, as often as it says; a bank of noise is foretold by nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmml.demo_bank import generate, judge
from crmml.demo_bank.words import OFFERS
from crmml.errors import NotFoundError

CUTOFFS = ("2021-12-31", "2022-06-30", "2022-12-31", "2023-06-30")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("truth")
    generate(folder, customers=1600, months=44, seed=11)
    return folder


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    generate(folder, customers=1000, months=30, seed=5, noise=True)
    return folder


def query(folder: Path, sql: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        for path in [*(folder / "source").glob("*.parquet"), folder / "truth" / "monthly.parquet"]:
            connection.execute(f"CREATE VIEW {path.stem} AS FROM '{path}'")
        return connection.execute(sql).fetchdf()


def churn_rows(folder: Path, cutoffs: tuple[str, ...]) -> pd.DataFrame:
    """Rows at the cut-offs not gone in the next month, and whether they left in the three after it."""
    leaving = "strptime(nullif(cncl_dt, 0)::TEXT, '%Y%m%d')::DATE"
    months_away = f"datediff('month', cutoff_date, {leaving})"
    return query(
        folder,
        f"""SELECT customer_id, cutoff_date, prob_churn_3m AS chance, coalesce({months_away} BETWEEN 2 AND 4, false)::INT AS label
            FROM monthly JOIN core_cust ON cust_no = customer_id
            WHERE cutoff_date IN {cutoffs} AND {months_away} IS DISTINCT FROM 1 AND cust_typ = '1'""",
    )


def default_rows(folder: Path, cutoffs: tuple[str, ...]) -> pd.DataFrame:
    """Borrowers at the cut-offs, and whether a loan of theirs fell 90 days behind in the next twelve months."""
    return query(
        folder,
        f"""WITH late AS (
                SELECT DISTINCT cust_no, stat_dt FROM loan_overdue JOIN core_acct_holder ON acct_no = due_bill_no
                WHERE hold_typ = 'MAIN' AND ovd_days >= 90)
            SELECT customer_id, cutoff_date, prob_default_12m AS chance,
                   (EXISTS (FROM late WHERE cust_no = customer_id
                            AND datediff('month', cutoff_date, stat_dt) BETWEEN 1 AND 12))::INT AS label
            FROM monthly WHERE cutoff_date IN {cutoffs} AND prob_default_12m IS NOT NULL""",
    )


def uptake_rows(folder: Path, offer: str, product: str) -> pd.DataFrame:
    """Rows that lack a product at any month end, and whether it was opened in the three months after."""
    return query(
        folder,
        f"""SELECT customer_id, cutoff_date, prob_take_3m_{offer} AS chance,
                   (EXISTS (SELECT 1 FROM core_acct WHERE cust_no = customer_id AND prd_cd = '{product}'
                            AND datediff('month', cutoff_date, strptime(open_dt::TEXT, '%Y%m%d')) BETWEEN 1 AND 3))::INT AS label
            FROM monthly WHERE prob_take_3m_{offer} IS NOT NULL AND cutoff_date BETWEEN DATE '2021-06-30' AND DATE '2022-09-30'""",
    )


def require_calibrated(rows: pd.DataFrame, *, errors: float = 3.0) -> None:
    """Observed events lie within `errors` standard errors of those expected (rows of a customer overlap: three deep)."""
    expected, observed = rows["chance"].sum(), rows["label"].sum()
    deviation = np.sqrt(3 * (rows["chance"] * (1 - rows["chance"])).sum())
    assert abs(observed - expected) < errors * deviation, f"{observed} observed, {expected:.1f} expected"


def test_as_many_leave_as_the_truth_says(folder):
    rows = churn_rows(folder, CUTOFFS)
    assert 0.03 < rows["label"].mean() < 0.09
    require_calibrated(rows)
    for part in (rows[rows["chance"] > 0.3], rows[rows["chance"] < 0.05]):
        require_calibrated(part)


def test_as_many_default_as_the_truth_says(folder):
    rows = default_rows(folder, CUTOFFS)
    assert 0.03 < rows["label"].mean() < 0.11
    require_calibrated(rows)
    require_calibrated(rows[rows["chance"] > 0.2])


@pytest.mark.parametrize(
    ("offer", "product"), [("card", "3010"), ("time_deposit", "1210"), ("investment", "5010"), ("insurance", "4010")]
)
def test_as_many_take_a_product_as_the_truth_says(folder, offer, product):
    rows = uptake_rows(folder, offer, product)
    assert 0.01 < rows["label"].mean() < 0.08
    require_calibrated(rows)


def test_the_truth_tells_much_but_not_all(folder):
    for target, rows in (("churn", churn_rows(folder, CUTOFFS)), ("default", default_rows(folder, CUTOFFS))):
        assert 0.75 < judge.auc_of_truth(folder / "truth", target, rows) < 0.92


def test_a_contact_helps_most_leaves_some_alone_and_disturbs_a_few(folder):
    truth = query(folder, "FROM monthly WHERE prob_take_3m_card IS NOT NULL")
    effect = truth["prob_take_3m_card_contacted"] - truth["prob_take_3m_card"]
    assert (effect > 0).mean() > 0.4
    assert (effect == 0).mean() > 0.3
    assert 0.05 < (effect < 0).mean() < 0.15


def test_leavers_move_money_before_they_leave(folder):
    flows = query(
        folder,
        """SELECT datediff('month', val_dt, strptime(cncl_dt::TEXT, '%Y%m%d')) AS before,
                  sum(CASE dr_cr_flg WHEN 'D' THEN -txn_amt ELSE txn_amt END)::DOUBLE AS net
           FROM core_txn JOIN core_acct USING (acct_no) JOIN core_cust USING (cust_no)
           WHERE cncl_dt > 0 AND prd_cd IN ('1010', '1110') AND smry_cd <> 'opening' GROUP BY ALL""",
    ).set_index("before")["net"]
    assert flows[1] < 0
    assert flows[1] < 2 * min(flows[8], 0)


def test_leaving_a_bank_of_noise_is_foretold_by_nothing(noise):
    rows = churn_rows(noise, ("2021-12-31", "2022-06-30", "2022-12-31"))
    assert rows["chance"].nunique() == 1
    require_calibrated(rows)
    drivers = query(
        noise,
        """SELECT cust_no AS customer_id, last_day(val_dt) AS cutoff_date,
                  coalesce(sum(txn_amt) FILTER (dr_cr_flg = 'C'), 0)::DOUBLE AS money_in,
                  coalesce(sum(txn_amt) FILTER (dr_cr_flg = 'D'), 0)::DOUBLE AS money_out,
                  count(*) FILTER (smry_cd = 'salary') AS salaries
           FROM core_txn JOIN core_acct USING (acct_no) WHERE prd_cd = '1010' GROUP BY ALL""",
    )
    table = rows.merge(drivers, on=["customer_id", "cutoff_date"], how="left").fillna(0)
    left = table["label"] == 1
    for driver in ("money_in", "money_out", "salaries"):
        ranks = table[driver].rank()
        auc = (ranks[left].mean() - (left.sum() + 1) / 2) / (~left).sum()
        assert abs(auc - 0.5) < 3 * np.sqrt(1 / 12 / left.sum()), driver


def test_in_a_bank_of_noise_no_loan_is_a_little_late(noise):
    days = query(noise, "SELECT DISTINCT ovd_days FROM loan_overdue")["ovd_days"]
    assert set(days[days < 90]) == {0}
    assert (days >= 90).any()


def test_the_judge_keeps_the_order_of_the_rows_it_is_asked(folder):
    rows = churn_rows(folder, CUTOFFS).sample(50, random_state=1)
    assert (judge.true_probability(folder / "truth", "churn", rows) == rows["chance"].to_numpy()).all()
    worth = judge.true_contribution(folder / "truth", rows)
    assert np.isfinite(worth).all()


def test_the_value_of_a_contact_is_uplift_times_worth(folder):
    truth = query(folder, "FROM monthly WHERE prob_take_3m_insurance IS NOT NULL LIMIT 20").assign(offer="insurance")
    by_hand = (truth.prob_take_3m_insurance_contacted - truth.prob_take_3m_insurance) * truth.value_if_taken_insurance
    assert judge.true_offer_value(folder / "truth", truth) == pytest.approx(by_hand.to_numpy())


def test_the_judge_refuses_what_it_does_not_know(folder, tmp_path):
    rows = churn_rows(folder, CUTOFFS[:1])
    with pytest.raises(ValueError, match=r"no truth for 'chrun'.*Did you mean 'churn'"):
        judge.true_probability(folder / "truth", "chrun", rows)
    with pytest.raises(NotFoundError, match="1 of 1 rows have no truth"):
        judge.true_contribution(folder / "truth", rows.head(1).assign(customer_id="9999999"))
    with pytest.raises(NotFoundError, match="only the synthetic bank has one"):
        judge.true_contribution(tmp_path, rows)
    with pytest.raises(ValueError, match="0 events"):
        judge.auc_of_truth(folder / "truth", "churn", rows[rows["label"] == 0])
    with pytest.raises(ValueError, match="no truth for the offer 'boat'"):
        judge.true_offer_value(folder / "truth", rows.assign(offer="boat"))


def test_every_target_has_a_planted_driver():
    assert judge.true_drivers("churn") == "cash_flow"
    assert {judge.true_drivers(f"uptake_{offer}") for offer in OFFERS} <= {"salary", "balances", "credit", "cash_flow"}
    with pytest.raises(ValueError, match="no driver"):
        judge.true_drivers("weather")
