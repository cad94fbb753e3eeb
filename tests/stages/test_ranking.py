"""The order of products is judged from the predictions of all uptake models of one config."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from crmml.stages.ranking import rank_products


@dataclass(frozen=True)
class Folder:
    root: Path

    def of(self, *parts):
        return self.root.joinpath(*parts)


def model(key, path, kind="uptake"):
    return SimpleNamespace(
        key=key, path=path, event=None, spec=SimpleNamespace(kind=kind, tuning=SimpleNamespace(seed=7))
    )


def test_products_of_one_config_are_ranked_together(tmp_path):
    written = {"uptake_card": ([1, 0, 0], [0.9, 0.2, 0.1]), "uptake_fund": ([0, 1], [0.3, 0.6])}
    for key, (label, probability) in written.items():
        rows = pd.DataFrame({"customer_id": ["a", "b", "c"][: len(label)], "cutoff_date": "2025-06-30"})
        folder = tmp_path / "training" / key
        folder.mkdir(parents=True)
        rows.assign(label=label, probability=probability).to_parquet(folder / "predictions.parquet")
    said = []
    path = Path("configs/some/uptake.yaml")
    models = [model("uptake_card", path), model("uptake_fund", path), model("churn", Path("churn.yaml"), "churn")]
    lists = {"calls": SimpleNamespace(products=("card",), capacities=SimpleNamespace(total=2))}
    project = SimpleNamespace(workspace=Folder(tmp_path), config=SimpleNamespace(lists=lists))
    rank_products(project, models, say=said.append)
    report = json.loads((tmp_path / "training/uptake-ranking.json").read_text())
    # a takes the card, b the fund, both ranked first; c holds the fund, is offered the card and takes nothing.
    assert report["map"]["value"] == 1.0
    assert (report["rows"], report["takers"]) == (3, 2)
    assert said == [
        "rank      uptake: 2 products, MAP@7 1.000 [1.000, 1.000], by how often each is taken 0.750, "
        "over 2 who took one; first place taken by 66.7% of 3, lift 1.7; of the list's 2 calls 100.0% [100.0%, 100.0%] take, lift 2.5"
    ]


def test_a_single_product_has_no_order(tmp_path):
    said = []
    rank_products(
        SimpleNamespace(workspace=Folder(tmp_path)), [model("uptake_card", Path("one.yaml"))], say=said.append
    )
    assert said == []
    assert list(tmp_path.iterdir()) == []
