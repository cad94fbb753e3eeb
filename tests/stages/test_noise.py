"""A bank in which nothing foretells who leaves: the model must say so, and must not be promoted."""

import shutil
from pathlib import Path

import pytest

from crmml import registry
from crmml.demo_bank import generate
from crmml.errors import GateError
from crmml.stages.abts import lay_ground
from crmml.stages.project import open_project
from crmml.stages.promoting import promote_first
from crmml.stages.training import make_model
from tests.conftest import REPOSITORY, lighten

pytestmark = pytest.mark.whole


def test_on_pure_noise_the_model_is_no_better_than_chance_and_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMML_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(REPOSITORY / "configs" / "demo", tmp_path / "configs" / "demo")
    for path in (tmp_path / "configs" / "demo").glob("*.yaml"):
        if path.name not in ("bank.yaml", "churn.yaml"):
            path.unlink()
    lighten(tmp_path / "configs" / "demo" / "churn.yaml")
    generate(Path("data/demo"), customers=1500, months=60, seed=7, noise=True)
    project = open_project("configs/demo")
    ground = lay_ground(project, say=lambda text: None)
    model = project.config.model("churn")
    try:
        summary = make_model(project, model, ground, say=lambda text: None)
    except GateError:
        return  # scores that do not even rank unseen customers are refused before they are a model
    assert 0.42 < summary["value"] < 0.58
    assert summary["gates_failed"]
    assert promote_first(project.workspace, model.key, model.spec.name, say=lambda text: None) is False
    with pytest.raises(GateError, match="gates failed"):
        registry.promote(
            "demo.churn", summary["version"], models=tmp_path / "models", expected=None, by="risk", reason="try"
        )
    assert registry.log("demo.churn", models=tmp_path / "models") == []
