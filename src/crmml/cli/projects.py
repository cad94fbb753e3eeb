"""The verbs for a project: the demo, a new bank, every stage in order, the resolved config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from crmml.cli.options import Bank, Form, Strict
from crmml.cli.output import Format, emit, say


def demo(
    customers: Annotated[int, typer.Option(min=500, help="How many customers the synthetic bank has.")] = 6000,
    seed: Annotated[int, typer.Option(help="Another seed, another bank.")] = 4,
    only_bank: Annotated[bool, typer.Option("--only-bank", help="Make the bank's raw tables and end.")] = False,
    campaign: Annotated[
        str | None,
        typer.Option("--campaign", metavar="NAME", help="Play the outcomes of a frozen campaign by the truth."),
    ] = None,
) -> None:
    """Make the synthetic bank, whose truth is known, and run everything on it.

    Examples:  crmml demo      crmml demo --customers 20000      crmml demo --campaign jan-calls
    """
    if campaign is not None:
        from crmml.demo.campaign import play_campaign

        for path in play_campaign(campaign, seed=seed, say=say):
            say(f"wrote {path}")
        return
    from crmml.demo import run_demo

    run_demo(customers=customers, seed=seed, only_bank=only_bank, say=say)


def init(directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")]) -> None:
    """Scaffold a new bank: a commented bank.yaml, models and a list.

    Examples:  crmml init mybank      crmml init configs/mybank
    """
    from crmml.stages.scaffold import scaffold

    for path in scaffold(directory):
        say(f"wrote {path}")
    say(f"next: edit {directory / 'bank.yaml'}, then crmml check {directory}")


def run(
    bank: Bank,
    stage: Annotated[
        str | None,
        typer.Option(
            help="Only this stage: tables, ledger, features, audit, train, score, value, loyalty, list, warn, groups."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="With --stage train: only this model.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Make anew what is up to date.")] = False,
    strict: Strict = False,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Models trained side by side, each in its own memory.")
    ] = 1,
) -> None:
    """Every stage in order, skipping what is up to date.

    Examples:  crmml run configs/demo      crmml run configs/demo --stage list
    """
    from crmml.stages.run import run_bank

    run_bank(bank, stage=stage, model=model, force=force, strict=strict, jobs=jobs, say=say)


def config(
    path: Annotated[Path, typer.Argument(metavar="CONFIG", help="A YAML file of a bank, or its folder.")],
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of this kind of file instead.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """The resolved config: every value with its origin; or its JSON Schema, for editors.

    Examples:  crmml config configs/demo/churn.yaml      crmml config configs/demo/churn.yaml --schema
    """
    import json

    from crmml.config import resolved

    if schema:
        print(json.dumps(resolved.schema_of(path), ensure_ascii=False, indent=1))
        return
    rows: list[dict[str, Any]] = resolved.resolve(path)
    emit(rows, form=form)
