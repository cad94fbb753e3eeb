"""A PostgreSQL server of the tests' own: a new cluster in a temporary folder, on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, PASSWORD = "bank", "s3cret#pass"


def _tool(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server; skips where there is none to start."""
    initdb, control = _tool("initdb"), _tool("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("no PostgreSQL server is installed")
    as_user: list[str] = []
    # Not in pytest's folders, which are closed to other users.
    with tempfile.TemporaryDirectory(prefix="crmml-pg-") as folder:
        if os.geteuid() == 0:
            # The server refuses to run as root.
            as_user = ["runuser", "-u", "postgres", "--"]
            if shutil.which("runuser") is None or "postgres:" not in Path("/etc/passwd").read_text():
                pytest.skip("running as root, and there is no user postgres to run a PostgreSQL server as")
            shutil.chown(folder, "postgres")
        data = Path(folder) / "data"
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD)
        _run([*as_user, initdb, "-D", str(data), "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync",
              "-E", "UTF8", "--locale=C"])  # fmt: skip
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c shared_buffers=16MB"
        pg_ctl = [*as_user, control, "-D", str(data), "-w"]
        _run([*pg_ctl, "-t", "60", "-l", f"{folder}/log", "-o", options, "start"])
        try:
            yield f"postgresql://{USER}:{PASSWORD.replace('#', '%23')}@127.0.0.1:{port}/postgres"
        finally:
            _run([*pg_ctl, "-m", "immediate", "stop"])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd="/", check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
