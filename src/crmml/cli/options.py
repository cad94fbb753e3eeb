"""Arguments and options that several verbs share."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from crmml.cli.output import Format
from crmml.errors import UsageError
from crmml.periods import parse_day


def day_of(text: str | None, *, option: str = "--cutoff 2025-10-31") -> date | None:
    """The day of an option; UsageError U001 where it is none."""
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise UsageError(f"{error}; for example {option}", code="U001") from error


Bank = Annotated[Path, typer.Argument(metavar="BANK", help="Folder of the bank, such as configs/demo.")]
Cutoff = Annotated[str | None, typer.Option("--cutoff", help="Last day known, as 2025-10-31 or 2025-10.")]
Table = Annotated[Path | None, typer.Option("--table", metavar="FILE", help="A file of the shape of a feature table.")]
Challenger = Annotated[bool, typer.Option("--challenger", help="With a feature table: by the challenger, for a look.")]
Strict = Annotated[bool, typer.Option("--strict", help="End with 5 if a source lacks a day, a branch or values.")]
Form = Annotated[Format, typer.Option("--format", help="Form of the data on stdout.")]
