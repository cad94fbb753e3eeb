"""Every bad input ends with one clear message, the right exit code, and nothing half written."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.contract.cases import BAD_INPUTS, CASES, ELSEWHERE, Case, spoilt
from tests.contract.door import crmml
from tests.contract.small_bank import make

REPOSITORY = Path(__file__).parents[2]
BY_CODE = {"U": 2, "C": 3, "G": 5, "W": 0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_input_ends_with_one_clear_message(tmp_path: Path, case: Case) -> None:
    make(tmp_path, spoilt(case.spoil), case.configs)
    before = _files(tmp_path)
    done = crmml(*case.command, home=tmp_path)
    assert done.code == case.exit, done.err
    assert not case.code or f"[{case.code}]" in done.err, done.err
    for words in case.words:
        assert words in done.err, done.err
    assert "Traceback" not in done.err
    assert "bug of crmml" not in done.err
    written = _files(tmp_path) - before
    assert not [path for path in written if "staged" in path or ".mapping" in path]
    if case.command[0] == "check":
        assert not written
    elif case.exit:
        assert not [path for path in written if path.startswith(("out/", "data/small/training", "data/small/scores"))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_class_of_a_code_is_that_of_its_exit(case: Case) -> None:
    expected = BY_CODE.get(case.code[:1], case.exit)
    assert case.exit == (4 if case.code.startswith("D") else expected)


def test_the_clean_bank_has_nothing_to_say(tmp_path: Path) -> None:
    make(tmp_path, spoilt(None))
    done = crmml("check", "configs/small", home=tmp_path)
    assert (done.code, done.err) == (0, "checking Small Bank …\nthe contract holds\n")


def test_what_is_wrong_with_a_config_or_a_command_is_said_at_once(tmp_path: Path) -> None:
    make(tmp_path, spoilt(None))
    crmml("check", "configs/small", home=tmp_path)  # the imports
    slow = []
    for number, case in enumerate(case for case in CASES if case.exit in (2, 3)):
        home = tmp_path / str(number)
        make(home, {}, case.configs)
        if (seconds := crmml(*case.command, home=home).seconds) > 2:
            slow.append((case.name, seconds))
    assert not slow


def test_a_source_that_ends_early_is_warned_of_and_refused_by_strict(tmp_path: Path) -> None:
    content = spoilt(None)
    content["transactions"] = [row for row in content["transactions"] if not row[1].startswith("2025-12")]
    make(tmp_path, content)
    plain, strict = (crmml("check", "configs/small", *option, home=tmp_path) for option in ((), ("--strict",)))
    assert (plain.code, strict.code) == (0, 5)
    for done in (plain, strict):
        assert "transactions: no rows on 2025-12-01 to 2025-12-31 (about" in done.err
        assert "set observed_until to 2025-11-30 [W142]" in done.err
    run = crmml("run", "configs/small", "--strict", home=tmp_path)
    assert (run.code, "[G004]" in run.err) == (5, True)
    assert not (tmp_path / "data/small/features").exists()


def test_every_bad_input_is_held_by_a_test() -> None:
    held = {case.id for case in CASES} | {id for id, _ in ELSEWHERE}
    assert held == set(BAD_INPUTS)


@pytest.mark.parametrize("place", sorted({place for _, place in ELSEWHERE}))
def test_a_test_named_in_the_table_is_there(place: str) -> None:
    path, _, name = place.partition("::")
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_code_is_explained_to_the_reader() -> None:
    page = (REPOSITORY / "docs" / "bring-a-bank.md").read_text(encoding="utf-8")
    assert not [case.code for case in CASES if case.code[:1] in ("C", "D", "W", "M") and case.code not in page]


def test_the_ids_are_in_order() -> None:
    assert [id for id in BAD_INPUTS if re.fullmatch(r"B-\d\d", id)] == [f"B-{number:02}" for number in range(1, 44)]


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}
