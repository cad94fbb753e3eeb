"""The verb `crmml value`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from crmml.cli.output import Format, emit, emit_one, say
from crmml.errors import UsageError
from crmml.periods import parse_day


def value(
    bank: Annotated[Path, typer.Argument(metavar="BANK", help="Folder of the bank, such as configs/demo.")],
    cutoff: Annotated[str | None, typer.Option("--cutoff", help="Last day known, as 2025-10-31 or 2025-10.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Only this customer, beside its peers.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="Only this product.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Only this branch.")] = None,
    form: Annotated[Format, typer.Option("--format", help="Form of the data on stdout.")] = Format.table,
) -> None:
    """What the ledger tells: who brings what, what deposits hide, shocks, potential, twelve months ahead.

    Examples:  crmml value configs/demo      crmml value configs/demo --customer 0001927
               crmml value configs/demo --branch B03 --format json
    """
    asked = {"customer": customer, "product": product, "branch": branch}
    chosen = [(level, identifier) for level, identifier in asked.items() if identifier is not None]
    if len(chosen) > 1:
        raise UsageError("--customer, --product and --branch exclude each other; give one of them", code="U006")
    from crmml.stages import value_scopes as stage

    if chosen:
        rows, page = stage.value_of(bank, *chosen[0], cutoff=_day(cutoff), say=say)
        emit(rows, form=form)
    else:
        figures, page = stage.value_of_bank(bank, cutoff=_day(cutoff), say=say)
        emit_one(figures, form=form)
    say(f"open {page}")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise UsageError(f"{error}; for example --cutoff 2025-10-31", code="U001") from error
