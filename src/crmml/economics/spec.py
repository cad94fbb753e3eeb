"""The prices of a bank: what money, risk, work and capital cost inside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from crmml.economics.curves import CurveRule
from crmml.economics.relationship import AcquisitionCost, DevelopmentCost, require_costs

FtpRule = CurveRule | float

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

# A rate of exactly 1 is one percent written as a percentage, or a hundred percent a year: neither is meant.
_BELOW_ONE = math.nextafter(1.0, 0.0)
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
    product family; `ftp` gives one rate or a curve (`CurveRule`), and
    `ftp_by_currency` goes before it for accounts in another currency; the three `ccf_*` tables and `risk_weight` by the product's
    `ccf_class` where it has one, else by family; `cost_per_transaction` by
    channel, with `other` for every channel not named. `paid_rate` is the
    customer's rate where neither `account_terms` nor `loans` gives one. With a
    `tax_rate` the hurdle is a return after tax. A quote of the table `rates`
    stands for at most `rate_gap_months` after its own month; not given, for as
    long as the rhythm of its own series says.

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

    ftp: Mapping[str, FtpRule]
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
    ftp_by_currency: Mapping[str, Mapping[str, FtpRule]] = field(default_factory=dict)
    rate_gap_months: int | None = None
    tax_rate: float = 0.0
    acquisition_cost: AcquisitionCost = field(default_factory=AcquisitionCost)
    development_cost: DevelopmentCost = field(default_factory=DevelopmentCost)

    def __post_init__(self) -> None:
        if self.day_count not in (360, 365, 366):
            raise ValueError(f"day_count is 360, 365 or 366, got {self.day_count}")
        _require_ftp(self.ftp, "ftp")
        for currency, rules in self.ftp_by_currency.items():
            _require_ftp(rules, f"ftp_by_currency.{currency}")
        _require_rates(self.paid_rate, "paid_rate")
        _require_rates({"hurdle": self.hurdle}, "economics")
        for name in ("lgd", "ccf_ead", "ccf_leverage"):
            _require_shares(getattr(self, name), name)
        _require_shares({"capital_ratio": self.capital_ratio, "leverage_floor": self.leverage_floor}, "economics")
        _require_shares({"tax_rate": self.tax_rate}, "economics")
        if self.tax_rate == 1:
            raise ValueError("economics: tax_rate is 1; expected a share below 1 such as 0.25")
        if self.rate_gap_months is not None and self.rate_gap_months < 0:
            raise ValueError(f"rate_gap_months is {self.rate_gap_months}; expected a number of months, not negative")
        for name in ("cost_per_account_month", "cost_per_transaction"):
            require_costs(getattr(self, name), name)
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
        priced = set(self.ftp).union(*self.ftp_by_currency.values())
        missing = {
            "ftp": [f for f in FTP_FAMILIES if f in held and f not in priced],
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

    def ftp_rule(self, family: str, currency: str | None = None) -> FtpRule | None:
        """How the funds of a family in a currency are priced; None where nothing says."""
        return self.ftp_by_currency.get(currency or "", {}).get(family, self.ftp.get(family))

    @property
    def curves(self) -> set[str]:
        """The curves of `rates` that the prices name."""
        tables = (self.ftp, *self.ftp_by_currency.values())
        return {rule.curve for table in tables for rule in table.values() if isinstance(rule, CurveRule)}

    def _families_named(self) -> set[str]:
        named = set(self.ftp) | set(self.paid_rate) | set(self.lgd)
        for dated in self.prob_default:
            named |= set(dated.table)
        return named

    def _require_known_families(self) -> None:
        for name in ("ftp", "paid_rate", "lgd", "cost_per_account_month"):
            _require_families(getattr(self, name), name)
        for currency, rules in self.ftp_by_currency.items():
            _require_families(rules, f"ftp_by_currency.{currency}")
        _require_families(self.acquisition_cost.product, "acquisition_cost.product")
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


def _require_ftp(table: Mapping[str, FtpRule], name: str) -> None:
    _require_rates({family: rule for family, rule in table.items() if not isinstance(rule, CurveRule)}, name)


def _require_rates(table: Mapping[str, float], name: str) -> None:
    _require_range(table, name, -_BELOW_ONE, _BELOW_ONE, "a fraction per year such as 0.035, not percent")


def _require_shares(table: Mapping[str, float], name: str) -> None:
    _require_range(table, name, 0, 1, "a share in [0, 1], so 45 % is 0.45")


def _require_range(table: Mapping[str, float], name: str, low: float, high: float, expected: str) -> None:
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"{name}: {key} is {value!r}; expected {expected}")


def _require_ordered(dated: tuple[DatedPd, ...] | tuple[DatedCcf, ...], name: str) -> None:
    days = [entry.valid_from for entry in dated]
    if days != sorted(set(days)):
        raise ValueError(f"{name}: the tables must be in order of valid_from, each day once")
