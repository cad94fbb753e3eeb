"""The verbs of `crmml models`: the registry, its gates and its log."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from crmml.cli.output import Format, emit, emit_one, say

models_app = typer.Typer(help="Versions, champions and the promotion log.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Registered name, such as demo.churn.")]
Form = Annotated[Format, typer.Option("--format", help="Form of the data on stdout.")]


def _login() -> str:
    """Who is logged in; nothing where the system does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # KeyError on Python before 3.13
        return ""


By = Annotated[str, typer.Option("--by", help="Who decides (default: who is logged in).")]


@models_app.command(name="list")
def list_versions(form: Form = Format.table) -> None:
    """Every model with its versions and aliases.

    Example:  crmml models list
    """
    from crmml.stages import models

    emit(models.list_models(), form=form, empty="no models yet; crmml train MODEL.yaml makes one")


@models_app.command()
def show(name: Name, form: Form = Format.table) -> None:
    """One version (NAME, NAME@champion or NAME/3): figures, windows, digest.

    Example:  crmml models show demo.churn@champion
    """
    from crmml.stages import models

    emit_one(models.show(name), form=form)


@models_app.command()
def diff(
    name: Name,
    one: Annotated[str, typer.Argument()],
    other: Annotated[str, typer.Argument()],
    form: Form = Format.table,
) -> None:
    """What differs between two versions: parameters, figures, features.

    Example:  crmml models diff demo.churn 1 2
    """
    from crmml.stages import models

    emit(models.diff(name, one, other), form=form, empty="no difference")


@models_app.command()
def promote(
    name: Name,
    version: Annotated[str, typer.Argument(help="Version to promote.")],
    expect_current: Annotated[
        str | None, typer.Option("--expect-current", help="The champion you believe is in use; 'none' for none.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = "",
    by: By = "",
    form: Form = Format.table,
) -> None:
    """Make a version champion, if it passes its gates; goes into the append-only log.

    Example:  crmml models promote demo.churn 2 --expect-current 1 --reason "better calibrated"
    """
    from crmml.stages import models

    emit_one(models.promote(name, version, expected=expect_current, by=by or _login(), reason=reason), form=form)


@models_app.command()
def rollback(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = "",
    by: By = "",
    form: Form = Format.table,
) -> None:
    """Make the previous champion champion again.

    Example:  crmml models rollback demo.churn --reason "branch complaints"
    """
    from crmml.stages import models

    emit_one(models.rollback(name, by=by or _login(), reason=reason), form=form)


@models_app.command()
def log(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
    on: Annotated[str | None, typer.Option("--on", help="Who was champion on this date.")] = None,
    form: Form = Format.table,
) -> None:
    """Every promotion and rollback; or who was champion on a date.

    Examples:  crmml models log demo.churn      crmml models log demo.churn --on 2026-03-31
    """
    from crmml.stages import models

    rows = models.log(name, on=on)
    emit(rows, form=form, empty="nobody was promoted yet")
    if rows:
        say("the chain of the log is whole")
