"""Features: declared families, one plan, one row per snapshot."""

from crmml.features.build import build_features, catalogue, left_out, write_features
from crmml.features.concepts import CONCEPTS, Concept
from crmml.features.declare import CustomFamily, Family, FeatureInfo
from crmml.features.families import DEFAULT, askable_names, default_families, expand, families_of, family_names
from crmml.features.trace import explain_cell

__all__ = [
    "CONCEPTS",
    "DEFAULT",
    "Concept",
    "CustomFamily",
    "Family",
    "FeatureInfo",
    "askable_names",
    "build_features",
    "catalogue",
    "default_families",
    "expand",
    "explain_cell",
    "families_of",
    "family_names",
    "left_out",
    "write_features",
]
