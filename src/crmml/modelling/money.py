"""How each component of a contribution may be learned, and which way foresees it best on folds.

- change: last year's amount, and what is added to it (squared error).
- size: as a change, but in proportion to the amount that is there, and as exact
  where little is at stake as where much is (squared error over size).
- share: a multiple of last year's amount (Tweedie: a loss or a fee is often
  exactly 0 and never negative).
- driver: a multiple of what drives it, a loss of the debt: exposure at default
  times the loss rate, PD x LGD, that is learned; a cost of the bookings.
- rhythm: a multiple of the bookings a customer's own rhythm lets expect, the one
  way in which a few months can be carried to more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from crmml.bundle import Part
from crmml.modelling.preparation import Prepared
from crmml.modelling.rhythm import amount_rhythm, has_rhythm
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import Rows

Array = npt.NDArray[np.float64]
TAIL = 0.002
#: The feature that drives a component, beside its own last year.
DRIVERS = {"expected_loss": "debt_last", "capital_charge": "debt_last", "service_cost": "transactions_12m"}
_LEAST_SHARE = 0.2
# A rhythm expects something of nearly everybody, and what stands beside it does not grow with the months.
_LEAST_OF_RHYTHM = 0.001


@dataclass(frozen=True)
class Aim:
    """One column to learn, on training rows: `served` as people see it, `learned` as the booster sees it.

    `draft` is the part that will be served, without its booster; `known` what it
    knows of each row beforehand, at the horizon that is learned from. Of a
    curve, `start` is the log-odds at which the rows of each horizon begin.
    """

    name: str
    served: Array
    learned: Array
    way: str = "change"
    draft: Part | None = None
    known: Array | None = None
    start: Mapping[int, float] = field(default_factory=dict)

    @property
    def objective(self) -> str:
        return "tweedie" if self._link == "log" else "regression"

    @property
    def begin(self) -> Array | None:
        """Where the booster begins on each row, on its raw scale."""
        return self.draft.log_base(self.known) if self._link == "log" and self.draft else None  # type: ignore[arg-type]

    @property
    def weight(self) -> Array | None:
        """How much each row counts: on the scale of its size, as much as its size."""
        return self._size if self._link == "size" else None

    def amount(self, raw: Array, rows: Rows) -> Array:
        """The amount of some training rows before calibration; `raw` holds where they began."""
        if self._link == "log":
            return np.exp(raw)
        if self.draft is None or self.known is None:
            return raw
        return self.draft.amount(self.known[rows], raw)

    def judge(self, size: Array) -> Callable[[Rows], Callable[[Array], float]]:
        """What a booster says of some rows, as the squared error of the amounts over `size`; higher is better."""

        def of(rows: Rows) -> Callable[[Array], float]:
            actual, scale = self.served[rows], size[rows]

            def value(predicted: Array) -> float:
                amounts = predicted if self._link == "log" else self.amount(predicted, rows)
                return -float(np.mean((amounts - actual) ** 2 / scale))

            return value

        return of

    @property
    def _link(self) -> str:
        return "identity" if self.draft is None else self.draft.link

    @property
    def _size(self) -> Array:
        assert self.draft is not None
        assert self.known is not None
        return np.abs(self.known) + self.draft.floor


def size_of(name: str, prepared: Prepared) -> Array:
    """How large an amount each training row lets expect: last year's, and at least the mean amount of all."""
    served = prepared.column(f"label_{name}")[prepared.train]
    return np.abs(_feature(f"{name}_12m", prepared)) + max(float(np.abs(served).mean()), 0.01)


def plain_aim(name: str, prepared: Prepared, *, scale: float = 1.0) -> Aim:
    """A component as the change against last year, its outermost 0.2 % drawn in on each side."""
    actual = prepared.column(f"label_{name}")[prepared.train] * scale
    offset = f"{name}_12m"
    if offset not in prepared.encoding.names:
        return Aim(name, actual, _drawn_in(actual))
    last = _feature(offset, prepared)
    slope = _slope(last, actual)
    draft = Part(name, "", offset=offset, offset_slope=slope)
    return Aim(name, actual, _drawn_in(actual - slope * last), "change", draft, last)


