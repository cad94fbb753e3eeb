"""Features: declared families, one plan, one row per snapshot."""

from crmml.features.build import build_features, catalogue, left_out, write_features
from crmml.features.concepts import CONCEPTS, Concept
from crmml.features.declare import CustomFamily, Family, FeatureInfo
from crmml.features.families import askable_names, families_of, family_names
from crmml.features.trace import explain_cell

__all__ = [
    "CONCEPTS",
    "Concept",
    "CustomFamily",
    "Family",
    "FeatureInfo",
    "askable_names",
    "build_features",
    "catalogue",
    "explain_cell",
    "families_of",
    "family_names",
    "left_out",
    "write_features",
]
