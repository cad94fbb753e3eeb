import csv
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmml.targeting import build_list, people_csv, write_csv, write_parquet, write_people_csv
from crmml.targeting.columns import PEOPLE, people_view
from crmml.targeting.export import escaped
from tests.targeting.lists import AS_OF, inputs, spec

LISTED = build_list(spec(control_share=0.3), inputs(), suppress_as_of=AS_OF)


def test_the_file_for_people_opens_in_chinese_and_ends_lines_as_a_spreadsheet_wants(tmp_path):
    assert write_people_csv(LISTED, tmp_path / "list.csv") == LISTED.rows
    data = (tmp_path / "list.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == data.count(b"\n") == LISTED.rows + 1
    assert data.decode("utf-8-sig").startswith("序号 No.,客户号 Customer,")


def test_control_rows_are_for_machines_only(tmp_path):
    held = LISTED.table.loc[LISTED.table["arm"] == "control", "customer_id"]
    assert len(held) == 1
    assert held.iloc[0] not in people_csv(people_view(LISTED.table))
    assert write_csv(LISTED, tmp_path / "machine.csv") == 4
    assert held.iloc[0] in pd.read_csv(tmp_path / "machine.csv")["customer_id"].tolist()


def test_ids_of_digits_stay_text_and_numbers_stay_numbers():
    table = LISTED.table.assign(
        customer_id="6220000000000000195", expected_value=-123.456, manager="=cmd|' /C calc'!A0"
    )
    rows = list(csv.DictReader(io.StringIO(people_csv(people_view(table)).lstrip("\ufeff"))))
    assert rows[0]["客户号 Customer"] == "6220000000000000195\t"
    assert rows[0]["预期价值 Expected value"] == "-123.46"
    assert rows[0]["客户经理 Manager"] == "'=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\0x", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_a_text_a_spreadsheet_could_run_is_quoted(text):
    assert escaped(text) == "'" + text


def test_both_languages_have_the_same_columns():
    zh, en = (people_view(LISTED.table, language=language) for language in ("zh", "en"))
    assert list(zh.columns) == list(en.columns) == [column.name for column in PEOPLE]
    assert (zh["offer"].tolist()[0], en["offer"].tolist()[0]) == ("贷款", "loan")
    assert zh["reason_1"].tolist()[0] == "loan zh 1(×1.1)"


def test_parquet_and_csv_for_machines_hold_the_same_typed_rows(tmp_path):
    write_parquet(LISTED, tmp_path / "list.parquet")
    write_csv(LISTED, tmp_path / "list.csv")
    stored = pq.read_table(tmp_path / "list.parquet")
    assert stored.schema.field("customer_id").type == pa.string()
    assert stored.schema.field("call_by").type == pa.date32()
    assert stored.schema.field("last_contacted_on").type == pa.date32()
    again = pd.read_csv(tmp_path / "list.csv")
    assert again["expected_value"].tolist() == stored["expected_value"].to_pylist()
    assert again["call_by"].tolist() == ["2026-01-30"] * 4
