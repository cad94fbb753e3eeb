"""Capital a bank must hold, by the measure that binds, and what holding it costs."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmml.economics.loss import exposures, shares

Floats = NDArray[np.float64]
Measure = Literal["risk", "leverage"]


def risk_weighted_assets(drawn: ArrayLike, unused: ArrayLike, *, ccf: ArrayLike, risk_weight: ArrayLike) -> Floats:
    """Risk-weighted assets of an exposure under the standardised approach.

    Parameters
    ----------
    drawn : array-like
        Amount drawn, net of specific provisions, in currency, not negative.
    unused : array-like
        Limit not yet drawn, in currency, not negative.
    ccf : array-like
        Credit conversion factor of the capital rule, in [0, 1].
    risk_weight : array-like
        Multiple of the exposure (0.75 for retail), not negative.

    Returns
    -------
    ndarray
        Risk-weighted assets, in currency.

    Raises
    ------
    ValueError
        If an amount or weight is negative or a factor lies outside [0, 1].

    References
    ----------
    .. [1] NFRA, Administrative Measures for the Capital of Commercial Banks, 2023, annex 2.

    Examples
    --------
    >>> risk_weighted_assets([1_000, 0], unused=[9_000, 5_000], ccf=0.2, risk_weight=0.75).tolist()
    [2100.0, 750.0]
    """
    exposure = exposures(drawn, "drawn") + shares(ccf, "ccf") * exposures(unused, "unused")
    return exposures(risk_weight, "risk_weight") * exposure


def leverage_exposure(drawn: ArrayLike, unused: ArrayLike, *, ccf: ArrayLike) -> Floats:
    """Exposure counted by the leverage ratio: net of provisions, without regard to mitigation.

    Parameters
    ----------
    drawn : array-like
        Amount drawn, net of provisions, in currency, not negative.
    unused : array-like
        Limit not yet drawn, in currency, not negative.
    ccf : array-like
        0.10 for limits the bank may revoke at any time, the capital rule's factor for the rest.

    Returns
    -------
    ndarray
        Leverage exposure, in currency.

    Raises
    ------
    ValueError
        If an amount is negative or a factor lies outside [0, 1].

    References
    ----------
    .. [1] CBIRC, Administrative Measures for the Leverage Ratio of Commercial Banks (Revised), 2015, art. 10, 11, 14.

    Examples
    --------
    >>> leverage_exposure(1_000, unused=9_000, ccf=0.1).item()
    1900.0
    """
    return exposures(drawn, "drawn") + shares(ccf, "ccf") * exposures(unused, "unused")


def binding_measure(rwa: float, leverage: float, *, capital_ratio: float, leverage_floor: float) -> Measure:
    """The measure that asks the whole bank for more capital; the risk measure when both ask the same.

    Parameters
    ----------
    rwa, leverage : float
        Risk-weighted assets and leverage exposure of the whole bank, in currency.
    capital_ratio, leverage_floor : float
        Capital asked for per unit of either, both in [0, 1].

    Examples
    --------
    >>> binding_measure(1_000, 3_000, capital_ratio=0.085, leverage_floor=0.04)
    'leverage'
    >>> binding_measure(1_000, 2_000, capital_ratio=0.085, leverage_floor=0.04)
    'risk'
    """
    return "leverage" if leverage * leverage_floor > rwa * capital_ratio else "risk"


def capital_charge(capital: ArrayLike, *, hurdle: float, days: ArrayLike, basis: int = 365) -> Floats:
    """What the owners of the bank ask for their capital over some days.

    Parameters
    ----------
    capital : array-like
        Capital held over the days, in currency, not negative.
    hurdle : float
        Return asked for, as a fraction per year.
    days : array-like
        Days of the period.
    basis : int
        Days of a year by which the bank counts.

    Returns
    -------
    ndarray
        Charge, in currency.

    Raises
    ------
    ValueError
        If a capital is negative or the basis is not positive.

    Examples
    --------
    >>> capital_charge(36_500, hurdle=0.10, days=31).item()
    310.0
    """
    if basis <= 0:
        raise ValueError(f"a day-count basis is positive, got {basis}")
    return hurdle * exposures(capital, "capital") * np.asarray(days, dtype=float) / basis
