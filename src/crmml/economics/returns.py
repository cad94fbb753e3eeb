"""What a bank earns on the capital of its owners: tax, economic value added, RAROC."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmml.economics.loss import exposures

Floats = NDArray[np.float64]


def tax(profit_before_tax: ArrayLike, *, rate: float) -> Floats:
    """Tax on a profit; a loss lowers what the bank pays elsewhere, so its tax is negative.

    Proportional in both directions, so that the taxes of accounts sum to that
    of the bank.

    Parameters
    ----------
    profit_before_tax : array-like
        Margin + fees - expected loss - service cost, in currency.
    rate : float
        Share of the profit, in [0, 1[.

    Returns
    -------
    ndarray
        Tax, in currency.

    Raises
    ------
    ValueError
        If the rate lies outside [0, 1[.

    Examples
    --------
    >>> tax([400.0, -100.0], rate=0.25).tolist()
    [100.0, -25.0]
    """
    if not 0 <= rate < 1:
        raise ValueError(f"a tax rate lies in [0, 1[, got {rate}")
    return np.asarray(profit_before_tax, dtype=float) * rate


def economic_value_added(profit_after_tax: ArrayLike, capital_charge: ArrayLike) -> Floats:
    """Profit after tax less what the owners ask for their capital.

    Parameters
    ----------
    profit_after_tax : array-like
        Margin + fees - expected loss - service cost - tax, in currency.
    capital_charge : array-like
        Hurdle × capital × days / basis, in currency.

    References
    ----------
    .. [1] Stewart, The Quest for Value, HarperBusiness 1991, chapter 4.
    .. [2] Dermine, Bank Valuation and Value-Based Management, 2nd edition, McGraw-Hill 2015, chapter 9.

    Examples
    --------
    >>> economic_value_added([300.0, 50.0], capital_charge=[100.0, 80.0]).tolist()
    [200.0, -30.0]
    """
    return np.asarray(profit_after_tax, dtype=float) - np.asarray(capital_charge, dtype=float)


def raroc(profit_after_tax: ArrayLike, capital_years: ArrayLike) -> Floats:
    """Risk-adjusted return on capital, as a fraction per year; not a number where no capital was employed.

    It is above the hurdle exactly where the economic value added is above zero.

    Parameters
    ----------
    profit_after_tax : array-like
        Margin + fees - expected loss - service cost - tax, in currency.
    capital_years : array-like
        Capital × days / basis, in currency times years, not negative.

    Returns
    -------
    ndarray
        Fraction per year.

    Raises
    ------
    ValueError
        If a capital is negative.

    References
    ----------
    .. [1] Matten, Managing Bank Capital, 2nd edition, Wiley 2000, chapter 7.
    .. [2] Zaik, Walter, Kelling and James, RAROC at Bank of America, Journal of Applied Corporate Finance 9, 1996.

    Examples
    --------
    >>> raroc([12.0, 3.0, 5.0], capital_years=[100.0, 100.0, 0.0]).tolist()
    [0.12, 0.03, nan]
    """
    capital = exposures(capital_years, "capital_years")
    profit = np.asarray(profit_after_tax, dtype=float)
    return np.divide(profit, capital, out=np.full(np.broadcast(profit, capital).shape, np.nan), where=capital > 0)
