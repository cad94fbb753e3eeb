"""Pure formulas of bank economics, and the prices a bank puts into them."""

from crmml.economics.spec import (
    CREDIT_FAMILIES,
    DEPOSIT_FAMILIES,
    FAMILIES,
    FAMILY_WORDS,
    FTP_FAMILIES,
    DatedCcf,
    DatedPd,
    Economics,
)

__all__ = [
    "CREDIT_FAMILIES",
    "DEPOSIT_FAMILIES",
    "FAMILIES",
    "FAMILY_WORDS",
    "FTP_FAMILIES",
    "DatedCcf",
    "DatedPd",
    "Economics",
]
