"""Outcomes that come back: workbooks, CSV, Parquet; idempotent, partial, late; bad rows set aside with their reasons."""

from datetime import date

import pandas as pd
import pytest

from crmml.campaigns import check_returned, read_history, read_returned, take_in, with_results
from crmml.campaigns.outcomes import already_taken_in, latest
from crmml.errors import IntegrityError, SourceError
from crmml.sheets import Print, open_book, write_rows
from crmml.targeting.columns import PEOPLE, STATUSES
from tests.campaigns.frozen_list import LIST_ID, campaign

ON = date(2026, 3, 31)
HEAD = "customer_id,product,list_id,status,contacted_on,taken,taken_on,note"


def csv_of(folder, *lines, head=HEAD, name="back.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(("\n".join([head, *lines]) + "\n").encode(encoding))
    return path


def line(customer="0001", offer="card", *, status="", contacted_on="", taken="", taken_on="", note="", list_id=LIST_ID):
    return ",".join([customer, offer, list_id, status, contacted_on, taken, taken_on, note])


def checked(made, *lines, on=ON, restore_ids=False):
    path = csv_of(made.folder.parent.parent, *lines)
    return check_returned(made, read_returned(path), known_on=on, restore_ids=restore_ids)


def take(made, *lines, on=ON):
    found = checked(made, *lines, on=on)
    assert not found.faults
    return take_in(made.folder.parent, made, found.entries, source="back.csv", about={})


def reasons(found):
    return {fault.code: (fault.count, fault.told) for fault in found.faults}


@pytest.fixture
def made(tmp_path):
    return campaign(tmp_path)


def workbook(path, *, ids=str, drop=()):
    """A workbook of two sheets as it was sent out, the first two rows filled."""
    columns = [column for column in PEOPLE if column.name not in drop]
    with open_book(path, title="t", subject=LIST_ID, created=pd.Timestamp("2026-01-01").to_pydatetime()) as (
        book,
        styles,
    ):
        for first, customer in enumerate(["0001", "0002"]):
            view = pd.DataFrame({column.name: [""] for column in columns}, dtype="object")
            told = {"customer_id": ids(customer), "product": "card", "list_id": LIST_ID}
            told["status"] = list(STATUSES.values())[2 + first]
            for name, value in told.items():
                if name in view:
                    view[name] = [value]
            sheet = book.add_worksheet(f"名单 Targets {first + 1}")
            write_rows(sheet, view, columns, styles, money="元 yuan", printed=Print("t", "", "", 2))
        book.add_worksheet("说明 About").write_string(0, 0, "title")
    return path


def test_the_workbook_comes_back_with_all_its_sheets(made, tmp_path):
    back = read_returned(workbook(tmp_path / "back.xlsx"))
    found = check_returned(made, back, known_on=ON)
    assert found.entries[["customer_id", "status"]].to_numpy().tolist() == [["0001", "taken"], ["0002", "declined"]]
    assert not found.faults


def test_ids_that_became_numbers_are_told_and_taken_only_when_asked(made, tmp_path):
    back = read_returned(workbook(tmp_path / "back.xlsx", ids=int))
    found = check_returned(made, back, known_on=ON)
    assert found.entries.empty
    assert found.faults[0].count == 2
    assert "--restore-ids" in found.faults[0].told
    assert found.faults[0].examples[0] == "***1 in row 名单 Targets 1 2"
    again = check_returned(made, back, known_on=ON, restore_ids=True)
    assert again.entries["customer_id"].tolist() == ["0001", "0002"]


def test_a_deleted_column_is_named_and_nothing_is_taken_in(tmp_path):
    with pytest.raises(
        SourceError, match=r"名单编号 List id of sheet .* is missing.*Nothing of this file was taken in"
    ):
        read_returned(workbook(tmp_path / "back.xlsx", drop=("list_id",)))
    with pytest.raises(SourceError, match="客户号 Customer is missing; the column 产品代码 Offer code is missing"):
        read_returned(csv_of(tmp_path, f"{LIST_ID},taken", head="list_id,status"))
    with pytest.raises(SourceError, match="Status"):
        read_returned(csv_of(tmp_path, f"1,card,{LIST_ID}", head="customer_id,product,list_id"))
    (tmp_path / "bad.xlsx").write_bytes(b"PK not a workbook")
    with pytest.raises(SourceError, match="not a readable workbook"):
        read_returned(tmp_path / "bad.xlsx")


def test_every_fault_of_every_row_is_told_at_once_and_the_counts_reconcile(made):
    found = checked(
        made,
        line("0001", status="taken", contacted_on="2026-01-10", taken_on="2026-01-20"),
        line("0002", status="taken", list_id="other"),
        line("9999", status="taken"),
        line("0003", "loan", status="taken"),
        line("0004", status="maybe"),
        line("0006", "loan", status="declined", contacted_on="2025-12-30"),
        line("0007", "loan", status="taken", contacted_on="2026-02-10", taken_on="2026-02-01"),
        line("0008", "loan", status="declined", contacted_on="31/12"),
        line("0009", "loan", status="declined", contacted_on="2027-01-01"),
        line("10", "loan", status="declined"),
        line("1.2E+17", "loan", status="declined"),
        line("", "loan", status="declined"),
        line("0012", "loan"),
        line("0001", status="taken", contacted_on="2026-01-10", taken_on="2026-01-20"),
    )  # fmt: skip
    assert found.rows == 13  # the row without an entry is not counted
    assert (len(found.entries), found.copies, len(found.set_aside)) == (1, 1, 11)
    assert found.rows == len(found.entries) + found.copies + len(found.set_aside)
    codes = [fault.code for fault in found.faults]
    assert codes == ["D040", "D042", "D043", "D043", "D044", "D044", "D045", "D046", "D046", "D046", "D046"]
    assert found.set_aside["reason"].str.len().gt(0).all()
    assert "***999" in str(found.faults[4])
    assert "***004 in row 6 'maybe')" in str(found.faults[6])
    assert "row 9 '31/12')" in str(found.faults[7])
    assert "9999 " not in str(found.faults[4])


def test_a_customer_twice_with_different_words_is_set_aside_whole(made):
    found = checked(made, line(status="taken"), line(status="declined"), line("0002", status="declined"))
    assert reasons(found) == {"D047": (2, "a customer stands there twice with different entries; leave one")}
    assert found.entries["customer_id"].tolist() == ["0002"]


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-01-15", 15), ("2026/1/5", 5), ("20260115", 15), ("2026年1月5日", 5), ("2026-01-15 09:30", 15)],
)
def test_days_are_read_as_people_write_them_and_never_guessed(made, text, day):
    assert checked(made, line(status="declined", contacted_on=text)).entries["contacted_on"].tolist() == [
        date(2026, 1, day)
    ]
    for unclear in ("2026115", "15/01/2026", "46037", "2026-02-30"):
        assert reasons(checked(made, line(status="declined", contacted_on=unclear))).keys() == {"D046"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_statuses_are_understood_in_words_and_codes_and_both_encodings(made, tmp_path, encoding):
    words = ["已办理", "declined", "考虑中 considering", "NO ANSWER"]
    path = csv_of(
        tmp_path,
        *(f"000{number}\t,信用卡,{LIST_ID},{word}" for number, word in enumerate(words, start=1)),
        head="客户号 Customer,产品代码 Offer code,名单编号 List id,联系结果 Status",
        encoding=encoding,
    )
    found = check_returned(made, read_returned(path), known_on=ON)
    assert found.entries["status"].tolist() == ["taken", "declined", "considering", "no_answer"]


def test_a_file_is_known_by_its_bytes_and_not_by_its_name(made, tmp_path):
    renamed = workbook(tmp_path / "back.xls")
    assert read_returned(renamed)["customer_id"].tolist() == ["0001", "0002"]
    text = csv_of(
        tmp_path, f"0001\t信用卡\t{LIST_ID}\t已办理", head="客户号\t产品代码\t名单编号\t联系结果", encoding="utf-16"
    )
    assert check_returned(made, read_returned(text), known_on=ON).entries["status"].tolist() == ["taken"]
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
    with pytest.raises(SourceError, match=r"Excel 97-2003.*save it as \.xlsx.*D027"):
        read_returned(tmp_path / "old.xls")
    with pytest.raises(SourceError, match=r"no sheet has the list's headers .* begins with 一月外呼名单\. Nothing"):
        read_returned(csv_of(tmp_path, f"0001,card,{LIST_ID},taken", head="一月外呼名单,,,"))


def test_the_same_file_as_of_a_later_day_says_more(made):
    def taken_before(day):
        return already_taken_in(made, "sha", day)

    found = checked(made, line(taken="no"), on=date(2026, 2, 10))
    about = {"file": "sha", "known_on": "2026-02-10", "set_aside": 0}
    assert take_in(made.folder.parent, made, found.entries, source="back.csv", about=about) == (1, 0)
    assert [taken_before(day) for day in (date(2026, 2, 9), date(2026, 2, 10), ON)] == [True, True, False]
    assert take(made, line(taken="no")) == (1, 0)
    assert latest(read_history(made)).loc["0001", "result_on"] == ON


def test_a_parquet_file_is_read_with_its_types(made, tmp_path):
    frame = pd.DataFrame(
        {
            "customer_id": ["0001", "0005"],
            "product_id": ["3010", "3010"],
            "list_id": LIST_ID,
            "taken": [True, False],
            "taken_on": [date(2026, 1, 5), None],
        }
    )
    frame.to_parquet(tmp_path / "back.parquet", index=False)
    found = check_returned(made, read_returned(tmp_path / "back.parquet"), known_on=ON)
    assert found.entries["is_taken"].tolist() == [True, False]
    assert found.entries["taken_on"].tolist() == [date(2026, 1, 5), None]


def test_the_same_entries_twice_change_nothing_and_a_part_adds_only_what_is_new(made):
    assert take(made, line(status="considering", contacted_on="2026-01-05")) == (1, 0)
    assert take(made, line(status="considering", contacted_on="2026-01-05")) == (0, 1)
    assert take(made, line(status="considering", contacted_on="2026-01-05"), line("0002", status="declined")) == (1, 1)
    assert len(read_history(made)) == 2


def test_a_later_word_counts_whichever_came_first_and_history_is_kept(made):
    take(made, line(status="taken", contacted_on="2026-01-20"))
    take(made, line(status="no_answer", contacted_on="2026-01-10"))
    assert latest(read_history(made)).loc["0001", "status"] == "taken"
    assert read_history(made)["status"].tolist() == ["taken", "no_answer"]


def test_a_report_as_of_a_day_does_not_know_what_was_told_later(made):
    take(made, line(status="considering"), on=date(2026, 1, 15))
    take(made, line(status="taken"), on=date(2026, 2, 15))
    assert latest(read_history(made, as_of=date(2026, 1, 31))).loc["0001", "status"] == "considering"
    assert latest(read_history(made)).loc["0001", "status"] == "taken"


def test_a_later_look_that_still_sees_nothing_taken_is_news(made):
    assert take(made, line(taken="no"), on=date(2026, 1, 31)) == (1, 0)
    assert take(made, line(taken="no"), on=date(2026, 2, 28)) == (1, 0)
    assert take(made, line(taken="no"), on=date(2026, 1, 31)) == (0, 1)
    assert latest(read_history(made)).loc["0001", "result_on"] == date(2026, 2, 28)


def test_taking_after_the_window_is_no_success_and_the_contacted_control_is_kept(made):
    take(
        made,
        line(taken_on="2026-03-31"),
        line("0002", taken_on="2026-04-01"),
        line("0005", status="declined"),
        on=date(2026, 4, 30),
    )
    rows = with_results(made, read_history(made)).set_index("customer_id")
    assert rows.loc[["0001", "0002"], "is_taken"].tolist() == [True, False]
    assert rows.loc["0005", ["arm", "is_contacted", "is_reached"]].tolist() == ["control", True, True]


def test_stored_outcomes_that_were_changed_are_refused(made):
    take(made, line(status="taken"))
    path = next((made.folder / "outcomes").glob("*.parquet"))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match=r"outcomes .* are missing or were changed"):
        read_history(made)
