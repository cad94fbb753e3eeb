"""Work done side by side in processes of its own: each says its lines, and they are told in the order of a run.

Processes are forked from one that has only imported crmml, before any library
holds threads, and are ready while the first stages still run.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import forkserver
from typing import Any

from crmml.errors import BackendError, CrmmlError
from crmml.stages.making import Say

PRELOADED = ("crmml.stages.run",)
Work = Callable[..., object]


@dataclass(frozen=True)
class Hands:
    """Processes that take work, so many at once; without any, work is done where it is told."""

    count: int = 1
    pool: ProcessPoolExecutor | None = None

    def begin(self, work: Work, *given: Any, **asked: Any) -> Callable[[Say], None]:
        """Begin a piece of work that takes `say`; the answer ends it: it waits, says its lines and raises its error.

        `work` and what it is given are sent to another process, so they are data and functions of a module.
        """
        if self.pool is None:
            return partial(_do, work, given, asked)
        return partial(_end, self.pool.submit(_heard, work, given, asked))


@contextmanager
def hands(count: int, *, preloaded: Sequence[str] = PRELOADED) -> Iterator[Hands]:
    """So many processes that know the `preloaded` modules; whoever is at work is stopped if the block ends with an error."""
    if count < 2:
        yield Hands()
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preloaded))
    forkserver.ensure_running()
    pool = ProcessPoolExecutor(count, mp_context=context)
    try:
        yield Hands(count, pool)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    pool.shutdown()


def _do(work: Work, given: tuple[Any, ...], asked: dict[str, Any], say: Say) -> None:
    work(*given, say=say, **asked)


def _heard(work: Work, given: tuple[Any, ...], asked: dict[str, Any]) -> tuple[list[str], CrmmlError | None]:
    """The lines of a piece of work done here, and the error that ended it."""
    said: list[str] = []
    try:
        work(*given, say=said.append, **asked)
    except CrmmlError as error:
        return said, error
    return said, None


def _end(begun: Future[tuple[list[str], CrmmlError | None]], say: Say) -> None:
    try:
        said, error = begun.result()
    except BrokenProcessPool as broken:
        raise BackendError(
            "a process that worked beside this one ended without a word, as the system does when memory is short; "
            "expected it to finish. Run again: what is made is kept, and --jobs 1 takes less",
            code="E003",
        ) from broken
    for line in said:
        say(line)
    if error is not None:
        raise error
