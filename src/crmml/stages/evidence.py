"""What is found out about a trained model for its report, part by part; a part that cannot be told says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.bundle import Bundle
from crmml.evaluation.fairness import group_treatment, top_share
from crmml.evaluation.grades import backtest_grades
from crmml.evaluation.groups import TestRows, figures_of, group_figures
from crmml.evaluation.intervals import figures_with_intervals
from crmml.modelling.agreement import Champion
from crmml.modelling.challenge import against_champion
from crmml.modelling.fit import keep_customers
from crmml.modelling.proxies import TELLING, proxy_test
from crmml.modelling.scorecard import scorecard_tables
from crmml.modelling.spec import ModelSpec
from crmml.modelling.steadiness import steadiness
from crmml.modelling.thin_files import thin_files
from crmml.modelling.train import Trained
from crmml.modelling.variables import variables
from crmml.peers import deposit_tier_of
from crmml.reporting.evidence import Evidence
from crmml.stages.protected import attribute_names, beside, groups_of

Array = npt.NDArray[np.float64]
#: Resampling more rows than these costs minutes; a fixed part of the customers is judged, and the report says so.
MOST_ROWS = 60_000
#: Contributions of a sample say what moves the score.
EXPLAINED_ROWS = 1_000
_MOST_LEVELS = 8
_KEYS = ("customer_id", "cutoff_date", "event_id")


@dataclass(frozen=True)
class Tested:
    """The test rows with their features: predictions, frame and matrix row by row."""

    bundle: Bundle
    spec: ModelSpec
    predictions: pd.DataFrame
    frame: pd.DataFrame
    X: Array
    share: float

    @property
    def rows(self) -> TestRows:
        told = self.predictions
        return TestRows(
            told["label"].to_numpy(dtype=float),
            told["predicted" if self.bundle.is_money else "log_odds"].to_numpy(dtype=float),
            told["customer_id"].astype(str).to_numpy(dtype=str),
            told["period"].astype(str).to_numpy(dtype=str),
            self.bundle.is_money,
        )

    @property
    def newest(self) -> npt.NDArray[np.bool_]:
        """The rows of the newest period, at most one for a customer."""
        last = self.predictions["period"] == self.predictions["period"].max()
        return (last & ~self.predictions["customer_id"].duplicated(keep="last")).to_numpy()


def collect_evidence(
    trained: Trained, spec: ModelSpec, *, protected: pd.DataFrame | None = None, champion: Champion | None = None
) -> Evidence:
    """Everything the report tells beyond the card and the predictions.

    Parameters
    ----------
    protected : DataFrame, optional
        `customer_id` (and `cutoff_date`) with attributes that are no features.
    champion : Champion, optional
        The version in use before this one.
    """
    tested = test_rows(trained, spec)
    few = _explained(tested)
    contributions, _ = tested.bundle.contributions(tested.X[few])
    told: dict[str, Any] = {
        "discrimination": figures_with_intervals(tested.rows, seed=spec.tuning.seed),
        "segments": _segments(tested, np.abs(contributions).mean(axis=0)),
        "thin_files": _thin_files(tested),
        "stability": steadiness(
            tested.bundle, tested.X, _served(tested), tested.predictions["period"].astype(str).to_numpy(dtype=str)
        ),
        "variables": variables(tested.bundle, trained.prepared, tested.X[few], contributions),
        "reasons_agreement": trained.metrics["reasons_agreement"],
    }
    absent: dict[str, Any] = {}
    if protected is None or not attribute_names(protected):
        absent["fairness"] = _NO_PROTECTED
    else:
        told["fairness"] = _fairness(tested, protected)
    if champion is None:
        absent["against_champion"] = _FIRST_VERSION
    else:
        told["against_champion"] = against_champion(
            tested.rows, tested.frame, champion.bundle, version=champion.version, seed=spec.tuning.seed
        )
    if trained.scorecard is None:
        absent["scorecard"], absent["grades"] = _NO_SCORECARD, _NO_GRADES
    else:
        told["scorecard"] = scorecard_tables(trained.scorecard)
        told["grades"] = _grades(trained)
    return Evidence(**told, absent=absent)


_NO_PROTECTED = {
    "zh": "配置未列出受保护属性(bank.yaml 或特征表配置的 protected),无法按其检查",
    "en": "no protected attribute is named (protected: in bank.yaml or in the table's file), so none can be judged",
}
_NO_SCORECARD = {
    "zh": "金额模型没有评分卡:其基准为沿用上年实际值",
    "en": "money has no points scorecard: its benchmark is last year carried forward",
}
_NO_GRADES = {
    "zh": "金额模型的等级为参考客户的十分位,其回溯检验见各十分位的预测与实际",
    "en": "grades of money are deciles of the reference customers; they are judged by the deciles of prediction and outcome",
}
_FIRST_VERSION = {"zh": "首个版本,尚无在用版本可比", "en": "the first version: there is no champion to compare with"}


def _grades(trained: Trained) -> dict[str, Any]:
    """The back-test of every grade, on all test rows."""
    told = trained.predictions
    return backtest_grades(
        told["label"].to_numpy(dtype=float),
        told["probability"].to_numpy(dtype=float),
        customers=told["customer_id"].astype(str).to_numpy(dtype=str),
        cutoffs=told["period"].astype(str).to_numpy(dtype=str),
        bounds=trained.bundle.reference.grade_bounds,
    )


def test_rows(trained: Trained, spec: ModelSpec) -> Tested:
    """The rows of the predictions found again in the prepared table; of very many, those of a part of the customers."""
    predictions, prepared = trained.predictions, trained.prepared
    keys = [name for name in _KEYS if name in predictions]
    places = prepared.frame[keys].assign(place=np.arange(len(prepared.frame)))
    found = predictions[keys].merge(places, on=keys, how="left", validate="one_to_one")["place"].to_numpy(dtype=np.intp)
    share = min(1.0, MOST_ROWS / len(predictions))
    kept = keep_customers(predictions["customer_id"].astype(str).to_numpy(dtype=str), share)
    rows = found[kept]
    return Tested(
        trained.bundle,
        spec,
        predictions[kept].reset_index(drop=True),
        prepared.frame.iloc[rows].reset_index(drop=True),
        prepared.X[rows],
        share,
    )


test_rows.__test__ = False  # type: ignore[attr-defined]  # not a test of pytest's


def _served(tested: Tested) -> Array:
    return tested.predictions["predicted" if tested.bundle.is_money else "probability"].to_numpy(dtype=float)


def _explained(tested: Tested) -> npt.NDArray[np.intp]:
    rows = np.flatnonzero(tested.newest)
    rows = rows if len(rows) >= 30 else np.arange(len(tested.X))
    kept = keep_customers(tested.rows.customers[rows], min(1.0, EXPLAINED_ROWS / len(rows)))
    return rows[kept] if kept.any() else rows[:EXPLAINED_ROWS]


def _segments(tested: Tested, moved: Array) -> dict[str, Any]:
    """Calibration and ranking by segment of peers and tier of deposits; of a table without them, by its features."""
    divisions = []
    for name, zh, en, groups in _divisions(tested, moved):
        divisions.append({"name": name, "zh": zh, "en": en, "groups": group_figures(tested.rows, groups)})
    return {"share": tested.share, "divisions": divisions}


def _divisions(tested: Tested, moved: Array) -> list[tuple[str, str, str, npt.NDArray[np.str_]]]:
    """How the test rows are divided: name, words, group of each row."""
    found = []
    segments = tested.predictions["segment"].astype(str).to_numpy(dtype=str)
    if len(np.unique(segments)) > 1:
        found.append(("segment", "同类客群", "segment of peers", segments))
    if any(name in tested.frame for name in ("deposits_mean_3m", "deposits_last")):
        tiers = deposit_tier_of(tested.frame).to_numpy(dtype=str)
        found.append(("deposit tier", "存款层级", "deposit tier", tiers))
    if found:
        return found
    for position in np.argsort(-moved, kind="stable"):
        info, values = tested.bundle.features[position], tested.frame[tested.bundle.features[position].name]
        if info.kind != "category" or 2 <= values.nunique() <= _MOST_LEVELS:
            found.append((info.name, info.zh, info.en, groups_of(values, tested.predictions["cutoff_date"])))
        if len(found) == 2:
            break
    return found


def _thin_files(tested: Tested) -> dict[str, Any]:
    """Figures of the customers of whom little is known, and of all others."""
    rows, kinds = tested.rows, []
    for thin in thin_files(tested.frame, list(tested.bundle.names)):
        kinds.append(
            {
                "name": thin.name,
                "zh": thin.zh,
                "en": thin.en,
                "definition": thin.definition,
                "thin": figures_of(rows.only(thin.rows)) if thin.rows.any() else None,
                "others": figures_of(rows.only(~thin.rows)) if not thin.rows.all() else None,
            }
        )
    return {"kinds": kinds}


def _fairness(tested: Tested, protected: pd.DataFrame) -> dict[str, Any]:
    """Treatment of the groups of every protected attribute at the cut, and whether the features tell them."""
    rows = tested.rows
    selected, cut = _selected(tested, rows)
    event = top_share(rows.label, rows.periods, tested.spec.card.selected_share) if rows.is_money else rows.label
    values = beside(protected, tested.predictions[["customer_id", "cutoff_date"]])
    newest, attributes = tested.newest, []
    for name in attribute_names(protected):
        groups = groups_of(values[name], tested.predictions["cutoff_date"])
        attributes.append(
            {
                "name": name,
                "groups": group_treatment(rows, groups, selected, event.astype(float)),
                "proxy": proxy_test(tested.X[newest], groups[newest], rows.scale[newest]),
            }
        )
    return {"cut": cut, "telling": TELLING, "attributes": attributes}


def _selected(tested: Tested, rows: TestRows) -> tuple[npt.NDArray[np.bool_], Mapping[str, str]]:
    """Who is above the cut, and the cut in words: a grade, or a share of the highest scores of each cut-off."""
    words = tested.spec.card
    if words.selected_grade is not None:
        grades = tested.bundle.grade(rows.served).astype(int)
        return grades >= words.selected_grade, {
            "zh": f"评级 {words.selected_grade} 及以上",
            "en": f"grade {words.selected_grade} and above",
        }
    share = words.selected_share
    return top_share(rows.scale, rows.periods, share), {
        "zh": f"每个截止日评分最高的 {share:.0%}",
        "en": f"the highest {share:.0%} of the scores of each cut-off",
    }
