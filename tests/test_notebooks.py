"""The notebooks run from top to bottom on a small bank, and end as they say."""

import os
from pathlib import Path

import jupytext
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import crmml as cm

pytestmark = pytest.mark.whole

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))


def executed(path, root, monkeypatch):
    """The notebook with the outputs of a run in the project folder `root`."""
    # The kernel reads the variables of this process; MPLBACKEND would keep charts from the notebook.
    for name, value in (("CRMML_HOME", str(root)), ("IPYTHONDIR", str(root / ".ipython"))):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = jupytext.read(path)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": os.fspath(root)}}
    )
    return client.execute()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_small_bank_and_shows_pictures_and_tables(path, workspace, monkeypatch):
    notebook = executed(path, workspace, monkeypatch)
    nbformat.validate(notebook)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output["data"] for output in outputs if "data" in output]
    assert any("image/png" in data or "<svg" in data.get("text/html", "") for data in shown), "no picture"
    assert any("<table" in data.get("text/html", "") for data in shown), "no table"
    said = "".join(output.get("text", "") for output in outputs if output.get("name") == "stderr")
    assert "Glyph" not in said, "a Chinese letter has no glyph"


def test_notebooks_are_text_with_both_languages():
    assert [path.stem for path in NOTEBOOKS] == ["build_a_list", "explain_one_customer", "train_and_compare"]
    for path in NOTEBOOKS:
        notebook = jupytext.read(path)
        told = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert any("一" <= letter <= "鿿" for letter in told)
        assert all(len(cell.source.splitlines()) <= 30 for cell in notebook.cells if cell.cell_type == "code")


def test_scores_asked_for_in_python_are_those_of_the_score_files(workspace):
    day = max((workspace / "data" / "demo" / "scores").iterdir()).name
    served = pd.read_parquet(workspace / "data" / "demo" / "scores" / day / "churn.parquet")
    asked = cm.score(cm.open_bank("configs/demo"), "demo.churn@champion", cutoff=day, reasons=3)
    assert list(asked["customer_id"]) == list(served["customer_id"])
    for name in ("prob_churn", "log_odds", "reason_1_zh", "reason_3_effect"):
        assert list(asked[name]) == list(served[name]), name
    assert "reason_4_code" not in asked
