"""Every way a file can be wrong, through `crmml check`: its code, its exit code, what it says, and nothing left behind."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sources.front_door import crmml, lay_bank

HEADER = "customer_id,kind,joined_on\n"
GBK = (HEADER + "C000,厦门,2020-01-01\n").encode("gbk")
MONTHS = "account_id,balance_on,balance\nA{n:03},2025-0{n}-28,{n}00.00\n"


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return held.getvalue()


def customers(content: bytes | str, name: str = "customers.csv") -> Callable[[Path], None]:
    """Replace the customers by a file of this content."""

    def spoil(root: Path) -> None:
        (root / "data" / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return spoil


def monthly(**files: bytes | str) -> Callable[[Path], None]:
    """Four sound months of balances, some replaced: `m3="..."` is the third."""

    def lay(root: Path) -> None:
        folder = root / "data" / "balances"
        folder.mkdir()
        for n in range(1, 5):
            content = files.get(f"m{n}", MONTHS.format(n=n))
            data = content if isinstance(content, bytes) else content.encode()
            (folder / f"2025-0{n}.csv").write_bytes(data)

    return lay


def parquet_months(third: dict[str, Any]) -> Callable[[Path], None]:
    def lay(root: Path) -> None:
        folder = root / "data" / "balances"
        folder.mkdir()
        for n in range(1, 5):
            sound = {"account_id": [f"A{n:03}"], "balance_on": [f"2025-0{n}-28"], "balance": [float(n)]}
            pq.write_table(pa.table(third if n == 3 else sound), folder / f"2025-0{n}.parquet")

    return lay


def link_out(root: Path) -> None:
    outside = root.parent / f"{root.name}-outside"
    outside.mkdir()
    (outside / "customers.csv").write_text(HEADER)
    (root / "data" / "customers.csv").unlink()
    (root / "data" / "customers.csv").symlink_to(outside / "customers.csv")


def sqlite_customers(*rows: tuple[Any, ...]) -> Callable[[Path], None]:
    def lay(root: Path) -> None:
        with sqlite3.connect(root / "data" / "core.sqlite") as database:
            database.execute("CREATE TABLE cust (customer_id NUMERIC, kind TEXT)")
            database.executemany("INSERT INTO cust VALUES (?, ?)", rows)
        database.close()

    return lay


BALANCES = {"raw_balances": {"path": "data/balances/*.csv"}}
PARQUET = {"raw_balances": {"path": "data/balances/*.parquet"}}
PACKED = {"raw_customers": {"path": "data/customers.csv.gz"}}
CORE = {"raw_customers": {"path": "data/core.sqlite", "table": "cust"}}
ZEROS = gzip.compress(HEADER.encode() + b"0" * 70_000_000)


def parquet_bytes(**columns: Any) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table(columns), held)
    return held.getvalue()


@dataclass(frozen=True)
class Case:
    """A spoilt bank, the code and exit code that tell of it, and words that must be in the message."""

    name: str
    spoil: Callable[[Path], None]
    code: str
    words: tuple[str, ...]
    exit_code: int = 4
    sources: dict[str, Any] = field(default_factory=dict)


def _csv(path: str, **options: Any) -> dict[str, Any]:
    return {"raw_customers": {"path": path, "options": options}}


CASES = [
    # B-01 to B-04: missing, empty, missing and repeated columns
    Case("no file", lambda root: (root / "data/customers.csv").unlink(), "D001", ("sources.raw_customers.path",)),
    Case("no bytes", customers(""), "D002", ("customers.csv is empty",)),
    Case("a mark of the byte order alone", customers(b"\xef\xbb\xbf"), "D002", ("customers.csv is empty",)),
    Case("a header alone", customers(HEADER), "D002", ("customers: the table has 0 rows",)),
    Case("another name", customers("cust_id,kind\nC0,person\n"), "D003", ("customer_id is required", "'cust_id'")),
    Case("a name twice", customers("customer_id,kind,kind\nC0,a,b\n"), "D004", ("repeats kind",)),
    Case("a name twice but for case", customers("customer_id,Kind,kind\nC0,a,b\n"), "D004", ("repeats kind",)),
    Case("no name", customers("customer_id,,kind\nC0,a,b\n"), "D003", ("no name for column 2",)),
    # B-25: encodings and bytes that no text has
    Case("GBK declared UTF-8", customers(GBK), "D025", ("from byte 32 on", "reads as gb18030", "encoding: gbk")),
    Case(
        "UTF-8 declared GBK",
        customers(HEADER + "C000,厦门,2020-01-01\n"),
        "D025",
        ("declared gbk and is utf-8",),
        sources=_csv("data/customers.csv", encoding="gbk"),
    ),
    Case("UTF-16", customers((HEADER + "C000,a,\n").encode("utf-16")), "D025", ("byte 0", "reads as utf-16")),
    Case("two encodings in one file", customers((HEADER + "C0,厦门,\n").encode() + GBK), "D025", ("joined",)),
    Case("a cut character", customers((HEADER + "C000,厦").encode()[:-1]), "D025", ("from byte",)),
    Case("a NUL byte", customers(HEADER + "C000,a\0b,\n"), "D025", ("NUL byte", "byte 33", "line 2")),
    Case("a lone carriage return", customers(HEADER + "C000,a,\rC001,b,\n"), "D025", ("carriage return", "line 2")),
    Case("an old Macintosh's lines", customers("customer_id,kind\rC0,a\r"), "D025", ("carriage return", "byte 16")),
    Case("mixed line ends", customers("customer_id,kind\r\nC0,a\nC1,b\r\n"), "D026", ("mixes line ends",)),
    # B-26: quotes and lengths
    Case("an open quote", customers(HEADER + 'C000,"a,\nC001,b,\n'), "D026", ("a quote opens in line 2",)),
    Case("an open quote in a long file", customers(HEADER + 'C0,"a,\n' + "C1,b,\n" * 400_000), "D026", ("line 2",)),
    Case("a cell of 10 MB", customers(HEADER + f'C000,"{"z" * 10_000_000}",\n'), "D026", ("line 2", "2 MB")),
    Case("too many cells", customers(HEADER + "C000,a,,,x\n"), "D026", ("line 2", "4 cells, expected 3")),
    Case("an open quote in the header", customers('"customer_id,kind\nC0,a\n' * 9), "D026", ("header, line 1",)),
    # B-27: files that are not what their names say, and bombs
    Case("Excel named CSV", customers(_zip()), "D027", ("zip or Excel", "export it as CSV")),
    Case("gzip named CSV", customers(gzip.compress(HEADER.encode())), "D027", ("is gzip", ".csv.gz")),
    Case("Parquet named CSV", customers(parquet_bytes(a=[1])), "D027", ("is Parquet", "format: parquet")),
    Case("CSV named gzip", customers(HEADER, "customers.csv.gz"), "D027", ("expected gzip",), sources=PACKED),
    Case(
        "a cut gzip",
        customers(gzip.compress(HEADER.encode() * 50)[:-9], "customers.csv.gz"),
        "D027",
        ("no whole gzip file",),
        sources=PACKED,
    ),
    Case("a bomb", customers(ZEROS, "customers.csv.gz"), "D027", ("unpacks to more than 250 times",), sources=PACKED),
    Case(
        "text named Parquet",
        customers(HEADER, "c.parquet"),
        "D027",
        ("not one by its first bytes; expected Parquet",),
        sources=_csv("data/c.parquet"),
    ),
    Case(
        "a cut Parquet file",
        customers(parquet_bytes(customer_id=["C000"])[:-30], "c.parquet"),
        "D027",
        ("it was cut off",),
        sources=_csv("data/c.parquet"),
    ),
    Case(
        "a Parquet file of noise between its marks",
        customers(b"PAR1" + b"\x07" * 64 + b"PAR1", "c.parquet"),
        "D027",
        ("not a readable Parquet file",),
        sources=_csv("data/c.parquet"),
    ),
    Case(
        "a nested column",
        customers(parquet_bytes(customer_id=["C000"], name=[["a", "b"]]), "c.parquet"),
        "D023",
        ("name is VARCHAR[]", "expected text"),
        sources=_csv("data/c.parquet"),
    ),
    # B-23, B-24: types
    Case(
        "long ids as floats",
        customers(parquet_bytes(customer_id=[6.2e18, 6.3e18]), "c.parquet"),
        "D024",
        ("lost the digits of a long id",),
        sources=_csv("data/c.parquet"),
    ),
    Case("ids through a spreadsheet", customers("customer_id\n6.22E+18\n"), "D024", ("scientific notation",)),
    Case(
        "text where numbers were",
        parquet_months({"account_id": ["A003"], "balance_on": ["2025-03-28"], "balance": ["three"]}),
        "D023",
        ("2025-03.parquet has balance as text, 2025-01.parquet as float",),
        sources=PARQUET,
    ),
    # F-15: a folder whose files differ
    Case(
        "a column renamed in March",
        monthly(m3="account_id,balance_on,bal_amt\nA003,2025-03-28,1\n"),
        "D003",
        ("2025-03.csv has no column balance", "it has bal_amt"),
        sources=BALANCES,
    ),
    Case(
        "a column renamed in a Parquet file",
        parquet_months({"account_id": ["A003"], "balance_on": ["2025-03-28"], "balances": [3.0]}),
        "D003",
        ("2025-03.parquet has no column balance", "Did you mean 'balances'?"),
        sources=PARQUET,
    ),
    Case(
        "a column more in April",
        monthly(m4="account_id,balance_on,balance,branch\nA004,2025-04-28,1,b\n"),
        "D003",
        ("2025-04.csv has the column branch", "options.optional"),
        sources=BALANCES,
    ),
    Case("an empty file among others", monthly(m2=""), "D002", ("2025-02.csv is empty",), sources=BALANCES),
    Case(
        "two encodings in a folder",
        monthly(m2="account_id,balance_on,balance,客户\n".encode("gbk")),
        "D025",
        ("2025-02.csv is declared utf-8 and is not",),
        sources=BALANCES,
    ),
    # B-37, B-38: paths
    Case("up", lambda root: None, "C007", ("goes up with ..",), 3, _csv("../customers.csv")),
    Case("absolute", lambda root: None, "C007", ("is absolute",), 3, _csv("/etc/passwd", delimiter=":")),
    Case("up from a variable", lambda root: None, "C007", ("goes up",), 3, _csv("${CRMML_DATA}/../x.csv")),
    Case("a link out of the project", link_out, "C007", ("leads out of the folders",), 3),
    Case("a variable that is not set", lambda root: None, "C008", ("${NO_FOLDER}",), 3, _csv("${NO_FOLDER}/x.csv")),
    # SQLite
    Case("no SQLite", customers(HEADER, "core.sqlite"), "D027", ("expected SQLite",), sources=CORE),
    Case("a SQLite of no bytes", customers("", "core.sqlite"), "D027", ("is empty",), sources=CORE),
    Case(
        "SQLite named DuckDB",
        sqlite_customers((1, "a")),
        "D027",
        ("is SQLite", "format: sqlite"),
        sources={"raw_customers": {"path": "data/core.sqlite", "format": "duckdb"}},
    ),
    Case(
        "no such table",
        sqlite_customers((1, "a")),
        "D001",
        ("no table custt", "Did you mean 'cust'?"),
        sources={"raw_customers": {"path": "data/core.sqlite", "table": "custt"}},
    ),
    Case(
        "ids of two types",
        sqlite_customers((1, "a"), ("C02", "b")),
        "D023",
        ("customer_id of core.sqlite holds whole numbers on 1 and text on 1 rows", "CAST"),
        sources=CORE,
    ),
    Case(
        "neither table nor query",
        sqlite_customers((1, "a")),
        "C011",
        ("neither table and query",),
        3,
        {"raw_customers": {"path": "data/core.sqlite"}},
    ),
    # Options
    Case(
        "two unknown encodings",
        lambda r: None,
        "C003",
        ("utf-8 and one other",),
        3,
        _csv("data/customers.csv", encoding=["gbk", "big5"]),
    ),
    Case("a wrong option", lambda r: None, "C002", ("'delimiter'",), 3, _csv("data/customers.csv", delimeter=";")),
    Case(
        "a long mark of decimals",
        lambda r: None,
        "C003",
        ("one character",),
        3,
        _csv("data/customers.csv", decimal=",,"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_wrong_file_is_refused_and_nothing_is_left(case, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("NO_FOLDER", raising=False)
    monkeypatch.setenv("CRMML_DATA", str(tmp_path / "data"))
    tables = {"balances": "SELECT * FROM raw_balances"} if "raw_balances" in case.sources else {}
    lay_bank(tmp_path, case.sources, tables)
    case.spoil(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    code, out, err = crmml(monkeypatch, capsys, tmp_path, "check", "configs/small")

    assert code == case.exit_code, err
    assert f"[{case.code}]" in err
    for word in case.words:
        assert word in err
    assert "Traceback" not in err + out
    assert str(tmp_path) not in err
    assert "C001" not in err  # no other row's contents
    assert sorted(tmp_path.rglob("*")) == before
