"""Sources are read as they stand, or refused with the place of the fault and none of the contents."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmml.errors import ConfigError
from crmml.sources.bank import connect
from crmml.sources.ingest import inputs_of
from crmml.sources.locations import files_of
from crmml.sources.mapping import open_mapped
from crmml.sources.readers import attach
from crmml.sources.spec import Source
from tests.tables import spec


def view(tmp_path, name, content, **options):
    """The rows and column names of a CSV file, and what is wrong with it."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = Source("raw", str(path), "csv", options)
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    connection = duckdb.connect()
    issues = attach(connection, {"raw": source}, scratch)
    if issues:
        return None, [str(issue) for issue in issues]
    return connection.sql("FROM raw").fetchall(), []


def test_ids_keep_their_leading_zeros_and_empty_cells_are_null(tmp_path):
    assert view(tmp_path, "a.csv", "id,x\n001,\n002,5\n") == ([("001", None), ("002", "5")], [])


def test_gzip_and_a_byte_order_mark_are_read(tmp_path):
    content = gzip.compress(b"\xef\xbb\xbfid,x\n1,2\n")
    assert view(tmp_path, "a.csv.gz", content) == ([("1", "2")], [])


def test_gbk_is_read_when_it_is_declared(tmp_path):
    content = "id,name\n1,厦门\n".encode("gbk")
    assert view(tmp_path, "a.csv", content, encoding="gbk") == ([("1", "厦门")], [])


def test_another_delimiter_null_text_and_date_format(tmp_path):
    content = "id;day\n1;31/12/2025\n2;31/02/2025\n3;NA\n"
    options = {"delimiter": ";", "nullstr": "NA", "dateformat": "%d/%m/%Y", "columns": {"day": "DATE"}}
    rows, _ = view(tmp_path, "a.csv", content, **options)
    assert rows == [("1", "2025-12-31"), ("2", "31/02/2025"), ("3", None)]


def test_a_file_without_header_has_numbered_columns(tmp_path):
    assert view(tmp_path, "a.csv", "1,2\n3,4\n", header=False)[0] == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("id,name\n1,厦门\n".encode("gbk"), {}, "is declared utf-8 and is not, from byte 10 on; it reads as gb18030"),
        (b"id,name\n1,\xff\xff\n", {"encoding": "gbk"}, "is declared gbk and is not, from byte 10 on"),
        (b"", {}, "a.csv is empty; expected a header and rows [D002]"),
        (b"id,id\n1,2\n", {}, "the header of a.csv repeats id; expected each name once [D004]"),
    ],
)
def test_a_broken_file_is_refused_when_it_is_opened(tmp_path, content, options, told):
    rows, issues = view(tmp_path, "a.csv", content, **options)
    assert rows is None
    assert told in issues[0]


def test_a_missing_file_names_its_key(tmp_path):
    source = Source("core_cust", str(tmp_path / "nothing.parquet"), "parquet")
    (issue,) = attach(duckdb.connect(), {"core_cust": source}, tmp_path)
    assert "expected one at sources.core_cust.path [D001]" in str(issue)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    source = Source("raw", str(tmp_path / "a.parquet"), "parquet")
    (issue,) = attach(duckdb.connect(), {"raw": source}, tmp_path)
    assert issue.code == "D027"


def test_files_of_one_source_must_have_the_same_columns(tmp_path):
    (tmp_path / "1.csv").write_text("id,x\n1,2\n")
    (tmp_path / "2.csv").write_text("id,y\n1,2\n")
    (issue,) = attach(duckdb.connect(), {"raw": Source("raw", str(tmp_path / "*.csv"), "csv")}, tmp_path)
    assert "2.csv has no column x, which 1.csv has; it has y. Expected the same columns in every file" in str(issue)


def test_a_duckdb_file_is_addressed_by_its_name(tmp_path):
    with duckdb.connect(str(tmp_path / "core.duckdb")) as connection:
        connection.execute("CREATE TABLE cust AS SELECT '7' AS no")
    connection = duckdb.connect()
    assert attach(connection, {"core": Source("core", str(tmp_path / "core.duckdb"), "duckdb")}, tmp_path) == []
    assert connection.sql("SELECT no FROM core.cust").fetchall() == [("7",)]


