"""A run makes all it can, and ends with the reasons for what it could not."""

import pytest

from crmml.errors import BackendError, GateError, LeakageError, NotFoundError, SourceError
from crmml.stages.faults import Faults


def failing(faults, what, error):
    with faults.postponed(what):
        raise error


def test_a_run_without_a_fault_ends_well():
    faults = Faults(pytest.fail)
    with faults.postponed("scores"):
        pass
    faults.end()


def test_one_fault_is_told_as_it_is_at_the_end_and_once():
    said = []
    faults = Faults(said.append)
    failing(faults, "scores", SourceError("a column vanished", code="D016"))
    failing(faults, "list calls", SourceError("a column vanished", code="D016"))
    assert [line.split(" not made")[0].strip() for line in said] == ["scores", "list calls"]
    with pytest.raises(SourceError, match=r"^a column vanished \[D016\]$"):
        faults.end()


def test_several_faults_stand_together_and_the_first_gives_the_exit_code():
    faults = Faults(lambda line: None)
    failing(faults, "train default", SourceError("12 events; expected 50", code="D019"))
    failing(faults, "list calls", GateError("no row is left", code="G010"))
    failing(faults, "warning", NotFoundError("nobody to warn of", code="M001"))
    with pytest.raises(SourceError, match="3 parts") as told:
        faults.end()
    assert told.value.code == "D019"
    assert [f"[{code}]" in str(told.value) for code in ("D019", "G010", "M001")] == [True] * 3


@pytest.mark.parametrize("error", [LeakageError("knows the future", code="L001"), BackendError("full", code="L002")])
def test_a_leak_or_a_full_disk_ends_a_run_at_once(error):
    with pytest.raises(type(error)):
        failing(Faults(pytest.fail), "train churn", error)
