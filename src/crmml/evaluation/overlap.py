"""Whether a contact log is a randomised trial: chances of treatment by stratum, and balance of what was known before.

A stratum is what was drawn together (a list and an offer); within it every
customer had one chance of being treated. Where the draw was random, what the
bank knew of a customer beforehand does not tell the arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

Array = npt.NDArray[np.float64]
LEAST_ROWS, LEAST_IN_ARM = 20, 3
#: Beyond these a chance says next to nothing of one arm, and one row would weigh as fifty.
EDGE = 0.02
#: A log is no random one where a difference is as large as a tenth of a spread and chance makes so large a one as rarely.
LARGE, RARE = 0.1, 0.001


@dataclass(frozen=True)
class Balance:
    """Differences between the arms in what was known before the assignment.

    `table` has one row per column: `name, difference` (of means, in standard
    deviations, within strata), `z` (in standard errors). `worst` is the most
    improbable of them, `chance_of_worst` how often one as large is met by chance
    among so many columns.
    """

    table: pd.DataFrame
    worst: str
    difference: float
    chance_of_worst: float

    @property
    def is_random(self) -> bool:
        """Whether the arms look drawn at random."""
        return not (self.chance_of_worst < RARE and abs(self.difference) >= LARGE)


def chances(stratum: npt.ArrayLike, treated: npt.ArrayLike, pool: npt.ArrayLike) -> Array:
    """The chance of treatment of each row: the share treated in its stratum.

    Strata with fewer than 20 rows or 3 in an arm share one chance by `pool` (the
    offer); null where that has no overlap either.

    Examples
    --------
    >>> chances(["a"] * 20 + ["b"], [1] * 15 + [0] * 5 + [1], ["card"] * 21)[[0, 20]]
    array([0.75,  nan])
    """
    rows = pd.DataFrame(
        {"stratum": np.asarray(stratum), "pool": np.asarray(pool), "treated": np.asarray(treated, float)}
    )
    found = _share(rows, "stratum")
    left = found.isna()
    if left.any():
        found[left] = _share(rows[left], "pool")
    return np.where((found > EDGE) & (found < 1 - EDGE), found, np.nan)


def _share(rows: pd.DataFrame, column: str) -> pd.Series:
    groups = rows.groupby(column)["treated"]
    count, share = groups.transform("size"), groups.transform("mean")
    enough = (count >= LEAST_ROWS) & (np.minimum(count * share, count * (1 - share)) >= LEAST_IN_ARM)
    return share.where(enough)


def balance(X: Array, names: Sequence[str], treated: npt.ArrayLike, chance: npt.ArrayLike) -> Balance:
    """Differences of means within strata, by the residual of the arm on its chance.

    A null counts as the column's mean; how often a column is null is compared too.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        What was known before the assignment.
    treated, chance : array-like of shape (n_rows,)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, treated = rng.normal(size=(2000, 3)), rng.random(2000) < 0.5
    >>> balance(X, ["a", "b", "c"], treated, 0.5).is_random
    True
    >>> balance(X + treated[:, None] * [0.5, 0, 0], ["a", "b", "c"], treated, 0.5).worst
    'a'
    """
    treated, chance = np.asarray(treated, float), np.broadcast_to(np.asarray(chance, float), len(X))
    columns, labels = _columns(X, names)
    spread = columns.std(axis=0)
    varies = spread > 0
    columns, labels, spread = columns[:, varies], [n for n, v in zip(labels, varies, strict=True) if v], spread[varies]
    drawn, noise = treated - chance, chance * (1 - chance)
    difference = drawn @ columns / noise.sum() / spread
    z = drawn @ columns / np.sqrt(noise @ columns**2)
    table = pd.DataFrame({"name": labels, "difference": difference, "z": z})
    if table.empty:
        return Balance(table, "", 0.0, 1.0)
    place = int(np.argmax(np.abs(z)))
    chance_of_worst = min(1.0, float(2 * norm.sf(abs(z[place]))) * len(z))
    return Balance(table, labels[place], float(difference[place]), chance_of_worst)


def _columns(X: Array, names: Sequence[str]) -> tuple[Array, list[str]]:
    """Each column about its mean, nulls as the mean, and beside it whether it is null."""
    known = ~np.isnan(X)
    means = np.where(known, X, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values = np.where(known, X - means, 0.0)
    is_null = (~known).astype(float)
    return np.hstack([values, is_null - is_null.mean(axis=0)]), [*names, *(f"{name} is null" for name in names)]


def shrunken(values: npt.ArrayLike, errors: npt.ArrayLike) -> Array:
    """Estimates of several groups drawn towards their common mean, by how much more they differ than their errors say.

    weight = τ² / (τ² + error²), τ² by the method of moments [1]_; one group, or
    groups that differ no more than chance, read the common mean.

    References
    ----------
    .. [1] DerSimonian and Laird, Meta-analysis in clinical trials, Controlled Clinical Trials 7, 1986.

    Examples
    --------
    >>> shrunken([0.0, 10.0], [1.0, 1.0]).round(2).tolist()
    [0.1, 9.9]
    >>> shrunken([1.0, 2.0], [5.0, 5.0]).tolist()
    [1.5, 1.5]
    """
    values, errors = np.asarray(values, float), np.asarray(errors, float)
    # An interval of no width (nobody of a small group took) is no certainty.
    errors = np.maximum(errors, max(0.1 * float(errors.mean()), 1e-12))
    inverse: Array = np.asarray(1 / errors**2, float)
    mean = float(inverse @ values / inverse.sum())
    spare = float(inverse @ (values - mean) ** 2) - (len(values) - 1)
    scale = inverse.sum() - (inverse**2).sum() / inverse.sum()
    between = max(0.0, spare / scale) if scale > 0 else 0.0
    total: Array = np.asarray(1 / (errors**2 + between), float)
    common = float(total @ values / total.sum())
    return np.asarray(common + between / (between + errors**2) * (values - common))
