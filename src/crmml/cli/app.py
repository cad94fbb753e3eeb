"""The verbs of `crmml`. Each reads its arguments, calls one stage, and prints what came back.

Nothing heavy is imported before a verb is called, so that `crmml --help` answers at once.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from crmml.cli.campaign import campaign_app
from crmml.cli.groups import groups
from crmml.cli.lists import explain_list, pack, replay, target_list
from crmml.cli.loyalty import loyalty
from crmml.cli.models import models_app
from crmml.cli.options import Bank, Challenger, Cutoff, Form, Strict, Table, day_of
from crmml.cli.output import Format, emit, emit_one, say
from crmml.cli.value import value
from crmml.cli.warning import warn
from crmml.errors import GateError, SourceError, UsageError

app = typer.Typer(
    name="crmml",
    help="From account histories to customer value, loyalty and risk, and to target lists with exact reasons.",
    epilog="Exit codes: 0 ok, 1 bug, 2 usage, 3 config, 4 data, 5 gate failed, 6 not found, 7 busy, 8 integrity, "
    "9 backend or disk, 130/143 interrupted (run again to go on).",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")
app.add_typer(campaign_app, name="campaign")
app.command()(value)
app.command()(loyalty)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options that go before every command."""
    if version:
        from crmml import __version__

        print(__version__)
        raise typer.Exit


@app.command()
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


@app.command()
def init(directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")]) -> None:
    """Scaffold a new bank: a commented bank.yaml, models and a list.

    Examples:  crmml init mybank      crmml init configs/mybank
    """
    from crmml.stages.scaffold import scaffold

    for path in scaffold(directory):
        say(f"wrote {path}")
    say(f"next: edit {directory / 'bank.yaml'}, then crmml check {directory}")


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def docs(
    bank: Bank,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to.")] = None,
) -> None:
    """The features on one offline page, searchable in Chinese and English: meaning, users, coverage, drift.

    Examples:  crmml docs configs/demo      crmml docs configs/demo --out pages
    """
    from crmml.stages.docs import document_bank

    say(f"open {document_bank(bank, out=out, say=say)}")


@app.command()
def audit(bank: Bank, cutoff: Cutoff = None, form: Form = Format.table) -> None:
    """Rebuild features after the future was deleted, scrambled and back-dated: nothing may change.

    Examples:  crmml audit configs/demo      crmml audit configs/demo --cutoff 2025-06
    """
    from crmml.stages.audit import audit_bank, told

    report = audit_bank(bank, cutoff=day_of(cutoff), say=say)
    emit_one(told(report), form=form)
    report.require_clean()


@app.command()
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


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="MODEL.yaml", help="Config of the model.")],
    plan: Annotated[bool, typer.Option("--plan", help="Print the calendar of windows and end.")] = False,
    trials: Annotated[int | None, typer.Option(min=0, help="How many trials, instead of the config's.")] = None,
    sample: Annotated[str | None, typer.Option(help="A share of the customers, such as 5%, for a quick look.")] = None,
    product: Annotated[str | None, typer.Option(help="For an uptake config: only this product.")] = None,
    form: Form = Format.table,
) -> None:
    """Tune, fit, calibrate, test out of time, report, register as challenger.

    Examples:  crmml train configs/demo/churn.yaml --plan      crmml train configs/demo/churn.yaml --trials 30
    """
    from crmml.config.reading import read_yaml
    from crmml.stages import maturity, training

    share = _share(sample)
    if "table" in read_yaml(config):
        _train_table(config, plan=plan, trials=trials, share=share, form=form)
        return
    if plan:
        for heading, rows in maturity.plan(config, product=product, say=say):
            say(heading)
            emit(rows, form=form)
        return
    for summary in training.train_config(config, trials=trials, sample=share, product=product, say=say):
        emit_one(summary, form=form)


def _train_table(config: Path, *, plan: bool, trials: int | None, share: float | None, form: Format) -> None:
    """The model of a feature table."""
    from crmml.config import load_table_model
    from crmml.stages import table_models

    if plan:
        model = load_table_model(config, bank=config.resolve().parent.name)
        say(f"{model.spec.name}: {model.split.tested_on}")
        emit(table_models.plan_of(model), form=form)
        return
    for summary in table_models.train_table_config(config, trials=trials, sample=share, say=say):
        emit_one(summary, form=form)


@app.command()
def gains(
    config: Annotated[Path, typer.Argument(metavar="MODEL.yaml", help="Config of a model that has been trained.")],
    product: Annotated[str | None, typer.Option(help="For an uptake config: only this product.")] = None,
    stepwise: Annotated[
        bool, typer.Option("--stepwise", help="Also what each adds to the families before it in the catalogue.")
    ] = False,
    form: Form = Format.table,
) -> None:
    """What each feature family adds out of time: with it less without it, tuned parameters held.

    Examples:  crmml gains configs/demo/churn.yaml      crmml gains configs/demo/uptake.yaml --product card --format csv
    """
    from crmml.stages.gains import gains_of_config

    for heading, rows in gains_of_config(config, product=product, stepwise=stepwise, say=say):
        say(heading)
        emit(rows, form=form)


@app.command()
def score(
    bank: Bank,
    cutoff: Cutoff = None,
    table: Table = None,
    model: Annotated[str | None, typer.Option("--model", help="With a feature table: only this model.")] = None,
    challenger: Challenger = False,
    strict: Strict = False,
    form: Form = Format.table,
) -> None:
    """Score a cut-off (default the newest), or a file of a feature table, with the champions: scores and reasons.

    Examples:  crmml score configs/demo      crmml score configs/demo --cutoff 2025-10
               crmml score configs/mytable --table new.csv
    """
    from crmml.stages.table_models import has_bank

    if table is not None or not has_bank(bank):
        from crmml.stages.table_models import table_project
        from crmml.stages.table_scores import score_table

        if table is not None or table_project(bank) is not None:
            emit(score_table(bank, table=table, model=model, challenger=challenger, say=say), form=form)
            return
    from crmml.stages.scores import score_bank

    emit(score_bank(bank, cutoff=day_of(cutoff), strict=strict, say=say), form=form)


@app.command()
def explain(
    bank: Bank,
    customer: Annotated[str, typer.Option("--customer", help="Customer id.")],
    cutoff: Cutoff = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page here.")] = None,
    table: Table = None,
    challenger: Challenger = False,
    form: Form = Format.table,
) -> None:
    """Why this customer (or row of a feature table) got these scores: one page a banker can read.

    Examples:  crmml explain configs/demo --customer 0004411      crmml explain configs/demo --customer 0004411 --html page.html
               crmml explain configs/mytable --customer 17 --table new.csv
    """
    from crmml.stages.table_models import has_bank, table_project

    if table is not None or (not has_bank(bank) and table_project(bank) is not None):
        from crmml.stages.table_scores import explain_row

        rows, page = explain_row(bank, key=customer, table=table, challenger=challenger, html=html, say=say)
    else:
        from crmml.stages.explanations import explain_customer

        rows, page = explain_customer(bank, customer_id=customer, cutoff=day_of(cutoff), html=html, say=say)
    emit(rows, form=form)
    say(f"open {page}")


app.command(name="list")(target_list)
app.command(name="explain-list")(explain_list)
app.command()(replay)
app.command()(pack)
app.command()(warn)
app.command()(groups)


@app.command()
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


def _share(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"--sample is {text!r}; expected a share such as 5% or 0.05", code="U003")
    return share
