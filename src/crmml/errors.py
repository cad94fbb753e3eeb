"""Every error a user can meet, in one tree.

    CrmmlError                      exit code
    ├── UsageError                  2   the command line is wrong
    ├── ConfigError                 3   a YAML file is wrong
    ├── SourceError                 4   the bank's data break the contract
    ├── GateError                   5   a result is not good enough to go on
    │   └── LeakageError            5   a feature knows the future
    ├── NotFoundError               6   a model, customer or file is not there
    ├── BusyError                   7   another run holds the lock
    ├── IntegrityError              8   a stored file is not what was written
    └── BackendError                9   disk, database or registry failed

A message says what was found, what was expected and what to do; its code in
square brackets is stable and can be searched for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class CrmmlError(Exception):
    """Base of all errors that are the caller's to mend, not bugs."""

    exit_code = 1

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(f"{message} [{code}]")
        self.message = message
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was, from another process too."""
        return _again, (type(self), self.message, self.code)


def _again(kind: type[CrmmlError], message: str, code: str) -> CrmmlError:
    return kind(message, code=code)


class UsageError(CrmmlError):
    exit_code = 2


class ConfigError(CrmmlError):
    exit_code = 3


class SourceError(CrmmlError):
    exit_code = 4


class GateError(CrmmlError):
    exit_code = 5


class LeakageError(GateError):
    pass


class NotFoundError(CrmmlError):
    exit_code = 6


class BusyError(CrmmlError):
    exit_code = 7


class IntegrityError(CrmmlError):
    exit_code = 8


class BackendError(CrmmlError):
    exit_code = 9


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The nearest of `choices` as a sentence with a leading blank, or an empty text.

    >>> did_you_mean("balance", ["balances", "turnover"])
    " Did you mean 'balances'?"
    >>> did_you_mean("xyz", ["balances"])
    ''
    """
    near = difflib.get_close_matches(str(word), [str(choice) for choice in choices], n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def mask(identifier: object) -> str:
    """An id with all but its last three characters hidden, for messages and logs.

    >>> mask("C0001411")
    '***411'
    """
    return "***" + str(identifier)[-3:]
