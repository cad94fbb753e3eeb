"""Tables on stdout: the same words and figures however many rows there are."""

from __future__ import annotations

import pytest

from crmml.cli.output import LONG, Format, emit

ROW = {"id": "0001", "name": "贷款", "customers": 2, "margin": -1234.5, "raroc": None}


def printed(rows: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    emit([ROW] * rows, form=Format.table)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if "─" not in line]


def test_a_long_table_is_written_as_a_short_one_is_and_no_row_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    short, long = printed(2, capsys), printed(LONG + 1, capsys)
    assert len(long) == LONG + 2
    assert long[:3] == short
