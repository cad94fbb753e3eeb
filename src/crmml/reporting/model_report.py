"""The report of one model version: one offline page of aggregates, in two languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from crmml.bundle import SIGNS, Bundle
from crmml.explain import amount, concept_order, sum_by_concept
from crmml.explain.wording import is_missing
from crmml.features.concepts import CONCEPTS
from crmml.features.declare import FeatureInfo
from crmml.modelling.spec import FEWEST_EVENTS
from crmml.periods import Horizon, label_window, look_back
from crmml.reporting import charts, figures, shap_plots, words
from crmml.reporting.page import render, svg
from crmml.reporting.words import Words

_TOP_FEATURES = 15
_DEPENDENCE = 4
_TYPICAL_HIGH = 95.0  # percentile of the sampled row whose score is taken apart
_LOOK_BACK = 12
_MOST_CUTOFFS = 40
_FEW_ROWS = 500
_LEAST_ROWS = 30  # fewer would tell about single customers


@dataclass(frozen=True)
class Subject:
    """What the report is about, beyond what the card tells."""

    version: str
    bank_zh: str
    bank_en: str
    title_zh: str = ""
    title_en: str = ""
    currency: str = "CNY"
    made_on: date | None = None  # given by the caller; a report holds no clock of its own


def model_report(
    bundle: Bundle,
    predictions: pd.DataFrame,
    subject: Subject,
    *,
    sample: pd.DataFrame | None = None,
    language: str = "both",
) -> str:
    """The report as HTML: one file, offline, aggregates only.

    Parameters
    ----------
    bundle : Bundle
        With its card.
    predictions : DataFrame
        The test rows as `Trained.predictions` holds them.
    sample : DataFrame, optional
        Feature rows to draw the explanations from (see `sample_rows`); at most
        2,000 are used, fewer than 30 are not shown, and no id is.
    language : str
        What is shown first: `zh`, `en` or `both`.
    """
    card = bundle.card
    about = words.about(bundle.target, is_table="table" in card)
    title = Words(subject.title_zh or about.title.zh, subject.title_en or about.title.en)
    return render(
        "model.html",
        language=language,
        bundle=bundle,
        card=card,
        subject=subject,
        about=about,
        limits=words.limits(about, stamp=card["metrics"].get("stamp", "")),
        stamp=words.stamp(card["metrics"].get("stamp", "")),
        title=title,
        headline=_headline(card["metrics"]),
        never=_apart(card["metrics"], "never_trained_on"),
        later=_apart(card["metrics"], "first_seen_later"),
        per_cutoff=card["metrics"]["per_cutoff"],
        benchmark=_benchmark(card["metrics"]),
        gates=card["metrics"].get("gates", []),
        window=_data_window(card),
        few_events=_few_events(card),
        waterfall=_waterfall(card.get("waterfall", [])),
        groups=_groups(card["importance"]),
        features=_features(bundle.features),
        dropped=card["columns"]["dropped"],
        params=_parameters(card),
        charts=_charts(bundle, predictions),
        tables=_tables(bundle, predictions),
        explained=None
        if sample is None or len(sample) < _LEAST_ROWS
        else _explanations(bundle, sample, subject.currency),
    )


def sample_rows(frame: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The feature rows to explain: those of the newest test cut-off, or of all where that has few (events).

    Parameters
    ----------
    frame : DataFrame
        The table the model was trained and tested on.
    predictions : DataFrame
        Its test rows.
    """
    days = pd.to_datetime(frame["cutoff_date"])
    if days.isna().any():
        return frame[frame["customer_id"].isin(predictions["customer_id"])]
    tested = pd.to_datetime(predictions["cutoff_date"])
    newest = frame[days == tested.max()]
    return newest if len(newest) >= _FEW_ROWS else frame[days >= tested.min()]


