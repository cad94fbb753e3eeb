"""What a bank may set of its value report: the quantile of potential, and the shocks with their assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crmml.economics import FTP_FAMILIES

FACTORS = ("rate", "prob_default", "cost", "volume")
#: What the factors are when nothing is shocked: the rate moves by an amount, the others are multiples.
NEUTRAL: Mapping[str, float] = {"rate": 0.0, "prob_default": 1.0, "cost": 1.0, "volume": 1.0}
_LIMITS: Mapping[str, tuple[float, float, str]] = {
    "rate": (-0.1, 0.1, "a move as a fraction per year, such as 0.01 for one percentage point"),
    "prob_default": (0.0, 20.0, "a multiple such as 1.5"),
    "cost": (0.0, 20.0, "a multiple such as 1.1"),
    "volume": (0.0, 20.0, "a multiple such as 0.9"),
}


@dataclass(frozen=True)
class PotentialSpec:
    """`quantile` of the peers that a customer is measured against."""

    quantile: float = 0.8

    def __post_init__(self) -> None:
        if not 0.5 <= self.quantile <= 0.99:
            raise ValueError(f"quantile is {self.quantile}; expected one from 0.5 to 0.99, such as 0.8")


@dataclass(frozen=True)
class ShockSpec:
    """Shocks to the ledger of the last twelve months, and what follows what.

    `rate` moves all internal rates in parallel, and the customers' rates by
    `pass_through` of it, by product family. `fees_follow` and `costs_follow`
    are the shares of a change of volume that fees and cost to serve follow.
    `combined` is the case in which several happen at once.

    References
    ----------
    .. [1] BCBS 368, Interest rate risk in the banking book, 2016: parallel shocks, constant balance sheet.
    .. [2] Drechsler, Savov and Schnabl, The Deposits Channel of Monetary Policy, QJE 132(4), 2017: what of a
       change of rates reaches depositors.
    """

    rate: tuple[float, ...] = (-0.01, 0.01)
    prob_default: tuple[float, ...] = (0.8, 1.5)
    cost: tuple[float, ...] = (0.9, 1.1)
    volume: tuple[float, ...] = (0.9, 1.1)
    combined: Mapping[str, float] = field(
        default_factory=lambda: {"rate": -0.01, "prob_default": 1.5, "cost": 1.1, "volume": 0.9}
    )
    pass_through: Mapping[str, float] = field(
        default_factory=lambda: {
            "current": 0.1, "savings": 0.3, "time_deposit": 0.8, "loan": 0.7, "mortgage": 0.9, "card": 0.0
        }
    )  # fmt: skip
    fees_follow: float = 1.0
    costs_follow: float = 0.0

    def __post_init__(self) -> None:
        for factor in FACTORS:
            for level in getattr(self, factor):
                _require_level(factor, level, f"shocks.{factor}")
        for factor, level in self.combined.items():
            if factor not in FACTORS:
                raise ValueError(f"shocks.combined: {factor!r} is no factor; expected one of {', '.join(FACTORS)}")
            _require_level(factor, level, f"shocks.combined.{factor}")
        for family, share in self.pass_through.items():
            if family not in FTP_FAMILIES:
                raise ValueError(
                    f"shocks.pass_through: {family!r} has no interest; expected one of {', '.join(FTP_FAMILIES)}"
                )
            _require_share(share, f"shocks.pass_through.{family}")
        _require_share(self.fees_follow, "shocks.fees_follow")
        _require_share(self.costs_follow, "shocks.costs_follow")


@dataclass(frozen=True)
class ValueSpec:
    """The section `value:` of `bank.yaml`; every key has a default."""

    potential: PotentialSpec = field(default_factory=PotentialSpec)
    shocks: ShockSpec = field(default_factory=ShockSpec)


def _require_level(factor: str, level: float, where: str) -> None:
    low, high, expected = _LIMITS[factor]
    if isinstance(level, bool) or not isinstance(level, int | float) or not low <= level <= high:
        raise ValueError(f"{where} is {level!r}; expected {expected}")


def _require_share(share: float, where: str) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"{where} is {share!r}; expected a share in [0, 1]")
