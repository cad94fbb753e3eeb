"""Every customer's group at every compared cut-off, and who moved between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmml.grouping.bands import NONE, Boundaries, fix_boundaries, flapping, hold_bands
from crmml.grouping.spec import AXES, GroupSpec

ENTERED, LEFT = "entered", "left"
_LETTERS = {"value": "V", "loyalty": "L", "risk": "R"}


@dataclass(frozen=True)
class Groups:
    """`rows` has one row per customer and cut-off: the score, the plain band (`<axis>_now`) and the held band of each axis,
    and the `group` of the held bands. `boundaries` by axis; `flaps` has changes taken back, with and without hysteresis.
    """

    rows: pd.DataFrame
    axes: tuple[str, ...]
    boundaries: Mapping[str, Boundaries]
    flaps: pd.DataFrame


def group_customers(scores: pd.DataFrame, spec: GroupSpec, *, reference: date) -> Groups:
    """Put customers into the grid.

    Parameters
    ----------
    scores : DataFrame
        One row per customer and cut-off: `customer_id`, `cutoff_date`, and a column for each axis there is a score for
        (null where a customer has none). Order does not matter.
    reference : date
        The cut-off on which boundaries are fixed.
    """
    axes = tuple(axis for axis in AXES if axis in scores)
    rows = scores.sort_values(["cutoff_date", "customer_id"]).reset_index(drop=True)
    days, ids = sorted(rows["cutoff_date"].unique()), sorted(rows["customer_id"].unique())
    place = pd.Index(ids).get_indexer(rows["customer_id"]), pd.Index(days).get_indexer(rows["cutoff_date"])
    boundaries, flaps = {}, []
    for axis in axes:
        values = rows[axis].to_numpy(dtype=float)
        at_reference = (rows["cutoff_date"] == pd.Timestamp(reference)).to_numpy()
        found = boundaries[axis] = fix_boundaries(getattr(spec.grid, axis), values[at_reference])
        table = np.full((len(ids), len(days)), np.nan)
        table[place] = values
        held = hold_bands(table, found, margin=spec.margin, steady=spec.steadily)
        rows[f"{axis}_now"], rows[f"{axis}_band"] = found.band(values), held[place]
        for hysteresis, bands in ((True, held), (False, found.band(table))):
            back, chances = flapping(bands)
            rate = back / chances if chances else np.nan
            flaps.append({"axis": axis, "hysteresis": hysteresis, "flaps": back, "chances": chances, "rate": rate})
    cells = rows[[f"{axis}_band" for axis in axes]]
    distinct = cells.drop_duplicates()
    codes = {key: group_code(dict(zip(axes, key, strict=True))) for key in distinct.itertuples(index=False, name=None)}
    rows["group"] = [codes[key] for key in cells.itertuples(index=False, name=None)]
    return Groups(rows, axes, boundaries, pd.DataFrame(flaps))


def migration(rows: pd.DataFrame, column: str, *, start: date, end: date) -> pd.DataFrame:
    """How many customers went from where to where between two cut-offs.

    Returns
    -------
    DataFrame
        `from`, `to`, `customers`, `share` (of `from`). Who was not there at the start comes from `entered`, who is not there
        at the end goes to `left`; the customers of each `from` sum to those who were there.
    """
    places = {}
    for name, day in (("from", start), ("to", end)):
        of_day = rows[rows["cutoff_date"] == pd.Timestamp(day)]
        places[name] = of_day.set_index("customer_id")[column].astype(str)
    both = pd.DataFrame(places).astype(object)
    both = both.assign(**{"from": both["from"].fillna(ENTERED), "to": both["to"].fillna(LEFT)})
    counts = both.groupby(["from", "to"]).size().rename("customers").reset_index()
    return counts.assign(share=counts["customers"] / counts.groupby("from")["customers"].transform("sum"))


def group_code(bands: Mapping[str, int]) -> str:
    """The code of a group: a letter and a number for each axis, `-` without a score.

    >>> group_code({"value": 2, "loyalty": 0, "risk": -1})
    'V3L1R-'
    """
    return "".join(f"{_LETTERS[axis]}{'-' if band == NONE else band + 1}" for axis, band in bands.items())
