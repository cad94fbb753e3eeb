"""Customer groups: the grid of value, loyalty and risk, its migrations, and each group in one line."""

from crmml.grouping.bands import NONE, Boundaries, fix_boundaries, flapping, hold_bands
from crmml.grouping.describe import describe_groups
from crmml.grouping.groups import ENTERED, LEFT, Groups, group_customers, migration
from crmml.grouping.spec import AXES, Axis, Grid, GroupSpec

__all__ = [
    "AXES",
    "ENTERED",
    "LEFT",
    "NONE",
    "Axis",
    "Boundaries",
    "Grid",
    "GroupSpec",
    "Groups",
    "describe_groups",
    "fix_boundaries",
    "flapping",
    "group_customers",
    "hold_bands",
    "migration",
]
