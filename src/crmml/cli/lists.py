"""`crmml list`, `explain-list`, `replay`, `pack`: a target list, why it is as it is, and what each desk receives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from crmml.cli.options import Bank, Cutoff, Form, day_of
from crmml.cli.output import Format, emit, emit_one, say

BankOrList = Annotated[
    Path, typer.Argument(metavar="LIST", help="Name or id of a list, its config, or the folder of a bank.")
]
Customer = Annotated[str, typer.Option("--customer", help="Customer id, as the bank writes it.")]
NAMED = "Name or id of a list, or of a frozen campaign."


def target_list(
    config: Annotated[Path, typer.Argument(metavar="LIST.yaml", help="Config of the list.")],
    cutoff: Cutoff = None,
    against: Annotated[
        str | None,
        typer.Option("--against", help=f"What changed since this one. {NAMED} Default: the newest frozen campaign."),
    ] = None,
    form: Form = Format.table,
) -> None:
    """Build a target list: spreadsheet, CSV, Parquet, and what each rule removed.

    Examples:  crmml list configs/demo/cross_sell.yaml      crmml list configs/demo/cross_sell.yaml --format json
    """
    from crmml.stages.lists import list_from_config

    rows, opened = list_from_config(config, cutoff=day_of(cutoff), against=against, say=say)
    emit(rows, form=form)
    for path in opened:
        say(f"open {path}")


def explain_list(
    given: BankOrList,
    customer: Customer,
    name: Annotated[str | None, typer.Option("--list", help=NAMED)] = None,
    arms: Annotated[
        bool, typer.Option("--arms", help="Tell the arm and who is held out: for risk and data scientists only.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """Why a customer is on a list with this offer, or why not: the rule and the value that failed it, or the price.

    Examples:  crmml explain-list cross_sell --customer 0004411
               crmml explain-list configs/demo --list cross_sell --customer 0004411
               crmml explain-list configs/demo/cross_sell.yaml --customer 0004411 --format json
    """
    from crmml.stages.why_lists import explain_list as explained

    told = explained(given, customer_id=customer, name=name, arms=arms)
    if form is Format.json:
        emit_one(told, form=form)
        return
    if form is Format.csv:
        emit(told["offers"], form=form)
        return
    _say_explained(told)


def replay(
    name: Annotated[str, typer.Option("--list", help=NAMED)],
    customer: Customer,
    bank: Annotated[
        Path | None,
        typer.Argument(metavar="[BANK]", help="Folder of the bank, where several have a list of that name."),
    ] = None,
    form: Form = Format.table,
) -> None:
    """Make a customer's scores, reasons and decision again from what the list kept, and compare every bit.

    Examples:  crmml replay --list cross_sell --customer 0004411      crmml replay configs/demo --list cross_sell --customer 0004411
    """
    from crmml.stages.replay import replay as replayed

    rows = replayed(bank, name=name, customer_id=customer)
    emit(rows, form=form)
    numbers, texts = (sum(row[kind] for row in rows) for kind in ("numbers", "texts"))
    say(f"replayed: {numbers:,} numbers equal in every bit, {texts:,} texts and counts equal")


def pack(
    bank: Bank,
    name: Annotated[str, typer.Argument(metavar="LIST", help=NAMED)],
    level: Annotated[str, typer.Option("--level", help="head, branch or manager: one workbook and CSV for each.")],
    key: Annotated[str | None, typer.Option("--id", help="Only the pack of this branch or manager.")] = None,
    form: Form = Format.table,
) -> None:
    """Cut a list into what head office, each branch or each manager receives: the same rows and figures, nobody else's.

    Examples:  crmml pack configs/demo cross_sell --level manager      crmml pack configs/demo cross_sell --level branch --id B02
    """
    from crmml.stages.packs import make_packs

    emit(make_packs(bank, name, level=level, key=key, say=say), form=form)


def _say_explained(told: dict[str, Any]) -> None:
    state = "在名单上 on the list" if told["is_listed"] else "不在名单上 not on the list"
    say(f"{told['list_id']}   {told['customer_id']}   {state}" + (f"   {told['stamp']}" if "stamp" in told else ""))
    if told["chosen"] is not None:
        emit_one(told["chosen"], form=Format.table)
        say("\n为什么是这位客户 why this customer")
        shown = ("zh", "en", "effect", "feature", "value", "peers")
        emit([{name: row[name] for name in shown} for row in told["why_customer"]], form=Format.table)
        for row in told["why_customer"]:
            say(f"  {row['rows']}")
        say("\n为什么是这个产品 why this offer")
        emit(told["why_offer"], form=Format.table)
    say("\n每个产品与渠道 every offer and channel")
    names = ("offer", "channel", "zh", "en", "expected_value", "price", "short_by")
    emit([{name: row.get(name) for name in names} for row in told["offers"]], form=Format.table)
