"""The command line in this process, through its own front door: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Done:
    """How a command ended, and how much processor time it took, in seconds."""

    code: int
    out: str
    err: str
    seconds: float


def crmml(*arguments: str, home: Path) -> Done:
    """Run `crmml ARGUMENTS` in the project folder `home`."""
    from crmml.cli import main

    out, err, code, began = io.StringIO(), io.StringIO(), 0, time.process_time()
    with _process(home, ["crmml", *arguments]), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Done(code, out.getvalue(), err.getvalue(), time.process_time() - began)


@contextlib.contextmanager
def _process(home: Path, argv: list[str]) -> Iterator[None]:
    """The arguments, folder, variable and signal handler that a process of its own would have."""
    before = (sys.argv, Path.cwd(), os.environ.get("CRMML_HOME"), signal.getsignal(signal.SIGTERM))
    try:
        sys.argv, os.environ["CRMML_HOME"] = argv, str(home)
        os.chdir(home if home.is_dir() else home.parent)
        yield
    finally:
        sys.argv = before[0]
        os.chdir(before[1])
        if before[2] is None:
            os.environ.pop("CRMML_HOME", None)
        else:
            os.environ["CRMML_HOME"] = before[2]
        signal.signal(signal.SIGTERM, before[3])
