"""Numbers as a banker writes them, in Chinese and in English.

Money has thousands separators and its unit, shares are percentages, days and
months carry their word. Nothing here knows a model.
"""

from __future__ import annotations

import math
from typing import Literal

import pandas as pd

Language = Literal["zh", "en"]

_CURRENCIES = {"CNY": ("元", "yuan")}
_UNITS = {
    "days": ("天", "day", "days"),
    "months": ("个月", "month", "months"),
    "years": ("年", "year", "years"),
}
_AXES = {
    "count": ("个数", "count"),
    "share": ("份额,1 为 100%", "share, 1 is 100%"),
    "rate": ("比率,1 为 100%", "rate, 1 is 100%"),
    "change": ("变化,1 为 100%", "change, 1 is 100%"),
    "ratio": ("倍数", "ratio"),
}
_PERCENT = {"share", "rate", "change"}


def number(value: float, unit: str) -> str:
    """A number without its unit word; percentages keep their sign.

    >>> number(5210.4, "money"), number(12.5, "money"), number(0.483, "share"), number(3.0, "count")
    ('5,210', '12.50', '48%', '3')
    >>> number(-0.483, "change"), number(0.12, "change"), number(0.0435, "rate"), number(1.5, "ratio")
    ('-48%', '+12%', '4.35%', '1.50')
    """
    if unit in _PERCENT:
        text = _percent(value, digits=2 if unit == "rate" else None)
        return "+" + text if unit == "change" and value > 0 and text.strip("0.%") else text
    if unit == "ratio":
        return _plain(value, 2)
    if unit == "money":
        return _plain(value, 0 if abs(value) >= 100 or value == round(value) else 2)
    return _plain(value, 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 1 else 2)


def amount(
    value: float, unit: str, language: Language, *, currency: str = "CNY", in_ten_thousands: bool = False
) -> str:
    """A number with its unit in one language.

    Parameters
    ----------
    value : float
        Not missing.
    unit : str
        `money`, `days`, `months`, `years`, `share`, `rate`, `change` (a share with its sign), `ratio`;
        any other, such as `count`, is a bare number.
    in_ten_thousands : bool
        Chinese money of 10,000 and more in 万元.

    Examples
    --------
    >>> amount(5210, "money", "zh"), amount(5210, "money", "en"), amount(1, "days", "en")
    ('5,210 元', '5,210 yuan', '1 day')
    >>> amount(52100, "money", "zh", in_ten_thousands=True), amount(52100, "money", "en", currency="CZK")
    ('5.21 万元', '52,100 CZK')
    """
    if unit == "money":
        zh, en = currency_words(currency)
        if language == "zh" and in_ten_thousands and abs(value) >= 10_000:
            return f"{_plain(value / 10_000, 2)} 万{zh}"
        return f"{number(value, unit)} {zh if language == 'zh' else en}"
    if unit in _UNITS:
        zh, one, many = _UNITS[unit]
        text = number(value, unit)
        return f"{text} {zh if language == 'zh' else one if text in ('1', '-1') else many}"
    return number(value, unit)


def currency_words(currency: str) -> tuple[str, str]:
    """What one unit of the currency is called, in Chinese and in English."""
    return _CURRENCIES.get(currency, (currency, currency))


def unit_words(unit: str, currency: str = "CNY") -> tuple[str, str]:
    """What a feature is measured in, as a plain number: the unit of an axis.

    >>> unit_words("money", "CZK"), unit_words("days"), unit_words("change"), unit_words("count")
    (('CZK', 'CZK'), ('天', 'days'), ('变化,1 为 100%', 'change, 1 is 100%'), ('个数', 'count'))
    """
    if unit == "money":
        return currency_words(currency)
    if unit in _UNITS:
        zh, _, many = _UNITS[unit]
        return zh, many
    return _AXES.get(unit, ("数值", "value"))


def factor(effect: float) -> str:
    """The odds factor of an effect on the log-odds scale.

    >>> factor(math.log(1.84)), factor(math.log(0.5)), factor(math.log(14.2)), factor(math.log(0.004))
    ('× 1.8', '× 0.50', '× 14', '× 0.004')
    """
    value = math.exp(effect)
    if value >= 10:
        return f"× {value:,.0f}"
    if value >= 1:
        return f"× {value:.1f}" if value >= 1.05 else f"× {value:.2f}"
    return f"× {value:.2f}" if value >= 0.01 else f"× {value:.2g}" if value >= 1e-4 else f"× {value:.0e}"


def signed(value: float, unit: str, language: Language, *, currency: str = "CNY") -> str:
    """An amount that always shows its direction.

    >>> signed(120, "money", "zh"), signed(-45.5, "money", "en"), signed(0, "money", "zh")
    ('+120 元', '-45.50 yuan', '0 元')
    """
    text = amount(value, unit, language, currency=currency)
    return text if text.startswith("-") or value == 0 else "+" + text


def probability(value: float) -> str:
    """A probability as a percentage with as many digits as a decision needs.

    >>> probability(0.312), probability(0.0623), probability(0.0004), probability(0.00001)
    ('31%', '6.2%', '0.04%', '< 0.01%')
    """
    if value < 0.0001:
        return "< 0.01%" if value > 0 else "0%"
    if value > 0.9999:
        return "> 99.99%" if value < 1 else "100%"
    return _percent(value, digits=2 if value < 0.01 else 1 if value < 0.1 or value > 0.99 else 0)


def is_missing(value: object) -> bool:
    """Whether a cell is null, in any of the forms a frame has for it."""
    return value is None or value is pd.NA or value != value


def _percent(value: float, digits: int | None) -> str:
    hundredths = value * 100
    if digits is None:
        digits = 0 if abs(hundredths) >= 10 or hundredths == round(hundredths) else 1
    return _without_negative_zero(f"{hundredths:,.{digits}f}") + "%"


def _plain(value: float, digits: int) -> str:
    return _without_negative_zero(f"{value:,.{digits}f}")


def _without_negative_zero(text: str) -> str:
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text
