"""Public tables through the second door: roles, parts and the known effects of a trial, as their papers count them."""

import os
import re
import shutil
from pathlib import Path

import pytest

from crmml.config import load_table_models
from crmml.feature_table import read_rows
from crmml.stages.run import run_bank
from crmml.stages.table_models import read_table, table_project
from tests.conftest import REPOSITORY

DATA = os.environ.get("CRMML_DATA")
TABLES = ("credit_card_default", "bank_marketing", "hillstrom")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not DATA or not all((Path(DATA) / name).is_dir() for name in TABLES),
        reason="CRMML_DATA names no folder of public data",
    ),
]


def models(name):
    return load_table_models(REPOSITORY / "configs" / name)


@pytest.mark.parametrize("name", TABLES)
def test_each_config_has_at_most_fifteen_lines_beside_the_features_it_derives(name):
    for path in (REPOSITORY / "configs" / name).glob("*.yaml"):
        lines = re.sub(r"(?m)^derive:.*\n(  .*\n)+", "", path.read_text(encoding="utf-8")).splitlines()
        assert len(lines) <= 15


def test_the_calls_are_read_without_their_duration_and_tested_on_the_last():
    flat = read_table(models("bank_marketing")["by_time"])
    frame = flat.abt.frame
    assert "duration" not in flat.abt.names
    assert (len(frame), frame["label"].sum()) == (41_188, 4_640)
    rates = frame.groupby("part")["label"].mean()
    assert rates["train"] == pytest.approx(0.06, abs=0.01)
    assert rates["test"] > 0.3
    assert frame["poutcome"].isna().sum() == 0
    assert frame["default"].isna().sum() == 8_597  # "unknown" in the file


def test_the_arms_of_the_e_mail_test_have_the_effects_that_are_known():
    model = models("hillstrom")["visit"]
    rows = read_rows(model.source).to_pandas()
    told = rows.astype({"visit": float, "conversion": float, "spend": float}).groupby("segment")
    visit, spend = told["visit"].mean(), told["spend"].mean()
    assert told.size().to_dict() == {"Mens E-Mail": 21_307, "Womens E-Mail": 21_387, "No E-Mail": 21_306}
    assert visit["Mens E-Mail"] - visit["No E-Mail"] == pytest.approx(0.0766, abs=5e-5)
    assert visit["Womens E-Mail"] - visit["No E-Mail"] == pytest.approx(0.0452, abs=6e-5)
    assert spend["Mens E-Mail"] - spend["No E-Mail"] == pytest.approx(0.770, abs=5e-4)
    flat = read_table(model)
    assert flat.abt.frame["column_segment"].value_counts()["Mens E-Mail"] == 21_307
    assert not {"conversion", "spend"} & set(flat.abt.names)


def test_card_clients_are_ranked_as_well_as_the_bar_says(tmp_path, monkeypatch):
    shutil.copytree(REPOSITORY / "configs" / "credit_card_default", tmp_path / "configs" / "credit_card_default")
    path = tmp_path / "configs" / "credit_card_default" / "default.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seeds: 5", "seeds: 1"), encoding="utf-8")
    monkeypatch.setenv("CRMML_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    said = []
    run_bank("configs/credit_card_default", say=said.append)
    assert table_project("configs/credit_card_default") is not None
    figure = next(line for line in said if "auc" in line)
    assert "(not time-honest)" in figure
    assert float(figure.split("auc ")[1].split()[0]) >= 0.7795 - 0.0005  # printed with three digits
