import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmml import bundle as bundles
from crmml import files
from crmml.bundle.store import model_digest
from crmml.errors import IntegrityError, NotFoundError
from tests.modelling.synthetic import make_abt, make_spec, quick_train


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    abt = make_abt(customers=800, base=-1.0)
    quick_train(abt, make_spec(), folder, resamples=2).save(folder / "bundle")
    return folder / "bundle"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_bundle_is_text_and_json_and_nothing_else(stored):
    expected = ["booster.txt", "calibration.json", "card.json", "features.json", "manifest.json", "reference.json"]
    assert names(stored) == expected
    for name in expected[1:]:
        json.loads((stored / name).read_text(encoding="utf-8"))


def test_a_loaded_bundle_writes_the_same_bytes(stored, tmp_path):
    again = bundles.write(tmp_path / "again", bundles.load(stored))
    assert again.digest == bundles.load(stored).digest
    for name in names(stored):
        assert (tmp_path / "again" / name).read_bytes() == (stored / name).read_bytes()


def test_the_digest_is_that_of_what_is_served_and_not_of_the_card():
    sums = {"booster.txt": "a", "calibration.json": "b", "features.json": "c", "reference.json": "d", "card.json": "e"}
    assert model_digest(sums) == model_digest({**sums, "card.json": "other"})
    for name in list(sums)[:4]:
        assert model_digest(sums) != model_digest({**sums, name: "other"})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_before_it_is_parsed(stored, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged") / "bundle"
    shutil.copytree(stored, folder)
    path = folder / data.draw(st.sampled_from(names(stored)))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="M002"):
        bundles.load(folder)
    shutil.rmtree(folder.parent)


@pytest.mark.parametrize("name", ["booster.txt", "card.json", "manifest.json"])
def test_a_missing_file_is_refused(stored, tmp_path, name):
    shutil.copytree(stored, tmp_path / "bundle")
    (tmp_path / "bundle" / name).unlink()
    with pytest.raises(IntegrityError, match="M002"):
        bundles.load(tmp_path / "bundle")


def test_a_file_that_was_added_is_refused(stored, tmp_path):
    shutil.copytree(stored, tmp_path / "bundle")
    (tmp_path / "bundle" / "model.pkl").write_bytes(b"")
    with pytest.raises(IntegrityError, match=r"model\.pkl is missing or was not written by crmml"):
        bundles.load(tmp_path / "bundle")


def test_a_file_of_another_version_with_its_manifest_line_is_refused(stored, tmp_path):
    shutil.copytree(stored, tmp_path / "bundle")
    text = json.dumps({"log_odds": {"intercept": 9.0, "slope": 1.0, "offset": None, "offset_slope": 1.0}})
    (tmp_path / "bundle" / "calibration.json").write_text(text)
    manifest = files.read_manifest(stored)
    sums = dict(manifest.files) | {"calibration.json": files.digest_file(tmp_path / "bundle" / "calibration.json")}
    swapped = files.Manifest(manifest.kind, manifest.inputs, manifest.about, manifest.rows, sums)
    (tmp_path / "bundle" / "manifest.json").write_text(files.manifest_json(swapped))
    with pytest.raises(IntegrityError, match=r"manifest\.json does not belong to its files"):
        bundles.load(tmp_path / "bundle")


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(NotFoundError, match="M001"):
        bundles.load(tmp_path / "nothing")


def test_a_subset_of_rows_has_the_same_scores(stored):
    model, frame = bundles.load(stored), make_abt(customers=300).frame
    whole = model.log_odds(model.encode(frame))
    some = frame.iloc[::7]
    assert (model.log_odds(model.encode(some)) == whole[::7]).all()
    contributions, _ = model.contributions(model.encode(frame))
    assert (model.contributions(model.encode(some))[0] == contributions[::7]).all()


def test_no_rows_have_no_scores(stored):
    model = bundles.load(stored)
    X = model.encode(make_abt(customers=10).frame.head(0))
    assert model.probability(X).shape == (0,)
    assert model.contributions(X)[0].shape == (0, len(model.names))


def test_a_probability_has_grade_percentile_and_never_leaves_its_bounds():
    log_odds = np.array([-800.0, 0.0, 800.0])
    assert bundles.probability_of(log_odds).tolist() == [0.0, 0.5, 1.0]
