import errno
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from crmml.errors import BackendError
from crmml.sheets import CELL_CHARACTERS, CUT
from crmml.targeting import Capacities, Limit, build_list, write_people_csvs, write_workbook, write_workbooks
from crmml.targeting.columns import PEOPLE, STATUSES
from tests.targeting.lists import AS_OF, CUSTOMERS, inputs, scores, spec, suppression

IDS = [f"622000000000000019{n}" for n in range(5)]
COLUMN = {column.name: number for number, column in enumerate(PEOPLE, start=1)}


def listed(name: str = "陈一", manager: str = "甲"):
    """The list of the worked bank, its customers numbered with 19 digits."""
    given, new = inputs(), dict(zip(CUSTOMERS, IDS, strict=True))

    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(customer_id=table["customer_id"].map(new))

    customers = renamed(given.customers).assign(name=name, manager_name=manager)
    contacted = suppression(last_contacted_on=[pd.Timestamp("2025-06-30"), *[None] * 4])
    return build_list(
        spec(capacities=Capacities(total=4, per_manager=Limit(3))),
        inputs(
            customers=customers,
            uptake={product: renamed(table) for product, table in given.uptake.items()},
            suppression=renamed(contacted),
        ),
        suppress_as_of=AS_OF,
    )


def opened(tmp_path: Path, targets, **options) -> openpyxl.Workbook:
    assert write_workbook(targets, tmp_path / "list.xlsx", **options) == targets.rows
    return openpyxl.load_workbook(tmp_path / "list.xlsx")


def test_ids_are_texts_numbers_numbers_and_dates_dates(tmp_path):
    sheet = opened(tmp_path, listed())["名单 Targets"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [row[COLUMN["customer_id"] - 1] for row in rows] == [IDS[3], IDS[2], IDS[1], IDS[0]]
    assert {sheet.cell(row, COLUMN["customer_id"]).data_type for row in range(2, 6)} == {"s"}
    assert [row[COLUMN["expected_value"] - 1] for row in rows] == pytest.approx([580, 290, 190, 180])
    assert rows[3][COLUMN["last_contacted_on"] - 1] == datetime(2025, 6, 30)
    assert rows[0][COLUMN["last_contacted_on"] - 1] is None
    assert sheet.cell(2, COLUMN["prob_take"]).number_format == "0.0%"


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "https://example.org", "+86", "<script>", "\u202e", "\x01x"])
def test_no_text_becomes_a_formula_or_a_link(tmp_path, text):
    book = opened(tmp_path, listed(name=text, manager=text))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink is not None] == []
    assert book["名单 Targets"].cell(2, COLUMN["manager"]).value in (text, "_x0001_x")


def test_the_sheet_is_ready_to_work_with(tmp_path):
    sheet = opened(tmp_path, listed())["名单 Targets"]
    assert sheet.freeze_panes == "D2"
    assert sheet.auto_filter.ref == f"A1:{openpyxl.utils.get_column_letter(len(PEOPLE))}5"
    assert [cell.value for cell in sheet[1]][:2] == ["序号\nNo.", "客户号\nCustomer"]
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$1:$1"
    (validation,) = sheet.data_validations.dataValidation
    letter = openpyxl.utils.get_column_letter(COLUMN["status"])
    assert (str(validation.sqref), validation.formula1) == (f"{letter}2:{letter}5", f'"{",".join(STATUSES.values())}"')
    assert [sheet.cell(2, COLUMN[name]).value for name in ("status", "note")] == [None, None]
    assert sheet.column_dimensions["B"].width >= 19


def test_every_factor_of_the_expected_value_can_be_unfolded(tmp_path):
    sheet = opened(tmp_path, listed())["名单 Targets"]
    folded = [column.name for column in PEOPLE if column.is_detail]
    assert folded == ["effect", "effect_source", "contact_cost", "incentive", "value_source"]
    row = {
        name: sheet.cell(2, COLUMN[name]).value for name in [*folded, "prob_take", "value_if_taken", "expected_value"]
    }
    assert row["effect"] * row["value_if_taken"] - row["prob_take"] * row["incentive"] - row[
        "contact_cost"
    ] == pytest.approx(row["expected_value"])


