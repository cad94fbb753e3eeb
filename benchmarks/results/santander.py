"""Next product on Santander's May 2016: one uptake model a product, ranked against each other on customers held out in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

import crmml as cm
from benchmarks.results.baseline import untuned_histgb
from benchmarks.results.intervals import mean_difference, mean_figure
from benchmarks.results.row import Figure, Goal, Published, Result
from crmml.abt import Abt
from crmml.config import Model
from crmml.config.model_file import load_models
from crmml.evaluation.ranking import average_precision_at
from crmml.labels import Uptake

Array = npt.NDArray[np.float64]
FOLDER = Path("configs/santander")
K = 7
TURNS, HELD_OUT = 5, 20
PROTOCOL = "adders of May 2016 only; five folds by customer, each tested by models of the other four, same month: not out of time"
EIGHTH = "kweonwooj, kaggle_santander_product_recommendation, 8thplace/log.txt, 2017"


@dataclass(frozen=True)
class Case:
    """Every customer's features, what each took of every product (null: held already), and the products with a model."""

    tables: dict[str, Abt]
    taken: pd.DataFrame
    buckets: pd.Series

    @property
    def products(self) -> list[str]:
        return list(self.taken.columns)


def measure() -> list[Result]:
    models = {model.spec.target.product_id: model for model in load_models(FOLDER / "uptake.yaml", bank="santander")}
    case = _lay_out(list(models.values()))
    ours, others, popular = (pd.DataFrame(index=case.taken.index, columns=case.products, dtype=float) for _ in range(3))
    for turn in range(TURNS):
        tested = (case.buckets + turn * HELD_OUT) % 100 < HELD_OUT
        rates = case.taken[~tested].mean()
        for scores in (ours, others, popular):
            scores.loc[tested] = np.tile(rates, (int(tested.sum()), 1))
        for product, model in models.items():
            served, untuned = _both(case.tables[product], model, turn)
            ours.loc[served.index, product], others.loc[served.index, product] = served, untuned
    return [_result(case, ours, others, popular)]


def _lay_out(models: Sequence[Model]) -> Case:
    """Features once, labels of every product of the catalogue, and a training table for each product with a model."""
    bank, spec = cm.open_bank(FOLDER), models[0].spec
    snapshots = cm.take_snapshots(bank, spec.split.train)
    features = cm.build_features(bank, snapshots, spec.families)
    infos = cm.catalogue(bank, spec.families)
    learned = {model.spec.target.product_id for model in models}
    tables, taken = {}, {}
    for product in bank.table("products").select("product_id").to_pyarrow()["product_id"].to_pylist():
        labels = cm.build_labels(bank, snapshots, Uptake(product_id=product), spec.horizon)
        if product in learned:
            tables[product] = cm.join_abt(snapshots, features, labels, population=spec.population, catalogue=infos)
        taken[product] = labels.to_pandas().set_index("customer_id")["label"]
    rows = snapshots.to_pandas().set_index("customer_id").sort_index()
    return Case(tables, pd.DataFrame(taken).loc[rows.index].sort_index(axis=1), rows["hash_bucket"])


def _both(table: Abt, model: Model, turn: int) -> tuple[pd.Series, Array]:
    """Probabilities of a fold's customers: our model's, and the baseline's in the same order."""
    turned = (table.frame["hash_bucket"] + turn * HELD_OUT) % 100
    fold = replace(table, frame=table.frame.assign(hash_bucket=turned))
    spec = replace(model.spec, split=replace(model.spec.split, holdout_buckets=HELD_OUT))
    ours = cm.train(fold, replace(model, spec=spec)).predictions.set_index("customer_id")["probability"]
    is_tested = turned < HELD_OUT
    learned, tested = table.frame[~is_tested], table.frame[is_tested].set_index("customer_id").loc[ours.index]
    return ours, untuned_histgb(learned[table.names], learned["label"], tested[table.names])


def _result(case: Case, ours: pd.DataFrame, others: pd.DataFrame, popular: pd.DataFrame) -> Result:
    """MAP@7 of the three orders; a product that is held already is not offered."""
    is_held, is_taken = case.taken.isna(), case.taken.fillna(0.0)
    adds = is_taken.any(axis=1)
    values = {
        name: average_precision_at(is_taken[adds], scores.mask(is_held)[adds], K)
        for name, scores in (("ours", ours), ("others", others), ("popular", popular))
    }
    plain = mean_figure(values["popular"])
    return Result(
        dataset="santander",
        question="which product is added next month",
        question_zh="下月新增哪个产品",
        protocol=PROTOCOL,
        rows=int(adds.sum()),
        events=int(is_taken.to_numpy().sum()),
        metric="MAP@7",
        ours=mean_figure(values["ours"]),
        baseline=mean_figure(values["others"]),
        difference=mean_difference(values["ours"], values["others"]),
        published=(
            Published(
                "0.8991", EIGHTH, "8th place's XGBoost on the same customers: .0270472 over all, .0300811 is perfect."
            ),
        ),
        differs="the published model learned from 17 earlier months of all customers and was tested a month later; ours sees "
        "the five months before May 2016 of the customers who added something, and learns from other customers of that month. The source gives attributes of May: ours reads "
        "sex, age, region, income, segment and channel of joining, and leaves out activity flags, which the label moves",
        note=_note(case, plain),
        goals=(Goal(0.89),),
    )


def _note(case: Case, popular: Figure) -> str:
    rare = len(case.products) - len(case.tables)
    return (
        f"Popularity among products not held, counted on each fold's training customers: {popular.value:.4f} "
        f"[{popular.low:.4f}, {popular.high:.4f}]. {len(case.tables)} products have a model; {rare} that too few customers added "
        "are ranked by how often they are added, in ours and in the baseline."
    )
