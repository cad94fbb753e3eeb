"""The verbs of `crmml`. Each reads its arguments, calls one stage, and prints what came back.

Nothing heavy is imported before a verb is called, so that `crmml --help` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from crmml.cli.campaign import campaign_app
from crmml.cli.data import audit, check, docs, features, ledger
from crmml.cli.groups import groups
from crmml.cli.learning import explain, gains, score, train
from crmml.cli.lists import explain_list, pack, replay, target_list
from crmml.cli.loyalty import loyalty
from crmml.cli.models import models_app
from crmml.cli.projects import config, demo, init, run
from crmml.cli.value import value
from crmml.cli.warning import warn

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
# In the order of `crmml --help`.
app.command()(value)
app.command()(loyalty)
app.command()(demo)
app.command()(init)
app.command()(check)
app.command()(run)
app.command()(features)
app.command()(docs)
app.command()(audit)
app.command()(ledger)
app.command()(train)
app.command()(gains)
app.command()(score)
app.command()(explain)
app.command(name="list")(target_list)
app.command(name="explain-list")(explain_list)
app.command()(replay)
app.command()(pack)
app.command()(warn)
app.command()(groups)
app.command()(config)


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