def test_the_second_sheet_says_the_same_figures_as_the_list(tmp_path):
    targets = listed()
    about = opened(tmp_path, targets)["说明 About"]
    said: dict[str, tuple] = {}
    for row in about.iter_rows(values_only=True):
        said.setdefault(row[0], row[1:])
    assert said["名单编号 List id"][0] == targets.list_id
    assert said["评分截止日 Scores as of"][0] == "2025-10-31"
    assert said["排除名单数据日 Suppression as of"][0] == "2025-12-31"
    assert said["模型 Model: demo.uptake_card"][0] == "version 3"
    assert "propensity, not causal" in said["联系效应 Effect of contact"][0]
    assert said["名单行数 Rows to contact"][0] == targets.rows
    assert said["预期价值合计 Expected value"][0] == pytest.approx(1240)
    assert said["= 全部客户 × 产品 × 渠道 all customers × offers × channels"][1:3] == (10, 5)
    assert said["− 预期价值不大于零 expected value not above 0"][0] == 3
    assert said["总量 total"][1:4] == (4, 4, 1)
    assert {f"{column.zh} {column.en}" for column in PEOPLE} <= said.keys()


def test_the_same_list_gives_the_same_bytes(tmp_path):
    write_workbook(listed(), tmp_path / "one.xlsx")
    write_workbook(listed(), tmp_path / "two.xlsx")
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_a_text_longer_than_a_cell_is_cut_visibly(tmp_path):
    sheet = opened(tmp_path, listed(manager="长" * 40_000))["名单 Targets"]
    value = sheet.cell(2, COLUMN["manager"]).value
    assert len(value) == CELL_CHARACTERS
    assert value.endswith(CUT)


def test_more_rows_than_a_sheet_holds_go_to_numbered_sheets(tmp_path):
    book = opened(tmp_path, listed(), sheet_rows=3)
    assert book.sheetnames == ["名单 Targets 1", "名单 Targets 2", "说明 About"]
    numbers = [row[0] for sheet in book.worksheets[:2] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert numbers == [1, 2, 3, 4]


def test_reasons_are_written_in_the_language_asked_for(tmp_path):
    customers = scores("card", [0.1] * 5)["reason_1_en"].tolist()
    sheet = opened(tmp_path, listed(), language="en")["名单 Targets"]
    assert sheet.cell(3, COLUMN["reason_1"]).value == customers[0] + " (×1.1)"


def test_a_full_disk_leaves_the_earlier_workbook_and_says_so(tmp_path, monkeypatch):
    write_workbook(listed(), tmp_path / "list.xlsx")
    before = (tmp_path / "list.xlsx").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("xlsxwriter.workbook.ZipFile", full)
    with pytest.raises(BackendError, match="No space left on device"):
        write_workbook(listed(name="王五"), tmp_path / "list.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["list.xlsx"]
    assert (tmp_path / "list.xlsx").read_bytes() == before


def test_a_list_too_long_for_a_workbook_goes_to_several_and_none_of_a_longer_one_stays(tmp_path):
    targets, path = listed(), tmp_path / "list.xlsx"
    books = write_workbooks(targets, path, book_rows=3)
    texts = write_people_csvs(targets, tmp_path / "list.csv", book_rows=3)
    assert [each.name for each in (*books, *texts)] == ["list.xlsx", "list-2.xlsx", "list.csv", "list-2.csv"]
    shown = [openpyxl.load_workbook(book)["名单 Targets"].max_row - 1 for book in books]
    assert shown == [3, 1]
    assert [len(each.read_text(encoding="utf-8-sig").splitlines()) - 1 for each in texts] == [3, 1]
    numbers = [openpyxl.load_workbook(book)["名单 Targets"].cell(2, 1).value for book in books]
    assert numbers == [1, 4]
    assert write_workbooks(targets, path) == [path]
    assert not (tmp_path / "list-2.xlsx").exists()
