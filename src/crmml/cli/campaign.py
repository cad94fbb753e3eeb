"""The verbs of `crmml campaign`: freeze a list, take its outcomes in, report what it brought."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmml.cli.options import Bank, Form, day_of
from crmml.cli.output import Format, emit, emit_one, say
from crmml.errors import SourceError

campaign_app = typer.Typer(
    help="Frozen lists with a control arm: outcomes taken in, effect reported.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name, or its list id.")]
On = Annotated[str | None, typer.Option("--on", metavar="DAY", help="Day, as 2026-01-31.")]


@campaign_app.command()
def freeze(
    bank: Bank,
    target_list: Annotated[
        str, typer.Argument(metavar="LIST", help="Name, config file or id of a list that was built.")
    ],
    name: Annotated[str, typer.Option("--name", help="What the campaign is called.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What it is for, in words.")],
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")],
    on: On = None,
    form: Form = Format.table,
) -> None:
    """Keep a list as it is, for good: rows of all arms, spec, models, cut-off; refused with a control arm below 5 %.

    Example:  crmml campaign freeze configs/demo cross_sell --name jan-calls --purpose "January calls" --owner "Retail"
    """
    from crmml.stages.campaigns import freeze_list

    made = freeze_list(
        bank, target_list, name=name, purpose=purpose, owner=owner, on=day_of(on, option="--on 2026-01-31"), say=say
    )
    emit_one(made, form=form)


@campaign_app.command(name="list")
def list_all(bank: Bank, form: Form = Format.table) -> None:
    """The campaigns of a bank.

    Example:  crmml campaign list configs/demo
    """
    from crmml.stages.campaigns import list_campaigns

    emit(list_campaigns(bank), form=form, empty="no campaigns yet; crmml campaign freeze makes one")


@campaign_app.command()
def outcomes(
    bank: Bank,
    name: Name,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Workbooks, CSV or Parquet files.")
    ] = None,
    on: On = None,
    from_contacts: Annotated[
        bool, typer.Option("--from-contacts", help="From the bank's own contact log and accounts, both arms.")
    ] = False,
    restore_ids: Annotated[
        bool, typer.Option("--restore-ids", help="Take ids that lost their zeros for the one customer they can be.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """Take outcomes in: the workbooks that came back, files, or the bank's data. The same file twice changes nothing.

    Examples:  crmml campaign outcomes configs/demo jan-calls north.xlsx south.xlsx --on 2026-02-10
               crmml campaign outcomes configs/demo jan-calls --from-contacts
    """
    from crmml.stages.campaigns import take_outcomes

    day = day_of(on, option="--on 2026-02-10")
    lines, faults = take_outcomes(
        bank, name, paths or [], on=day, from_contacts=from_contacts, restore_ids=restore_ids, say=say
    )
    emit(lines, form=form)
    if faults:
        aside = sum(line["set_aside"] for line in lines)
        told = "".join(f"\n  {fault}" for fault in faults)
        raise SourceError(
            f"{aside:,} of {sum(line['rows'] for line in lines):,} rows were set aside with their reasons, all others are taken in. "
            f"Mend these rows and send only them again:{told}\n ",
            code="D040",
        )
