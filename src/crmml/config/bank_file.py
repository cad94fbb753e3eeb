"""A bank's YAML file, `bank.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from crmml.config.mapping import Shorthands, build, refuse_unknown_keys
from crmml.config.reading import read_yaml
from crmml.economics.spec import Economics
from crmml.errors import ConfigError
from crmml.sources.contract import CONTRACT
from crmml.sources.locations import place_fault
from crmml.sources.spec import ActivityMeasure, BankSpec, Format, Source
from crmml.value.spec import ValueSpec

_SUFFIXES: Mapping[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".duckdb": "duckdb",
    ".db": "duckdb",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}


@dataclass(frozen=True)
class Names:
    """What a bank is called: by its files, in Chinese, in English."""

    name: str
    zh: str
    en: str

    def __post_init__(self) -> None:
        # The name makes folders of results: nothing that leads elsewhere.
        if not re.fullmatch(r"\w[\w-]{0,59}", self.name):
            raise ValueError(f"name is {self.name!r}; expected letters, digits, _ and -, at most 60, such as mybank")


@dataclass(frozen=True)
class SourceFile:
    """One source as YAML gives it; the format follows from the suffix unless it is given.

    A database gives one `table`, or the rows of a `query`; a server is named
    by `uri`, the `${VARIABLE}` that holds its address.
    """

    path: str = ""
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    uri: str = ""
    table: str = ""
    query: str = ""


@dataclass(frozen=True)
class DefaultRule:
    """When a loan counts as in default: so many days past due, or written off."""

    days_past_due: int = 90

    def __post_init__(self) -> None:
        if not 1 <= self.days_past_due <= 365:
            raise ValueError(f"days_past_due is {self.days_past_due}; expected 1 to 365")


@dataclass(frozen=True)
class Quarantine:
    """The share of a table's rows that may be set aside before the bank is refused."""

    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance is {self.tolerance}; expected a share of at least 0 and below 1")


@dataclass(frozen=True)
class LoyaltyRule:
    """What `crmml loyalty` needs beyond the data: the least average balance of whom `attrited` looks at."""

    floor: float | None = None

    def __post_init__(self) -> None:
        if self.floor is not None and self.floor <= 0:
            raise ValueError(f"floor is {self.floor}; expected an amount above 0")


@dataclass(frozen=True)
class BankFile:
    """The keys of `bank.yaml`."""

    bank: Names
    sources: Mapping[str, SourceFile]
    tables: Mapping[str, str]
    observed_until: Mapping[str, date]
    observed_from: Mapping[str, date] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    currency: str = "CNY"
    language: Literal["zh", "en"] = "zh"
    activity: tuple[ActivityMeasure, ...] = ()
    economics: Economics | None = None
    default: DefaultRule = field(default_factory=DefaultRule)
    quarantine: Quarantine = field(default_factory=Quarantine)
    days_off: tuple[date, ...] = ()
    group_relations: tuple[str, ...] = ()
    value: ValueSpec = field(default_factory=ValueSpec)
    loyalty: LoyaltyRule = field(default_factory=LoyaltyRule)


def read_bank_file(folder: Path) -> BankFile:
    """The keys of `folder/bank.yaml`, each of its kind; ConfigError with the place otherwise."""
    path = folder / "bank.yaml"
    shorthands: Shorthands = {SourceFile: lambda text: {"path": text}}
    return build(BankFile, read_yaml(path), where=str(path), shorthands=shorthands)