def ways_of(name: str, prepared: Prepared, spec: ModelSpec) -> Iterator[Aim]:
    """Every way in which a component can be learned from this table; the plain one first."""
    months = 0 if spec.horizon is None else spec.horizon.months
    learned = months if spec.horizon is None else spec.horizon.learned.months
    actual = prepared.column(f"label_{name}")[prepared.train]
    is_spread = np.ptp(actual) >= 0.005
    if learned != months:
        if is_spread and (actual >= 0).all() and has_rhythm(prepared.encoding.names):
            yield _rhythm_aim(name, actual, prepared, months=months, learned=learned)
        else:
            yield plain_aim(name, prepared, scale=months / learned)
        return
    plain = plain_aim(name, prepared)
    yield plain
    if not is_spread:
        return
    if plain.draft is not None and plain.known is not None:
        yield _size_aim(plain)
    if (actual < 0).any():
        return
    drivers = (("share", f"{name}_12m"), ("driver", DRIVERS.get(name, "")))
    for way, feature in drivers:
        if feature in prepared.encoding.names and (known := _feature(feature, prepared)).max() > 0:
            yield _log_aim(name, actual, way, Part(name, "", offset=feature, link="log"), known)


def aim_of(part: Part, prepared: Prepared, spec: ModelSpec) -> Aim:
    """What the booster of a served component learned, so that another may learn the same."""
    plain = plain_aim(part.name, prepared)
    if part.link == "identity":
        return plain
    if part.link == "size":
        return _size_aim(plain)
    draft = part if spec.horizon is None else replace(part, months=float(spec.horizon.learned.months))
    draft = replace(draft, intercept=0.0, slope=1.0)
    known = draft.known(prepared.X[prepared.train], prepared.encoding.names)
    return Aim(part.name, plain.served, plain.served, "share", draft, known)


def _size_aim(plain: Aim) -> Aim:
    assert plain.draft is not None
    assert plain.known is not None
    floor = max(float(np.abs(plain.served).mean()) * _LEAST_SHARE, 0.01)
    draft = replace(plain.draft, link="size", floor=floor)
    change = (plain.served - draft.offset_slope * plain.known) / (np.abs(plain.known) + floor)
    return replace(plain, learned=_drawn_in(change), way="size", draft=draft)


def _log_aim(name: str, actual: Array, way: str, draft: Part, known: Array, *, least: float = _LEAST_SHARE) -> Aim:
    """A multiple of what is known, which may be 0 for some who will bring something: hence a floor."""
    positive = np.maximum(known, 0.0)
    share = float(actual.sum() / max(float(positive.sum()), 1e-12))
    floor = max(least * float(actual.mean()), 1e-6)
    # What all rows begin with sums to what there is.
    level = float(actual.sum() / (share * positive + floor).sum())
    draft = replace(draft, offset_slope=level * share, floor=level * floor)
    return Aim(name, actual, actual, way, draft, known)


def _rhythm_aim(name: str, actual: Array, prepared: Prepared, *, months: int, learned: int) -> Aim:
    X, names = prepared.X[prepared.train], prepared.encoding.names
    offset = f"{name}_12m" if f"{name}_12m" in names else None
    rhythm = amount_rhythm(X, names, prepared.days[prepared.train], actual, offset, months=learned)
    draft = Part(name, "", offset=offset, link="log", rhythm=rhythm, months=months)
    known = rhythm.expected(X, names, learned)
    return _log_aim(name, actual, "rhythm", draft, known, least=_LEAST_OF_RHYTHM)


def _feature(name: str, prepared: Prepared) -> Array:
    """A feature of the training rows, null as 0; zeros where there is none."""
    if name not in prepared.encoding.names:
        return np.zeros(len(prepared.train))
    return np.nan_to_num(prepared.X[prepared.train, prepared.encoding.names.index(name)])


def _slope(last: Array, actual: Array) -> float:
    x, y = _drawn_in(last), _drawn_in(actual)
    return float((x * y).sum() / (x * x).sum()) if (x * x).sum() > 0 else 1.0


def _drawn_in(values: Array) -> Array:
    """The values with both tails at their quantiles, so that a few amounts do not shape the trees."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    return np.clip(values, low, high)
