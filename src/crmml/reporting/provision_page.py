"""Exposure and expected loss by grade, stage hint and product family on one offline page: sums only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmml.economics import FAMILY_WORDS
from crmml.explain.wording import currency_words
from crmml.reporting.page import render

LEAST = 5
"""Sums of fewer customers are not told."""
_GRADES = {"default": ("已违约", "in default")}
_STAGES = {
    "1": ("1(逾期不超过 30 天)", "1 (at most 30 days past due)"),
    "2": ("2(逾期超过 30 天)", "2 (more than 30 days past due)"),
    "3": ("3(已违约)", "3 (in default)"),
}


def provision_page(
    sums: Mapping[str, Any], *, bank: tuple[str, str], model: str, version: str, language: str = "both"
) -> str:
    """The page as HTML.

    Parameters
    ----------
    sums : mapping
        What was written beside the scores: `total`, `by_grade`, `by_stage`, `by_family`, `without`, `no_claim`.
    bank : (str, str)
        Its name in Chinese and in English.
    """
    zh, en = currency_words(sums["currency"])
    return render(
        "provision.html",
        language=language,
        sums=sums,
        bank=bank,
        model=model,
        version=version,
        unit=(zh, en),
        least=LEAST,
        tables=[
            (("按等级", "By grade"), ("等级", "grade"), _rows(sums["by_grade"], "grade", _GRADES)),
            (("按阶段提示", "By stage hint"), ("阶段", "stage"), _rows(sums["by_stage"], "stage_hint", _STAGES)),
            (("按产品类", "By product family"), ("产品类", "family"), _rows(sums["by_family"], "family", FAMILY_WORDS)),
        ],
    )


def _rows(rows: list[Mapping[str, Any]], key: str, words: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """The rows in words; those of fewer than five customers stand together with the smallest of the others.

    Left out alone, their sums would be the total less all that is shown. A
    customer may stand in several rows, so only a row that holds five by itself
    makes the joint one safe.
    """
    worded = [{**row, "words": words.get(row[key], (row[key], row[key]))} for row in rows]
    few = [row for row in worded if row["customers"] < LEAST]
    if not few:
        return worded
    enough = sorted((row for row in worded if row["customers"] >= LEAST), key=lambda row: int(row["customers"]))
    hidden = [*few, *enough[:1]]
    together = [row for row in worded if row in hidden]
    return [*[row for row in worded if row not in hidden], _joined(together)]


def _joined(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Several rows as one; how many customers it holds is not the sum of theirs."""
    exposure, loss = (sum(row[name] for row in rows) for name in ("ead", "expected_loss_12m"))
    return {
        "words": (" + ".join(row["words"][0] for row in rows), " + ".join(row["words"][1] for row in rows)),
        "accounts": sum(row["accounts"] for row in rows),
        "customers": None,
        "ead": exposure,
        "expected_loss_12m": loss,
        "share_of_exposure": loss / exposure if exposure else None,
    }
