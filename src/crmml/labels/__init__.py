"""What happens after a cut-off: churn, default, contribution, uptake, bookings, coming back, and labels a bank owns."""

from crmml.labels.build import build_labels, label_counts
from crmml.labels.loss_day import loss_days
from crmml.labels.targets import Bookings, Churn, Contribution, Default, Given, Target, Uplift, Uptake, Winback
from crmml.labels.uplift import assignments

__all__ = [
    "Bookings",
    "Churn",
    "Contribution",
    "Default",
    "Given",
    "Target",
    "Uplift",
    "Uptake",
    "Winback",
    "assignments",
    "build_labels",
    "label_counts",
    "loss_days",
]
