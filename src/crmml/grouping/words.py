"""The names of bands and groups, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from crmml.grouping.bands import NONE

AXIS_WORDS: Mapping[str, tuple[str, str]] = {
    "value": ("价值", "value"),
    "loyalty": ("忠诚", "loyalty"),
    "risk": ("风险", "risk"),
}
_LETTERS = {"value": "V", "loyalty": "L", "risk": "R"}
_SIZES: Mapping[int, tuple[tuple[str, str], ...]] = {
    1: (("全部", "all"),),
    2: (("低", "low"), ("高", "high")),
    3: (("低", "low"), ("中", "middle"), ("高", "high")),
    4: (("低", "low"), ("中低", "lower middle"), ("中高", "upper middle"), ("高", "high")),
    5: (("低", "low"), ("中低", "lower middle"), ("中", "middle"), ("中高", "upper middle"), ("高", "high")),
}
_NONE = {
    "value": ("价值未评", "value not scored"),
    "loyalty": ("忠诚未评", "loyalty not scored"),
    "risk": ("无授信", "no credit"),
}


def band_words(axis: str, band: int, bands: int) -> tuple[str, str]:
    """A band in Chinese and English.

    >>> band_words("value", 2, 3), band_words("risk", -1, 3)
    (('高价值', 'high value'), ('无授信', 'no credit'))
    """
    if band == NONE:
        return _NONE[axis]
    (zh, en), (name_zh, name_en) = _SIZES[bands][band], AXIS_WORDS[axis]
    return f"{zh}{name_zh}", f"{en} {name_en}"


def group_code(bands: Mapping[str, int]) -> str:
    """The code of a group: a letter and a number for each axis, `-` without a score.

    >>> group_code({"value": 2, "loyalty": 0, "risk": -1})
    'V3L1R-'
    """
    return "".join(f"{_LETTERS[axis]}{'-' if band == NONE else band + 1}" for axis, band in bands.items())
