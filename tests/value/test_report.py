"""The report of a bank whose history is shorter than a year."""

from __future__ import annotations

import pandas as pd
import pytest

from crmml.ledger import build_ledger
from crmml.value.report import Foreseen, read_ledger
from crmml.value.spec import ValueSpec
from tests.ledger.test_reprice import FIRST, LAST, ledger_of, small_bank


def test_a_ledger_that_begins_after_its_accounts_were_opened_is_shocked_from_its_first_month() -> None:
    opened = small_bank()
    segment = pd.Series(dtype="str")
    told = read_ledger(
        opened, build_ledger(opened, FIRST, LAST), LAST, ValueSpec(), segment=segment, foreseen=Foreseen()
    )
    assert told.figures["contribution"] == pytest.approx(ledger_of(opened)["contribution"])
    assert told.tables["shocks"].query("factor == 'cost' and family == 'all'")["contribution"].lt(0).any()
    assert told.left_out["forecast"].startswith("3 months of ledger")
