"""Small served models for the tests of explain, scoring and reporting."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd

from crmml.bundle import SIGNS, Bundle, Encoding, Part, Reference
from crmml.bundle.booster import canonical_text
from crmml.bundle.reference import add_components, deciles_of, make_peers, quantiles_of
from crmml.features.declare import FeatureInfo

FLAGS = {"verbosity": -1, "num_leaves": 7, "min_data_in_leaf": 20, "deterministic": True, "force_row_wise": True}


def info(name: str, concept: str, zh: str, en: str, unit: str = "money", kind: str = "number") -> FeatureInfo:
    return FeatureInfo(
        name,
        concept,
        concept,
        zh,
        en,
        unit,
        name,
        "",
        concept,
        "no rows",
        "没有记录",
        {},
        kind,  # type: ignore[arg-type]
    )


INFOS = (
    info("salary_3m", "salary", "近3个月代发工资", "salary credits, last 3 months"),
    info("salary_months_12m", "salary", "近12个月代发月数", "months with salary, last 12 months", "months"),
    info("balance_mean_3m", "balances", "近3个月日均存款", "average deposits, last 3 months"),
    info("balance_trend", "balances", "日均存款变化", "change of average deposits", "change"),
    info("transactions_3m", "cash_flow", "近3个月交易笔数", "transactions, last 3 months", "count"),
    info("days_since_last_login", "channel", "距最近登录天数", "days since the last login", "days"),
    info("industry", "profile", "行业", "industry", "category", "category"),
)


def feature_rows(rows: int = 400, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    salary = np.where(rng.random(rows) < 0.4, 0.0, rng.gamma(4, 1300, rows).round(2))
    login = rng.integers(0, 120, rows).astype(float)
    return pd.DataFrame(
        {
            "customer_id": [f"C{index:05d}" for index in range(rows)],
            "cutoff_date": pd.to_datetime(["2025-10-31"] * rows).astype("datetime64[s]"),
            "event_id": pd.Series([None] * rows, dtype="str"),
            "segment": np.where(rng.random(rows) < 0.7, "person_deposit_only", "person_borrower"),
            "salary_3m": salary,
            "salary_months_12m": rng.integers(0, 13, rows).astype(float),
            "balance_mean_3m": rng.lognormal(9, 1, rows).round(2),
            "balance_trend": rng.normal(0, 0.3, rows).round(4),
            "transactions_3m": rng.poisson(20, rows).astype(float),
            "days_since_last_login": np.where(login > 100, np.nan, login),
            "industry": rng.choice(["制造业", "批发零售"], rows),
        }
    )


def labels_of(frame: pd.DataFrame, seed: int = 4) -> np.ndarray:
    risk = -1.5 + 1.8 * (frame["salary_3m"] == 0) - 2.0 * frame["balance_trend"]
    return (np.random.default_rng(seed).random(len(frame)) < 1 / (1 + np.exp(-risk))).astype(float).to_numpy()


def probability_bundle(frame: pd.DataFrame | None = None) -> Bundle:
    frame = feature_rows() if frame is None else frame
    encoding = Encoding(tuple(each.name for each in INFOS), {"industry": {"制造业": 0, "批发零售": 1}})
    X, _ = encoding.encode(frame)
    text = _fit(X, labels_of(frame), "binary", encoding)
    draft = Bundle(
        "demo.churn", "churn", INFOS, encoding, (Part("log_odds", text, 0.1, 0.9),), Reference("", {}, (), ())
    )
    contributions, base = draft.contributions(X)
    reference = Reference(
        "2025-06-30",
        make_peers(frame["segment"].to_numpy(), contributions, base),
        quantiles_of(draft.probability(X)),
        (0.02, 0.05, 0.1, 0.2, 0.4),
    )
    return Bundle("demo.churn", "churn", INFOS, encoding, draft.parts, reference)


def money_bundle(frame: pd.DataFrame | None = None) -> Bundle:
    frame = feature_rows() if frame is None else frame
    encoding = Encoding(tuple(each.name for each in INFOS), {"industry": {"制造业": 0, "批发零售": 1}})
    X, _ = encoding.encode(frame)
    amounts = {
        "margin": frame["balance_mean_3m"] * 0.02,
        "fees": frame["transactions_3m"] * 1.5,
        "expected_loss": frame["balance_mean_3m"] * 0.004,
        "service_cost": 60 + frame["transactions_3m"],
        "capital_charge": frame["balance_mean_3m"] * 0.003,
    }
    parts = tuple(Part(name, _fit(X, amounts[name].to_numpy(), "regression", encoding)) for name in SIGNS)
    draft = Bundle("demo.contribution", "contribution", INFOS, encoding, parts, Reference("", {}, (), ()))
    money = draft.predict_money(X)
    contributions, base = draft.contributions(X)
    segments = frame["segment"].to_numpy()
    reference = Reference(
        "2025-06-30",
        add_components(
            make_peers(segments, contributions, base), segments, {name: money[name].to_numpy() for name in SIGNS}
        ),
        quantiles_of(money["contribution"]),
        deciles_of(money["contribution"]),
    )
    return Bundle("demo.contribution", "contribution", INFOS, encoding, parts, reference)


def peer_averages(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    numbers = frame.drop(columns=["customer_id", "cutoff_date", "event_id", "industry"])
    return numbers.groupby("segment").mean().T.to_dict()


def _fit(X: np.ndarray, label: np.ndarray, objective: str, encoding: Encoding) -> str:
    data = lgb.Dataset(
        X, label, feature_name=list(encoding.names), categorical_feature=encoding.categorical, params={"verbosity": -1}
    )
    return canonical_text(lgb.train({**FLAGS, "objective": objective, "num_threads": 1}, data, num_boost_round=30))
