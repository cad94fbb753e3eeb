"""The features of a model and the concepts they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmml.features.concepts import CONCEPTS
from crmml.features.declare import FeatureInfo
from crmml.reporting.words import Words


def groups(importance: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"name": name, "words": concept_words(name), "share": share} for name, share in importance.items()]


def concept_words(name: str) -> Words:
    """What a concept group is called."""
    concept = CONCEPTS.get(name)
    return Words(concept.zh, concept.en) if concept else Words(name, name)


def features(infos: Sequence[FeatureInfo]) -> list[dict[str, Any]]:
    return [{"info": info, "concept": concept_words(info.concept)} for info in infos]
