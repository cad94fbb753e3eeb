"""Work in processes of its own says the same lines in the same order, and ends with the same errors."""

import os

import pytest

from crmml.errors import BackendError, GateError
from crmml.stages.hands import hands


def told(word, *, at, say):
    say(f"{word} in {os.getpid()}")
    if at == "gate":
        raise GateError("refused", code="G003")
    if at == "end":
        os._exit(9)


@pytest.fixture(scope="module")
def two():
    with hands(2, preloaded=()) as workers:
        yield workers


def test_lines_come_in_the_order_of_the_run_from_other_processes(two):
    begun = [two.begin(told, word, at="") for word in ("first", "second", "third")]
    said = []
    for end in begun:
        end(said.append)
    assert [line.split()[0] for line in said] == ["first", "second", "third"]
    assert str(os.getpid()) not in {line.split()[-1] for line in said}


def test_an_error_comes_with_its_code_after_the_lines_before_it(two):
    said = []
    with pytest.raises(GateError, match="refused") as caught:
        two.begin(told, "then", at="gate")(said.append)
    assert (caught.value.code, caught.value.exit_code, len(said)) == ("G003", 5, 1)


def test_a_process_that_vanishes_is_an_error_and_no_silence():
    with pytest.raises(BackendError, match="ended without a word"), hands(2, preloaded=()) as workers:
        workers.begin(told, "gone", at="end")(print)


def test_without_hands_work_is_done_where_it_is_told():
    said = []
    with hands(1) as workers:
        workers.begin(told, "here", at="")(said.append)
    assert said == [f"here in {os.getpid()}"]
