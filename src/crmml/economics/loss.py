"""Expected credit loss, month by month and in the month of default."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def expected_loss(prob_default: ArrayLike, lgd: ArrayLike, ead: ArrayLike) -> Floats:
    """Expected credit loss over the horizon of `prob_default`.

    Parameters
    ----------
    prob_default, lgd : array-like of shape (n_accounts,)
        Default probability and share of exposure lost, both in [0, 1].
    ead : array-like of shape (n_accounts,)
        Exposure at default, in currency, not negative.

    Returns
    -------
    ndarray of shape (n_accounts,)
        Expected loss, in the currency of `ead`.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1] or an exposure is negative.

    References
    ----------
    .. [1] BCBS, An Explanatory Note on the Basel II IRB Risk Weight Functions, 2005.

    Examples
    --------
    >>> expected_loss([0.02, 0.10], lgd=[0.45, 0.45], ead=[10_000, 2_000])
    array([90., 90.])
    """
    return shares(prob_default, "prob_default") * shares(lgd, "lgd") * exposures(ead, "ead")


def loss_of_days(
    prob_default_12m: ArrayLike, lgd: ArrayLike, ead: ArrayLike, *, days: ArrayLike, basis: int = 365
) -> Floats:
    """The part of a twelve-month expected loss that some days bear.

    Parameters
    ----------
    prob_default_12m, lgd : array-like
        Default probability of twelve months and share of exposure lost, both in [0, 1].
    ead : array-like
        Daily-average exposure at default over the days, in currency, not negative.
    days : array-like
        Days of the period.
    basis : int
        Days of a year by which the bank counts.

    Returns
    -------
    ndarray
        Expected loss of the period, in currency.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1], an exposure is negative or the basis is not positive.

    Examples
    --------
    >>> loss_of_days(0.02, 0.5, 36_500, days=30).item()
    30.0
    """
    if basis <= 0:
        raise ValueError(f"a day-count basis is positive, got {basis}")
    return expected_loss(prob_default_12m, lgd, ead) * np.asarray(days, dtype=float) / basis


def exposure_at_default(drawn: ArrayLike, unused: ArrayLike, ccf: ArrayLike) -> Floats:
    """What will be owed at default: the drawn amount and the share of the unused limit drawn by then.

    Parameters
    ----------
    drawn, unused : array-like
        Amount drawn and limit not yet drawn, in currency, not negative.
    ccf : array-like
        The bank's own estimate of the share of the unused limit drawn at default, in [0, 1].

    Returns
    -------
    ndarray
        Exposure at default, in currency.

    Raises
    ------
    ValueError
        If an amount is negative or a factor lies outside [0, 1].

    References
    ----------
    .. [1] BCBS, Basel Framework, CRE32.29 to CRE32.32 (own estimates of EAD).

    Examples
    --------
    >>> exposure_at_default([1_000, 0], unused=[9_000, 10_000], ccf=0.4).tolist()
    [4600.0, 4000.0]
    """
    return exposures(drawn, "drawn") + shares(ccf, "ccf") * exposures(unused, "unused")


def remaining_loss(lgd: ArrayLike, ead: ArrayLike, charged: ArrayLike) -> Floats:
    """The charge of the month of default: LGD × EAD less what the account was charged before.

    So an account that defaults is charged LGD × EAD in all, and never given back
    what it was charged beyond that.

    Parameters
    ----------
    lgd : array-like
        Share of exposure lost, in [0, 1].
    ead : array-like
        Exposure at default, in currency, not negative.
    charged : array-like
        Expected loss charged to the account in the months before, in currency.

    Returns
    -------
    ndarray
        Charge of the month of default, in currency, not negative.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1] or an exposure is negative.

    References
    ----------
    .. [1] IFRS 9, Financial Instruments, 5.5.3 to 5.5.8 (the step from twelve-month to full allowance).

    Examples
    --------
    >>> remaining_loss(0.45, [10_000, 100], charged=[120, 80]).tolist()
    [4380.0, 0.0]
    """
    return np.maximum(0.0, expected_loss(1.0, lgd, ead) - np.asarray(charged, dtype=float))


def shares(values: ArrayLike, name: str) -> Floats:
    """The values as floats, each of them in [0, 1]."""
    array = np.asarray(values, dtype=float)
    outside = ~((array >= 0) & (array <= 1))
    if outside.any():
        raise ValueError(f"{name} lies in [0, 1], got {np.atleast_1d(array)[np.atleast_1d(outside)][0]}")
    return array


def exposures(values: ArrayLike, name: str) -> Floats:
    """The values as floats, none of them negative."""
    array = np.asarray(values, dtype=float)
    negative = ~(array >= 0)
    if negative.any():
        raise ValueError(f"{name} is not negative, got {np.atleast_1d(array)[np.atleast_1d(negative)][0]}")
    return array
