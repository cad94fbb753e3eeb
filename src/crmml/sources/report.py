"""What the checks at the door found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from crmml.errors import SourceError

Severity = Literal["error", "warning"]
EXAMPLES = 5


@dataclass(frozen=True)
class Issue:
    """One thing that is wrong, with the number of rows it is wrong on.

    `is_quarantined` says that these rows are set aside; an error that concerns
    no single rows (a missing column) cannot be. `is_stale` marks what a source
    lacks (a day, a branch), which `--strict` refuses.
    """

    severity: Severity
    code: str
    table: str
    column: str
    count: int
    message: str
    examples: tuple[str, ...] = ()
    is_quarantined: bool = False
    is_stale: bool = False

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


@dataclass(frozen=True)
class TableCheck:
    """Rows of one table: `rows = kept + quarantined`; `refused` of the quarantined broke a rule."""

    name: str
    rows: int
    kept: int
    quarantined: int
    refused: int


@dataclass(frozen=True)
class CheckReport:
    """All that the checks found, table by table."""

    bank: str
    tables: tuple[TableCheck, ...] = ()
    issues: tuple[Issue, ...] = ()
    tolerance: float = 0.0
    quarantine: str = field(default="", compare=False)

    @property
    def errors(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.severity == "error")

    @property
    def warnings(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.severity == "warning")

    @property
    def stale(self) -> tuple[Issue, ...]:
        """The warnings of days, branches or values that a source lacks."""
        return tuple(issue for issue in self.issues if issue.is_stale)

    @property
    def refusals(self) -> tuple[Issue, ...]:
        """The errors for which the bank is not opened: all but those on rows within the tolerance."""
        within = {table.name for table in self.tables if table.refused <= self.tolerance * table.rows}
        return tuple(issue for issue in self.errors if not (issue.is_quarantined and issue.table in within))

    def require_clean(self) -> None:
        """Let the bank be opened, or say everything that is in the way.

        Raises
        ------
        SourceError
            With all refusals, one a line; its code is that of the first.
        """
        refusals = self.refusals
        if not refusals:
            return
        if len(refusals) == 1 and not self.quarantine:
            raise SourceError(refusals[0].message, code=refusals[0].code)
        lines = "".join(f"\n  {issue}" for issue in refusals)
        aside = f"\n  the rows are in {self.quarantine}" if self.quarantine else ""
        raise SourceError(
            f"{self.bank}: {len(refusals)} {'fault' if len(refusals) == 1 else 'faults'} in the tables; "
            f"mend the source or its mapping in bank.yaml{lines}{aside}\n ",
            code=refusals[0].code,
        )
