"""Sources are read as they stand, or refused with the place of the fault and none of the contents."""

from __future__ import annotations

import gzip

import duckdb
import pytest

from crmml.errors import ConfigError
from crmml.sources.locations import files_of
from crmml.sources.readers import attach
from crmml.sources.spec import Source


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