def _headline(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures of the first screen: name, value and interval as text."""
    head = metrics["headline"]
    rows = [
        ("auc", "AUC", "AUC", 3),
        ("gini", "基尼系数", "Gini", 3),
        ("normalised_gini", "标准化基尼", "normalised Gini", 3),
        ("calibration_slope", "校准斜率", "calibration slope", 2),
        ("observed_over_expected", "实际/预期", "observed / expected", 2),
        ("ks", "KS", "KS", 3),
        ("lift_10pct", "前10%提升度", "lift, top 10%", 2),
        ("brier", "Brier", "Brier", 4),
        ("log_loss", "对数损失", "log loss", 4),
        ("mae", "平均绝对误差(元)", "mean absolute error, yuan", 0),
        ("rmse", "均方根误差(元)", "root mean square error, yuan", 0),
    ]
    shown = []
    for key, zh, en, digits in rows:
        if key in head:
            shown.append({"key": key, "zh": zh, "en": en, **_figure(head[key], digits)})
    return shown


def _figure(figure: Mapping[str, float | None] | float | None, digits: int) -> dict[str, str]:
    value, low, high = (
        (figure["value"], figure.get("low"), figure.get("high"))
        if isinstance(figure, Mapping)
        else (figure, None, None)
    )
    interval = f"[{_told(low, digits)}, {_told(high, digits)}]" if low is not None and high is not None else ""
    return {"value": "–" if value is None else _told(value, digits), "interval": interval}


def _told(value: float, digits: int) -> str:
    """A number with its true minus sign, and no minus before a zero."""
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if text.strip("-0.") else text.lstrip("-")


def _apart(metrics: Mapping[str, Any], group: str) -> list[dict[str, Any]]:
    """The figures of some test rows alone, such as those of customers never trained on."""
    head = metrics.get(group)
    return _headline({"headline": head}) if head else []


def _benchmark(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    bench = metrics.get("benchmark")
    if not bench or metrics["measure"] not in bench:
        return None
    return {
        "words": words.BENCHMARKS.get(bench["name"], Words(bench["name"], bench["name"])),
        "model": _figure(metrics["headline"][metrics["measure"]], 3),
        "figure": _figure(bench[metrics["measure"]], 3),
        "difference": _figure(bench["difference"], 3),
        "is_real": bench["verdict"] == "real",
    }


def _data_window(card: Mapping[str, Any]) -> dict[str, Any]:
    split, horizon = card["config"]["split"], card["config"]["horizon"] or {}
    return {
        "train": _span(split["train"]),
        "test": _span(split["out_of_time"] or split["train"]),
        "is_out_of_time": bool(split["out_of_time"]) if "kind" not in split else split["kind"] in ("later", "last"),
        "is_table": "kind" in split,
        "gap": horizon.get("gap"),
        "months": horizon.get("months"),
        "holdout": split["holdout_buckets"] or 0,
    }


def _few_events(card: Mapping[str, Any]) -> int | None:
    """How many events the model was learned from, where that is fewer than are asked for by default."""
    events = (card["rows"]["events"] or {}).get("train")
    return events if events is not None and events < FEWEST_EVENTS else None


def _span(days: Sequence[Any]) -> tuple[str, str] | None:
    """First and last of some cut-offs, None where there is none."""
    return (str(days[0])[:10], str(days[-1])[:10]) if days else None


def _waterfall(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Cut-offs down, steps across, as the population came about."""
    if not rows:
        return None
    table = pd.DataFrame(list(rows))
    table["cutoff_date"] = table["cutoff_date"].astype(str).str[:10]
    if table["cutoff_date"].nunique() > _MOST_CUTOFFS:  # events: one cut-off each
        quarters = pd.PeriodIndex(pd.to_datetime(table["cutoff_date"]), freq="Q")
        table["cutoff_date"] = quarters.astype(str)
    steps = list(dict.fromkeys(table["step"]))
    wide = table.pivot_table(index="cutoff_date", columns="step", values="rows", aggfunc="sum").reindex(columns=steps)
    return {
        "steps": [words.step(name) for name in steps],
        "rows": [(day, [None if np.isnan(value) else int(value) for value in row]) for day, row in zip(wide.index, wide.to_numpy(dtype=float), strict=True)],
    }  # fmt: skip


def _groups(importance: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"name": name, "words": concept_words(name), "share": share} for name, share in importance.items()]


