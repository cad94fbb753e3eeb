"""The verbs for what a bank's data hold: the contract, features, the leak audit, the ledger."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crmml.cli.options import Bank, Cutoff, Form, Strict, day_of
from crmml.cli.output import Format, emit, emit_one, say
from crmml.errors import GateError, SourceError, UsageError


def check(bank: Bank, strict: Strict = False, form: Form = Format.table) -> None:
    """Check the bank's data against the contract; every failure at once.

    Examples:  crmml check configs/demo      crmml check configs/demo --strict      crmml check configs/demo --format json
    """
    from crmml.stages.table_models import check_table, has_bank, table_project

    tables = table_project(bank)
    for model in tables.models.values() if tables is not None else ():
        say(f"{model.spec.name}: {model.source.path}")
        emit(check_table(model), form=form)
    if tables is not None and not has_bank(bank):
        return
    from crmml.stages.tables import check_bank

    report = check_bank(bank, say=say)
    emit([asdict(table) for table in report.tables], form=form)
    for issue in report.issues:
        aside = issue.severity == "error" and issue not in report.refusals
        say(f"{'set aside, within tolerance' if aside else issue.severity}: {issue}")
    if report.refusals:
        raise typer.Exit(SourceError.exit_code)
    if strict and report.stale:
        raise GateError(f"{len(report.stale)} sources lack rows; expected none with --strict. Load them", code="G004")
    say("the contract holds" + (f", {len(report.warnings)} warnings" if report.warnings else ""))


def features(
    bank: Bank,
    cutoff: Cutoff = None,
    out: Annotated[Path | None, typer.Option("--out", help="Parquet file to write.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="NAME", help="Show the source rows behind this feature.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="With --explain: whose.")] = None,
    catalogue: Annotated[bool, typer.Option("--catalogue", help="List the features instead.")] = False,
    form: Form = Format.table,
) -> None:
    """Features of every customer at a cut-off; the source rows behind one cell; the catalogue.

    Examples:  crmml features configs/demo --cutoff 2025-10-31 --out features.parquet
               crmml features configs/demo --explain turnover_out_3m --customer 0004411
               crmml features configs/demo --catalogue --format csv
    """
    from crmml.stages import features as stage

    if catalogue:
        emit(stage.list_catalogue(bank, say=say), form=form)
    elif explain is not None:
        if customer is None:
            raise UsageError(
                "--explain needs --customer; for example --explain turnover_out_3m --customer C0001", code="U002"
            )
        emit(stage.explain_feature(bank, name=explain, customer_id=customer, cutoff=day_of(cutoff), say=say), form=form)
    else:
        emit_one(stage.write_features_of(bank, cutoff=day_of(cutoff), out=out, force=force, say=say), form=form)


def docs(
    bank: Bank,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to.")] = None,
) -> None:
    """The features on one offline page, searchable in Chinese and English: meaning, users, coverage, drift.

    Examples:  crmml docs configs/demo      crmml docs configs/demo --out pages
    """
    from crmml.stages.docs import document_bank

    say(f"open {document_bank(bank, out=out, say=say)}")


def audit(bank: Bank, cutoff: Cutoff = None, form: Form = Format.table) -> None:
    """Rebuild features after the future was deleted, scrambled and back-dated: nothing may change.

    Examples:  crmml audit configs/demo      crmml audit configs/demo --cutoff 2025-06
    """
    from crmml.stages.audit import audit_bank, told

    report = audit_bank(bank, cutoff=day_of(cutoff), say=say)
    emit_one(told(report), form=form)
    report.require_clean()


def ledger(
    bank: Bank,
    start: Annotated[str, typer.Option("--from", help="First month.")],
    end: Annotated[str, typer.Option("--to", help="Last month.")],
    by: Annotated[
        str, typer.Option(help="bank, branch, manager, product, family, group, customer or account.")
    ] = "bank",
    with_below: Annotated[
        bool, typer.Option("--roll-up", help="With --by branch: each branch with all below it.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """Contribution by component, EVA and RAROC, and whether every total agrees.

    Examples:  crmml ledger configs/demo --from 2025-01 --to 2025-12
               crmml ledger configs/demo --from 2025-01 --to 2025-12 --by branch --roll-up
    """
    from crmml.stages.ledger import ledger_of

    rows, agreement = ledger_of(
        bank,
        first=day_of(start, option="--from 2025-01"),
        last=day_of(end, option="--to 2025-12"),
        by=by,
        with_below=with_below,
        say=say,
    )
    emit(rows, form=form)
    say(agreement)
