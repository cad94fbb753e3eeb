"""The verbs for models: train, what features add, score, explain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmml.cli.options import Bank, Challenger, Cutoff, Form, Strict, Table, day_of
from crmml.cli.output import Format, emit, emit_one, say
from crmml.errors import UsageError


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
