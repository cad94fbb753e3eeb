"""What is served: margins, calibrated log-odds, contributions, grades and the frozen reference."""

from crmml.bundle.encoding import Encoding, learn_levels
from crmml.bundle.part import Link, Part
from crmml.bundle.reference import ALL, Peers, Reference
from crmml.bundle.rhythm import Rhythm
from crmml.bundle.served import HORIZON, SIGNS, TOTAL, Bundle, probability_of
from crmml.bundle.store import load, write

__all__ = [
    "ALL",
    "HORIZON",
    "SIGNS",
    "TOTAL",
    "Bundle",
    "Encoding",
    "Link",
    "Part",
    "Peers",
    "Reference",
    "Rhythm",
    "learn_levels",
    "load",
    "probability_of",
    "write",
]
