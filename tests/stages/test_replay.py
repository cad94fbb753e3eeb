"""What a list kept makes its rows again, and nothing else is needed: neither data nor the champions of the day."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmml import bundle, registry
from crmml.errors import IntegrityError, NotFoundError, UsageError
from crmml.files import digest_file
from crmml.registry import promotions
from crmml.stages.kept_lists import open_list
from crmml.stages.replay import compare, replay
from crmml.stages.why_lists import explain_list

DEMO = Path("configs/demo")
DAY = "2025-12-31"


@pytest.fixture(scope="module")
def kept(workspace, tmp_path_factory):
    """A project of configs, models and the finished list alone."""
    home = tmp_path_factory.mktemp("kept")
    for part in ("configs", "models", "data/demo/lists"):
        shutil.copytree(workspace / part, home / part, symlinks=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMML_HOME", str(home))
        patch.chdir(home)
        yield home


def table(home):
    return pq.read_table(home / "data/demo/lists/cross_sell/cross_sell.parquet").to_pandas()


@pytest.mark.whole
def test_every_number_is_made_again_from_the_list_and_the_bundles_alone(kept):
    listed = table(kept)
    candidates = pd.read_parquet(kept / "data/demo/lists/cross_sell/candidates.parquet")
    unlisted = candidates.loc[~candidates["customer_id"].isin(listed["customer_id"]), "customer_id"].iloc[0]
    parts = replay(DEMO, name="cross_sell", customer_id=listed["customer_id"].iloc[0])
    assert {part["part"].split()[0] for part in parts} >= {"score", "decision", "the", "every", "list"}
    assert all(part["equal"] for part in parts)
    assert sum(part["numbers"] for part in parts) > len(candidates)
    assert all(part["equal"] for part in replay(DEMO, name="cross_sell", customer_id=unlisted))


@pytest.mark.whole
def test_a_frozen_copy_is_replayed_by_name_or_id_after_another_version_was_promoted(kept, tmp_path):
    frozen = kept / "models/campaigns/demo/spring"
    shutil.copytree(kept / "data/demo/lists/cross_sell", frozen / "list")
    (frozen / "outcomes").mkdir()
    (frozen / "outcomes/later.parquet").write_bytes(b"added after the freeze")
    promote_another("demo.uptake_card", kept / "models", tmp_path)
    customer, list_id = table(kept).loc[1, ["customer_id", "list_id"]]
    shutil.move(kept / "data/demo/lists", tmp_path / "lists")
    try:
        parts = replay(DEMO, name="spring", customer_id=customer)
        assert replay(DEMO, name=list_id, customer_id=customer) == parts
    finally:
        shutil.move(tmp_path / "lists", kept / "data/demo/lists")
        shutil.rmtree(frozen)
    assert all(part["equal"] for part in parts)
    assert any(part["part"] == "the list, all arms" and part["rows"] > 10 for part in parts)


def promote_another(name, models, folder):
    """A version whose scores differ takes the place of the champion."""
    champion = registry.resolve(f"{name}@champion", models=models)
    served = bundle.load(champion.bundle_dir)
    other = replace(served, parts=(replace(served.parts[0], intercept=served.parts[0].intercept + 0.5),))
    bundle.write(folder / "other", other)
    found = registry.register(folder / "other", models=models, name=name)
    version, place = found.version, str(found.bundle_dir.relative_to(models))
    line = {"version": version, "previous": champion.version, "digest": found.digest, "bundle": place}
    promotions.append(models, model=name, event="promoted", by="test", reason="another", **line)
    assert registry.resolve(f"{name}@champion", models=models).version == version != champion.version


@pytest.mark.whole
def test_a_changed_file_is_refused_and_so_is_one_whose_digest_was_mended_too(kept, tmp_path):
    folder = kept / "data/demo/lists/cross_sell"
    shutil.copytree(folder, tmp_path / "kept")
    customer = table(kept)["customer_id"].iloc[0]
    for name, column in (("replay/scores/uptake_card.parquet", "prob_take"), ("candidates.parquet", "expected_value")):
        rows = pd.read_parquet(folder / name)
        rows[column] = np.nextafter(rows[column], 1e9)
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / name)
        with pytest.raises(IntegrityError, match="was changed after it was written") as refused:
            replay(DEMO, name="cross_sell", customer_id=customer)
        assert refused.value.exit_code == 8
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = digest_file(folder / name)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(IntegrityError, match="cannot be replayed"):
            replay(DEMO, name="cross_sell", customer_id=customer)
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "kept", folder)


@pytest.mark.whole
def test_reasons_on_the_list_are_the_cells_of_the_kept_features(kept):
    customer = table(kept).query("arm == 'treated'")["customer_id"].iloc[0]
    told = explain_list(DEMO, customer_id=customer, name="cross_sell")
    features = pd.read_parquet(kept / f"data/demo/lists/cross_sell/replay/features/features/{DAY}.parquet")
    row = features[features["customer_id"] == customer].iloc[0]
    assert told["is_listed"]
    assert 1 <= len(told["why_customer"]) <= 3
    for reason in told["why_customer"]:
        value = row[reason["feature"]]
        assert reason["value"] == (None if pd.isna(value) else value)
        assert f"--explain {reason['feature']} --customer {customer}" in reason["rows"]
    factors = {each["factor"]: each["value"] for each in told["why_offer"]}
    worth = factors["effect"] * factors["value_if_taken"] + factors["prob_take"] * factors["incentive"]
    assert factors["expected_value"] == pytest.approx(worth + factors["contact_cost"])


@pytest.mark.whole
def test_a_held_out_customer_is_told_as_not_listed_and_without_the_word_control(kept):
    customer = table(kept).query("arm == 'control'")["customer_id"].iloc[0]
    told = explain_list(DEMO, customer_id=customer, name="cross_sell")
    assert not told["is_listed"]
    assert "control" not in json.dumps(told, default=str)
    assert explain_list(DEMO, customer_id=customer, name="cross_sell", arms=True)["chosen"]["arm"] == "control"


@pytest.mark.whole
def test_an_unknown_customer_or_list_ends_with_6_and_the_nearest(kept):
    customer = table(kept)["customer_id"].iloc[0]
    with pytest.raises(NotFoundError, match=f"Did you mean '{customer}'") as refused:
        replay(DEMO, name="cross_sell", customer_id=customer.lstrip("0"))
    assert refused.value.exit_code == 6
    with pytest.raises(NotFoundError, match="Did you mean 'cross_sell'"):
        replay(DEMO, name="cross_sel", customer_id=customer)


def test_numbers_are_compared_by_their_bits_and_nulls_with_nulls():
    one = pa.table({"x": [0.1 + 0.2, None, 0.0], "t": ["a", None, "c"]})
    assert compare("same", one, pa.table({"x": [0.1 + 0.2, float("nan"), 0.0], "t": ["a", None, "c"]})).is_equal
    assert compare("bit", one, pa.table({"x": [0.3, None, 0.0], "t": ["a", None, "c"]})).different == ("x",)
    assert compare("sign", one, pa.table({"x": [0.1 + 0.2, None, -0.0], "t": ["a", None, "c"]})).different == ("x",)
    assert compare("text", one, pa.table({"x": one["x"], "t": ["a", "", "c"]})).different == ("t",)
    assert not compare("rows", one, one.slice(1)).is_equal
    assert not compare("columns", one, one.select(["x"])).is_equal


def test_several_lists_want_one_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMML_HOME", str(tmp_path))
    for name in ("one", "two"):
        folder = tmp_path / "data/demo/lists" / name
        folder.mkdir(parents=True)
        (folder / "about.json").write_text(json.dumps({"list_id": f"{name}-1", "name": name}))
        (folder / "manifest.json").write_text(json.dumps({"kind": "list"}))
    with pytest.raises(UsageError, match="2 lists: one, two"):
        open_list(Path(__file__).parents[2] / "configs/demo", None)


def test_a_list_is_found_by_its_name_alone_where_one_bank_has_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMML_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(Path(__file__).parents[2] / "configs/demo", tmp_path / "configs/demo")
    for bank, name in (("demo", "one"), ("demo", "shared"), ("other", "shared")):
        folder = tmp_path / "data" / bank / "lists" / name
        folder.mkdir(parents=True)
        (folder / "about.json").write_text(json.dumps({"list_id": f"{name}-1", "name": name}))
        (folder / "manifest.json").write_text(json.dumps({"kind": "list", "inputs": {}, "files": {}}))
    for given in ((Path("one"), None), (None, "one"), (Path("one-1"), None)):
        project, kept = open_list(*given)
        assert (project.workspace.bank, kept.list_id) == ("demo", "one-1")
    with pytest.raises(UsageError, match="2 banks have a list 'shared': demo, other"):
        open_list(None, "shared")
    with pytest.raises(NotFoundError, match="no bank here has a list 'none'"):
        open_list(None, "none")
    with pytest.raises(NotFoundError, match=r"holds no bank\.yaml"):
        open_list(Path("none"), None)
