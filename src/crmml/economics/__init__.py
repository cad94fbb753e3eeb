"""Pure formulas of bank economics, and the prices a bank puts into them."""

from crmml.economics.curves import CurveRule
from crmml.economics.relationship import AcquisitionCost, DevelopmentCost
from crmml.economics.spec import (
    CREDIT_FAMILIES,
    DEPOSIT_FAMILIES,
    FAMILIES,
    FAMILY_WORDS,
    FTP_FAMILIES,
    DatedCcf,
    DatedPd,
    Economics,
    FtpRule,
)

__all__ = [
    "CREDIT_FAMILIES",
    "DEPOSIT_FAMILIES",
    "FAMILIES",
    "FAMILY_WORDS",
    "FTP_FAMILIES",
    "AcquisitionCost",
    "CurveRule",
    "DatedCcf",
    "DatedPd",
    "DevelopmentCost",
    "Economics",
    "FtpRule",
]
