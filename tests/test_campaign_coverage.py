"""The report's interval holds the truth when arms are drawn again by the list's own drawing; a plain one does not."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.campaign_coverage import arms_drawn_again, counted, coverage_of_chance, coverage_of_list

ROWS, CAMPAIGNS = 160, 400


@pytest.fixture(scope="module")
def drawn():
    """A list of three offers and eight managers, rates from 2 to 25 %, and its arms drawn 400 times."""
    random = np.random.default_rng(8)
    rows = pd.DataFrame(
        {
            "customer_id": [f"{n:04d}" for n in range(ROWS)],
            "offer": random.choice(["card", "fund", "loan"], ROWS, p=[0.2, 0.7, 0.1]),
            "channel": "phone",
            "manager_id": [f"m{n % 8}" for n in range(ROWS)],
            "branch_id": [f"b{n % 8 // 2}" for n in range(ROWS)],
        }
    )
    alone = random.uniform(0.02, 0.25, ROWS)
    return (
        rows,
        alone,
        np.minimum(alone * random.uniform(1.0, 2.6, ROWS), 0.9),
        arms_drawn_again(rows, 0.1, CAMPAIGNS, seed=5),
    )


def test_every_row_is_held_out_equally_often_and_arms_differ(drawn):
    rows, _, _, held = drawn
    assert held.sum(axis=1).min() == held.sum(axis=1).max() == 16
    assert abs(held.mean(axis=0) - 0.1).max() < 0.075
    assert len(np.unique(held, axis=0)) == CAMPAIGNS
    counts = counted(rows["offer"].tolist(), held, held)
    assert (counts.taken_control == counts.control).all()
    assert (counts.taken_treated == 0).all()


def test_the_interval_covers_the_truth_of_chances_and_of_the_list(drawn):
    rows, alone, asked, held = drawn
    offers = rows["offer"].tolist()
    for judged in (coverage_of_chance, coverage_of_list):
        found = judged(offers, alone, asked, held, seed=3)
        assert 0.93 <= found.covered <= 0.98, found
        assert found.wald < 0.93, found
    assert coverage_of_chance(offers, alone, asked, held, seed=3).effect == pytest.approx(float(np.mean(asked - alone)))
