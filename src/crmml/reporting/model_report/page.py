"""The report of one model version: one offline page of aggregates, in two languages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from crmml.bundle import Bundle
from crmml.evaluation.groups import RESAMPLES
from crmml.explain.wording import currency_words
from crmml.reporting import words
from crmml.reporting.evidence import Evidence
from crmml.reporting.metric_words import attribute, group, in_words
from crmml.reporting.model_report.card import data_window, few_events, learned, parameters, stated
from crmml.reporting.model_report.drawing import draw
from crmml.reporting.model_report.explanations import explanations
from crmml.reporting.model_report.headline import against_benchmark, against_rivals, apart, headline
from crmml.reporting.model_report.population import exclusions, waterfall, windows
from crmml.reporting.model_report.subject import Subject
from crmml.reporting.model_report.testing import before_after, compared, ks_scores, tables, tested, thin_tables
from crmml.reporting.model_report.variables import dropped, features, kept, reason_codes, steadiest
from crmml.reporting.model_report.weaknesses import weaknesses
from crmml.reporting.page import render
from crmml.reporting.words import Words

_NOTHING = Evidence()
_ABSENT = {
    "zh": "训练时未收集此项;用 crmml train 重新训练后可见",
    "en": "not collected when this model was trained; crmml train collects it",
}
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
        1,000 are used, fewer than 30 are not shown, and no id is.
    evidence : Evidence
        What was found out beside the training; a part without it is told to be absent.
    language : str
        What is shown first: `zh`, `en` or `both`.
    """
    card = bundle.card
    about = words.about(bundle.target, is_table="table" in card)
    stamp = card["metrics"].get("stamp", "")
    steps = waterfall(card.get("waterfall", []))
    psi = steadiest(evidence.stability, bundle.features)
    variables = kept(evidence.variables or [], bundle.features)
    currency = currency_words(subject.currency)
    agreement = evidence.reasons_agreement or card["metrics"].get("reasons_agreement")
    return render(
        "model.html",
        language=language,
        bundle=bundle,
        card=card,
        evidence=evidence,
        absent=defaultdict(lambda: _ABSENT, evidence.absent),
        subject=subject,
        about=about,
        currency=currency,
        title=Words(subject.title_zh or about.title.zh, subject.title_en or about.title.en),
        stated=stated(card, about),
        limits=words.limits(about, stamp=stamp),
        stamp=words.stamp(stamp),
        weaknesses=weaknesses(card, evidence, psi["worst"]),
        learned=learned(card),
        headline=headline(card["metrics"], evidence.discrimination),
        never=apart(card["metrics"], "never_trained_on"),
        later=apart(card["metrics"], "first_seen_later"),
        per_cutoff=card["metrics"]["per_cutoff"],
        ks_scores=ks_scores(bundle, predictions),
        benchmark=against_benchmark(card["metrics"]),
        rivals=against_rivals(card["metrics"]),
        decile_parts=[part for part in card["metrics"]["per_cutoff"] if "deciles_by_verdict" in part],
        gates=[in_words(gate) for gate in card["metrics"].get("gates", [])],
        window=data_window(card),
        few_events=few_events(card),
        tested=tested(predictions),
        waterfall=steps,
        exclusions=exclusions(steps),
        dates=windows(card),
        before_after=before_after(bundle, predictions),
        calibrated=_calibrated(card),
        resamples=RESAMPLES,
        psi=psi,
        variables=variables,
        used=sum(row["is_used"] for row in variables),
        features=features(bundle.features, subject.currency),
        dropped=dropped(card),
        params=parameters(card),
        codes=reason_codes(card["importance"], bundle.features),
        thin=thin_tables(evidence.thin_files),
        compared=compared(evidence.against_champion),
        saw_test=_saw_test(card, evidence),
        agreement=agreement,
        drop=card["config"].get("gates", {}).get("reasons_agreement_drop", 0.05),
        group_words=group,
        attribute_words=attribute,
        charts=draw(bundle, predictions, evidence, {"waterfall": steps, "psi": psi}, currency=currency),
        tables=tables(bundle, predictions),
        explained=None
        if sample is None or len(sample) < _LEAST_ROWS
        else explanations(bundle, sample, subject.currency),
    )


def _calibrated(card: Mapping[str, Any]) -> dict[str, Any]:
    """On how many rows, in how many folds, the calibration was fitted; of money, its first component."""
    found = card["tuning"].get("calibrated_on") or {}
    return next(iter(found.values()), {"rows": 0, "folds": 0})


def _saw_test(card: Mapping[str, Any], evidence: Evidence) -> bool:
    """Whether the champion learned from cut-offs that this test begins with."""
    until = (evidence.against_champion or {}).get("trained_until")
    tests = card["config"]["split"]["out_of_time"]
    return bool(until and tests and str(until) >= str(tests[0])[:10])
