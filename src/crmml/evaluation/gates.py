"""What a model must show before it may become champion.

A gate compares one figure of the stored out-of-time report with what the
config asks for. All gates are judged, so that a refusal names every reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmml.errors import GateError
from crmml.feature_table.spec import NOT_AUDITABLE


@dataclass(frozen=True)
class Gates:
    """Bounds on the headline figures (later months, all customers).

    Attributes
    ----------
    discrimination_low : float
        The lower end of the 95 % interval of the AUC (of the normalised Gini for money)
        must lie above this. None: 0.5 for an AUC, 0 for a Gini.
    discrimination_min : float
        Least AUC (or Gini) asked for, if any.
    calibration_slope, observed_over_expected : (float, float)
        The figure lies within these bounds, or its 95 % interval covers 1.
    worse_than_champion : float
        How far the AUC (or Gini) may fall short of the champion's.
    reasons_agreement_drop : float
        How far the agreement of the top reasons with the champion's may fall below that of two refits of the champion.
    leak_audit : bool
        Whether the leak audit must have been run and found clean.
    accepted : str
        The note with which somebody takes responsibility for what cannot be shown of a ready feature table: that its
        columns were known at the cut-off ("not auditable"), and, where rows were drawn at random, that later months
        look alike ("not time-honest"). It goes into the card; no other gate is waived by it.
    exactness : float
        Largest difference allowed between a score and the sum of its reasons.
    """

    discrimination_low: float | None = None
    discrimination_min: float | None = None
    calibration_slope: tuple[float, float] = (0.8, 1.25)
    observed_over_expected: tuple[float, float] = (0.8, 1.25)
    worse_than_champion: float = 0.005
    reasons_agreement_drop: float = 0.05
    leak_audit: bool = True
    accepted: str = ""
    exactness: float = 1e-9


@dataclass(frozen=True)
class GateResult:
    name: str
    found: str
    expected: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.name}: found {self.found}, expected {self.expected}"


def judge(
    gates: Gates,
    report: Mapping[str, Any],
    champion: Mapping[str, Any] | None = None,
    *,
    champion_digest: str | None = None,
) -> list[GateResult]:
    """Every gate against the report of a candidate and, if there is one, that of the champion.

    Parameters
    ----------
    report, champion : mapping
        `metrics` of a model card: `measure`, `headline`, `leak_audit`, `exactness`, `reasons_agreement`.
    champion_digest : str, optional
        The digest of the champion's bundle, with whose reasons the candidate's must have been compared.
    """
    measure, headline = report["measure"], report["headline"]
    if measure == "qini":
        return _of_effect(gates, report)
    figure = headline[measure]
    low = gates.discrimination_low
    if low is None:
        low = 0.5 if measure == "auc" else 0.0
    results = [
        GateResult(
            f"{measure} beyond chance", _shown(figure), f"lower end above {low:g}", _is_above(figure.get("low"), low)
        )
    ]
    if gates.discrimination_min is not None:
        least = gates.discrimination_min
        results.append(GateResult(measure, _shown(figure), f"at least {least:g}", _is_above(figure["value"], least)))
    for name in ("calibration_slope", "observed_over_expected"):
        bounds = getattr(gates, name)
        expected = f"within {bounds[0]:g} to {bounds[1]:g}, or an interval that covers 1"
        results.append(GateResult(name, _shown(headline[name]), expected, _is_calibrated(headline[name], bounds)))
    if champion is not None and champion["measure"] == measure:
        best = champion["headline"][measure]["value"]
        results.append(
            GateResult(
                f"{measure} against the champion",
                f"{figure['value']:.4f}",
                f"at least {best - gates.worse_than_champion:.4f} (champion {best:.4f})",
                _is_above(figure["value"], best - gates.worse_than_champion),
            )
        )
    if champion is not None:
        results.append(_reasons(gates, report.get("reasons_agreement"), champion_digest))
    results += _audited(gates, report)
    if report.get("stamp"):
        note = gates.accepted.strip()
        found = f"{report['stamp']}, accepted: {note}" if note else str(report["stamp"])
        results.append(
            GateResult("test on later rows", found, "later rows, or a note under gates: {accepted: …}", bool(note))
        )
    signs = report.get("monotone")
    if signs:
        kept = signs["violations"] == 0
        found = f"{signs['violations']} violations in {signs['perturbed']:,} perturbed rows"
        results.append(GateResult("expected signs", found, "0 violations", kept))
    results.append(_exact(gates, report))
    return results


def _of_effect(gates: Gates, report: Mapping[str, Any]) -> list[GateResult]:
    """What an uplift model must show: it ranks or it helps, of a random log, without knowing the future, and adds up."""
    learning, overlap = report["learning"], report["overlap"]
    ranking, average = learning["qini"], learning["average_effect"]
    usable = _is_above(average.get("low"), 0.0) or (
        _is_above(ranking.get("low"), 0.0) and learning["serves"] == "differences"
    )
    return [
        GateResult(
            "usable uplift",
            f"Qini {_shown(ranking)}, average effect {_shown(average)}",
            "one of the lower ends above 0, on customers not learned from",
            usable,
        ),
        _not_contradicted(report["learning"], report["headline"]),
        GateResult(
            "random arms",
            f"{overlap['worst']} differs by {overlap['difference']:+.3f}",
            "no difference beyond chance",
            bool(overlap["is_random"]),
        ),
        *_audited(gates, report),
        _exact(gates, report),
    ]


def _not_contradicted(learning: Mapping[str, Any], headline: Mapping[str, Any]) -> GateResult:
    """A ranking or an effect that later assignments contradict is not served."""
    ranking, average = headline["qini"], headline["average_effect"]
    harms = any(figure.get("high") is not None and figure["high"] < 0 for figure in (ranking, average))
    found = f"Qini {_shown(ranking)}, average effect {_shown(average)}"
    expected = "neither is below 0 beyond chance, and an average below the learned one beyond chance is above 0"
    return GateResult("later assignments", found, expected, not harms and not has_faded(learning, headline))


def has_faded(learning: Mapping[str, Any], headline: Mapping[str, Any]) -> bool:
    """Whether later assignments were enough to see the average effect that was learned, and did not.

    >>> learned = {"average_effect": {"low": 0.03}}
    >>> has_faded(learned, {"average_effect": {"low": -0.01, "high": 0.02}})
    True
    >>> has_faded(learned, {"average_effect": {"low": -0.01, "high": 0.05}})
    False
    """
    learned, later = learning["average_effect"].get("low"), headline["average_effect"]
    if learned is None or later.get("low") is None or learned <= 0:
        return False
    return bool(later["low"] <= 0 and later["high"] < learned)


def _audited(gates: Gates, report: Mapping[str, Any]) -> list[GateResult]:
    if not gates.leak_audit:
        return []
    state = str(report.get("leak_audit", "not run"))
    accepted = bool(gates.accepted.strip()) and state == NOT_AUDITABLE
    expected = "clean, or not auditable with a note under gates: {accepted: …}"
    found = f"{state}, accepted: {gates.accepted.strip()}" if accepted else state
    return [GateResult("leak audit", found, expected, state == "clean" or accepted)]


def _exact(gates: Gates, report: Mapping[str, Any]) -> GateResult:
    worst = float(report["exactness"])
    return GateResult(
        "exactness of reasons", f"{worst:.1e}", f"at most {gates.exactness:.0e}", worst <= gates.exactness
    )


def _reasons(gates: Gates, measured: Mapping[str, Any] | None, digest: str | None) -> GateResult:
    """Whether the candidate names about the same reasons as the champion, as two refits of the champion would."""
    name = "top reasons against the champion"
    found = (measured or {}).get("champion")
    if found is None or (digest is not None and found["digest"] != digest):
        against = "not measured" if found is None else f"measured against version {found['version']}, not the champion"
        return GateResult(name, against, "measured against the champion: train again", False)
    if found["value"] is None:
        return GateResult(name, str(found["reason"]), "a comparison on the same rows", False)
    least = found["baseline"]["value"] - gates.reasons_agreement_drop
    expected = f"at least {least:.3f} (two refits {found['baseline']['value']:.3f})"
    return GateResult(name, _shown(found), expected, _is_above(found["value"], least))


def require(results: list[GateResult], *, model: str) -> None:
    """Raise unless every gate is passed.

    Raises
    ------
    GateError
        With each failed gate, what was found and what was expected.
    """
    failed = [result for result in results if not result.passed]
    if failed:
        reasons = "; ".join(str(result) for result in failed)
        raise GateError(
            f"{model}: {len(failed)} of {len(results)} gates failed ({reasons}). "
            "See its report; mend the model, or set other `gates:` in its config and train again",
            code="G003",
        )


def _shown(figure: Mapping[str, float | None]) -> str:
    if figure.get("low") is None:
        return "none" if figure["value"] is None else f"{figure['value']:.4f}"
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"


def _is_above(value: float | None, bound: float) -> bool:
    return value is not None and value > bound - 1e-12


def _is_calibrated(figure: Mapping[str, float | None], bounds: tuple[float, float]) -> bool:
    value, low, high = figure["value"], figure.get("low"), figure.get("high")
    inside = value is not None and bounds[0] <= value <= bounds[1]
    covers = low is not None and high is not None and low <= 1.0 <= high
    return inside or covers
