"""What a run could not make: it goes on with all that does not need it, and ends with the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crmml.errors import ConfigError, CrmmlError, GateError, LeakageError, NotFoundError, SourceError
from crmml.stages.making import Say

POSTPONED = (ConfigError, SourceError, GateError, NotFoundError)
"""Errors of one model or list, which say nothing against the others. A leak, a full disk or a busy bank end a run at once."""


class Faults:
    """The errors of a run, in the order they were met; the same one twice counts once."""

    def __init__(self, say: Say) -> None:
        self.found: list[CrmmlError] = []
        self._say = say

    @contextmanager
    def postponed(self, what: str) -> Iterator[None]:
        """Keep the error of a part for the end of the run."""
        try:
            yield
        except LeakageError:
            raise
        except POSTPONED as error:
            if str(error) not in map(str, self.found):
                self.found.append(error)
            self._say(f"{what:<9} not made; the run goes on and ends with the reason")

    def end(self) -> None:
        """Raise what was kept: one error as it is, several as one of the first one's kind with all reasons."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            told = "\n  ".join(str(error) for error in self.found)
            first = self.found[0]
            raise type(first)(f"{len(self.found)} parts of this run were not made:\n  {told}\n ", code=first.code)