def test_paths_take_environment_variables_and_say_which_is_not_set(monkeypatch, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    monkeypatch.setenv("CRMML_DATA", str(tmp_path))
    monkeypatch.delenv("NO_SUCH_FOLDER", raising=False)
    assert files_of(Source("raw", "${CRMML_DATA}/a.csv", "csv")) == [tmp_path / "a.csv"]
    with pytest.raises(ConfigError, match=r"uses \$\{NO_SUCH_FOLDER\}, which is not set.*\[C008\]"):
        files_of(Source("raw", "${NO_SUCH_FOLDER}/a.csv", "csv"))


def test_relative_paths_start_from_the_workspace(monkeypatch, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    monkeypatch.setenv("CRMML_HOME", str(tmp_path))
    assert files_of(Source("raw", "a.csv", "csv")) == [tmp_path / "a.csv"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"delimeter": ";"}, r"Did you mean 'delimiter'\? \[C002\]"),
        ({"encoding": "gkb"}, r"expected one such as utf-8 or gbk \[C003\]"),
    ],
)
def test_an_unknown_option_is_refused(tmp_path, options, told):
    with pytest.raises(ConfigError, match=told):
        view(tmp_path, "a.csv", "x\n1\n", **options)


NUMBERS = {"columns": {"x": "DECIMAL(18,2)"}}


@pytest.mark.parametrize(
    ("written", "options", "read"),
    [
        ("1.234,50", {"decimal": ",", "thousands": "."}, "1234.50"),
        ("-1.234.567,8", {"decimal": ",", "thousands": "."}, "-1234567.8"),
        ("1234,50", {"decimal": ",", "thousands": "."}, "1234.50"),
        ("1.234", {"decimal": ",", "thousands": "."}, "1234"),
        ("1 234,5", {"decimal": ",", "thousands": " "}, "1234.5"),
        ("1,234.50", {"thousands": ","}, "1234.50"),
        ("１，２３４．５０", {"thousands": ","}, "1234.50"),
        (" 7 ", {"thousands": ","}, "7"),
        # Not as declared: left as it stands, and never a number by chance.
        ("1.23", {"decimal": ",", "thousands": "."}, "1.23 (decimal is ,)"),
        ("1.234", {"decimal": ","}, "1.234 (decimal is ,)"),
        ("12,34.50", {"thousands": ","}, "12,34.50"),
        ("1,5", {"thousands": ","}, "1,5"),
        ("CNY 5", {"thousands": ","}, "CNY 5"),
    ],
)
def test_numbers_as_declared_become_plain_and_others_do_not(tmp_path, written, options, read):
    rows, issues = view(tmp_path, "a.csv", f"id;x\n1;{written}\n", delimiter=";", **options, **NUMBERS)
    assert (rows, issues) == ([("1", read)], [])