def concept_words(name: str) -> Words:
    """What a concept group is called."""
    concept = CONCEPTS.get(name)
    return Words(concept.zh, concept.en) if concept else Words(name, name)


def _features(infos: Sequence[FeatureInfo]) -> list[dict[str, Any]]:
    return [{"info": info, "concept": concept_words(info.concept)} for info in infos]


def _parameters(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    tuning = card["tuning"]
    shown = [
        (name, f"{value:.4g}" if isinstance(value, float) else str(value)) for name, value in tuning["params"].items()
    ]
    trees = tuning["trees"]
    shown.append(
        ("trees", ", ".join(f"{k} {v}" for k, v in trees.items()) if isinstance(trees, Mapping) else str(trees))
    )
    shown.append(("seeds averaged", str(tuning.get("seeds", 1))))
    return [*shown, ("trials", str(tuning["trials"])), ("folds", str(tuning["folds"]))]


def _charts(bundle: Bundle, predictions: pd.DataFrame) -> dict[str, Markup]:
    metrics = bundle.card["metrics"]
    measure = metrics["measure"]
    parts, place = ("各截止日", "cut-off") if _data_window(bundle.card)["test"] else ("各检验部分", "part")
    drawn = {
        "by_cutoff": charts.by_cutoff(
            _by_cutoff(metrics),
            title=f"{parts} AUC by {place}" if measure == "auc" else f"{parts}标准化基尼 normalised Gini by {place}",
            chance=0.5 if measure == "auc" else 0.0,
        ),
        "groups": charts.bars(
            {
                f"{concept_words(name).zh} {concept_words(name).en}": share
                for name, share in bundle.card["importance"].items()
            },
            title="概念组重要性 importance of concept groups",
            xlabel="占模型变动的份额 share of the movement",
            name="groups",
        ),
    }
    if windows := _windows(bundle.card):
        drawn["calendar"] = charts.calendar(windows)
    served = predictions["predicted" if bundle.is_money else "probability"].to_numpy()
    shift = figures.shift_of(np.array(bundle.reference.quantiles), served)
    drawn["shift"] = charts.shift(
        shift["train"], shift["test"], edges=_edge_words(shift["edges"], money=bundle.is_money), psi=shift["psi"]
    )
    newest = figures.newest(predictions)
    if bundle.is_money:
        last = predictions[predictions["period"] == predictions["period"].max()]
        drawn["deciles"] = charts.deciles(figures.money_deciles(last["predicted"].to_numpy(), last["label"].to_numpy()))
    elif newest:
        rankings = [
            charts.Ranking(
                period, rows["label"].to_numpy(), rows["probability"].to_numpy(), rows["benchmark"].to_numpy()
            )
            for period, rows in newest.items()
        ]
        drawn["roc"] = charts.roc_and_gains(rankings)
        drawn["calibration"] = charts.calibration({period: _bins(rows) for period, rows in newest.items()})
    return {name: svg(text) for name, text in drawn.items()}


def _bins(rows: pd.DataFrame) -> pd.DataFrame:
    return figures.calibration_bins(rows["probability"].to_numpy(), rows["label"].to_numpy())


def _windows(card: Mapping[str, Any]) -> list[charts.Window]:
    """The calendar of the windows, as the config asks for them; none where no window is known."""
    if card["config"]["horizon"] is None:
        return []
    split, horizon = card["config"]["split"], Horizon(**card["config"]["horizon"])
    windows = []
    for role, key in (("train", "train"), ("test", "out_of_time")):
        for text in split[key]:
            cutoff = date.fromisoformat(str(text)[:10])
            label = label_window(cutoff, horizon)
            seen = look_back(cutoff, _LOOK_BACK)
            windows.append(charts.Window(role, cutoff, seen.start, label.start, label.end))  # type: ignore[arg-type]
    return windows


def _by_cutoff(metrics: Mapping[str, Any]) -> pd.DataFrame:
    measure = metrics["measure"]
    rows = []
    for part in metrics["per_cutoff"]:
        figure, bench = part[measure], part.get("benchmark") or {}
        rows.append((part["cutoff_date"], figure["value"], figure["low"], figure["high"], bench.get("value")))
    table = pd.DataFrame(rows, columns=["cutoff", "value", "low", "high", "benchmark"])
    numbers = ["value", "low", "high", "benchmark"]
    return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers})


