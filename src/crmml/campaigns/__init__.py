"""Lists that went out: frozen with their control arm, their outcomes taken in, what they brought."""

from crmml.campaigns.entries import Checked, Fault, check_returned
from crmml.campaigns.frozen import (
    Campaign,
    content_of,
    names,
    read_campaign,
    require_control,
    require_name,
    write_campaign,
)
from crmml.campaigns.outcomes import has_outcomes, read_history, take_in
from crmml.campaigns.results import contact_rows, knows_both_arms, window_end, with_results
from crmml.campaigns.returned import read_returned

__all__ = [
    "Campaign",
    "Checked",
    "Fault",
    "check_returned",
    "contact_rows",
    "content_of",
    "has_outcomes",
    "knows_both_arms",
    "names",
    "read_campaign",
    "read_history",
    "read_returned",
    "require_control",
    "require_name",
    "take_in",
    "window_end",
    "with_results",
    "write_campaign",
]
