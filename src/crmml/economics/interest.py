"""Interest on balances, and the margin that is left after the internal price of money."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def interest(rate: ArrayLike, balance_days: ArrayLike, *, basis: int = 365) -> Floats:
    """Interest of a balance that stood for some days.

    Parameters
    ----------
    rate : array-like
        Fraction per year (0.035).
    balance_days : array-like
        Sum of the end-of-day balances, in currency times days.
    basis : int
        Days of a year by which the bank counts.

    Returns
    -------
    ndarray
        Interest, in currency.

    Raises
    ------
    ValueError
        If the basis is not positive.

    Examples
    --------
    >>> interest(0.0365, 10_000 * 30).item()
    30.0
    """
    if basis <= 0:
        raise ValueError(f"a day-count basis is positive, got {basis}")
    return np.asarray(rate, dtype=float) * np.asarray(balance_days, dtype=float) / basis


def deposit_margin(
    ftp_rate: ArrayLike, paid_rate: ArrayLike, balance: ArrayLike, *, days: ArrayLike, basis: int = 365
) -> Floats:
    """What a deposit earns: funds sold to the treasury at `ftp_rate`, paid for at `paid_rate`.

    Parameters
    ----------
    ftp_rate, paid_rate : array-like
        Fractions per year: the internal price of funds, and the customer's rate.
    balance : array-like
        Daily-average balance over the days, in currency; negative when overdrawn.
    days : array-like
        Days of the period.
    basis : int
        Days of a year by which the bank counts.

    Returns
    -------
    ndarray
        Margin, in currency; negative when the customer is paid more than the funds are worth.

    References
    ----------
    .. [1] Dermine, Fund Transfer Pricing for Deposits and Loans, Foundation and Advanced, INSEAD 2012.

    Examples
    --------
    >>> deposit_margin(0.025, [0.01, 0.03], 73_000, days=31).tolist()
    [93.0, -31.0]
    """
    balance_days = np.asarray(balance, dtype=float) * np.asarray(days, dtype=float)
    return interest(ftp_rate, balance_days, basis=basis) - interest(paid_rate, balance_days, basis=basis)


def credit_margin(
    rate: ArrayLike, ftp_rate: ArrayLike, drawn: ArrayLike, *, days: ArrayLike, basis: int = 365
) -> Floats:
    """What a loan earns: lent at `rate`, funded by the treasury at `ftp_rate`.

    Parameters
    ----------
    rate, ftp_rate : array-like
        Fractions per year: the customer's rate, and the internal price of funds.
    drawn : array-like
        Daily-average amount drawn over the days, in currency, not negative.
    days : array-like
        Days of the period.
    basis : int
        Days of a year by which the bank counts.

    Returns
    -------
    ndarray
        Margin, in currency.

    Raises
    ------
    ValueError
        If a drawn amount is negative.

    Examples
    --------
    >>> credit_margin(0.06, 0.03, 365_000, days=30).item()
    900.0
    """
    drawn = np.asarray(drawn, dtype=float)
    if (drawn < 0).any():
        raise ValueError(f"a drawn amount is not negative, got {drawn.min()}")
    drawn_days = drawn * np.asarray(days, dtype=float)
    return interest(rate, drawn_days, basis=basis) - interest(ftp_rate, drawn_days, basis=basis)
