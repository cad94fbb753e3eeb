"""One small synthetic bank, run from tables to target list once, for every test that looks at a finished run."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]


def lighten(path: Path) -> None:
    """Fewer trials and trees: what is tested does not depend on how good a model is."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["tuning"] = {"trials": 1, "folds": 2, "max_trees": 40, "seed": 7}
    config.pop("gates", None)
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """A project folder with the demo's configs and a bank of 1,500 customers, everything run on it."""
    from crmml.demo import make_bank
    from crmml.stages.project import open_project
    from crmml.stages.run import run_bank

    root = tmp_path_factory.mktemp("project")
    shutil.copytree(REPOSITORY / "configs" / "demo", root / "configs" / "demo")
    for name in ("churn", "default", "contribution", "uptake"):
        lighten(root / "configs" / "demo" / f"{name}.yaml")
    before, folder = os.environ.get("CRMML_HOME"), Path.cwd()
    os.environ["CRMML_HOME"] = str(root)
    os.chdir(root)
    said: list[str] = []
    try:
        make_bank(open_project("configs/demo"), customers=1500, seed=7, say=said.append)
        run_bank("configs/demo", say=said.append)
        (root / "said.txt").write_text("\n".join(said), encoding="utf-8")
        yield root
    finally:
        os.chdir(folder)
        if before is None:
            del os.environ["CRMML_HOME"]
        else:
            os.environ["CRMML_HOME"] = before
