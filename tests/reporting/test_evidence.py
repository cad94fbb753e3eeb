"""What is stored beside a training for its report: plain JSON, read back as it was written."""

from __future__ import annotations

import pytest

from crmml.errors import IntegrityError
from crmml.reporting.evidence import Evidence


def test_evidence_is_read_back_as_it_was_written():
    evidence = Evidence(
        scorecard={"features": [{"name": "age", "iv": 0.5}]}, absent={"fairness": {"zh": "无", "en": "-"}}
    )
    assert Evidence.from_json(evidence.to_json()) == evidence


def test_a_number_that_json_does_not_know_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        Evidence(segments={"slope": float("nan")}).to_json()


@pytest.mark.parametrize("text", ["{", '{"colour": 1}', "[1]"])
def test_a_text_that_is_no_evidence_is_refused(text):
    with pytest.raises(IntegrityError, match=r"expected one object .* Train the model again") as caught:
        Evidence.from_json(text)
    assert caught.value.code == "M007"
