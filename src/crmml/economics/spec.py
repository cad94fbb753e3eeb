"""The prices of a bank: what money, risk, work and capital cost inside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

DEPOSIT_FAMILIES = ("current", "savings", "time_deposit")
CREDIT_FAMILIES = ("loan", "mortgage", "card")
FTP_FAMILIES = DEPOSIT_FAMILIES + CREDIT_FAMILIES
FAMILY_WORDS: Mapping[str, tuple[str, str]] = {
    "current": ("活期账户", "current account"),
    "savings": ("储蓄账户", "savings account"),
    "time_deposit": ("定期存款", "time deposit"),
    "loan": ("贷款", "loan"),
    "mortgage": ("按揭贷款", "mortgage"),
    "card": ("信用卡", "card"),
    "insurance": ("保险", "insurance"),
    "investment": ("理财投资", "investment"),
    "service": ("签约服务", "service contract"),
}
FAMILIES = tuple(FAMILY_WORDS)

_BUCKET = re.compile(r"(\d+)(?:-\d+|\+)?")


@dataclass(frozen=True)
class DatedPd:
    """Twelve-month default probabilities in force from a day: family -> arrears bucket -> share.

    A bucket is named by its days past due: `0`, `1-30`, `31-60`, `61-89`.
    """

    valid_from: date
    table: Mapping[str, Mapping[str, float]]

    def __post_init__(self) -> None:
        for family, buckets in self.table.items():
            where = f"prob_default from {self.valid_from}, {family}"
            _require_shares(buckets, where)
            floors = [bucket_floor(bucket) for bucket in buckets]
            if 0 not in floors:
                raise ValueError(f"{where}: the bucket '0' (not past due) is missing")
            if len(set(floors)) != len(floors):
                raise ValueError(f"{where}: two buckets begin on the same day past due")


@dataclass(frozen=True)
class DatedCcf:
    """Credit conversion factors of the capital rule in force from a day: class or family -> share."""

    valid_from: date
    table: Mapping[str, float]

    def __post_init__(self) -> None:
        _require_shares(self.table, f"ccf_capital from {self.valid_from}")


@dataclass(frozen=True)
class Economics:
    """Internal prices and risk parameters of one bank, all on one day-count basis.

    Rates are fractions per year (0.035), shares and probabilities lie in [0, 1],
    costs are in currency. `ftp`, `lgd` and `cost_per_account_month` are keyed by
    product family; the three `ccf_*` tables and `risk_weight` by the product's
    `ccf_class` where it has one, else by family; `cost_per_transaction` by
    channel, with `other` for every channel not named. `paid_rate` is the
    customer's rate where neither `account_terms` nor `loans` gives one.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1], a rate is in percent, a cost is negative,
        a family is unknown, or a family with balances has no internal rate.

    References
    ----------
    .. [1] NFRA, Administrative Measures for the Capital of Commercial Banks, 2023 (in force 2024-01-01).
    .. [2] CBIRC, Administrative Measures for the Leverage Ratio of Commercial Banks (Revised), 2015.
    """

    ftp: Mapping[str, float]
    hurdle: float
    capital_ratio: float
    paid_rate: Mapping[str, float] = field(default_factory=dict)
    prob_default: tuple[DatedPd, ...] = ()
    lgd: Mapping[str, float] = field(default_factory=dict)
    ccf_ead: Mapping[str, float] = field(default_factory=dict)
    ccf_capital: tuple[DatedCcf, ...] = ()
    ccf_leverage: Mapping[str, float] = field(default_factory=dict)
    risk_weight: Mapping[str, float] = field(default_factory=dict)
    leverage_floor: float = 0.04
    cost_per_account_month: Mapping[str, float] = field(default_factory=dict)
    cost_per_transaction: Mapping[str, float] = field(default_factory=dict)
    fee_kinds: tuple[str, ...] = ()
    interest_kinds: tuple[str, ...] = ()
    day_count: int = 365

    def __post_init__(self) -> None:
        if self.day_count not in (360, 365, 366):
            raise ValueError(f"day_count is 360, 365 or 366, got {self.day_count}")
        for name in ("ftp", "paid_rate"):
            _require_rates(getattr(self, name), name)
        _require_rates({"hurdle": self.hurdle}, "economics")
        for name in ("lgd", "ccf_ead", "ccf_leverage"):
            _require_shares(getattr(self, name), name)
        _require_shares({"capital_ratio": self.capital_ratio, "leverage_floor": self.leverage_floor}, "economics")
        for name in ("cost_per_account_month", "cost_per_transaction"):
            _require_not_negative(getattr(self, name), name)
        _require_range(self.risk_weight, "risk_weight", 0, 12.5, "a multiple such as 0.75")
        if self.cost_per_transaction and "other" not in self.cost_per_transaction:
            raise ValueError("cost_per_transaction needs a cost for 'other', the channels not named")
        both = sorted(set(self.fee_kinds) & set(self.interest_kinds))
        if both:
            raise ValueError(f"{both[0]!r} is both in fee_kinds and in interest_kinds")
        _require_ordered(self.prob_default, "prob_default")
        _require_ordered(self.ccf_capital, "ccf_capital")
        self._require_known_families()
        self.require(self._families_named())

    def require(self, families: Iterable[str]) -> None:
        """Refuse if a family with balances lacks an internal rate, or a credit family its risk parameters."""
        held = set(families)
        missing = {
            "ftp": [f for f in FTP_FAMILIES if f in held and f not in self.ftp],
            "lgd": [f for f in CREDIT_FAMILIES if f in held and f not in self.lgd],
            "risk_weight": [f for f in CREDIT_FAMILIES if f in held and f not in self.risk_weight],
        }
        if any(f in held for f in CREDIT_FAMILIES) and not self.prob_default:
            missing["prob_default"] = [f for f in CREDIT_FAMILIES if f in held]
        for dated in self.prob_default:
            missing[f"prob_default from {dated.valid_from}"] = [
                f for f in CREDIT_FAMILIES if f in held and f not in dated.table
            ]
        gaps = [f"{name} for {', '.join(lacking)}" for name, lacking in missing.items() if lacking]
        if gaps:
            raise ValueError(f"economics lacks {'; '.join(gaps)}")

    def _families_named(self) -> set[str]:
        named = set(self.ftp) | set(self.paid_rate) | set(self.lgd)
        for dated in self.prob_default:
            named |= set(dated.table)
        return named

    def _require_known_families(self) -> None:
        for name in ("ftp", "paid_rate", "lgd", "cost_per_account_month"):
            _require_families(getattr(self, name), name)
        for dated in self.prob_default:
            _require_families(dated.table, f"prob_default from {dated.valid_from}")


def bucket_floor(bucket: str) -> int:
    """The days past due with which an arrears bucket begins.

    >>> [bucket_floor(bucket) for bucket in ("0", "1-30", "31-60", "61-89")]
    [0, 1, 31, 61]
    """
    match = _BUCKET.fullmatch(str(bucket).strip())
    if match is None:
        raise ValueError(f"{bucket!r} is not an arrears bucket such as '0' or '1-30'")
    return int(match.group(1))


def _require_families(table: Mapping[str, object], name: str) -> None:
    for family in table:
        if family not in FAMILIES:
            raise ValueError(f"{name}: {family!r} is not a product family; expected one of {', '.join(FAMILIES)}")


def _require_rates(table: Mapping[str, float], name: str) -> None:
    _require_range(table, name, -1, 1, "a fraction per year such as 0.035, not percent")


def _require_shares(table: Mapping[str, float], name: str) -> None:
    _require_range(table, name, 0, 1, "a share in [0, 1]")


def _require_not_negative(table: Mapping[str, float], name: str) -> None:
    _require_range(table, name, 0, float("inf"), "a cost in currency, not negative")


def _require_range(table: Mapping[str, float], name: str, low: float, high: float, expected: str) -> None:
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{name}: {key} is {value!r}; expected {expected}")


def _require_ordered(dated: tuple[DatedPd, ...] | tuple[DatedCcf, ...], name: str) -> None:
    days = [entry.valid_from for entry in dated]
    if days != sorted(set(days)):
        raise ValueError(f"{name}: the tables must be in order of valid_from, each day once")
