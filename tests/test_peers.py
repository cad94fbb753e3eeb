"""With whom a customer is compared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmml.peers import ALL, LEAST_CUSTOMERS, build_peers, peers_by_segment, segment_of, stand, standing_infos


def frame(persons: int, companies: int = 0) -> pd.DataFrame:
    size = persons + companies
    return pd.DataFrame(
        {
            "customer_id": [f"C{number}" for number in range(size)],
            "cutoff_date": pd.Timestamp("2025-03-31"),
            "kind": ["person"] * persons + ["company"] * companies,
            "accounts_loan_last": [1.0] * 10 + [0.0] * (size - 10),
            "deposits_last": [np.nan, *np.arange(1.0, size)],
        }
    )


def test_segments_are_kind_and_whether_one_owes() -> None:
    rows = frame(11, 1)
    rows.loc[0, "kind"] = None
    assert segment_of(rows).iloc[[0, 1, 10, 11]].tolist() == [
        "person, borrower",
        "person, borrower",
        "person, depositor",
        "company, depositor",
    ]


def test_averages_leave_nulls_out_and_small_segments_unsaid() -> None:
    peers = build_peers(frame(10 + LEAST_CUSTOMERS, 1)).to_pandas()
    assert set(peers["segment"]) == {ALL, "person, depositor"}
    deposits = peers[(peers["segment"] == ALL) & (peers["feature"] == "deposits_last")].iloc[0]
    assert (deposits["rows"], deposits["mean"], deposits["q50"]) == (40, 20.5, 20.5)


def test_sentences_read_the_mean_by_segment() -> None:
    means = peers_by_segment(build_peers(frame(10 + LEAST_CUSTOMERS)))
    assert means["person, depositor"]["accounts_loan_last"] == 0
    assert means["person, depositor"]["deposits_last"] == 24.5


def test_a_percentile_counts_peers_with_less_and_half_of_the_equal_ones() -> None:
    rows = pd.DataFrame(
        {"kind": "person", "deposits_mean_3m": [1.0, 2.0, 2.0, *np.full(37, 9.0)], "salary_in_12m": np.nan}
    )
    rows.loc[len(rows)] = {"kind": "person", "deposits_mean_3m": np.nan, "salary_in_12m": np.nan}
    placed = stand(rows)
    assert placed["deposits_mean_3m_percentile"].head(3).tolist() == [0.5 / 40, 2 / 40, 2 / 40]
    assert placed["deposits_mean_3m_percentile"].isna().tolist() == [False] * 40 + [True]
    assert placed["salary_in_12m_percentile"].isna().all()


def test_customers_stand_among_their_own_segment_and_not_in_a_crowd_too_small() -> None:
    rows = pd.DataFrame({"kind": ["person"] * 40 + ["company"] * 5, "assets_mean_3m": np.arange(45.0)})
    placed = stand(rows)["assets_mean_3m_percentile"]
    assert placed[39] == (40 - 0.5) / 40
    assert placed[40:].isna().all()


def test_standings_are_told_only_of_features_that_are_there() -> None:
    assert [info.name for info in standing_infos(["turnover_in_3m", "age"])] == ["turnover_in_3m_percentile"]
