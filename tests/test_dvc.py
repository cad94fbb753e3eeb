"""The stages of `dvc repro` are those of a run: all of them, in an order in which each finds what it reads."""

from itertools import product
from pathlib import Path

import pytest
import yaml

from crmml.stages.project import open_project
from crmml.stages.run import STAGES, models_of

ROOT = Path(__file__).parents[1]


def jobs():
    """Every command of dvc.yaml with what it reads and what it makes, a matrix written out."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for stage in stages.values():
        matrix = stage.get("matrix", {})
        for values in product(*matrix.values()):
            text = yaml.safe_dump(stage)
            for name, value in zip(matrix, values, strict=True):
                text = text.replace("${item." + name + "}", value)
            told = yaml.safe_load(text)
            outs = [next(iter(out)) if isinstance(out, dict) else out for out in told.get("outs", [])]
            params = [next(iter(param)) for param in told.get("params", [])]
            yield told["cmd"], [*told.get("deps", []), *params], outs


def test_every_stage_of_a_run_and_every_model_has_its_command():
    commands = [command for command, _, _ in jobs()]
    asked = [command.split("--stage ")[1].split()[0] for command in commands if "--stage" in command]
    assert set(asked) == set(STAGES)
    project = open_project(ROOT / "configs" / "demo")
    trained = {command.split("--model ")[1] for command in commands if "--model" in command}
    assert trained == {model.key for model in models_of(project)}


def test_what_a_stage_reads_is_there_or_made_by_another_and_nothing_is_made_twice():
    made = [out for _, _, outs in jobs() for out in outs]
    assert len(made) == len(set(made))
    for command, reads, _ in jobs():
        for path in reads:
            is_made = any(f"{path}/".startswith(f"{out}/") or f"{out}/".startswith(f"{path}/") for out in made)
            assert is_made or (ROOT / path).is_file(), f"{command} reads {path}"


def test_a_change_of_any_config_reaches_a_stage():
    project = open_project(ROOT / "configs" / "demo")
    on_demand = {
        f"configs/demo/{key}.yaml" for key, model in project.config.models.items() if model not in models_of(project)
    }
    configs = {f"configs/demo/{path.name}" for path in (ROOT / "configs" / "demo").glob("*.yaml")}
    assert configs - {path for _, reads, _ in jobs() for path in reads} == on_demand


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
def test_the_graph_is_one_that_dvc_can_walk():
    repo = pytest.importorskip("dvc.repo", reason="needs DVC (pip install 'crmml[pipeline]')")
    with repo.Repo(str(ROOT)) as here:
        names = {getattr(stage, "name", "") for stage in here.index.stages}
        here.index.check_graph()
    assert {"bank", "train@churn", "train_uplift", "list"} <= names
