"""Bad inputs that only a bank with a champion can meet: the small bank, trained once, spoilt and mended again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from crmml import bundle, registry
from crmml.bundle import store
from tests.contract.door import Done, crmml
from tests.contract.small_bank import BANK, CHURN, make, tables

SCORES = "data/small/scores/2025-12-31/churn.parquet"
WITH_LABELS = """\
  raw_customers: source/customers.csv
  raw_facts: source/facts.csv
"""
FACTS = """\
tables:
  activity: SELECT customer_id, day AS period_end, 'flag' AS measure, value FROM raw_facts
  labels: SELECT customer_id, day AS cutoff_date, 'flag' AS target, value FROM raw_facts
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small bank with a column of nulls and a customer without any booking, run from tables to scores."""
    folder = tmp_path_factory.mktemp("trained")
    content = tables(400, closing=0.09)
    for row in content["customers"]:
        row.append("occupation" if row[0] == "customer_id" else "")
    content["customers"].append(["C99999", "person", "F", "50000.00", "2020-03-01", "false", ""])
    content["accounts"].append(["A99999", "C99999", "p1", "2020-03-01", "", "CNY"])
    make(folder, content, {"bank": BANK.replace("[income]", "[income, occupation]")})
    done = crmml("run", "configs/small", home=folder)
    assert done.code == 0, done.err
    assert "1 without any history (thin_file)" in done.err
    return folder


@contextmanager
def changed(path: Path, text: str | None = None, *, data: bytes | None = None) -> Iterator[None]:
    """A file with other contents for a while."""
    before = path.read_bytes()
    path.write_bytes(data if data is not None else str(text).encode())
    try:
        yield
    finally:
        path.write_bytes(before)


def bundle_dir(home: Path) -> Path:
    return registry.resolve("small.churn@champion", models=home / "models").bundle_dir


def refused(done: Done, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    for each in words:
        assert each in done.err


def dropped(home: Path) -> dict[str, str]:
    return dict(bundle.load(bundle_dir(home)).card["columns"]["dropped"])


def test_a_column_without_a_value_is_dropped_and_recorded(home: Path) -> None:
    assert dropped(home)["occupation"] == "null on every training row"
    assert "occupation has no value on any of 401 rows" in crmml("check", "configs/small", home=home).err


def test_a_constant_column_is_dropped_and_recorded(home: Path) -> None:
    constant = [name for name, reason in dropped(home).items() if reason.startswith("always ")]
    assert constant
    assert not set(constant) & set(bundle.load(bundle_dir(home)).names)


def test_a_customer_without_history_is_scored_and_flagged(home: Path) -> None:
    scores = pd.read_parquet(home / SCORES)
    assert scores.loc[scores["thin_file"], "customer_id"].tolist() == ["C99999"]
    assert scores.loc[scores["thin_file"], "prob_churn"].between(0, 1).all()


def test_a_column_that_vanished_since_training_is_not_scored_without(home: Path) -> None:
    before = (home / SCORES).read_bytes()
    path = home / "source" / "customers.csv"
    people = pd.read_csv(path, dtype=str, keep_default_na=False)
    with changed(path, people.assign(income="").to_csv(index=False)):
        done = crmml("score", "configs/small", home=home)
    refused(done, 4, "income (from customers, 100% known in training)", "[D016]")
    assert (home / SCORES).read_bytes() == before


def test_a_source_that_ends_early_is_scored_as_stale_and_not_at_all_by_strict(home: Path) -> None:
    path = home / "source" / "transactions.csv"
    booked = pd.read_csv(path, dtype=str, keep_default_na=False)
    before = (home / SCORES).read_bytes()
    with changed(path, booked[booked["valued_on"] < "2025-12-01"].to_csv(index=False)):
        refused(crmml("score", "configs/small", "--strict", home=home), 5, "[W142]", "[G004]")
        assert (home / SCORES).read_bytes() == before
        assert crmml("score", "configs/small", home=home).code == 0
        (stale,) = json.loads((home / SCORES).with_name("manifest.json").read_text())["about"]["stale"]
        assert "2025-12-01 to 2025-12-31" in stale
    assert crmml("score", "configs/small", home=home).code == 0


def test_the_features_of_a_bank_are_documented_on_one_page(home: Path) -> None:
    done = crmml("docs", "configs/small", "--out", str(home / "pages"), home=home)
    assert done.code == 0, done.err
    page = (home / "pages" / "features.html").read_text(encoding="utf-8")
    names = json.loads((home / "data/small/features/catalogue.json").read_text(encoding="utf-8"))
    assert all(f'id="f-{each["name"]}"' in page for each in names)
    assert "C0000" not in page


def test_a_feature_that_is_the_label_ends_the_training(home: Path) -> None:
    days = [
        f"2025-{month:02}-{last}"
        for month, last in zip(range(3, 12), (31, 30, 31, 30, 31, 31, 30, 31, 30), strict=True)
    ]
    facts = [f"C{n:05},{day},{(n + place) % 4 == 0:d}" for n in range(400) for place, day in enumerate(days)]
    (home / "source" / "facts.csv").write_text("customer_id,day,value\n" + "\n".join(facts) + "\n")
    bank = BANK.replace("  raw_customers: source/customers.csv\n", WITH_LABELS).replace("tables:\n", FACTS)
    bank += "activity:\n  - {name: flag, kind: level, unit: count, zh: 标记, en: flag}\n"
    leak = CHURN.replace("target: churn", "target: given").replace("{kind: closed}", "{name: flag}")
    leak = leak.replace("[turnover, products, tenure, profile]", "[activity, tenure]")
    config = home / "configs" / "small"
    (config / "leak.yaml").write_text(leak, encoding="utf-8")
    try:
        with changed(config / "bank.yaml", bank):
            done = crmml("train", "configs/small/leak.yaml", home=home)
    finally:
        (config / "leak.yaml").unlink()
    refused(done, 5, "equal the label on all", "[G001]")
    assert not (home / "data/small/training/leak").exists()


def test_a_champion_of_another_target_is_not_served(home: Path) -> None:
    config = home / "configs" / "small" / "churn.yaml"
    with changed(config, CHURN.replace("target: churn", "target: default").replace("{kind: closed}", "{}")):
        done = crmml("score", "configs/small", home=home)
    refused(done, 6, "is a model of churn", "asks for default", "[M004]")


def test_a_bundle_of_a_newer_format_asks_for_an_upgrade(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bundle_dir(home)
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    with monkeypatch.context() as newer:
        newer.setattr(store, "FORMAT", store.FORMAT + 1)
        bundle.write(folder, bundle_of(kept, folder))
    done = crmml("score", "configs/small", home=home)
    for path, data in kept.items():
        path.write_bytes(data)
    refused(done, 8, f"has format {store.FORMAT + 1}, expected {store.FORMAT}", "upgrade crmml", "[M005]")


def bundle_of(kept: dict[Path, bytes], folder: Path) -> bundle.Bundle:
    """The bundle as it is stored, read under the present format."""
    manifest = json.loads(kept[folder / "manifest.json"])
    assert manifest["about"]["format"] + 1 == store.FORMAT
    store.FORMAT -= 1
    try:
        return bundle.load(folder)
    finally:
        store.FORMAT += 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("booster.txt", b"tree\n", "booster.txt has SHA-256"),
        ("calibration.json", b"{}", "calibration.json has SHA-256"),
        ("manifest.json", b"{", "is not a readable manifest"),
        ("manifest.json", None, "manifest.json is missing"),
        ("extra.txt", b"", "extra.txt is missing or was not written by crmml"),
    ],
)
def test_a_model_that_is_not_what_was_written_is_refused(home: Path, name: str, data: bytes | None, words: str) -> None:
    path = bundle_dir(home) / name
    before = path.read_bytes() if path.exists() else None
    try:
        path.unlink() if data is None else path.write_bytes(data)
        done = crmml("score", "configs/small", home=home)
    finally:
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
    refused(done, 8, words, "[M002]")


def test_a_folder_that_cannot_be_written_ends_with_9(tmp_path: Path) -> None:
    make(tmp_path, tables(20))
    (tmp_path / "data").write_text("a file where a folder is needed")
    refused(crmml("run", "configs/small", home=tmp_path), 9, "cannot write", "[L004]")
    assert (tmp_path / "data").read_text() == "a file where a folder is needed"


WARNING = """\
warns: churn
capacity: {total: 12}
levels: {red: 0.25, amber: 1.0, watch: 2.0}
winback: {kinds: [closed, attrited, silent], within_months: 3, horizon_months: 2, floor: 1000, contacted_within_days: 0}
"""
GRID = "grid: {loyalty: {model: churn, quantiles: [0.3, 0.7]}}\n"


@contextmanager
def written(path: Path, text: str) -> Iterator[None]:
    """A file that is there for a while."""
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.unlink()


def test_a_bank_without_managers_ledger_or_loans_is_warned_and_judged_on_later_cutoffs(home: Path) -> None:
    with written(home / "configs" / "small" / "warning.yaml", WARNING):
        done = crmml("warn", "configs/small", "--format", "json", home=home)
    assert done.code == 0, done.err
    rows = pd.DataFrame(json.loads(done.out)["rows"]).set_index(["chosen", "cutoff"])
    # trained up to July with labels of August: the test cut-offs of September and November are judged
    assert set(rows.index.get_level_values("cutoff")) == {"2025-09-30", "2025-11-30", "mean"}
    assert rows.loc[("capacity", "mean"), "customers"] == 24
    assert rows.loc[("capacity", "mean"), "precision"] > rows.loc[("random", "mean"), "precision"]
    alerts = pd.read_parquet(home / "data/small/warning/alerts.parquet")
    assert alerts["level"].value_counts()[["red", "amber"]].tolist() == [3, 9]
    assert set(alerts["value_source"]) == {"unknown"}
    lost = pd.read_parquet(home / "data/small/warning/history.parquet").query("label == 1")
    assert (lost["lost_on"] > lost["cutoff_date"]).all()
    gone = pd.read_parquet(home / "data/small/warning/winback.parquet")
    assert gone["customer_id"].is_unique
    # Accounts that closed, and some that fell silent; nobody owes this bank, and no balance is kept long enough to fade.
    assert gone["kind"].value_counts().idxmax() == "closed"
    assert set(gone["kind"]) <= {"closed", "silent"}
    for name in ("warning.html", "warning.xlsx"):
        assert (home / "out/small" / name).exists()
    assert "C0000" not in (home / "out/small/warning.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changed_to", "code", "words"),
    [
        (("total: 12", "per_manager: -2"), 3, ("per_manager", "is -2; expected a whole number, 0 or more", "[C005]")),
        (
            ("total: 12", "per_manager: {default: 2, overrides: {M9: 1}}"),
            3,
            ("names 'M9', no manager of small", "[C013]"),
        ),
        (("amber: 1.0", "amber: 0.1"), 3, ("expected 0 < red <= amber <= watch", "[C005]")),
        (("warns: churn", "warns: chrun"), 3, ("warns by 'chrun'", "Did you mean 'churn'", "[C013]")),
        (("levels:", "levls:"), 3, ("levls", "Did you mean 'levels'", "[C002]")),
    ],
)
def test_a_warning_that_cannot_be_meant_is_refused(
    home: Path, changed_to: tuple[str, str], code: int, words: tuple[str, ...]
) -> None:
    with written(home / "configs" / "small" / "warning.yaml", WARNING.replace(*changed_to)):
        refused(crmml("warn", "configs/small", home=home), code, *words)


def test_a_warning_needs_its_file_and_a_cutoff_the_data_reach(home: Path) -> None:
    refused(crmml("warn", "configs/small", home=home), 3, "has no early warning", "[C011]")
    with written(home / "configs" / "small" / "warning.yaml", WARNING):
        refused(crmml("warn", "configs/small", "--cutoff", "2026-03", home=home), 4, "lies after 2025-12-31", "[D020]")


def test_groups_are_made_of_the_scores_there_are_and_say_which_are_not(home: Path) -> None:
    with written(home / "configs" / "small" / "groups.yaml", GRID):
        done = crmml("groups", "configs/small", "--format", "json", home=home)
        assert done.code == 0, done.err
        first = (home / "data/small/groups/groups.parquet").read_bytes()
        assert "no value, no risk" in done.err
        assert crmml("run", "configs/small", "--stage", "groups", home=home).code == 0
    assert (home / "data/small/groups/groups.parquet").read_bytes() == first
    rows = json.loads(done.out)["rows"]
    made = pd.read_parquet(home / "data/small/groups/groups.parquet")
    assert sum(row["customers"] for row in rows) == (made["cutoff_date"].astype(str) == "2025-12-31").sum() > 0
    assert {row["group"] for row in rows} <= {"L1", "L2", "L3", "L-"}
    page = (home / "out/small/groups.html").read_text(encoding="utf-8")
    assert "there is no champion for it" in page
    assert "C0000" not in page


def test_groups_by_a_model_of_something_else_are_refused(home: Path) -> None:
    with written(
        home / "configs" / "small" / "groups.yaml", GRID.replace("}}", "}, risk: {model: churn, cuts: [0.1]}}")
    ):
        refused(crmml("groups", "configs/small", home=home), 3, "the axis risk is given by 'churn'", "[C013]")
