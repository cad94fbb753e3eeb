"""The features of a bank on one offline page: what each means, who uses it, how well it is filled, how it moved."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from crmml.explain import wording
from crmml.features import CONCEPTS, FeatureInfo
from crmml.features.formulas import in_chinese
from crmml.reporting.page import render

LEAST = 20
WORTH_A_LOOK = 0.10
_SCRIPT = Path(__file__).parent / "templates" / "features.js"
_UNITS: Mapping[str, tuple[str, str]] = {
    "money": ("金额", "money"),
    "count": ("次数", "count"),
    "days": ("天", "days"),
    "months": ("月", "months"),
    "years": ("年", "years"),
    "number": ("数值", "number"),
    "rate": ("年利率", "rate per year"),
    "share": ("占比", "share"),
    "ratio": ("比率", "ratio"),
    "change": ("变化", "change"),
    "category": ("类别", "category"),
}
_TARGETS: Mapping[str, tuple[str, str]] = {
    "churn": ("流失", "churn"),
    "default": ("违约", "default"),
    "contribution": ("贡献", "contribution"),
    "uptake": ("办理", "uptake"),
}


@dataclass(frozen=True)
class User:
    """A model of the bank that learns from a feature."""

    key: str
    zh: str
    en: str


@dataclass(frozen=True)
class Described:
    """One feature with its figures, none of fewer than 20 customers.

    `known` is the share of customers with a value at each cut-off, in order (None where there are too few customers);
    `quantiles` are the 5 %, 50 % and 95 % of the newest cut-off; `levels` its frequent values with their shares.
    """

    info: FeatureInfo
    known: tuple[float | None, ...]
    psi: float | None = None
    mean: float | None = None
    quantiles: tuple[float, float, float] | None = None
    levels: tuple[tuple[str, float], ...] = ()
    used_by: tuple[User, ...] = ()


@dataclass(frozen=True)
class Features:
    """What the page is about: the bank, its cut-offs in order, and the cut-off drift is measured to."""

    bank_zh: str
    bank_en: str
    cutoffs: tuple[str, ...]
    drift_to: str
    models: tuple[User, ...] = field(default_factory=tuple)


def feature_page(features: Sequence[Described], subject: Features, *, language: str = "both") -> str:
    """The page as one HTML file that needs no network; its script is named by its digest and no other may run."""
    script = _SCRIPT.read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render(
        "features.html",
        language=language,
        subject=subject,
        models=subject.models,
        concepts=_by_concept(features),
        rows_total=len(features),
        least=LEAST,
        script=Markup(script),
        digest=f"sha256-{digest}",
    )


def _by_concept(features: Sequence[Described]) -> list[dict[str, Any]]:
    names = [name for name in CONCEPTS if any(each.info.concept == name for each in features)]
    names += sorted({each.info.concept for each in features} - set(CONCEPTS))
    parts = []
    for name in names:
        zh, en = (CONCEPTS[name].zh, CONCEPTS[name].en) if name in CONCEPTS else (name, name)
        rows = [_row(each, f"{zh} {en}") for each in features if each.info.concept == name]
        parts.append({"zh": zh, "en": en[:1].upper() + en[1:], "rows": rows})
    return parts


def _row(each: Described, concept: str) -> dict[str, Any]:
    info = each.info
    told = (
        info.name,
        info.name.replace("_", " "),
        info.zh,
        info.en,
        concept,
        info.concept,
        info.family,
        info.source,
        info.formula,
        in_chinese(info.formula),
    )
    newest = each.known[-1] if each.known else None
    return {
        "name": info.name,
        "zh": info.zh,
        "en": info.en,
        "text": " ".join(dict.fromkeys(told)).lower(),
        "formula": info.formula,
        "formula_zh": in_chinese(info.formula),
        "source": info.source,
        "window": info.window,
        "unit": dict(zip(("zh", "en"), _UNITS.get(info.unit, (info.unit, info.unit)), strict=True)),
        "null_zh": info.null_meaning_zh,
        "null_en": info.null_meaning,
        "signs": [_sign(target, sign) for target, sign in sorted(info.sign.items())],
        "known": "–" if newest is None else f"{newest:.0%}",
        "path": _path(each.known),
        "psi": "–" if each.psi is None else f"{each.psi:.2f}",
        "is_moved": each.psi is not None and each.psi >= WORTH_A_LOOK,
        "spread": _spread(each),
        "mean": "" if each.mean is None else _figure(each.mean, info.unit),
        "frequent": ", ".join(f"{level} {share:.0%}" for level, share in each.levels),
        "models": [user.key for user in each.used_by],
        "used_by": each.used_by,
    }


def _sign(target: str, sign: int) -> dict[str, str]:
    zh, en = _TARGETS.get(target, (target, target))
    return {"zh": zh, "en": en, "arrow": "↑" if sign > 0 else "↓"}


def _spread(each: Described) -> str:
    if each.levels:
        return " · ".join(level for level, _ in each.levels[:3])
    if each.quantiles is None:
        return "–"
    low, middle, high = (_figure(value, each.info.unit) for value in each.quantiles)
    return f"{low} · {middle} · {high}"


def _figure(value: float, unit: str) -> str:
    """Three significant digits: nobody's own amount can be read from it."""
    return wording.number(float(f"{value:.3g}"), unit)


def _path(known: Sequence[float | None]) -> str:
    """The shares of the cut-offs as a line in a field of 96 by 22."""
    if len(known) < 2:
        return ""
    step = 96 / (len(known) - 1)
    points = [
        f"{place * step:.1f},{1 + 20 * (1 - share):.1f}" for place, share in enumerate(known) if share is not None
    ]
    return "M" + "L".join(points) if len(points) > 1 else ""
