"""The figures as they are kept, `docs/results.json`: one entry a data set, from which the page is always written whole."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.results.row import Result, from_json, to_json

LIBRARIES = ("crmml", "lightgbm", "scikit-learn", "optuna", "numpy", "pandas", "pyarrow", "duckdb", "ibis-framework")


@dataclass(frozen=True)
class Measured:
    """A data set's results, with what they depend on."""

    results: tuple[Result, ...]
    sha256: Mapping[str, str]
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "results": [to_json(result) for result in self.results],
            "sha256": dict(self.sha256),
            "versions": dict(self.versions),
        }


@dataclass(frozen=True)
class Stored:
    """What has been measured, by data set; and the data sets whose folder was not there."""

    measured: Mapping[str, Measured]
    skipped: Sequence[str] = ()


def read(path: Path) -> Stored:
    """The stored figures; nothing where there is no file."""
    if not path.exists():
        return Stored({})
    told = json.loads(path.read_text(encoding="utf-8"))
    measured = {name: _measured(entry) for name, entry in told["measured"].items()}
    return Stored(measured, tuple(told["skipped"]))


def text_of(stored: Stored) -> str:
    """The file's text: names in order, no clock time, so that the same figures are the same bytes."""
    measured = {name: stored.measured[name].to_json() for name in sorted(stored.measured)}
    told = {"measured": measured, "skipped": sorted(stored.skipped)}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _measured(entry: Mapping[str, Any]) -> Measured:
    return Measured(tuple(from_json(one) for one in entry["results"]), entry["sha256"], entry["versions"])


def versions() -> dict[str, str]:
    """Python and the libraries that figures depend on."""
    return {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every data file of a folder; texts that describe it are left out."""
    kept = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".md"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}
