"""A feature table through the front door: one YAML file in; champion, report, scored batch and page out."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from crmml.config import load_table_models
from crmml.errors import CrmmlError, GateError, NotFoundError, SourceError
from crmml.stages.run import run_bank
from crmml.stages.table_models import check_table, plan_of, table_project
from crmml.stages.table_scores import explain_row, score_table

CONFIG = """\
table: loans.csv
zh: 三个月内逾期
en: late within 3 months
key: contract
cutoff: month
label: {column: outcome, event: late}
weight: weight
horizon: {months: 1}
leave_out: [note]
missing: {"*": [unknown], months_with_bank: [-1]}
words: {debt: {zh: 负债率, en: share of income owed}}
groups: {burden: [debt, instalment]}
test: {out_of_time: 2025-05}
tuning: {trials: 0, max_trees: 40, folds: 2}
gates: {accepted: "made up for a test"}
"""
DERIVED = "derive: {strain: debt * instalment / 900, heavier: list_max(burden)}\n"


def loans(*, months=6, a_month=300, seed=3):
    """Late payment rises with debt; a channel appears in the test months alone; one column tells nothing."""
    rng = np.random.default_rng(seed)
    count = months * a_month
    month = np.repeat([f"2025-{number:02d}" for number in range(1, months + 1)], a_month)
    debt = rng.uniform(0, 1, count)
    channel = np.where(rng.random(count) < 0.5, "branch", "mobile").astype(object)
    channel[(month >= "2025-05") & (rng.random(count) < 0.1)] = "video"
    late = rng.random(count) < 1 / (1 + np.exp(3.0 - 4 * debt - 0.8 * (channel == "branch")))
    tenure = rng.integers(0, 200, count).astype(object)
    tenure[rng.random(count) < 0.1] = -1
    return pd.DataFrame(
        {
            "contract": [f"V{number:06d}" for number in range(count)],
            "month": month,
            "debt": debt.round(4),
            "instalment": (debt * 900 + rng.normal(0, 100, count)).round(2),
            "channel": np.where(rng.random(count) < 0.05, "unknown", channel),
            "months_with_bank": tenure,
            "currency": "CNY",
            "weight": np.where(late, 1.0, 2.0),
            "note": [f"free text {number}" for number in range(count)],
            "outcome": np.where(late, "late", "paid"),
        }
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("table")
    folder = root / "configs" / "cars"
    folder.mkdir(parents=True)
    (folder / "late.yaml").write_text(CONFIG + DERIVED, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMML_HOME", str(root))
        patch.chdir(root)
        loans().to_csv(root / "loans.csv", index=False)
        said = []
        run_bank("configs/cars", say=said.append)
        yield root, said


def test_the_config_is_at_most_fifteen_lines():
    assert len(CONFIG.splitlines()) <= 15


def test_it_trains_out_of_time_and_becomes_champion_with_the_accepted_note(project):
    root, said = project
    metrics = json.loads((root / "data/cars/training/late/metrics.json").read_text())
    assert metrics["tested_on"] == "later cut-offs, all customers"
    assert metrics["stamp"] == ""
    assert [part["cutoff_date"] for part in metrics["per_cutoff"]] == ["2025-05-31", "2025-06-30"]
    assert metrics["headline"]["auc"]["value"] > 0.7
    assert metrics["leak_audit"] == "not auditable"
    assert any("cars.late version 1 is champion" in line for line in said)
    gates = {gate["name"]: gate for gate in metrics["gates"]}
    assert gates["leak audit"]["found"] == "not auditable, accepted: made up for a test"


def test_the_card_says_which_columns_were_not_used_and_why(project):
    root, _ = project
    card = json.loads((root / "data/cars/bundles/late/card.json").read_text())
    assert card["columns"]["dropped"] == {"currency": "always CNY on training rows"}
    report = (root / "out/cars/report-late.html").read_text(encoding="utf-8")
    assert "not auditable: a table without history" in report
    assert "not time-honest" not in report


def test_a_second_run_does_nothing(project):
    said = []
    run_bank("configs/cars", say=said.append)
    assert "train late up to date" in said


def test_a_batch_is_scored_with_reasons_and_what_is_new_in_it_is_counted(project):
    root, _ = project
    batch = loans(months=1, seed=9).drop(columns=["outcome", "weight", "note"]).assign(extra=1)
    batch.loc[:6, "channel"] = "drone"
    batch.loc[7:8, "debt"] = 7.5
    batch.to_csv(root / "july.csv", index=False)
    said = []
    (told,) = score_table("configs/cars", table=root / "july.csv", say=said.append)
    assert (told["rows"], told["unseen_rows"]) == (300, 7)
    assert "          july.csv: extra: not in the training table, ignored" in said
    assert any("unseen levels, read as missing: channel 7" in line for line in said)
    scores = pd.read_parquet(told["file"])
    assert scores["reason_1_zh"].notna().all()
    assert scores["prob_given"].between(0, 1).all()
    rows = {
        row["feature"]: row
        for row in json.loads((root / "data/cars/scores/july/late/late.batch.json").read_text())["features"]
    }
    assert rows["debt"]["outside_rows"] == 2
    assert rows["strain"]["outside_rows"] == 2  # a derived feature follows the columns it is made of
    assert rows["heavier"]["missing_share"] == 0
    assert rows["months_with_bank"]["missing_share"] == pytest.approx((batch["months_with_bank"] == -1).mean())
    manifest = json.loads((root / "data/cars/scores/july/late/manifest.json").read_text())
    assert "channel 7" in manifest["about"]["batch"]["late"]
    # A row scored alone has the very figures it has among the others.
    batch.iloc[[20]].to_csv(root / "one.csv", index=False)
    (alone,) = score_table("configs/cars", table=root / "one.csv", say=said.append)
    assert pd.read_parquet(alone["file"])["log_odds"].tolist() == scores["log_odds"].iloc[[20]].tolist()


def test_one_row_is_explained_on_a_page_in_the_words_of_the_config(project):
    lines, page = explain_row("configs/cars", key="V000042", say=lambda text: None)
    assert lines[-1]["zh"] == "其余因素"
    assert any(line["reason"].startswith("BURDEN") for line in lines)
    text = page.read_text(encoding="utf-8")
    assert "loans.csv" in text
    assert "2025-01-31" in text
    with pytest.raises(NotFoundError, match=r"has no key \*\*\*999 among its 1,800"):
        explain_row("configs/cars", key="V999999", say=lambda text: None)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda rows: rows.drop(columns="debt"), "D003", "no column 'debt', which the model's features names"),
        (lambda rows: rows.rename(columns={"debt": "dept"}), "D003", "Did you mean 'dept'"),
        (lambda rows: rows.assign(debt="high"), "D023", r"debt held numbers in training; 300 of 300 cells do not"),
    ],
)
def test_a_batch_of_another_shape_is_refused(project, change, code, said):
    root, _ = project
    change(loans(months=1)).to_csv(root / "bad.csv", index=False)
    with pytest.raises(SourceError, match=said) as caught:
        score_table("configs/cars", table=root / "bad.csv", say=lambda text: None)
    assert (caught.value.code, caught.value.exit_code) == (code, 4)


def test_columns_and_parts_are_shown_before_anything_is_trained(project):
    model = table_project("configs/cars").model("late")
    kinds = {row["column"]: row["kind"] for row in check_table(model)}
    assert kinds["channel"] == "category"
    assert kinds["share of income owed"] == "number"
    assert [(row["part"], row["rows"]) for row in plan_of(model)] == [("test", 600), ("train", 1200)]


def test_without_a_note_the_model_stays_a_challenger_and_scoring_says_what_to_write(project):
    root, _ = project
    folder = root / "configs" / "drawn"
    folder.mkdir()
    text = CONFIG.replace('gates: {accepted: "made up for a test"}\n', "").replace(
        "test: {out_of_time: 2025-05}", "test: {protocol: published, folds: 3, seed: 5}"
    )
    (folder / "late.yaml").write_text(text, encoding="utf-8")
    said = []
    run_bank("configs/drawn", say=said.append)
    assert any("(not time-honest)" in line for line in said)
    assert any("not promoted" in line and "not auditable" in line and "later rows" in line for line in said)
    metrics = json.loads((root / "data/drawn/training/late/metrics.json").read_text())
    assert [part["cutoff_date"] for part in metrics["per_cutoff"]] == ["fold 1", "fold 2", "fold 3"]
    assert metrics["headline"]["rows"] == 1800
    report = (root / "out/drawn/report-late.html").read_text(encoding="utf-8")
    assert report.count("not time-honest") >= 8
    with pytest.raises(NotFoundError, match=r"write gates: \{accepted:"):
        score_table("configs/drawn", table=None, say=said.append)
    (told,) = score_table("configs/drawn", table=None, challenger=True, say=said.append)
    assert told["rows"] == 1800


BAD = [
    (
        "a;b;outcome\n1;2;late\n",
        CONFIG.replace("loans.csv", "{path: bad.csv, options: {delimiter: ','}}"),
        4,
        "D003",
        "one column only",
    ),
    ("contract,month,debt,outcome\n", None, 4, "D002", "no rows"),
    ("contract,month,debt\nV1,2025-01,1\n", None, 4, "D003", "no column 'outcome'"),
    (None, CONFIG.replace("loans.csv", "nowhere.csv"), 4, "D001", "no file nowhere.csv"),
    (
        None,
        CONFIG.replace("2025-05}", "2026-05}").replace("loans.csv", "${CRMML_HOME}/loans.csv"),
        4,
        "D018",
        "no cut-off lies on or after 2026-05-31",
    ),
    (None, CONFIG.replace("test: {out", "test: {protocol: papers, out"), 3, "C003", "expected one of published"),
]


@pytest.mark.parametrize(("content", "config", "exit_code", "code", "said"), BAD, ids=[bad[3] for bad in BAD])
def test_a_bad_table_ends_with_one_message_and_its_exit_code(project, tmp_path, content, config, exit_code, code, said):
    text = config or CONFIG
    if content is not None:
        (project[0] / "bad.csv").write_text(content, encoding="utf-8")
        text = text.replace("loans.csv", "bad.csv")
    (tmp_path / "late.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CrmmlError) as caught:
        check_table(load_table_models(tmp_path)["late"])
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    assert said in str(caught.value)


def test_the_command_line_checks_a_table_and_ends_with_the_exit_code(project):
    root, _ = project
    (root / "configs" / "wrong").mkdir()
    (root / "configs" / "wrong" / "late.yaml").write_text(CONFIG.replace("column: outcome", "column: Outcome"))
    done = subprocess.run(
        [sys.executable, "-c", "from crmml.cli import main; main()", "check", "configs/wrong"],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "no column 'Outcome', which label names. Did you mean 'outcome'? [D003]" in done.stderr
    assert "Traceback" not in done.stderr


def test_few_events_and_the_label_under_another_name_stop_the_training(project):
    root, _ = project
    folder = root / "configs" / "few"
    folder.mkdir()
    rows = loans()
    for name, changed, error, said in (
        (
            "few",
            rows.assign(outcome=np.where(np.arange(1800) % 100 == 0, "late", "paid")),
            SourceError,
            r"12 events \(< 50\)",
        ),
        ("copy", rows.assign(flag=(rows["outcome"] == "late").astype(int)), GateError, "flag equal the label"),
    ):
        changed.to_csv(root / f"{name}.csv", index=False)
        for other in folder.glob("*.yaml"):
            other.unlink()
        (folder / f"{name}.yaml").write_text(CONFIG.replace("loans.csv", f"{name}.csv"), encoding="utf-8")
        with pytest.raises(error, match=said):
            run_bank("configs/few", say=lambda text: None)
