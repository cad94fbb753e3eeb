"""The command line: `crmml VERB …`."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Any, NoReturn

# Before anything imports MLflow or DVC: nothing leaves this machine.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")


class _Terminated(KeyboardInterrupt):
    """SIGTERM, told apart from Ctrl-C by its exit code."""


def main() -> NoReturn:
    """Run the command line and end the process with one of the documented exit codes."""
    from crmml.errors import CrmmlError

    def terminate(*_: Any) -> NoReturn:
        raise _Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        from crmml.cli.app import app

        ended = app(standalone_mode=False)
        code = ended if isinstance(ended, int) else 0
    except CrmmlError as error:
        code = _failed(f"{type(error).__name__}: {error}", error.exit_code)
    except BrokenPipeError:
        # The reader of our output left, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except BaseException as error:  # noqa: BLE001 - the last door: every end has its exit code
        code = _other(error)
    sys.stdout.flush()
    sys.exit(code)


def _other(error: BaseException) -> int:
    """Interruptions, errors of the command line itself, and bugs."""
    import typer

    cause = error.__cause__ if isinstance(error, typer.Abort) else error
    if isinstance(cause, _Terminated):
        return _failed("terminated; nothing is lost, run the command again to go on", 143)
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return _failed("interrupted; nothing is lost, run the command again to go on", 130)
    if isinstance(error, typer.Exit):
        return int(error.exit_code)
    if isinstance(error, typer.TyperException):
        error.show()
        return 2
    if isinstance(error, SystemExit):
        return int(error.code or 0)
    if isinstance(error, MemoryError):
        return _failed("out of memory; use fewer cut-offs or customers at once [E003]", 9)
    return _failed(
        f"{type(error).__name__}: {error}\nThis is a bug of crmml, not of your data. "
        "`crmml --debug …` shows where; please report it",
        1,
    )


def _failed(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    if "--debug" in sys.argv:
        traceback.print_exc()
    return code
