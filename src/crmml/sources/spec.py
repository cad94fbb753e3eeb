"""A bank as its `bank.yaml` declares it: where the data lie and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crmml.errors import ConfigError

if TYPE_CHECKING:
    from crmml.economics.spec import Economics

Format = Literal["parquet", "csv", "duckdb", "sqlite", "postgresql"]
DATABASES: tuple[Format, ...] = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Source:
    """One file, one set of files (`*` in the path), or what one database holds.

    `options` of CSV files are those of `csv_files.DEFAULTS`, of Parquet files
    those of `parquet_files.OPTIONS`. A SQLite file and a PostgreSQL server give
    one `table`, or the rows of a `query` in their own SQL. `uri` of a server is
    the `${VARIABLE}` that holds its address and password, never these.
    """

    name: str
    path: str
    format: Format
    options: Mapping[str, Any] = field(default_factory=dict)
    uri: str = ""
    table: str = ""
    query: str = ""


@dataclass(frozen=True)
class ActivityMeasure:
    """One measure of the table `activity`: what it counts and how it adds up.

    A `flow` adds over periods, a `level` holds at the end of one.
    """

    name: str
    kind: Literal["level", "flow"]
    unit: Literal["money", "count", "days", "number", "share"]
    zh: str
    en: str
    concept: str = "activity"
    observed_from: date | None = None


@dataclass(frozen=True)
class BankSpec:
    """All that is declared about one bank.

    `observed_until` gives per canonical table the last day up to which its
    source is complete ("default" for the tables not named). `static` lists
    undated attributes that may be trained on ("customers.industry"),
    `protected` attributes that never are. `quarantine_tolerance` is the share
    of a table's rows that may be set aside before opening is refused.
    `days_off` lists days known to be without rows (the bank was closed);
    `group_relations` the relations that make customers one group (empty: all).
    """

    name: str
    title_zh: str
    title_en: str
    folder: Path
    sources: Mapping[str, Source]
    tables: Mapping[str, str]
    observed_until: Mapping[str, date]
    observed_from: Mapping[str, date] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    currency: str = "CNY"
    language: str = "zh"
    activity: tuple[ActivityMeasure, ...] = ()
    economics: Economics | None = None
    quarantine_tolerance: float = 0.0
    default_dpd: int = 90
    days_off: tuple[date, ...] = ()
    group_relations: tuple[str, ...] = ()
    loyalty_floor: float | None = None

    def last_day(self, table: str) -> date:
        """The day up to which `table` is complete.

        Raises
        ------
        ConfigError
            If neither the table nor "default" is given: the newest row does not
            tell when a source was complete.
        """
        day = self.observed_until.get(table, self.observed_until.get("default"))
        if day is None:
            raise ConfigError(
                f"{self.name}: observed_until says nothing of {table}; expected a date there or under 'default'",
                code="C010",
            )
        return day
