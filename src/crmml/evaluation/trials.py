"""An uplift model judged on later assignments: ranking, size, policies, offers and kinds of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.evaluation.bootstrap import Customers, Figure, figure, verdict
from crmml.evaluation.gates import has_faded
from crmml.evaluation.overlap import shrunken
from crmml.evaluation.uplift import RankedEffect, Trial, auuc, average_effect, policy_value, qini

Array = npt.NDArray[np.float64]
#: A normal 95 % interval is so many standard errors wide.
_WIDTH = 2 * 1.959964
KINDS = {
    "persuadable": ("可争取", "persuadable"),
    "sure_thing": ("不请自来", "sure things"),
    "lost_cause": ("无望", "lost causes"),
    "do_not_disturb": ("勿扰", "do not disturb"),
}


def judge_trial(rows: pd.DataFrame, *, learned_from: pd.DataFrame, cost: float, seed: int = 0) -> dict[str, Any]:
    """Figures on later assignments, each with its 95 % interval; customers are resampled.

    Parameters
    ----------
    rows : DataFrame
        The tested assignments: `customer_id, offer, treated, chance, label, prob_take, effect, effect_t`.
    learned_from : DataFrame
        The earlier ones; the average effect of each offer is told of both together, which no model touched.
    cost : float
        Of a contact, in units of the outcome.

    Returns
    -------
    dict
        `measure` (qini), `headline`, `benchmark`, `policies`, `by_offer`, `kinds`, `gains`, `tested_on`, `stamp`.
    """
    trial = Trial(rows["label"], rows["treated"], rows["chance"])
    ids, effect = rows["customer_id"].astype(str).to_numpy(str), rows["effect"].to_numpy(float)
    average = average_effect(trial, customers=ids, seed=seed)
    return {
        "measure": "qini",
        "tested_on": "later assignments, by intention to treat",
        "stamp": "",
        "headline": {
            "qini": qini(trial, effect, customers=ids, seed=seed).as_dict(),
            "auuc": auuc(trial, effect, customers=ids, seed=seed).as_dict(),
            "average_effect": average.as_dict(),
            "mean_predicted": float(effect.mean()),
            "calibration_slope": _slope(trial, effect, ids, seed).as_dict(),
            "observed_over_expected": _ratio(trial, effect, ids, seed).as_dict(),
        },
        "benchmark": _against(trial, effect, rows["effect_t"].to_numpy(float), ids, seed),
        "policies": policies(rows, cost, seed=seed),
        "by_offer": by_offer(pd.concat([learned_from, rows]), seed=seed),
        "kinds": kinds(rows, cost, seed=seed),
        "gains": _gains(trial, effect, ids, seed),
    }


def policies(rows: pd.DataFrame, cost: float, *, seed: int = 0) -> list[dict[str, Any]]:
    """Mean outcome per customer less the cost of contacts, had everybody been treated by a rule, by inverse propensity.

    `all`, `none`, `effect_above_cost`; of each the share treated and the gain over none.
    """
    treated, chance = rows["treated"].to_numpy(float), rows["chance"].to_numpy(float)
    ids, drawn = rows["customer_id"].astype(str).to_numpy(str), np.where(treated == 1, chance, 1 - chance)
    outcome = rows["label"].to_numpy(float)
    chosen = {
        "all": np.ones(len(rows)),
        "none": np.zeros(len(rows)),
        "effect_above_cost": (rows["effect"].to_numpy(float) > cost).astype(float),
    }
    told = []
    for name, arm in chosen.items():
        value = policy_value(outcome - cost * treated, treated, arm, drawn, customers=ids, seed=seed)
        gain = _gain_over_none(outcome - cost * treated, treated, arm, drawn, ids, seed)
        told.append({"policy": name, "treated": float(arm.mean()), "value": value.as_dict(), "gain": gain.as_dict()})
    return told


def by_offer(rows: pd.DataFrame, *, seed: int = 0) -> list[dict[str, Any]]:
    """The average effect of each offer with its interval, and drawn towards the pooled one."""
    found: list[dict[str, Any]] = []
    for offer, part in rows.groupby("offer", sort=True):
        if part["treated"].nunique() < 2:
            continue
        trial = Trial(part["label"], part["treated"], part["chance"])
        average = average_effect(trial, customers=part["customer_id"].astype(str), seed=seed)
        arms = [part.loc[part["treated"] == arm, "label"] for arm in (0, 1)]
        found.append(
            {
                "offer": str(offer),
                "treated": len(arms[1]),
                "control": len(arms[0]),
                "mean_treated": float(arms[1].mean()),
                "mean_control": float(arms[0].mean()),
                **average.as_dict(),
            }
        )
    values = [float(each["value"]) for each in found]
    errors = [((each["high"] - each["low"]) / _WIDTH) if each["low"] is not None else np.inf for each in found]
    known = np.isfinite(errors)
    pooled = np.array(values)
    if known.any():
        pooled[known] = shrunken(np.array(values)[known], np.array(errors)[known])
    return [{**each, "shrunken": float(value)} for each, value in zip(found, pooled, strict=True)]


def kinds(rows: pd.DataFrame, cost: float, *, seed: int = 0) -> list[dict[str, Any]]:
    """Customers by what a contact is foreseen to do, and what it did to them.

    Do not disturb: a contact does harm. Persuadable: the effect is above the
    cost and at least half the mean. The rest moves little: sure things take
    anyway with more than the mean chance, lost causes with less.
    """
    effect, base = rows["effect"].to_numpy(float), rows["prob_take"].to_numpy(float)
    base = np.where(np.isnan(base), np.nanmean(base) if (~np.isnan(base)).any() else 0.0, base)
    moves = effect > max(cost, 0.5 * float(effect.mean()), 0.0)
    kind = np.select(
        [effect < 0, moves, base > base.mean()], ["do_not_disturb", "persuadable", "sure_thing"], default="lost_cause"
    )
    told = []
    for name in KINDS:
        part = rows[kind == name]
        seen = Figure(None)
        if len(part) and part["treated"].nunique() == 2:
            trial = Trial(part["label"], part["treated"], part["chance"])
            seen = average_effect(trial, customers=part["customer_id"].astype(str), seed=seed)
        mean = float(effect[kind == name].mean()) if len(part) else None
        told.append({"kind": name, "share": len(part) / len(rows), "predicted": mean, **seen.as_dict()})
    return told


def _against(trial: Trial, effect: Array, rival: Array, ids: Any, seed: int) -> dict[str, Any]:
    if np.isnan(rival).any():
        return {"name": "T-learner", "qini": None, "difference": None, "verdict": "not made: too few events"}
    ours, theirs = RankedEffect(trial, effect), RankedEffect(trial, rival)
    difference = figure(*Customers(ids, seed=seed).estimate(lambda weights: ours.qini(weights) - theirs.qini(weights)))
    told = {"name": "T-learner", "qini": qini(trial, rival, customers=ids, seed=seed).as_dict()}
    return told | {"difference": difference.as_dict(), "verdict": verdict(difference)}


def _gain_over_none(outcome: Array, treated: Array, arm: Array, drawn: Array, ids: Any, seed: int) -> Figure:
    follows, none = (np.where(treated == each, 1 / drawn, 0.0) for each in (arm, np.zeros(len(arm))))

    def gain(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = [weights @ (share * outcome) / (weights @ share) for share in (follows, none)]
        return np.asarray(means[0] - means[1])

    return figure(*Customers(ids, seed=seed).estimate(gain))


def _slope(trial: Trial, effect: Array, ids: Any, seed: int) -> Figure:
    """Least-squares slope of the one-row estimates of the effect on the predicted one; null where one effect is for all."""
    if np.ptp(effect) == 0:
        return Figure(None)

    def slope(weights: Array) -> Array:
        total = weights.sum(axis=1)
        mean = weights @ effect / total
        moved = weights @ (effect * trial.scores) / total - mean * (weights @ trial.scores / total)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(moved / (weights @ effect**2 / total - mean**2))

    return figure(*Customers(ids, seed=seed).estimate(slope))


def _ratio(trial: Trial, effect: Array, ids: Any, seed: int) -> Figure:
    """The average effect over the mean predicted one."""

    def ratio(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ trial.scores) / (weights @ effect))

    return figure(*Customers(ids, seed=seed).estimate(ratio))


def _gains(trial: Trial, effect: Array, ids: Any, seed: int) -> dict[str, list[float]]:
    """The gain curve at 50 points and its 95 % band, for the report."""
    ranked, at = RankedEffect(trial, effect), np.linspace(0, 1, 51)
    share, gain = ranked.curve()
    drawn = [
        np.interp(at, *ranked.curve(weight)) for weights in Customers(ids, seed=seed).draws() for weight in weights
    ]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    told = {"share": at, "gain": np.interp(at, share, gain), "low": low, "high": high}
    return {name: values.tolist() for name, values in told.items()}


def standing(learning: Mapping[str, Any], headline: Mapping[str, Any]) -> dict[str, str]:
    """What the model rests on, in Chinese and in English: customers no stage saw, and whether later assignments could tell.

    Parameters
    ----------
    learning, headline : mapping
        `qini` and `average_effect`, each with its interval; `learning` also `rows` and `serves`.
    """
    basis = {
        "differences": ("Qini", "客户间差异", "the differences between customers"),
        "proportional": ("Qini", "与购买概率成比例的差异", "the proportion to the chance to take"),
        "average": ("average_effect", "平均效果", "the average effect"),
    }[learning["serves"]]
    name, zh_what, en_what = basis
    figure_of, words = ("qini", "Qini") if name == "Qini" else ("average_effect", "average effect")
    words_zh = "Qini" if name == "Qini" else "平均效果"
    later = headline[figure_of]
    zh = f"名单采用{zh_what}:依据为学习期 {learning['rows']:,} 次分配中各级模型都未见过的客户。"
    en = f"Lists use {en_what}, on the evidence of customers no stage saw among {learning['rows']:,} assignments. "
    if later.get("low") is None:
        return {"zh": zh + "较晚的分配不足以给出区间。", "en": en + "Later assignments are too few for an interval."}
    if later["low"] > 0:
        return {
            "zh": zh + f"较晚的分配予以证实({words_zh} 高于 0)。",
            "en": en + f"Later assignments confirm it: their {words} lies above 0.",
        }
    if later["high"] < 0 or has_faded(learning, headline):
        return {
            "zh": zh + "较晚的分配与之矛盾,故不采用。",
            "en": en + "Later assignments contradict it, so it is not let through.",
        }
    unseen = (later["high"] - later["low"]) / 2
    seen = learning[figure_of]["value"]
    size = (lambda number: f"{number:.4f}") if name == "Qini" else (lambda number: f"{number * 100:.1f}")
    return {
        "zh": zh + f"较晚的分配不足以证实或否定:低于 {size(unseen)} 的{words_zh}在其中看不出,学习期为 {size(seen)}。",
        "en": en
        + f"Later assignments can neither confirm nor refute it: {words} below {size(unseen)} could not have been "
        f"seen there, and {size(seen)} was learned.",
    }
