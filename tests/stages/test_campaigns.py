"""A campaign on the small synthetic bank, from the list to the contacts that the next uplift model reads."""

import json
import os
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from crmml.cli.app import app

NAME = "jan-calls"
RUN = CliRunner()


@pytest.fixture(scope="module")
def home(workspace, tmp_path_factory):
    """A copy of the finished run: a campaign makes its tables stale."""
    root = tmp_path_factory.mktemp("campaign")
    for part in ("configs", "data", "models", "out"):
        shutil.copytree(workspace / part, root / part, symlinks=True)
    before, folder = os.environ["CRMML_HOME"], Path.cwd()
    os.environ["CRMML_HOME"] = str(root)
    os.chdir(root)
    yield root
    os.environ["CRMML_HOME"] = before
    os.chdir(folder)


def run(*words):
    return RUN.invoke(app, [str(word) for word in words])


def ran(*words):
    result = run(*words)
    assert result.exit_code == 0, result.exception
    return result.stdout


def test_the_loop_closes(home):
    frozen = (
        "campaign",
        "freeze",
        "configs/demo",
        "cross_sell",
        "--name",
        NAME,
        "--purpose",
        "calls",
        "--owner",
        "retail",
    )
    first = json.loads(ran(*frozen, "--format", "json"))
    again = json.loads(ran(*frozen, "--format", "json"))
    assert first["content"] == again["content"]
    listed = home / "data/demo/lists/cross_sell"
    kept = home / "models/campaigns/demo" / NAME
    assert sorted(path.name for path in listed.iterdir()) == sorted(path.name for path in (kept / "list").iterdir())

    ran("demo", "--campaign", NAME)
    back = home / "out/demo" / f"campaign-{NAME}-returned.xlsx"
    results = home / "out/demo" / f"campaign-{NAME}-results.csv"
    taken = json.loads(
        ran("campaign", "outcomes", "configs/demo", NAME, back, "--on", "2026-03-31", "--format", "json")
    )
    assert taken["rows"][0]["new"] == first["treated"] + first["explore"]
    told = json.loads(ran("campaign", "report", "configs/demo", NAME, "--format", "json"))
    assert told["why"] == "statuses_only"

    ran("campaign", "outcomes", "configs/demo", NAME, results, "--on", "2026-03-31")
    for day in (["--on", "2026-03-31"], []):
        repeated = json.loads(
            ran("campaign", "outcomes", "configs/demo", NAME, back, results, *day, "--format", "json")
        )
        assert [line["new"] for line in repeated["rows"]] == [0, 0]
    # Said to be of a later day the same file tells that still nobody else took it.
    later = json.loads(
        ran("campaign", "outcomes", "configs/demo", NAME, results, "--on", "2026-04-30", "--format", "json")
    )
    untaken = [row for row in results.read_text(encoding="utf-8").splitlines()[1:] if row.split(",")[3] == "0"]
    assert later["rows"][0]["new"] == len(untaken)
    told = json.loads(ran("campaign", "report", "configs/demo", NAME, "--format", "json"))
    assert told["effect"]["treated"] == first["treated"]
    assert told["effect"]["control"] == first["control"]
    assert told["is_settled"]
    page = (home / "out/demo" / f"campaign-{NAME}.html").read_text(encoding="utf-8")
    assert NAME in page
    assert len(page) < 3_000_000

    before = pd.read_parquet(home / "data/demo/tables/contacts.parquet")
    ran("run", "configs/demo", "--stage", "tables")
    after = pd.read_parquet(home / "data/demo/tables/contacts.parquet")
    mine = after[after["list_id"] == first["list_id"]]
    assert len(after) - len(before) == len(mine) == first["treated"] + first["control"] + first["explore"]
    assert set(mine["outcome"]) == {"taken", "not_taken"}
    assert set(mine["assigned_on"]) == {date(2025, 12, 31)}
    took = told["effect"]["taken_treated"] + told["effect"]["taken_control"]
    assert (mine["outcome"] == "taken").sum() >= took
    assert mine.loc[mine["arm"] == "control", "contacted_on"].isna().all()


def test_the_banks_own_data_say_when_there_is_nothing_to_read_yet(home):
    result = run("campaign", "outcomes", "configs/demo", NAME, "--from-contacts")
    assert result.exit_code == 0, result.exception
    assert "nothing after 2025-12-31 can be read from them yet" in result.stderr