def folder(tmp_path, files, form="csv", **options):
    """Rows of a folder of files, what is said of them, and the columns."""
    place = tmp_path / "folder"
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        if form == "parquet":
            pq.write_table(content, place / name)
        else:
            (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    connection = duckdb.connect()
    pattern = "*/*" if any("/" in name for name in files) else "*"
    issues = attach(connection, {"raw": Source("raw", f"{place}/{pattern}.{form}", form, options)}, tmp_path)
    relation = None if any(issue.severity == "error" for issue in issues) else connection.sql("FROM raw")
    return relation and sorted(relation.fetchall(), key=str), [str(issue) for issue in issues], relation


def test_columns_of_a_folder_are_read_by_name_in_any_order(tmp_path):
    files = {"1.csv": "id,x\n1,2\n", "2.csv": "x,id\n4,3\n"}
    assert folder(tmp_path, files)[:2] == ([("1", "2"), ("3", "4")], [])


def test_a_column_that_may_be_missing_reads_as_null_there(tmp_path):
    files = {"1.csv": "id\n1\n", "2.csv": "id,x,y\n3,4,5\n", "3.csv": "y,id\n7,6\n"}
    rows, issues, relation = folder(tmp_path, files, optional=["x", "y"])
    assert issues == []
    assert relation.columns == ["id", "x", "y"]
    assert rows == [("1", None, None), ("3", "4", "5"), ("6", None, "7")]


def test_the_name_of_a_file_becomes_a_column_when_asked(tmp_path):
    files = {"2025-01/b.csv": "id\n1\n", "2025-02/b.csv": "id\n2\n"}
    assert folder(tmp_path, files, file_column="month")[0] == [("1", "2025-01/b.csv"), ("2", "2025-02/b.csv")]
    assert "repeats id" in folder(tmp_path, files, file_column="ID")[1][0]


def test_each_file_is_one_of_two_stated_encodings_and_which_is_said(tmp_path):
    files = {"1.csv": "id,n\n1,厦门\n", "2.csv": "id,n\n2,厦门\n".encode("gbk"), "3.csv": "id,n\n3,x\n"}
    rows, issues, _ = folder(tmp_path, files, encoding=["utf-8", "gbk"])
    assert rows == [("1", "厦门"), ("2", "厦门"), ("3", "x")]
    assert issues == ["raw: its files are in two encodings, gbk: 2.csv; utf-8: 1.csv, 3.csv [W136]"]
    assert folder(tmp_path, files, encoding=["gbk", "utf-8"])[0] == rows


def test_a_text_that_can_be_both_encodings_is_not_guessed(tmp_path):
    both = "id,n\n1,\u02b1\n".encode()  # also a character of GBK
    assert both.decode("gbk") != both.decode()
    told = folder(tmp_path, {"1.csv": both}, encoding=["utf-8", "gbk"])[1][0]
    assert "1.csv can be read as utf-8 and as gbk" in told
    assert folder(tmp_path, {"1.csv": both}, encoding="gbk")[0] == [("1", both.decode("gbk")[7:-1])]


def test_files_with_a_header_alone_among_others_are_said(tmp_path):
    rows, issues, _ = folder(tmp_path, {"1.csv": "id\n1\n", "2.csv": "id\n"})
    assert rows == [("1",)]
    assert issues == ["raw: 2.csv of 2 files hold a header and no rows; is that so? [W103]"]


def test_a_byte_order_mark_is_no_part_of_a_name_in_any_file(tmp_path):
    files = {"1.csv": "id,x\n1,2\n", "2.csv": b"\xef\xbb\xbfid,x\n3,4\n", "3.csv": "id,x\n5,6\n".encode("utf-8-sig")}
    assert folder(tmp_path, files)[:2] == ([("1", "2"), ("3", "4"), ("5", "6")], [])


def test_a_carriage_return_in_quotes_and_a_header_over_two_lines_are_text(tmp_path):
    rows, issues = view(tmp_path, "a.csv", 'id,"the\nname"\n1,"a\rb"\n')
    assert (rows, issues) == ([("1", "a\rb")], [])


def test_parquet_files_of_other_widths_and_empty_columns_are_brought_together_exactly(tmp_path):
    files = {
        "1.parquet": pa.table({"id": pa.array([1], pa.int32()), "x": pa.array([None], pa.null())}),
        "2.parquet": pa.table({"x": pa.array(["a"]).dictionary_encode(), "id": pa.array([2**60], pa.int64())}),
    }
    assert folder(tmp_path, files, "parquet")[:2] == ([(1, None), (2**60, "a")], [])


def test_parquet_files_of_two_types_are_read_as_the_config_says(tmp_path):
    files = {"1.parquet": pa.table({"id": [2**60 + 1]}), "2.parquet": pa.table({"id": ["007"]})}
    assert "2.parquet has id as text, 1.parquet as whole number" in folder(tmp_path, files, "parquet")[1][0]
    rows = folder(tmp_path, files, "parquet", columns={"id": "VARCHAR"})[0]
    assert rows == [("007",), (str(2**60 + 1),)]


def sqlite(tmp_path, create, *rows, **selected):
    """The relation of a SQLite table, or the faults."""
    path = tmp_path / "core.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(create)
        for row in rows:
            database.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", row)
    connection = duckdb.connect()
    selected = selected or {"table": "t"}
    issues = attach(connection, {"raw": Source("raw", str(path), "sqlite", **selected)}, tmp_path)
    return [str(issue) for issue in issues] or connection.sql("FROM raw")


def test_sqlite_values_come_in_the_type_they_are_stored_in(tmp_path):
    relation = sqlite(
        tmp_path,
        "CREATE TABLE t (id TEXT, big INTEGER, money DECIMAL(18,2), day DATE, none_ TEXT)",
        ("007", 2**63 - 1, 12, "2025-02-28", None),
        ("008", None, 12.34, None, None),
    )
    assert [str(kind) for kind in relation.types] == ["VARCHAR", "BIGINT", "DOUBLE", "VARCHAR", "VARCHAR"]
    assert relation.fetchall() == [("007", 2**63 - 1, 12.0, "2025-02-28", None), ("008", None, 12.34, None, None)]


def test_sqlite_gives_a_view_or_a_query_in_its_own_sql(tmp_path):
    create = "CREATE TABLE t (id INTEGER, x TEXT)"
    query = "SELECT printf('%05d', id) AS id, NULLIF(x, '') AS x FROM t ORDER BY id;"
    assert sqlite(tmp_path, create, (7, ""), (8, "a"), query=query).fetchall() == [("00007", None), ("00008", "a")]


@pytest.mark.parametrize(
    ("rows", "selected", "told"),
    [
        ([(1, "a"), ("", "b")], {}, "id of core.sqlite holds whole numbers on 1 and text on 1 rows"),
        ([(2**60, "a"), (1.5, "b")], {}, "holds whole numbers on 1 and fractions on 1 rows"),
        ([(1, b"\xcf\xc3")], {"query": "SELECT id, CAST(x AS TEXT) AS x FROM t"}, "holds text that is not utf-8"),
        ([], {"query": "SELECT absent FROM t"}, "its query fails on core.sqlite: no such column: absent"),
        ([], {"query": "DROP TABLE t"}, "its query fails"),
        ([], {"query": "SELECT id, id AS ID FROM t"}, "repeats id"),
    ],
)
def test_what_sqlite_cannot_give_is_told(tmp_path, rows, selected, told):
    (issue,) = sqlite(tmp_path, "CREATE TABLE t (id, x)", *rows, **selected)
    assert told in issue


def test_sqlite_rows_that_only_its_log_holds_are_read_and_change_the_digest(tmp_path):
    path = tmp_path / "core.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = wal")
        database.execute("CREATE TABLE t (id TEXT)")
        database.commit()
        bank = spec(sources={"raw": Source("raw", str(path), "sqlite", table="t")})
        before, file = inputs_of(bank), path.read_bytes()
        database.execute("INSERT INTO t VALUES ('1')")
        database.commit()
        assert path.read_bytes() == file
        assert inputs_of(bank) != before
        connection = duckdb.connect()
        attach(connection, bank.sources, tmp_path)
        assert connection.sql("FROM raw").fetchall() == [("1",)]


