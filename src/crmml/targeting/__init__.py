"""From scores to a list of customers to contact, within what branches and managers can do."""

from crmml.limits import Limit
from crmml.targeting.allocation import Allocation, allocate
from crmml.targeting.build import TargetList, build_list, why
from crmml.targeting.candidates import Inputs
from crmml.targeting.capacities import Capacities, MinimumShare
from crmml.targeting.changes import changes_between
from crmml.targeting.check import Violation, check_allocation
from crmml.targeting.export import people_csv, write_csv, write_parquet, write_people_csv, write_people_csvs
from crmml.targeting.greedy import rank_by
from crmml.targeting.spec import Contact, ListSpec, Offer, Reserve, Rule, Suppression, ValueEstimate
from crmml.targeting.why_not import why_not
from crmml.targeting.workbook import write_workbook, write_workbooks

__all__ = [
    "Allocation",
    "Capacities",
    "Contact",
    "Inputs",
    "Limit",
    "ListSpec",
    "MinimumShare",
    "Offer",
    "Reserve",
    "Rule",
    "Suppression",
    "TargetList",
    "ValueEstimate",
    "Violation",
    "allocate",
    "build_list",
    "changes_between",
    "check_allocation",
    "people_csv",
    "rank_by",
    "why",
    "why_not",
    "write_csv",
    "write_parquet",
    "write_people_csv",
    "write_people_csvs",
    "write_workbook",
    "write_workbooks",
]
