"""A model of a ready feature table: its YAML file, which needs no `bank.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from crmml.config.bank_file import SourceFile, source_of
from crmml.config.card_file import card_words
from crmml.config.mapping import Shorthands, build, refuse_unknown_keys
from crmml.config.model_file import estimator_of
from crmml.config.reading import read_yaml
from crmml.errors import ConfigError
from crmml.evaluation.gates import Gates
from crmml.feature_table.columns import code_of
from crmml.feature_table.spec import Roles, TableSplit
from crmml.labels import Given
from crmml.modelling.spec import ModelSpec, ScorecardSpec, Tuning
from crmml.periods import Horizon, parse_day
from crmml.sources.spec import Source

EVERY_COLUMN = "*"


@dataclass(frozen=True)
class FlatFile(SourceFile):
    """Where the table lies: as a source of a bank; `relation` names the table in a DuckDB file of several."""

    relation: str | None = None


@dataclass(frozen=True)
class LabelRole:
    """The column that is foreseen, and its value that counts as the event (not needed for 0 and 1)."""

    column: str
    event: Any = None


@dataclass(frozen=True)
class TestRole:
    """Which rows are tested: cut-offs from `out_of_time` on, the `last` share of the rows, or, as published, a draw.

    `order` says what the rows are sorted by in time: a column, or `rows` for
    the order of the file. `share` (a stratified draw) and `folds` need
    `protocol: published`, and stamp every figure "not time-honest".
    """

    __test__ = False  # not a test of pytest's

    out_of_time: str | None = None
    last: Any = None
    order: str = "rows"
    protocol: Literal["published"] | None = None
    share: Any = None
    folds: int | None = None
    seed: int = 7
    holdout_buckets: int | None = None


@dataclass(frozen=True)
class TableFile:
    """The keys of a feature table's YAML file."""

    table: FlatFile
    label: LabelRole
    test: TestRole
    zh: str = ""
    en: str = ""
    key: str | None = None
    cutoff: str | None = None
    horizon: Horizon | None = None
    weight: str | None = None
    features: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    missing: Any = ()
    words: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    derive: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    estimator: Mapping[str, Any] = field(default_factory=dict)
    tuning: Tuning = field(default_factory=Tuning)
    gates: Gates = field(default_factory=Gates)
    scorecard: ScorecardSpec = field(default_factory=ScorecardSpec)


@dataclass(frozen=True)
class TableModel:
    """One model of a feature table, ready to train; `content` is its file as it was read."""

    key: str
    zh: str
    en: str
    spec: ModelSpec
    path: Path
    source: Source
    relation: str | None
    roles: Roles
    content: Mapping[str, Any]

    @property
    def split(self) -> TableSplit:
        """Which rows are tested, as the file asks."""
        assert isinstance(self.spec.split, TableSplit)
        return self.spec.split


def is_table(content: Mapping[str, Any]) -> bool:
    """Whether a YAML file is a model of a feature table."""
    return "table" in content


