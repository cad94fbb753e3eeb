"""Features computed from other columns of the same row: ratios, differences, summaries of a group of columns.

Expressions are DuckDB's. They see one row: nothing that counts over rows, reads
the clock or draws at random is let in, so a row has the same value alone, in
the training table and in a later batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

import duckdb
import numpy as np
import pandas as pd
import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from crmml.errors import ConfigError, did_you_mean
from crmml.sources.sql import identifier

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_BEYOND_THE_ROW = (exp.AggFunc, exp.Window, exp.Query, exp.Rand, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime)
_CHECKED_ROWS = 1_000
_NOT_OF_THE_ROW = "reaches beyond its own row"


def expanded(
    derive: Mapping[str, str], columns: Collection[str], groups: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Each expression over `columns` alone: a group is written out as the list of its columns, in the table's order.

    A name that is both a column and a group is the column. A later batch is computed by what this gives, so
    columns that appear in it later change nothing.

    Raises
    ------
    ConfigError
        C003 if an expression is none, or reaches beyond its row; C002 if it names what it may not read; C005 if a
        derived feature has the name of a column.
    """
    found = {}
    for name, expression in derive.items():
        if name in columns:
            raise ConfigError(f"derive.{name} has the name of a column of the table; expected another", code="C005")
        lists = {}
        for each in _named(name, expression):
            if each not in columns:
                lists[each] = _members(each, columns, groups, what=f"derive.{name}")
        found[name] = _written_out(expression, lists)
    return found


def columns_of(expression: str) -> list[str]:
    """The columns that an expanded expression reads, in its order."""
    parsed = sqlglot.parse_one(expression, dialect="duckdb")
    return list(dict.fromkeys(column.name for column in parsed.find_all(exp.Column)))


def derived(expressions: Mapping[str, str], values: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Every expanded expression on every row, as float64; null where it is no finite number (a division by zero, say).

    `values` are the columns that the expressions read, numbers or text with
    None, all with the index of the result.

    Raises
    ------
    ConfigError
        C003 if an expression cannot be computed, is no number, or differs where other rows are left out.
    """
    computed = {}
    for name, expression in expressions.items():
        frame = pd.DataFrame({each: values[each] for each in columns_of(expression)})
        whole = _evaluate(name, expression, frame)
        alone = _evaluate(name, expression, frame.iloc[:_CHECKED_ROWS:2])
        if not np.array_equal(alone, whole[:_CHECKED_ROWS:2], equal_nan=True):
            raise ConfigError(
                f"derive.{name}: {expression!r} {_NOT_OF_THE_ROW}: a row has another value where others are left out; "
                "expected a figure of the row alone",
                code="C003",
            )
        computed[name] = pd.Series(whole, index=frame.index, dtype=float)
    return computed


def _named(name: str, expression: str) -> list[str]:
    """The columns and groups an expression names; ConfigError where it is no figure of one row."""
    what = f"derive.{name}: {expression!r}"
    try:
        parsed = sqlglot.parse_one(expression, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise ConfigError(
            f"{what} is no expression; expected one such as balance / credit_limit", code="C003"
        ) from error
    if beyond := next(parsed.find_all(*_BEYOND_THE_ROW), None):
        raise ConfigError(
            f"{what} {_NOT_OF_THE_ROW} ({beyond.key}); expected a figure of the row alone, of several columns as "
            "list_avg(group), list_max(group), list_sum(group), list_stddev_pop(group)",
            code="C003",
        )
    names = columns_of(expression)
    if not names or parsed.find(exp.Star):
        raise ConfigError(f"{what} names no column; expected one such as balance / credit_limit", code="C003")
    return names


def _members(name: str, columns: Collection[str], groups: Mapping[str, Sequence[str]], *, what: str) -> tuple[str, ...]:
    members = tuple(each for each in columns if any(fnmatchcase(each, glob) for glob in groups.get(name, ())))
    if not members:
        known = [*columns, *groups]
        raise ConfigError(
            f"{what} names {name!r}, which is no feature column of the table and no group with one; expected one of "
            f"{', '.join(known[:12])}{' …' if len(known) > 12 else ''}.{did_you_mean(name, known)} A label, a key, a "
            "weight, a protected column or one left out cannot be read",
            code="C002",
        )
    return members


def _written_out(expression: str, lists: Mapping[str, Sequence[str]]) -> str:
    """The expression with lists in the place of groups; every other letter stays."""
    tokens = sqlglot.tokenize(expression, read="duckdb")
    text, end = "", 0
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        is_call = following is not None and following.token_type is TokenType.L_PAREN
        if token.token_type in (TokenType.VAR, TokenType.IDENTIFIER) and token.text in lists and not is_call:
            text += expression[end : token.start] + f"[{', '.join(map(identifier, lists[token.text]))}]"
            end = token.end + 1
    return text + expression[end:]


def _evaluate(name: str, expression: str, frame: pd.DataFrame) -> np.ndarray:
    """Float64 of shape (rows,), NaN where the result is null or not finite."""
    with duckdb.connect(config=_CONFIG) as connection:
        connection.execute("SET preserve_insertion_order = true")
        connection.register("given", frame)
        connection.execute("SET lock_configuration = true")
        try:
            told = connection.sql(f"SELECT CAST(({expression}\n) AS DOUBLE) AS value FROM given").to_arrow_table()
        except duckdb.Error as error:
            raise ConfigError(
                f"derive.{name}: {expression!r} cannot be computed ({str(error).splitlines()[0]}); expected a number "
                "from the columns of a row",
                code="C003",
            ) from error
    values = told["value"].to_numpy(zero_copy_only=False).astype(float)
    return np.where(np.isfinite(values), values, np.nan)
