"""The verbs of `crmml campaign`: freeze a list, take its outcomes in, report what it brought."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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


@campaign_app.command()
def report(
    bank: Bank,
    name: Name,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="As it was known on this day.")] = None,
    form: Form = Format.table,
) -> None:
    """What a campaign brought against its control arm, with interval, funnel, value and what could not have been seen.

    Examples:  crmml campaign report configs/demo jan-calls      crmml campaign report configs/demo jan-calls --format json
    """
    from crmml.stages.campaigns import report_campaign

    told, words, page = report_campaign(bank, name, as_of=day_of(as_of, option="--as-of 2026-02-10"))
    if form is Format.json:
        emit_one(told, form=form)
    else:
        emit(_rows(told), form=form)
    for line in words:
        say(line)
    say(f"open {page}")


def _rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    """A line per offer and one for all."""
    names = (
        "treated",
        "taken_treated",
        "rate_treated",
        "control",
        "taken_control",
        "rate_control",
        "difference",
        "low",
        "high",
    )
    every = [("all", told["effect"]), *((row["offer"], row["measured"]) for row in told["offers"])]
    return [{"offer": offer, **{name: (one or {}).get(name) for name in names}} for offer, one in every]