def test_files_of_the_same_name_in_several_folders_all_count_for_freshness(tmp_path):
    for month in ("1", "2"):
        (tmp_path / month).mkdir()
        (tmp_path / month / "b.csv").write_text("id\n1\n")
    bank = spec(sources={"raw": Source("raw", f"{tmp_path}/*/b.csv", "csv")})
    before = inputs_of(bank)
    (tmp_path / "1" / "b.csv").write_text("id\n2\n")
    assert inputs_of(bank) != before


def test_no_extension_of_duckdb_is_ever_fetched(tmp_path):
    with open_mapped(tmp_path / "x.duckdb", memory_limit="1GB", threads=1) as mapped:
        for connection in (mapped, connect().con):
            for name in ("autoinstall_known_extensions", "autoload_known_extensions"):
                assert connection.execute(f"SELECT current_setting('{name}')").fetchall() == [(False,)]
            with pytest.raises(duckdb.CatalogException, match="sqlite_scan"):
                connection.execute("SELECT * FROM sqlite_scan('x', 'y')")


def test_once_the_sources_are_open_nothing_else_can_be_reached(tmp_path):
    connection = duckdb.connect()
    attach(connection, {}, tmp_path)
    for statement in (
        "INSTALL httpfs",
        "SET autoinstall_known_extensions = true",
        "SELECT * FROM 'https://x.invalid/y.csv'",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)


def test_a_folder_whose_name_reads_as_a_pattern_and_a_variable_that_is_empty(monkeypatch, tmp_path):
    place = tmp_path / "data[1]"
    place.mkdir()
    (place / "a[2].csv").write_text("x\n1\n")
    monkeypatch.setenv("CRMML_DATA", str(place))
    assert files_of(Source("raw", "${CRMML_DATA}/a[2].csv", "csv")) == [place / "a[2].csv"]
    assert files_of(Source("raw", "${CRMML_DATA}/*.csv", "csv")) == [place / "a[2].csv"]
    monkeypatch.setenv("CRMML_DATA", "")
    with pytest.raises(ConfigError, match=r"which is not set.*\[C008\]"):
        files_of(Source("raw", "${CRMML_DATA}/etc/passwd", "csv"))


def test_links_may_lead_to_the_folder_of_a_variable_and_the_data_folder_may_be_a_link(monkeypatch, tmp_path):
    disk, home = tmp_path / "disk", tmp_path / "home"
    disk.mkdir()
    home.mkdir()
    (disk / "a.csv").write_text("x\n1\n")
    (home / "data").symlink_to(disk)
    monkeypatch.setenv("CRMML_HOME", str(home))
    monkeypatch.setenv("DISK", str(disk))
    for path in ("data/a.csv", "${DISK}/a.csv"):
        assert len(files_of(Source("raw", path, "csv"))) == 1
    (home / "other.csv").symlink_to(disk / "a.csv")
    (home / "data").unlink()
    with pytest.raises(ConfigError, match=r"leads out of the folders that may be read.*\[C007\]"):
        files_of(Source("raw", "other.csv", "csv"))
    (home / "sub").mkdir()
    monkeypatch.setenv("UP", "../../disk")
    with pytest.raises(ConfigError, match=r"\[C007\]"):
        files_of(Source("raw", "sub/${UP}/a.csv", "csv"))
