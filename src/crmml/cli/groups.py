"""`crmml groups`: customers by value, loyalty and risk, and who moved."""

from __future__ import annotations

from crmml.cli.options import Bank, Cutoff, Form, day_of
from crmml.cli.output import Format, emit, say


def groups(bank: Bank, cutoff: Cutoff = None, form: Form = Format.table) -> None:
    """Customer groups (客户分群): the grid value x loyalty x risk, each group in one line, migration between cut-offs.

    Examples:  crmml groups configs/demo      crmml groups configs/demo --format csv
    """
    from crmml.stages.groups import groups_of_bank

    rows, page = groups_of_bank(bank, cutoff=day_of(cutoff), say=say)
    figures = ("group", "customers", "share", "contribution_share", "prob_churn", "prob_default")
    words = ("title_zh", "title_en") if form is Format.table else ("title_zh", "title_en", "line_zh", "line_en")
    emit(
        [{name: row[name] for name in figures + words} for row in rows],
        form=form,
        empty="nobody is there at the cut-off",
    )
    say(f"open {page}")
