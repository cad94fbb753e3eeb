"""Visits after Hillstrom's e-mail test: a response model in which the arm is one column among others."""

from __future__ import annotations

from benchmarks.results.flat import measure_table
from benchmarks.results.row import Result


def measure() -> list[Result]:
    """The AUC on 30 % of the customers; whom a mail changes is another question."""
    return [
        measure_table(
            "hillstrom",
            "visit",
            question="visit within two weeks of the e-mail test",
            question_zh="邮件试验后两周内访问",
            note="a response model: it ranks who visits, not whom the mail makes visit",
        )
    ]
