"""The label audit: who counts as gone in which sense, how the senses overlap, and from when each is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from crmml.errors import IntegrityError
from crmml.periods import Horizon, label_window, month_end, shift_months

KIND_WORDS = {
    "closed": ("销户离行", "closed: the last main product, or the relationship"),
    "attrited": ("资产流失", "attrited: the balance is gone"),
    "silent": ("沉默", "silent: no activity of the customer's own"),
}


@dataclass(frozen=True)
class LabelAudit:
    """Flat rows of an audit: `counts`, `exclusions`, `overlap`, `regions`, `maturity`; `absent` says why a kind has none."""

    counts: tuple[Mapping[str, Any], ...]
    exclusions: tuple[Mapping[str, Any], ...]
    overlap: tuple[Mapping[str, Any], ...]
    regions: tuple[Mapping[str, Any], ...]
    maturity: tuple[Mapping[str, Any], ...]
    absent: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def audit_labels(
    labels: Mapping[str, pd.DataFrame],
    known_until: Mapping[str, date],
    horizon: Horizon,
    *,
    absent: Mapping[str, str] | None = None,
) -> LabelAudit:
    """Counts, rates, overlap and maturity of labels, cut-off by cut-off.

    Parameters
    ----------
    labels : mapping of str to DataFrame
        Kind of churn to one row per snapshot: customer_id, cutoff_date, status, label.
    known_until : mapping of str to date
        The last day the sources of each kind are complete.
    absent : mapping, optional
        Kind that this bank cannot show, and why.

    Raises
    ------
    IntegrityError
        If the rows of a cut-off are not those in the population, immature and excluded together.
    """
    counts = [row for kind, frame in labels.items() for row in _counts(kind, frame)]
    for row in counts:
        if row["snapshots"] != row["excluded"] + row["immature"] + row["population"]:
            raise IntegrityError(
                f"label audit: {row['kind']} at {row['cutoff_date']} has {row['snapshots']} snapshots, and "
                f"{row['excluded']} excluded, {row['immature']} immature, {row['population']} in the population; "
                "expected the sum. Please report it",
                code="D017",
            )
    exclusions = [row for kind, frame in labels.items() for row in _exclusions(kind, frame)]
    known = {
        kind: frame[frame["status"] == "ok"].set_index(["cutoff_date", "customer_id"])["label"].astype(bool)
        for kind, frame in labels.items()
    }
    maturity = [_maturity(kind, frame, known_until[kind], horizon) for kind, frame in labels.items()]
    return LabelAudit(
        tuple(counts),
        tuple(exclusions),
        tuple(_overlap(known)),
        tuple(_regions(known)),
        tuple(maturity),
        dict(absent or {}),
    )


def _counts(kind: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for cutoff, part in frame.groupby("cutoff_date", sort=True):
        ok = part[part["status"] == "ok"]
        immature = int((part["status"] == "immature").sum())
        events = int((ok["label"] == 1).sum())
        rows.append(
            {
                "kind": kind,
                "cutoff_date": _day(cutoff),
                "snapshots": len(part),
                "excluded": len(part) - len(ok) - immature,
                "immature": immature,
                "population": len(ok),
                "events": events,
                "rate": events / len(ok) if len(ok) else None,
            }
        )
    return rows


def _exclusions(kind: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """How many snapshots each rule left out, per cut-off."""
    out = frame[~frame["status"].isin(("ok", "immature"))]
    counted = out.groupby(["cutoff_date", "status"], sort=True).size().rename("rows").reset_index()
    return [
        {"kind": kind, "cutoff_date": _day(row["cutoff_date"]), "reason": str(row["status"]), "rows": int(row["rows"])}
        for row in counted.to_dict("records")
    ]


def _overlap(known: Mapping[str, pd.Series]) -> list[dict[str, Any]]:
    """For each pair of kinds and cut-off, among customers of both populations: how many are gone in both senses."""
    rows = []
    for one, other in combinations(known, 2):
        both = pd.concat([known[one].rename("one"), known[other].rename("other")], axis=1, join="inner")
        for cutoff, part in both.groupby(level="cutoff_date", sort=True):
            a, b = part["one"].to_numpy(bool), part["other"].to_numpy(bool)
            either = int((a | b).sum())
            rows.append(
                {
                    "kind": one,
                    "other": other,
                    "cutoff_date": _day(cutoff),
                    "customers": len(part),
                    "kind_only": int((a & ~b).sum()),
                    "other_only": int((b & ~a).sum()),
                    "both": int((a & b).sum()),
                    "neither": int((~a & ~b).sum()),
                    "jaccard": int((a & b).sum()) / either if either else None,
                }
            )
    return rows


def _regions(known: Mapping[str, pd.Series]) -> list[dict[str, Any]]:
    """The eight parts of three circles per cut-off, among customers of all three populations; they sum to them."""
    if len(known) < 3:
        return []
    joined = pd.concat([label.rename(kind) for kind, label in known.items()], axis=1, join="inner")
    rows = []
    for cutoff, part in joined.groupby(level="cutoff_date", sort=True):
        row: dict[str, Any] = {"cutoff_date": _day(cutoff), "customers": len(part)}
        flags = part.to_numpy(bool)
        for size in range(len(known) + 1):
            for chosen in combinations(range(len(known)), size):
                wanted = np.isin(np.arange(len(known)), chosen)
                name = "_".join(list(known)[place] for place in chosen) or "none"
                row[name] = int((flags == wanted).all(axis=1).sum())
        either = len(part) - row["none"]
        row["jaccard"] = row["_".join(known)] / either if either else None
        rows.append(row)
    return rows


def _maturity(kind: str, frame: pd.DataFrame, until: date, horizon: Horizon) -> dict[str, Any]:
    """Which cut-offs have a label by now, the last month end that has one, and when the next will."""
    cutoffs = sorted(pd.to_datetime(frame["cutoff_date"]).dt.date.unique())
    mature = [day for day in cutoffs if label_window(day, horizon).end <= until]
    last = shift_months(month_end(until), -(horizon.gap + horizon.months))
    if label_window(last, horizon).end > until:
        last = shift_months(last, -1)
    following = shift_months(last, 1)
    return {
        "kind": kind,
        "known_until": str(until),
        "mature": len(mature),
        "immature": len(cutoffs) - len(mature),
        "last_mature_cutoff": str(last),
        "next_cutoff": str(following),
        "next_known_on": str(label_window(following, horizon).end),
    }


def pooled(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The Jaccard index of all cut-offs of a pair together, weighing each by its customers gone in either sense."""
    both = sum(row["both"] for row in rows)
    either = both + sum(row["kind_only"] + row["other_only"] for row in rows)
    return both / either if either else None


def _day(cutoff: Any) -> str:
    return str(pd.Timestamp(cutoff).date())
