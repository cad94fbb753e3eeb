"""Where the time of a build of features goes: seconds by stage, to be read when a goal is missed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from crmml.features import kernel, states
from crmml.features.build import Build
from crmml.features.compute import Computation

#: Stage, and the method whose time it is; an indented one is part of the stage above it.
STAGES: tuple[tuple[str, Any, str], ...] = (
    ("what is asked for, snapshots read", Build, "__init__"),
    ("streams planned", Computation, "__init__"),
    ("stage 1: states by SQL", states.StatesOf, "read"),
    ("  of that, put into words", states.StatesOf, "_view"),
    ("stage 2: cells found", kernel.Cube, "__init__"),
    ("stage 2: sums over windows", kernel.Cube, "_totals"),
    ("stage 2: extremes", kernel.Cube, "extreme"),
    ("table (with stages 1 and 2)", Build, "table"),
)


def stages_of(build: Callable[[], Any], *, rounds: int = 3) -> str:
    """Seconds of each stage of a build, the mean of some rounds, as one line."""
    build()
    spent: dict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        for label, owner, name in STAGES:
            stack.enter_context(_timed(spent, label, owner, name))
        for _ in range(rounds):
            build()
    return "; ".join(f"{label.strip()} {spent[label] / rounds:.3g} s" for label, *_ in STAGES)


@contextmanager
def _timed(spent: dict[str, float], label: str, owner: Any, name: str) -> Iterator[None]:
    original = getattr(owner, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            spent[label] += time.perf_counter() - began

    with patch.object(owner, name, timed):
        yield
