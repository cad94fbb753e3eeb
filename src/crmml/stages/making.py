"""One freshness test for every stage: what was made from the same inputs is not made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from crmml import __version__, files

Say = Callable[[str], None]

_LIBRARIES = ("duckdb", "ibis-framework", "lightgbm", "numpy", "pandas", "scikit-learn")


@dataclass(frozen=True)
class Step:
    """One folder of results about to be made, with the digests of all it is made from."""

    name: str
    folder: Path
    inputs: Mapping[str, str]

    @property
    def all_inputs(self) -> dict[str, str]:
        """The inputs and the code that turns them into a result."""
        return {**self.inputs, "code": code_version()}

    def is_fresh(self) -> bool:
        files.sweep(self.folder)
        return files.is_fresh(self.folder, kind=self.name, inputs=self.all_inputs)


def needs_making(step: Step, *, force: bool, say: Say) -> bool:
    """Whether the stage must run; says so either way."""
    return not say_fresh(step.name, not force and step.is_fresh(), say=say)


def say_fresh(name: str, fresh: bool, *, say: Say) -> bool:
    """Say whether a stage is up to date or begins; returns `fresh`."""
    say(f"{name:<9} up to date" if fresh else f"{name:<9} …")
    return fresh


def once(say: Say) -> Say:
    """`say` without lines that were said before: several stages stand on the same ground."""
    said: set[str] = set()

    def say_new(text: str) -> None:
        if text not in said:
            said.add(text)
            say(text)

    return say_new


@cache
def code_version() -> str:
    """The versions of crmml and of the libraries that decide its numbers."""
    return " ".join([f"crmml {__version__}", *(f"{name} {version(name)}" for name in _LIBRARIES)])


def digest_of_result(folder: Path, *, what: str, do: str) -> str:
    """The digest by which a later stage knows an earlier one's result."""
    return files.require_manifest(folder, what=what, do=do).digest()
