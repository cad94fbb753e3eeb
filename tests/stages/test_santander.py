"""A bank of monthly holdings by configuration alone: the next product, ranked on customers held out."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import crmml as cm
from crmml.config.model_file import load_models
from crmml.evaluation.ranking import map_at
from tests.conftest import REPOSITORY

DATA = os.environ.get("CRMML_DATA")
PRODUCTS = ("recibo", "nomina", "nom_pens")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.whole,
    pytest.mark.skipif(
        not DATA or not (Path(DATA) / "santander").is_dir(), reason="CRMML_DATA names no folder of public data"
    ),
]


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """What customers held out took of the three products most taken, and their probabilities; null where held."""
    root = tmp_path_factory.mktemp("santander")
    shutil.copytree(REPOSITORY / "configs" / "santander", root / "configs" / "santander")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMML_HOME", str(root))
        patch.chdir(root)
        path = root / "configs/santander/uptake.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("max_trees: 150", "max_trees: 40"), encoding="utf-8")
        bank = cm.open_bank("configs/santander")
        models = {model.spec.target.product_id: model for model in load_models(path, bank="santander")}
        spec = models["recibo"].spec
        snapshots = cm.take_snapshots(bank, spec.split.train)
        features = cm.build_features(bank, snapshots, spec.families)
        catalogue = cm.catalogue(bank, spec.families)
        found = {}
        for product in PRODUCTS:
            labels = cm.build_labels(bank, snapshots, models[product].spec.target, spec.horizon)
            table = cm.join_abt(snapshots, features, labels, population=spec.population, catalogue=catalogue)
            found[product] = cm.train(table, models[product])
    return found


def wide(ranked, column):
    parts = {name: model.predictions.set_index("customer_id")[column] for name, model in ranked.items()}
    return pd.DataFrame(parts)


def test_each_product_is_foreseen_on_customers_held_out(ranked):
    floors = {"recibo": 0.90, "nomina": 0.93, "nom_pens": 0.93}
    for product, model in ranked.items():
        assert model.metrics["headline"]["auc"]["value"] >= floors[product], product
        assert "not out of time" in model.metrics["tested_on"]


def test_who_holds_a_product_is_not_offered_it(ranked):
    assert wide(ranked, "label")["recibo"].isna().sum() > 1_000


def test_the_three_products_are_ranked_better_than_by_how_often_they_are_taken(ranked):
    taken, scores = wide(ranked, "label"), wide(ranked, "probability")
    adds = taken.fillna(0).any(axis=1)
    is_taken = taken[adds].fillna(0)
    popular = np.where(taken[adds].isna(), np.nan, taken.mean().to_numpy())
    ours = map_at(is_taken, scores[adds], 3)
    assert ours > map_at(is_taken, popular, 3) + 0.01
    assert ours > 0.96


def test_what_came_and_went_before_is_what_decides(ranked):
    importance = ranked["nom_pens"].importance
    assert next(iter(importance)) == "products"
