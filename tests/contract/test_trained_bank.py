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
