import zipfile
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmml.targeting import Capacities, Limit, build_list, changes_between
from crmml.targeting.columns import PEOPLE
from crmml.targeting.packs import LEVELS, Desk, desks, safe_names, write_pack
from tests.targeting.lists import AS_OF, inputs, scores, spec

MANAGERS = {"m1": "诸葛亮", "m2": "司马懿", "m3": "关云长"}
BRANCHES = {"b1": "城关支行", "b2": "东湖支行"}
PEOPLE_OF = {
    f"c{n:02d}": ("b1", "m1") if n % 3 == 0 else ("b1", "m2") if n % 3 == 1 else ("b2", "m3") for n in range(30)
}


def listed():
    """Thirty customers of three managers and two branches, some held out, a reserve, and changes since a first list."""
    ids = list(PEOPLE_OF)
    customers = pd.DataFrame(
        {
            "customer_id": ids,
            "name": "陈一",
            "kind": "person",
            "branch_id": [branch for branch, _ in PEOPLE_OF.values()],
            "branch_name": [BRANCHES[branch] for branch, _ in PEOPLE_OF.values()],
            "manager_id": [manager for _, manager in PEOPLE_OF.values()],
            "manager_name": [MANAGERS[manager] for _, manager in PEOPLE_OF.values()],
        }
    )
    chances = [0.05 + 0.013 * ((7 * n) % 30) for n in range(30)]
    flags = dict.fromkeys(("refuses_marketing", "in_arrears", "has_left", "open_complaint"), False)
    given_ = inputs(
        customers=customers,
        uptake={"card": scores("card", chances, ids), "loan": scores("loan", chances[::-1], ids)},
        suppression=pd.DataFrame({"customer_id": ids, "last_contacted_on": None}).assign(**flags),
    )
    asked = spec(capacities=Capacities(per_manager=Limit(6)), control_share=0.2)
    new = build_list(asked, given_, suppress_as_of=AS_OF)
    old = build_list(replace(asked, seed=11, capacities=Capacities(per_manager=Limit(4))), given_, suppress_as_of=AS_OF)
    return replace(new, changes=changes_between(new, old), about={**new.about, "against": old.list_id, "against_as_of": "-", "changes": {}})  # fmt: skip


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """The packs of every level by desk, and the list they were cut from."""
    folder, targets = tmp_path_factory.mktemp("packs"), listed()
    found = {}
    for level in LEVELS:
        for desk in desks(targets, level):
            path = folder / level / f"{desk.key or 'head'}.xlsx"
            write_pack(targets, desk, path)
            found[level, desk.key] = path
    return targets, found


def rows_of(path):
    """Customer to the values of its row, of the sheet that is worked with."""
    sheet = openpyxl.load_workbook(path)["名单 Targets"]
    return {row[1]: row for row in sheet.iter_rows(min_row=2, max_col=len(PEOPLE), values_only=True) if row[1]}


def everything_in(path):
    """All text of all parts of a workbook, and of the CSV beside it."""
    with zipfile.ZipFile(path) as book:
        parts = [book.read(name).decode("utf-8") for name in book.namelist()]
    return "\n".join([*parts, path.with_suffix(".csv").read_text(encoding="utf-8-sig")])


def test_a_manager_s_rows_lie_in_the_branch_s_and_those_in_head_office_s_with_the_very_same_cells(packs):
    targets, found = packs
    head = rows_of(found["head", ""])
    assert len(head) == targets.rows
    for level, parent in (("manager", "branch"), ("branch", "head")):
        seen = {}
        for (of_level, key), path in found.items():
            if of_level != level:
                continue
            above = "" if parent == "head" else next(b for b, m in PEOPLE_OF.values() if m == key)
            rows, whole = rows_of(path), rows_of(found[parent, above])
            assert rows
            assert all(whole[customer] == row for customer, row in rows.items())
            seen |= rows
        assert seen == head


def test_no_other_desk_is_named_anywhere_in_a_pack(packs):
    _, found = packs
    for (level, key), path in found.items():
        text = everything_in(path)
        if level == "manager":
            strange = [
                *(name for m, name in MANAGERS.items() if m != key),
                *(c for c, own in PEOPLE_OF.items() if own[1] != key),
            ]
            strange += [name for b, name in BRANCHES.items() if (b, key) not in PEOPLE_OF.values()]
        elif level == "branch":
            strange = [
                *(name for b, name in BRANCHES.items() if b != key),
                *(c for c, own in PEOPLE_OF.items() if own[0] != key),
            ]
            strange += [name for m, name in MANAGERS.items() if (key, m) not in PEOPLE_OF.values()]
        else:
            strange = []
        assert [name for name in strange if name in text] == []


def test_nobody_held_out_stands_anywhere_in_any_pack(packs):
    targets, found = packs
    held = targets.table.loc[targets.table["arm"] == "control", "customer_id"].tolist()
    assert held
    assert len(targets.reserve)
    assert len(targets.changes)
    for path in found.values():
        text = everything_in(path)
        assert [customer for customer in held if customer in text] == []


def test_customers_without_a_manager_have_a_pack_of_their_own():
    given_ = inputs()
    targets = build_list(spec(), given_, suppress_as_of=AS_OF)
    table = targets.table.assign(manager_id=None, manager=None)
    (desk,) = desks(replace(targets, table=table), "manager")
    assert desk == Desk("manager", "-", "未分配 nobody")
    assert desk.owns(table).all()


def test_file_names_are_safe_and_told_apart():
    names = safe_names(["M07", "m07", "../../etc/passwd", "a b", "a_b", "", "CON", "张三", "x" * 300, ".hidden"])
    assert names["M07"] == "M07"
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all("/" not in name and not name.startswith(".") and 0 < len(name) < 100 for name in names.values())


@given(st.lists(st.text(max_size=40), unique=True, max_size=8))
def test_any_ids_give_distinct_names_of_plain_letters(keys):
    names = list(safe_names(keys).values())
    assert len({name.casefold() for name in names}) == len(keys)
    assert all(
        name and all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in name) for name in names
    )


def test_the_sheets_beside_the_list_are_not_taken_for_it_when_the_workbook_comes_back(packs):
    targets, found = packs
    book = openpyxl.load_workbook(found["head", ""])
    assert book.sheetnames == ["名单 Targets", "候补 Reserve", "变化 What changed", "说明 About"]
    keys = {f"{column.zh}\n{column.en}" for column in PEOPLE if column.name in ("customer_id", "product", "list_id")}
    for name in book.sheetnames[1:]:
        assert not keys & {cell.value for cell in book[name][1]}
    assert targets.list_id in everything_in(found["head", ""])