def load_table_model(path: Path, *, bank: str) -> TableModel:
    """The model of one YAML file with a `table`.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    return table_model(read_yaml(path), path, bank=bank)


def table_model(content: Mapping[str, Any], path: Path, *, bank: str) -> TableModel:
    """The model that the keys of a file describe; `path` names it in messages."""
    where, key = str(path), path.stem
    file = build(TableFile, content, where=where, shorthands=shorthands(where))
    split = _split(file, where=f"{where}: test")
    spec = ModelSpec(
        name=f"{bank}.{key}",
        target=Given(file.label.column),
        horizon=file.horizon,
        split=split,
        lightgbm=estimator_of(file.estimator, where=f"{where}: estimator"),
        tuning=file.tuning,
        gates=file.gates,
        scorecard=file.scorecard,
        card=card_words(file.card, where=f"{where}: card"),
    )
    source = source_of("table", file.table, where=f"{where}: table")
    roles = _roles(file, split, where=where)
    return TableModel(
        key, file.zh or file.en or key, file.en or key, spec, path, source, file.table.relation, roles, dict(content)
    )


def _roles(file: TableFile, split: TableSplit, *, where: str) -> Roles:
    both = [name for name in file.protected if name in file.features]
    if both:
        raise ConfigError(
            f"{where}: features has '{both[0]}', which protected: names too; a protected attribute is never a feature. "
            "Leave it out of features; reports show figures by it",
            code="C009",
        )
    event = None if file.label.event is None else code_of(file.label.event)
    by_row = split.kind == "last" and split.by == "rows"
    order = split.by if split.kind == "last" and not by_row else None
    return Roles(
        label=file.label.column,
        event=event,
        key=file.key,
        cutoff=file.cutoff,
        weight=file.weight,
        features=file.features,
        leave_out=file.leave_out,
        categories=file.categories,
        missing=_missing(file.missing, where=f"{where}: missing"),
        words={name: _words(given, where=f"{where}: words.{name}") for name, given in file.words.items()},
        groups=file.groups,
        order=order,
        protected=file.protected,
        derive=_derive(file.derive, where=f"{where}: derive"),
    )


def _split(file: TableFile, *, where: str) -> TableSplit:
    test = file.test
    asked = [name for name in ("out_of_time", "last", "share", "folds") if getattr(test, name) is not None]
    if len(asked) != 1:
        raise ConfigError(
            f"{where} has {', '.join(asked) or 'none'} of out_of_time, last, share, folds; expected exactly one: "
            "{out_of_time: 2025-04} with a `cutoff:` column, {last: 20%, order: rows} for rows in order of time, or "
            "{protocol: published, share: 30%} for rows drawn at random",
            code="C005",
        )
    if asked[0] in ("share", "folds") and test.protocol is None:
        raise ConfigError(
            f"{where}.{asked[0]} draws the test at random, which says nothing of later months; expected out_of_time or "
            "last, or, to compare with a paper, `protocol: published`, which stamps every figure so",
            code="C006",
        )
    if asked[0] in ("out_of_time", "last") and test.protocol is not None:
        raise ConfigError(
            f"{where} has protocol: published and {asked[0]}; expected share or folds with it, or no protocol",
            code="C006",
        )
    if test.out_of_time is not None:
        return _later(file, test, where=where)
    if test.last is not None:
        return TableSplit("last", share=_share(test.last, where=f"{where}.last"), seed=test.seed, by=test.order)
    if test.folds is not None:
        if not 2 <= test.folds <= 20:
            raise ConfigError(f"{where}.folds is {test.folds}; expected 2 to 20", code="C005")
        return TableSplit("folds", folds=test.folds, seed=test.seed)
    return TableSplit("random", share=_share(test.share, where=f"{where}.share"), seed=test.seed)


def _later(file: TableFile, test: TestRole, *, where: str) -> TableSplit:
    lacking = [name for name in ("cutoff", "horizon") if getattr(file, name) is None]
    if lacking:
        raise ConfigError(
            f"{where}.out_of_time needs {' and '.join(lacking)}; expected `cutoff:` with the column that holds the "
            "cut-off, and `horizon: {months: 3}`, how long after it the label is drawn, so that no training label "
            "reaches into the test",
            code="C011",
        )
    try:
        first = parse_day(test.out_of_time or "")
    except ValueError as error:
        raise ConfigError(f"{where}.out_of_time: {error}", code="C003") from error
    return TableSplit("later", first=first, seed=test.seed, holdout_buckets=test.holdout_buckets)


def _share(given: Any, *, where: str) -> float:
    """A share as 0.3 or 30%."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", given) if isinstance(given, str) else None
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    share = float(found[1]) / 100 if found else float(given) if is_number else -1.0
    if not 0 < share <= 0.9:
        raise ConfigError(f"{where} is {given!r}; expected a share above 0 and up to 0.9, as 30% or 0.3", code="C005")
    return share


def _test_from(text: Any, *, where: str) -> dict[str, Any]:
    """`last 20 %` as keys; other short forms are refused with those there are."""
    found = re.fullmatch(r"\s*last\s+(\d+(?:\.\d+)?\s*%)\s*", text) if isinstance(text, str) else None
    if not found:
        raise ConfigError(
            f"{where}: test is {text!r}; expected `last 20%` (rows in order of time), or keys such as "
            "{out_of_time: 2025-04}, {last: 20%, order: COLUMN}, {protocol: published, share: 30%, seed: 7}",
            code="C003",
        )
    return {"last": found[1]}


def _missing(given: Any, *, where: str) -> dict[str, tuple[str, ...]]:
    """Codes for "not known": a list for every column, or a list for each."""
    by_column = given if isinstance(given, Mapping) else {EVERY_COLUMN: given}
    codes = {}
    for column, listed in by_column.items():
        listed = list(listed) if isinstance(listed, list | tuple) else [listed]
        if any(isinstance(code, Mapping | list) for code in listed):
            raise ConfigError(
                f"{where}: {column} is {listed!r}; expected codes such as [unknown, -1], or {{COLUMN: [-1]}}",
                code="C003",
            )
        codes[str(column)] = tuple(code_of(code) for code in listed if code is not None)
    return {column: listed for column, listed in codes.items() if listed}


def _derive(given: Mapping[str, Any], *, where: str) -> dict[str, str]:
    """New features and their expressions; a bare number, as YAML reads one, is no expression."""
    for name, expression in given.items():
        if not isinstance(expression, str) or not expression.strip():
            raise ConfigError(
                f"{where}.{name} is {expression!r}; expected an expression over columns of the row, such as "
                "balance / credit_limit",
                code="C003",
            )
    return {str(name): expression.strip() for name, expression in given.items()}


def _words(given: Any, *, where: str) -> tuple[str, str]:
    """What a column is called in Chinese and in English."""
    if isinstance(given, str):
        return given, given
    if isinstance(given, Mapping):
        refuse_unknown_keys(given, ["zh", "en"], where=where)
        zh, en = given.get("zh"), given.get("en")
        if isinstance(zh or en, str) and isinstance(en or zh, str):
            return str(zh or en), str(en or zh)
    raise ConfigError(f"{where} is {given!r}; expected {{zh: 额度, en: limit}} or a text", code="C003")


def shorthands(where: str) -> Shorthands:
    """The short forms of a table's file; `where` names it in messages."""
    return {
        FlatFile: lambda text: {"path": text},
        LabelRole: lambda text: {"column": text},
        TestRole: lambda text: _test_from(text, where=where),
    }
