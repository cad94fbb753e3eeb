"""One data set measured in a process of its own, in a fresh project home."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import benchmarks.results as package
from benchmarks.results.row import Result, from_json, to_json

ROOT = Path(__file__).parents[2]
#: The same on every machine, so that sums made in parallel come out alike.
THREADS = "2"


def datasets() -> dict[str, Path | None]:
    """Each data set's module name with its folder, None where CRMML_DATA does not hold it.

    The folder has the module's name unless the module says otherwise with `DATA`.
    """
    found = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "__main__"):
        module = _module(name)
        if hasattr(module, "measure"):
            found[name] = _folder(getattr(module, "DATA", name))
    return found


def measure_apart(name: str) -> tuple[Result, ...]:
    """The results of one data set, from a process that inherits nothing but the libraries.

    Raises
    ------
    RuntimeError
        With what the process last said.
    """
    with tempfile.TemporaryDirectory(prefix="crmml-results-") as scratch:
        told = Path(scratch) / "results.json"
        apart(["-m", "benchmarks.results.run", name, str(told)], name)
        return tuple(from_json(one) for one in json.loads(told.read_text(encoding="utf-8")))


def apart(arguments: Sequence[str], name: str) -> None:
    """Run Python with these arguments in a fresh project home, told nothing but the libraries and the data.

    Raises
    ------
    RuntimeError
        With what the process last said.
    """
    with tempfile.TemporaryDirectory(prefix=f"crmml-{name}-") as scratch:
        home = Path(scratch) / "home"
        shutil.copytree(ROOT / "configs", home / "configs")
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=home, env=_environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed with exit code {done.returncode}:\n{(done.stderr or done.stdout)[-4000:]}")


def _environment(home: Path) -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    data = str(Path(os.environ["CRMML_DATA"]).resolve())
    fixed = {"CRMML_HOME": str(home), "CRMML_DATA": data, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": THREADS}
    return {**os.environ, **fixed, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{package.__name__}.{name}")


def _folder(name: str) -> Path | None:
    data = os.environ.get("CRMML_DATA")
    folder = Path(data) / name if data else None
    return folder if folder is not None and folder.is_dir() else None


def main() -> None:
    name, told = sys.argv[1:]
    results = _module(name).measure()
    Path(told).write_text(json.dumps([to_json(result) for result in results]), encoding="utf-8")


if __name__ == "__main__":
    main()
