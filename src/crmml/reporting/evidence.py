"""What a report shows of a model beyond its bundle and its test rows: plain data, kept beside the training.

Whoever computes a part fills its field; a part without evidence says why
(`absent`), and is never drawn as an empty frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from crmml.errors import IntegrityError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """The parts of a report that need more than the served model and its predictions; all are JSON-able.

    Attributes
    ----------
    scorecard : mapping
        The points scorecard beside a probability model: `features` (one entry each with `name, zh, en, iv` and
        `rows`: bin, share, events, event rate, WoE, IV, points, with Missing, Special and Total), and its figures.
    grades : mapping
        Back-test of the grades (`evaluation.grades`): `bounds`, `per_cutoff` with expected and observed rates and
        binomial intervals, `migration`, `outside`.
    discrimination : mapping
        Figures of the test with their intervals, beyond those of the card.
    segments, fairness, thin_files : mapping
        Figures of groups of customers.
    variables : sequence of mapping
        Why each feature is in the model.
    stability : mapping
        PSI of the score and of every feature, per cut-off.
    against_champion : mapping
        The challenger and the champion on the same test rows.
    reasons_agreement : mapping
        How far the top reasons agree by concept group, with the champion and between two bootstrap refits.
    absent : mapping
        Field to why it holds nothing, as `{"zh": …, "en": …}`.
    """

    scorecard: Row | None = None
    grades: Row | None = None
    discrimination: Row | None = None
    segments: Row | None = None
    fairness: Row | None = None
    thin_files: Row | None = None
    variables: Sequence[Row] | None = None
    stability: Row | None = None
    against_champion: Row | None = None
    reasons_agreement: Row | None = None
    absent: Mapping[str, Row] = field(default_factory=dict)

    def to_json(self) -> str:
        """One JSON object, a key for each field; no value that JSON does not know (NaN, infinity)."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Evidence:
        """What `to_json` wrote.

        Raises
        ------
        IntegrityError
            M007 if the text is not one, or has a field this version does not know.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            known = ", ".join(each.name for each in fields(cls))
            raise IntegrityError(
                f"evidence.json cannot be read ({error}); expected one object with some of {known}. Train the model again",
                code="M007",
            ) from error
