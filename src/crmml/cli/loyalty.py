"""`crmml loyalty`: who left in which sense, how well the index says who stays, and the page of it all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from crmml.cli.output import Format, emit, say

Bank = Annotated[Path, typer.Argument(metavar="BANK", help="Folder of the bank, such as configs/demo.")]
Form = Annotated[Format, typer.Option("--format", help="Form of the data on stdout.")]


def loyalty(
    bank: Bank,
    force: Annotated[bool, typer.Option("--force", help="Make anew what is up to date.")] = False,
    form: Form = Format.table,
) -> None:
    """The label audit of the three kinds of churn, the index and its proof by later retention, and the page.

    Examples:  crmml loyalty configs/demo      crmml loyalty configs/demo --format json
    """
    from crmml.stages.loyalty import loyalty_of, rows_of

    told, page = loyalty_of(bank, force=force, say=say)
    if form is Format.json:
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        emit(rows_of(told), form=form)
    say(f"open {page}")
