"""Loyalty as it is counted: who left in which sense, and how deep and lasting a relationship is."""

from crmml.loyalty.audit import LabelAudit, audit_labels
from crmml.loyalty.index import COMPONENTS, Component, loyalty_index, usable_components
from crmml.loyalty.validation import validate_index

__all__ = [
    "COMPONENTS",
    "Component",
    "LabelAudit",
    "audit_labels",
    "loyalty_index",
    "usable_components",
    "validate_index",
]
