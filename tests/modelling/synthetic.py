"""Small tables of customers whose drivers are known, for the rooms that train and serve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from crmml.abt import Abt
from crmml.features.declare import FeatureInfo
from crmml.modelling.spec import LightGBM, ModelSpec, Split, Tuning
from crmml.modelling.train import Trained, train
from crmml.periods import Horizon, month_ends


@dataclass(frozen=True)
class Churn:
    kind: str = "attrited"


@dataclass(frozen=True)
class Default:
    days_past_due: int = 90


@dataclass(frozen=True)
class Contribution:
    pass


CONCEPTS = {"salary": "salary", "balance": "balances", "tenure": "tenure", "logins": "channel", "branch": "profile"}
TRAIN = tuple(month_ends(date(2023, 3, 31), date(2024, 6, 30), every=3))
LATER = tuple(month_ends(date(2024, 12, 31), date(2025, 3, 31), every=3))


def info(name: str, concept: str = "profile", kind: str = "number", sign: dict | None = None) -> FeatureInfo:
    return FeatureInfo(
        name=name,
        family="synthetic",
        concept=concept,
        zh=name,
        en=name,
        unit="category" if kind == "category" else "number",
        formula=name,
        window="",
        source="none",
        null_meaning="not known",
        null_meaning_zh="未知",
        sign=sign or {},
        kind=kind,
    )


def make_abt(
    *, customers: int = 1200, noise_columns: int = 3, strength: float = 1.0, base: float = -2.0, seed: int = 1
) -> Abt:
    """Churn rises as salary and balance fall; branch C leaves more often; the rest is noise."""
    rng = np.random.default_rng(seed)
    frames = []
    ids = np.array([f"C{number:06d}" for number in range(customers)])
    salary, balance = rng.normal(size=customers), rng.normal(size=customers)
    branch = rng.choice(["A", "B", "C", "rare"], size=customers, p=[0.5, 0.3, 0.195, 0.005])
    for cutoff in TRAIN + LATER:
        salary = 0.8 * salary + 0.6 * rng.normal(size=customers)
        balance = 0.9 * balance + 0.436 * rng.normal(size=customers)
        odds = base + strength * (-1.0 * salary - 0.7 * balance + 0.6 * (branch == "C"))
        frame = pd.DataFrame(
            {
                "customer_id": ids,
                "cutoff_date": pd.Timestamp(cutoff),
                "event_id": pd.Series([None] * customers, dtype="str"),
                "hash_bucket": np.arange(customers) * 37 % 100,
                "segment": np.where(np.arange(customers) % 3 == 0, "borrower", "deposit_only"),
                "salary": np.where(rng.random(customers) < 0.05, np.nan, salary),
                "balance": balance,
                "branch": branch,
                "constant": 1.0,
                "label": (rng.random(customers) < 1 / (1 + np.exp(-odds))).astype(float),
            }
        )
        noise = pd.DataFrame({f"noise_{column}": rng.normal(size=customers) for column in range(noise_columns)})
        frames.append(pd.concat([frame, noise], axis=1))
    infos = (
        info("salary", "salary", sign={"default": -1}),
        info("balance", "balances", sign={"default": -1}),
        info("branch", "profile", kind="category"),
        info("constant", "profile"),
        *(info(f"noise_{column}", "channel") for column in range(noise_columns)),
    )
    return Abt(pd.concat(frames, ignore_index=True), infos, waterfall(len(frames) * customers))


def make_money_abt(*, customers: int = 800, seed: int = 3) -> Abt:
    """Each component repeats last year's with regression to the mean; growth shifts the margin."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"C{number:06d}" for number in range(customers)])
    names = ("margin", "fees", "expected_loss", "service_cost", "capital_charge")
    size = np.exp(rng.normal(size=customers))
    scale = {"margin": 400, "fees": 50, "expected_loss": 60, "service_cost": 120, "capital_charge": 40}
    frames = []
    for cutoff in TRAIN + LATER:
        growth = rng.normal(size=customers)
        columns: dict[str, object] = {
            "customer_id": ids,
            "cutoff_date": pd.Timestamp(cutoff),
            "event_id": pd.Series([None] * customers, dtype="str"),
            "hash_bucket": np.arange(customers) * 37 % 100,
            "growth": growth,
        }
        for name in names:
            last = scale[name] * size * np.exp(0.5 * rng.normal(size=customers))
            columns[f"{name}_12m"] = last
            moved = 0.6 * last + 0.4 * scale[name] * size + 0.1 * scale[name] * rng.normal(size=customers)
            columns[f"label_{name}"] = moved + (200 * growth if name == "margin" else 0.0)
        frame = pd.DataFrame(columns)
        signed = [(1 if name in ("margin", "fees") else -1) * frame[f"label_{name}"] for name in names]
        frames.append(frame.assign(label=sum(signed)))
    infos = (info("growth", "balances"), *(info(f"{name}_12m", "value") for name in names))
    return Abt(pd.concat(frames, ignore_index=True), infos, waterfall(len(frames) * customers))


def waterfall(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"cutoff_date": ["2024-06-30"], "step": ["all"], "rows": [rows]})


def make_spec(
    target: object | None = None, *, trials: int = 0, name: str = "demo.churn", **changes: object
) -> ModelSpec:
    settings = {
        "horizon": Horizon(3),
        "split": Split(TRAIN, LATER),
        "lightgbm": LightGBM(),
        "tuning": Tuning(trials=trials, max_trees=120),
    }
    return ModelSpec(name=name, target=target or Churn(), **(settings | changes))


def quick_train(abt: Abt, spec: ModelSpec, studies: Path, **changes: object) -> Trained:
    settings = {"threads": 1, "resamples": 60, "leak_audit": "clean"}
    return train(abt, spec, studies=studies, **(settings | changes))
