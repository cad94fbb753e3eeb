"""A run whose models were all refused by their gates."""

from types import SimpleNamespace

import pytest

from crmml.errors import NotFoundError
from crmml.stages import run


def project(*lists):
    return SimpleNamespace(config=SimpleNamespace(lists=dict.fromkeys(lists)))


@pytest.fixture
def refused(monkeypatch):
    def none(project):
        raise NotFoundError("bank has no champion", code="M001")

    monkeypatch.setattr(run, "champions", none)


def test_a_run_without_a_champion_ends_without_scores_and_says_so(refused):
    said = []
    assert run._is_served(project(), say=said.append) is False
    assert said == ["scores    left out: no model of this bank is champion"]


def test_a_list_cannot_do_without_a_champion(refused):
    with pytest.raises(NotFoundError, match="M001"):
        run._is_served(project("cross_sell"), say=pytest.fail)


def test_with_a_champion_scores_are_made(monkeypatch):
    monkeypatch.setattr(run, "champions", lambda project: ["one"])
    assert run._is_served(project("cross_sell"), say=pytest.fail)
