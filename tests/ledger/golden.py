"""The case worked by hand in docs/ledger.md: its blocks as tables, its prices, its figures."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
import yaml

from crmml.config.mapping import build
from crmml.economics import Economics
from crmml.sources.bank import Bank
from tests.conftest import REPOSITORY
from tests.tables import bank, table

TABLES = ("accounts", "products", "account_holders", "account_terms", "transactions", "loans", "arrears", "rates")


@cache
def document() -> str:
    return (REPOSITORY / "docs" / "ledger.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The content of the fenced block under the comment `golden: name`."""
    found = re.search(rf"<!-- golden: {name} -->\n\n```\w+\n(.*?)```", document(), re.DOTALL)
    assert found is not None, f"docs/ledger.md has no block {name}"
    return found.group(1)


def golden_economics() -> Economics:
    return build(Economics, yaml.safe_load(block("economics")), where="docs/ledger.md: economics")


@cache
def golden_bank() -> Bank:
    tables = {name: block(name) for name in TABLES}
    customers = sorted(set(table(tables["account_holders"])["customer_id"]))
    return bank(
        customers=pd.DataFrame({"customer_id": customers}), **tables, overrides={"economics": golden_economics()}
    )


def golden_figures(name: str = "result") -> pd.DataFrame:
    """The markdown table under the comment `golden: name`, an empty cell of a figure as 0."""
    found = re.search(rf"<!-- golden: {name} -->\n\n(\|.*?)\n\n", document(), re.DOTALL)
    assert found is not None, f"docs/ledger.md has no table {name}"
    header, _line, *rows = [line.strip("|").split("|") for line in found.group(1).splitlines()]
    text = [" ".join(cell.strip() or "0" for cell in row) for row in [header, *rows]]
    return table("\n".join(text))
