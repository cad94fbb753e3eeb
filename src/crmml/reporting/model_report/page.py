"""The report of one model version: one offline page of aggregates, in two languages."""

from __future__ import annotations

import pandas as pd

from crmml.bundle import Bundle
from crmml.reporting import words
from crmml.reporting.evidence import Evidence
from crmml.reporting.model_report.card import data_window, few_events, parameters
from crmml.reporting.model_report.drawing import draw, tables
from crmml.reporting.model_report.explanations import explanations
from crmml.reporting.model_report.headline import against_benchmark, apart, headline
from crmml.reporting.model_report.population import waterfall
from crmml.reporting.model_report.subject import Subject
from crmml.reporting.model_report.variables import features, groups
from crmml.reporting.page import render
from crmml.reporting.words import Words

_NOTHING = Evidence()
_LEAST_ROWS = 30  # fewer would tell about single customers


def model_report(
    bundle: Bundle,
    predictions: pd.DataFrame,
    subject: Subject,
    *,
    sample: pd.DataFrame | None = None,
    evidence: Evidence = _NOTHING,
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
    evidence : Evidence
        What was found out beside the training; a part without it is told to be absent.
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
        evidence=evidence,
        subject=subject,
        about=about,
        limits=words.limits(about, stamp=card["metrics"].get("stamp", "")),
        stamp=words.stamp(card["metrics"].get("stamp", "")),
        title=title,
        headline=headline(card["metrics"]),
        never=apart(card["metrics"], "never_trained_on"),
        later=apart(card["metrics"], "first_seen_later"),
        per_cutoff=card["metrics"]["per_cutoff"],
        benchmark=against_benchmark(card["metrics"]),
        gates=card["metrics"].get("gates", []),
        window=data_window(card),
        few_events=few_events(card),
        waterfall=waterfall(card.get("waterfall", [])),
        groups=groups(card["importance"]),
        features=features(bundle.features),
        dropped=card["columns"]["dropped"],
        params=parameters(card),
        charts=draw(bundle, predictions),
        tables=tables(bundle, predictions),
        explained=None
        if sample is None or len(sample) < _LEAST_ROWS
        else explanations(bundle, sample, subject.currency),
    )
