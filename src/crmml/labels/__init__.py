"""What happens after a cut-off: churn, default, contribution, uptake, bookings, and the labels a bank owns."""

from crmml.labels.build import build_labels, label_counts
from crmml.labels.targets import Bookings, Churn, Contribution, Default, Given, Target, Uptake

__all__ = [
    "Bookings",
    "Churn",
    "Contribution",
    "Default",
    "Given",
    "Target",
    "Uptake",
    "build_labels",
    "label_counts",
]