def _edge_words(edges: np.ndarray, *, money: bool) -> list[str]:
    said = [f"{edge:,.0f}" if money else f"{edge * 100:.2g}%" for edge in edges]
    return [f"≤{said[0]}", *said[1:], f">{said[-1]}"] if said else [""]


def _tables(bundle: Bundle, predictions: pd.DataFrame) -> dict[str, Any]:
    last = str(predictions["period"].max())
    if bundle.is_money:
        rows = predictions[predictions["period"].astype(str) == last]
        table = figures.money_deciles(rows["predicted"].to_numpy(), rows["label"].to_numpy())
        parts = [
            {"words": words.COMPONENTS[name], **bundle.card["metrics"]["components"][name]}
            for name in SIGNS
            if name in bundle.card["metrics"].get("components", {})
        ]
        return {"period": last, "deciles": table.to_dict("records"), "components": parts}
    newest = figures.newest(predictions, 1)
    if not newest:
        return {"period": last, "ranks": []}
    period, rows = next(iter(newest.items()))
    return {"period": period, "ranks": figures.rank_table(rows["probability"].to_numpy(), rows["label"].to_numpy())}


def _explanations(bundle: Bundle, sample: pd.DataFrame, currency: str) -> dict[str, Any]:
    """SHAP's plots and the strongest features, from the served contributions of a sample."""
    if len(sample) > shap_plots.MOST_ROWS:
        sample = sample.sample(shap_plots.MOST_ROWS, random_state=7)
    sample = sample.reset_index(drop=True)
    X = bundle.encode(sample)
    values, base = bundle.contributions(X)
    titles = [f"{info.zh}\n{info.name}" for info in bundle.features]
    scale = "元 yuan" if bundle.is_money else "对数赔率 log-odds"
    explained = shap_plots.Explained(values, base, X, titles, scale)
    row = _typical_high(bundle.scale(X))
    shown = [
        _cell(info, value, currency)
        for info, value in zip(bundle.features, sample.loc[row, list(bundle.names)], strict=True)
    ]
    strongest = explained.strongest(_TOP_FEATURES)
    numbers = [index for index in strongest if bundle.features[index].kind == "number"][:_DEPENDENCE]
    moved = np.abs(values - values.mean(axis=0)).mean(axis=0)
    return {
        "rows": len(sample),
        "beeswarm": svg(shap_plots.beeswarm(explained)),
        "waterfall": svg(shap_plots.waterfall(explained, row, shown=shown)),
        "dependence": [svg(shap_plots.dependence(explained, index, name=f"dependence{index}")) for index in numbers],
        "features": [
            {"info": bundle.features[index], "concept": concept_words(bundle.features[index].concept), "moved": moved[index]}
            for index in strongest
        ],
        "groups": dict(
            zip(concept_order(bundle.concepts), np.abs(sum_by_concept(values - values.mean(axis=0), bundle.concepts)).mean(axis=0), strict=True)
        ),
    }  # fmt: skip


def _typical_high(scale: np.ndarray) -> int:
    """The row whose score is nearest to a high percentile."""
    return int(np.argmin(np.abs(scale - np.percentile(scale, _TYPICAL_HIGH))))


def _cell(info: FeatureInfo, value: Any, currency: str) -> str:
    if is_missing(value):
        return "–"
    return str(value) if info.kind == "category" else amount(float(value), info.unit, "zh", currency=currency)