def load_bank(folder: Path) -> BankSpec:
    """The bank that `folder/bank.yaml` declares.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    where = str(folder / "bank.yaml")
    file = read_bank_file(folder)
    refuse_unknown_keys(file.tables, CONTRACT, where=f"{where}: tables")
    for key, given in (("observed_until", file.observed_until), ("observed_from", file.observed_from)):
        refuse_unknown_keys(given, [*CONTRACT, "default"], where=f"{where}: {key}")
    for key, attributes in (("static", file.static), ("protected", file.protected)):
        for attribute in attributes:
            _refuse_unknown_attribute(attribute, where=f"{where}: {key}")
    _refuse_late_begin(file, where=f"{where}: observed_from")
    return BankSpec(
        name=file.bank.name,
        title_zh=file.bank.zh,
        title_en=file.bank.en,
        folder=folder,
        sources={
            name: source_of(name, given, where=f"{where}: sources.{name}") for name, given in file.sources.items()
        },
        tables=file.tables,
        observed_until=file.observed_until,
        observed_from=file.observed_from,
        static=tuple(name if "." in name else f"customers.{name}" for name in file.static),
        protected=tuple(attribute.removeprefix("customers.") for attribute in file.protected),
        currency=file.currency,
        language=file.language,
        activity=file.activity,
        economics=file.economics,
        quarantine_tolerance=file.quarantine.tolerance,
        default_dpd=file.default.days_past_due,
        days_off=file.days_off,
        group_relations=file.group_relations,
        loyalty_floor=file.loyalty.floor,
    )


def source_of(name: str, given: SourceFile, *, where: str) -> Source:
    """One source; the format follows from the suffix unless it is given."""
    if given.uri:
        return _server(name, given, where=where)
    if not given.path:
        raise ConfigError(f"{where} has no path; expected one, or for a server uri: ${{VARIABLE}}", code="C011")
    if fault := place_fault(given.path):
        raise ConfigError(
            f"{where}.path {fault} ({given.path}); expected a path in the project folder, or one that begins with the "
            f"${{VARIABLE}} of a folder, such as ${{CRMML_DATA}}/file.csv",
            code="C007",
        )
    suffixes = [suffix for suffix in PurePosixPath(given.path.replace("*", "x")).suffixes if suffix != ".gz"]
    kind = given.format or _SUFFIXES.get(suffixes[-1].lower() if suffixes else "")
    known = sorted(set(_SUFFIXES.values()))
    if kind not in known:
        raise ConfigError(
            f"{where}: the format of {given.path} is {kind or 'not known from its name'}; "
            f"expected one of {', '.join(known)}, write `format:`",
            code="C003",
        )
    _require_selection(given, is_needed=kind == "sqlite", where=where)
    return Source(name, given.path, kind, given.options, table=given.table, query=given.query)  # type: ignore[arg-type]


def _server(name: str, given: SourceFile, *, where: str) -> Source:
    # What stands there instead may be a password: it is not shown.
    if not re.fullmatch(r"\$\{\w+\}", given.uri):
        raise ConfigError(
            f"{where}.uri is not one ${{VARIABLE}}; expected the name of the variable that holds the address, as it "
            "holds a password too, e.g. uri: ${CORE_BANK_URI}",
            code="C003",
        )
    if given.path or given.format not in (None, "postgresql"):
        raise ConfigError(f"{where} has uri and a path or another format; expected a server or a file", code="C003")
    _require_selection(given, is_needed=True, where=where)
    return Source(name, "", "postgresql", given.options, uri=given.uri, table=given.table, query=given.query)


def _require_selection(given: SourceFile, *, is_needed: bool, where: str) -> None:
    found = bool(given.table.strip()) + bool(given.query.strip())
    if found == is_needed:
        return
    if not is_needed:
        raise ConfigError(
            f"{where} has table or query, which only a SQLite file or a server has; select in the mapping", code="C003"
        )
    raise ConfigError(
        f"{where} has {'both' if found else 'neither'} table and query; expected one of them", code="C011"
    )


def _refuse_late_begin(file: BankFile, *, where: str) -> None:
    for table, first in file.observed_from.items():
        last = file.observed_until.get(table, file.observed_until.get("default"))
        if last is not None and first > last:
            raise ConfigError(
                f"{where}.{table} is {first}, after observed_until {last}; expected it before", code="C005"
            )


def _refuse_unknown_attribute(attribute: str, *, where: str) -> None:
    """An attribute is a column of customers, or `table.column`: a misspelt one would protect nothing."""
    table, _, column = attribute.rpartition(".")
    table = table or "customers"
    refuse_unknown_keys({table: None}, CONTRACT, where=where)
    refuse_unknown_keys({column: None}, CONTRACT[table].columns, where=f"{where}: {table}")
