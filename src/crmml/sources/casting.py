"""From what a mapping gives to the types of the contract, and what cannot be cast.

Nothing is mended: a value that is not plainly of its type gives null in the
typed view and a fault in the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crmml.errors import did_you_mean
from crmml.sources.contract import SQL_TYPES, Column, TableContract
from crmml.sources.report import Issue, Severity
from crmml.sources.sql import identifier, quoted

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_SCIENTIFIC = r"[+-]?\d(\.\d+)?[eE]\+?\d+"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?"
# A clock time with a zone: which day it is depends on whose day is meant.
_ZONED = r"\d{4}-\d{2}-\d{2}[ T][\d:.,]+ ?([Zz]|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
_NOT_FINITE = "('nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity')"
EMPTY = "NULL"  # the type of a column without a single value, whatever DuckDB calls it
_FLOATS = ("FLOAT", "DOUBLE")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


@dataclass(frozen=True)
class Rule:
    """A condition that no row of the typed view may meet.

    `value` is what the message shows of a row; ids are masked in it.
    """

    code: str
    column: str
    condition: str
    told: str
    value: str
    severity: Severity = "error"
    is_id: bool = False


def column_faults(contract: TableContract, given: Mapping[str, str]) -> list[Issue]:
    """What is wrong with the names and types of the columns a mapping gives."""
    issues = []
    for name in given:
        if name not in contract.columns:
            told = f"{name} is not a column of {contract.name}.{did_you_mean(name, contract.columns)}"
            issues.append(_fault("D028", contract, name, f"{told} Rename it, or leave it out of the mapping"))
    for name in contract.required:
        if name not in given:
            near = did_you_mean(name, [other for other in given if other not in contract.columns])
            told = f"{name} is required and missing; the mapping gives {', '.join(given)}.{near}"
            issues.append(_fault("D003", contract, name, told))
    for name, column in contract.columns.items():
        if name in given and (fault := _type_fault(column, given[name])):
            issues.append(_fault(fault[0], contract, name, f"{name} is {given[name]}; {fault[1]}"))
    return issues


def _fault(code: str, contract: TableContract, column: str, told: str) -> Issue:
    return Issue("error", code, contract.name, column, 0, f"{contract.name}: {told}")


def _type_fault(column: Column, given: str) -> tuple[str, str] | None:
    if given == EMPTY:
        return None
    if column.type == "text" and given in _FLOATS:
        return "D024", "expected text: a float has lost the digits of a long id and its leading zeros"
    if column.type == "date" and "TIME ZONE" in given:
        return "D011", "expected a date: say whose days, e.g. CAST(x AT TIME ZONE 'Asia/Shanghai' AS DATE)"
    if column.type == "date" and not (given.startswith(("DATE", "TIMESTAMP")) or given == "VARCHAR"):
        return "D008", "expected a date or a text such as 2025-10-31, e.g. strptime(CAST(x AS VARCHAR), '%Y%m%d')"
    if given.endswith("]") or given.startswith(("STRUCT", "MAP", "UNION", "BLOB", "UUID[", "BIT")):
        return "D023", f"expected {column.type}"
    return None


def usable(contract: TableContract, given: Mapping[str, str]) -> dict[str, str]:
    """The columns that the row checks can look at, with the types they come in."""
    return {
        name: given[name]
        for name, column in contract.columns.items()
        if name in given and _type_fault(column, given[name]) is None
    }


def typed_columns(contract: TableContract, given: Mapping[str, str]) -> str:
    """The select list of the typed view: every contract column, and the raw one beside it."""
    columns = usable(contract, given)
    typed = []
    for name, column in contract.columns.items():
        value = typed_value(f"m.{identifier(name)}", column, columns[name]) if name in columns else "NULL"
        typed.append(f"CAST({value} AS {SQL_TYPES[column.type]}) AS {identifier(name)}")
        typed.append((f"m.{identifier(name)}" if name in columns else "NULL") + f" AS {identifier('raw ' + name)}")
    return ", ".join(typed)


def typed_value(raw: str, column: Column, given: str) -> str:
    """SQL of the typed value, null where it cannot be cast."""
    kind, target = column.type, SQL_TYPES[column.type]
    if given == EMPTY:
        return "NULL"
    if given == "VARCHAR" and kind == "date":
        return f"CASE WHEN regexp_full_match({raw}, {quoted(_ISO_DATE)}) THEN TRY_CAST(left({raw}, 10) AS DATE) END"
    if given == "VARCHAR" and kind in ("money", "rate", "number"):
        return f"CASE WHEN regexp_full_match({raw}, {quoted(_NUMBER)}) THEN TRY_CAST({raw} AS {target}) END"
    if given == "VARCHAR" and kind == "integer":
        return f"CASE WHEN regexp_full_match({raw}, '[+-]?\\d+') THEN TRY_CAST({raw} AS BIGINT) END"
    if given in _FLOATS and kind == "integer":
        return f"CASE WHEN {raw} = floor({raw}) THEN TRY_CAST({raw} AS BIGINT) END"
    if given in (*_WHOLE, *_FLOATS) and kind == "boolean":
        return f"CASE {raw} WHEN 1 THEN true WHEN 0 THEN false END"
    return f"TRY_CAST({raw} AS {target})"


def value_rules(contract: TableContract, given: Mapping[str, str]) -> Iterator[Rule]:
    """The rules on single values of a table."""
    for name, kind in usable(contract, given).items():
        column = contract.columns[name]
        raw, typed = identifier("raw " + name), identifier(name)
        yield from _cast_rules(name, column, kind, raw, typed)
        if column.required:
            empty = f"{raw} IS NULL OR CAST({raw} AS VARCHAR) = ''"
            yield Rule("D035", name, empty, "is empty; every row needs one", value="NULL")
        if column.choices:
            listed = ", ".join(quoted(choice) for choice in column.choices)
            told = f"is not one of {', '.join(column.choices)}"
            yield Rule("D029", name, f"{typed} <> '' AND {typed} NOT IN ({listed})", told, value=typed)
        if column.minimum is not None:
            told = f"is below {column.minimum:g}; expected at least that"
            yield Rule("D034", name, f"{typed} < {column.minimum}", told, value=typed)
        if column.type == "rate":
            told = "is above 1, which reads as a percentage; expected a fraction such as 0.035"
            yield Rule("D031", name, f"isfinite({typed}) AND abs({typed}) > 1", told, value=typed)
        if column.type == "money":
            fine = f"TRY_CAST({raw} AS DECIMAL(38, 8))"
            told = "has more than two decimals and was rounded to cents"
            yield Rule("W112", name, f"abs({fine} - {typed}) > 0.00001", told, value=raw, severity="warning")


def _cast_rules(name: str, column: Column, given: str, raw: str, typed: str) -> Iterator[Rule]:
    is_text, is_id = given == "VARCHAR", name.endswith("_id")
    present = f"{raw} IS NOT NULL" + (f" AND {raw} <> ''" if is_text else "")
    failed = f"{present} AND {typed} IS NULL"
    if column.type == "text":
        if is_text and is_id:
            told = "is in scientific notation, so digits are lost; export ids as text"
            yield Rule("D024", name, f"regexp_full_match({raw}, {quoted(_SCIENTIFIC)})", told, value=raw, is_id=True)
    elif column.type == "date":
        odd = f"({typed} IS NOT NULL AND (isinf({typed}) OR year({typed}) < 1800))"
        if is_text:
            zoned = f"({present} AND regexp_full_match({raw}, {quoted(_ZONED)}))"
            told = "carries a time zone; say whose days, e.g. CAST(CAST(x AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Shanghai' AS DATE)"
            yield Rule("D011", name, zoned, told, value=raw)
            failed = f"({failed} AND NOT {zoned})"
        told = "is no date; expected 2025-10-31, or say options: {columns: {...: DATE}, dateformat: ...} at the source"
        yield Rule("D008", name, f"({failed}) OR {odd}", told, value=raw)
    elif column.type == "boolean":
        yield Rule("D023", name, failed, "is not boolean; expected true or false, 1 or 0", value=raw)
    elif column.type == "integer":
        yield Rule("D023", name, failed, "is no whole number; expected digits only", value=raw)
    else:
        yield from _amount_rules(name, column, is_text, raw, typed, failed)


def _amount_rules(name: str, column: Column, is_text: bool, raw: str, typed: str, failed: str) -> Iterator[Rule]:
    huge = "too large for money" if column.type == "money" else "not finite"
    told = f"is not finite or {huge}; expected a plain number"
    if is_text:
        numeric = f"(lower({raw}) IN {_NOT_FINITE} OR regexp_full_match({raw}, {quoted(_NUMBER)}))"
        endless = f"({typed} IS NOT NULL AND NOT isfinite(CAST({typed} AS DOUBLE)))"
        yield Rule("D013", name, f"({failed} AND {numeric}) OR {endless}", told, value=raw)
        written = "is no plain number; expected digits with a point, no thousands, sign of currency or %"
        yield Rule("D012", name, f"{failed} AND NOT {numeric}", written, value=raw)
    else:
        endless = f"NOT isfinite(CAST({raw} AS DOUBLE))"
        yield Rule("D013", name, f"({failed}) OR ({raw} IS NOT NULL AND {endless})", told, value=raw)
