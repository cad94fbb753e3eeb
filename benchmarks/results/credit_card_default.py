"""Default of credit card clients in Taiwan (UCI): one table, rows drawn at random as published."""

from __future__ import annotations

from benchmarks.results.flat import measure_table
from benchmarks.results.row import Goal, Published, Result


def measure() -> list[Result]:
    """The AUC on 30 % of the clients."""
    return [
        measure_table(
            "credit_card_default",
            "default",
            question="default next month",
            question_zh="次月违约",
            goals=(Goal(0.7795), Goal(0.7825, kind="goal")),
            published=(
                Published(
                    "0.7611", "Liu, Credit Card Default Prediction with Machine Learning, 2025", "XGBoost, SMOTE"
                ),
            ),
            differs="Liu holds out another 20 %",
        )
    ]
