"""Who could be offered what: one row per customer, offer and channel, from score files.

Nothing here reads the bank. Scores are as of one cut-off; what a customer holds,
and who must be left alone, is read on the newest data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import pandas as pd
import pyarrow as pa

from crmml.errors import ConfigError, SourceError, did_you_mean, mask
from crmml.targeting.keeping import SELL, require_effect
from crmml.targeting.spec import NO_BAND, RISK_BANDS, ListSpec, Offer

Table: TypeAlias = pd.DataFrame | pa.Table
PEOPLE = ("name", "kind", "branch_id", "branch_name", "manager_id", "manager_name")
KEY = ["customer_id", "offer", "channel"]


@dataclass(frozen=True)
class Inputs:
    """The tables a list is made from, as data frames or Arrow tables.

    Attributes
    ----------
    customers
        One row per customer: `customer_id`, and where known `name`, `kind`,
        `branch_id`, `branch_name`, `manager_id`, `manager_name`.
    uptake
        By product, one row per customer: `customer_id`, `cutoff_date`,
        `prob_take`, optional `uplift` or `uplift_<channel>`, `reason_1_zh`, `reason_1_en`, …
    suppression
        One row per customer on the newest data, see `suppression.py`.
    holdings
        One row per customer and product held: `customer_id`, `product_id`,
        `family`, optional `name`. A holder of a product is not offered it.
    churn, default, contribution
        One row per customer: `prob_churn`; `grade` A to E of borrowers;
        `contribution_12m`.
    features
        One row per customer, columns for the rules to read.
    takers
        Earlier takers, see `offer_value.py`.
    models
        What served the scores, by name, for the list's own page.
    """

    customers: Table
    uptake: Mapping[str, Table]
    suppression: Table
    holdings: Table | None = None
    churn: Table | None = None
    default: Table | None = None
    contribution: Table | None = None
    features: Table | None = None
    takers: Table | None = None
    models: Mapping[str, str] = field(default_factory=dict)


def build_candidates(spec: ListSpec, inputs: Inputs) -> pd.DataFrame:
    """Every scored customer with every offer: one row per customer, offer and channel, in that order.

    Columns: `customer_id, offer, channel, cutoff_date, effect_share, prob_take, uplift (both
    through the channel: × its `effect_share`), contact_cost, incentive, prob_churn, risk_band, contribution_12m, holds`
    (already has the product), `holdings` (text) and those of the customers.

    Raises
    ------
    ConfigError
        If an offer has no uptake scores.
    SourceError
        If a customer stands twice in a file, the scores are of several cut-offs,
        or a column is missing or out of range.
    """
    parts = [part for offer in spec.offers for part in _offer_rows(offer, inputs.uptake)]
    rows = pd.concat(parts, ignore_index=True)
    _require_one_cutoff(rows)
    rows = rows.merge(_people(inputs.customers), on="customer_id", how="left", indicator="known")
    _require_known(rows)
    rows = rows.drop(columns="known")
    for column, table in (("prob_churn", inputs.churn), ("contribution_12m", inputs.contribution)):
        rows = _with_score(rows, column, table)
    rows["risk_band"] = _risk_band(rows["customer_id"], inputs.default)
    rows = _with_holdings(rows, inputs.holdings)
    return rows.sort_values(KEY, ignore_index=True)


def as_frame(table: Table) -> pd.DataFrame:
    """A data frame of an Arrow table, or the frame itself."""
    return table.to_pandas() if isinstance(table, pa.Table) else table


def require_columns(frame: pd.DataFrame, columns: Iterable[str], *, what: str) -> None:
    """Refuse a table without these columns (D003)."""
    for column in columns:
        if column not in frame.columns:
            near = did_you_mean(column, frame.columns)
            raise SourceError(f"{what}: column {column!r} is missing; found {_some(frame.columns)}.{near}", code="D003")


def require_unique(frame: pd.DataFrame, key: list[str], *, what: str) -> None:
    """Refuse a table in which a key repeats (D005)."""
    repeats = frame.duplicated(key)
    if repeats.any():
        first = mask(frame.loc[repeats, "customer_id"].iloc[0])
        raise SourceError(
            f"{what}: {' and '.join(key)} repeats on {repeats.sum():,} of {len(frame):,} rows (first: {first}). "
            "One row each is expected.",
            code="D005",
        )


def customers_table(table: Table, *, what: str) -> pd.DataFrame:
    """A table with one row per customer, `customer_id` as text."""
    frame = as_frame(table)
    require_columns(frame, ["customer_id"], what=what)
    frame = frame.assign(customer_id=frame["customer_id"].astype("str"))
    require_unique(frame, ["customer_id"], what=what)
    return frame


def _offer_rows(offer: Offer, uptake: Mapping[str, Table]) -> list[pd.DataFrame]:
    """The rows of one offer, a frame by channel."""
    if offer.product not in uptake:
        raise ConfigError(
            f"offers name {offer.product!r}; expected one with uptake scores: {_some(uptake)}."
            f"{did_you_mean(offer.product, uptake)}",
            code="C002",
        )
    what = f"uptake scores of {offer.product}"
    scores = customers_table(uptake[offer.product], what=what)
    require_columns(scores, ["cutoff_date", "prob_take"], what=what)
    require_share(scores["prob_take"], what=f"{what}: prob_take")
    if offer.kind != SELL:
        require_effect(offer, scores)
    return [
        pd.DataFrame(
            {
                "customer_id": scores["customer_id"],
                "offer": offer.product,
                "channel": channel,
                "cutoff_date": pd.to_datetime(scores["cutoff_date"]).astype("datetime64[s]"),
                "effect_share": float(contact.effect_share),
                "prob_take": _chance(offer, scores, channel, contact.effect_share),
                "uplift": _uplift(scores, channel, contact.effect_share),
                "contact_cost": float(contact.contact_cost),
                "incentive": float(offer.incentive),
                **_at_risk(offer, scores, contact.effect_share),
            }
        )
        for channel, contact in offer.contacts.items()
    ]


def _chance(offer: Offer, scores: pd.DataFrame, channel: str, share: float) -> pd.Series:
    """The chance to take; of an offer that keeps customers, the chance to stay (or come back) once contacted."""
    chance = scores["prob_take"].astype(float)
    if offer.kind == SELL:
        return chance * share
    added = pd.Series(_uplift(scores, channel, share), index=scores.index)
    return (chance + added.fillna(scores["saved"].astype(float) * share).clip(lower=0.0)).clip(upper=1.0)


def _at_risk(offer: Offer, scores: pd.DataFrame, share: float) -> dict[str, pd.Series]:
    """Of an offer that keeps customers: what a contact saves, what is at risk, and where that comes from."""
    if offer.kind == SELL:
        return {}
    words = {name: scores[name] for name in ("value_at_risk", "at_risk_source", "at_risk_zh", "at_risk_en")}
    return {"offer_kind": offer.kind, "saved": scores["saved"].astype(float) * share, **words}  # type: ignore[dict-item]


def _uplift(scores: pd.DataFrame, channel: str, share: float) -> pd.Series | float:
    """What a contact through a channel changes: as measured for it, or as measured for any, times its share."""
    if f"uplift_{channel}" in scores:
        return scores[f"uplift_{channel}"].astype(float)
    return scores["uplift"].astype(float) * share if "uplift" in scores else float("nan")


def require_share(values: pd.Series, *, what: str) -> None:
    """Refuse probabilities that are missing or outside [0, 1] (D013)."""
    wrong = ~values.between(0.0, 1.0)
    if wrong.any():
        raise SourceError(
            f"{what} is {values[wrong].iloc[0]!r} on the first of {wrong.sum():,} wrong rows; expected 0 to 1",
            code="D013",
        )


def _require_one_cutoff(rows: pd.DataFrame) -> None:
    cutoffs = sorted(rows["cutoff_date"].dt.date.astype(str).unique())
    if len(cutoffs) > 1:
        raise SourceError(
            f"uptake scores are of the cut-offs {', '.join(cutoffs)}; expected one. Score all models on one cut-off",
            code="D023",
        )


def _people(customers: Table) -> pd.DataFrame:
    frame = customers_table(customers, what="customers")
    return frame.reindex(columns=["customer_id", *PEOPLE]).astype(dict.fromkeys(PEOPLE, "str"))


def _require_known(rows: pd.DataFrame) -> None:
    unknown = rows.loc[rows["known"] != "both", "customer_id"]
    if len(unknown):
        raise SourceError(
            f"uptake scores: {unknown.nunique():,} customers are not in the customers table (first: "
            f"{mask(unknown.iloc[0])}); expected all",
            code="D007",
        )


def _with_score(rows: pd.DataFrame, column: str, table: Table | None) -> pd.DataFrame:
    if table is None:
        return rows.assign(**{column: float("nan")})
    scores = customers_table(table, what=f"scores with {column}")
    require_columns(scores, [column], what=f"scores with {column}")
    return rows.assign(**{column: rows["customer_id"].map(scores.set_index("customer_id")[column]).astype(float)})


def _risk_band(customers: pd.Series, table: Table | None) -> pd.Series:
    if table is None:
        return pd.Series(NO_BAND, index=customers.index, dtype="str")
    scores = customers_table(table, what="default scores")
    require_columns(scores, ["grade"], what="default scores")
    strange = sorted(set(scores["grade"].dropna()) - {*RISK_BANDS, NO_BAND})
    if strange:
        raise SourceError(
            f"default scores: grade {strange[0]!r} is not a risk band; expected {', '.join(RISK_BANDS)}", code="D023"
        )
    return customers.map(scores.set_index("customer_id")["grade"]).fillna(NO_BAND).astype("str")


def _with_holdings(rows: pd.DataFrame, table: Table | None) -> pd.DataFrame:
    if table is None:
        return rows.assign(holds=False, holdings="")
    held = as_frame(table)
    require_columns(held, ["customer_id", "product_id", "family"], what="holdings")
    held = held.assign(customer_id=held["customer_id"].astype("str"))
    pair = ["customer_id", "offer"]
    both = pd.concat([held[["customer_id", column]].set_axis(pair, axis=1) for column in ("product_id", "family")])
    holders = pd.MultiIndex.from_frame(both.astype("str").drop_duplicates())
    return rows.assign(
        holds=pd.MultiIndex.from_frame(rows[pair]).isin(holders),
        holdings=rows["customer_id"].map(_holdings_text(held)).fillna("").astype("str"),
    )


def _holdings_text(held: pd.DataFrame) -> dict[str, str]:
    """The names of what each customer holds, in one text."""
    names = held["name"].fillna(held["product_id"]) if "name" in held else held["product_id"]
    words: dict[str, set[str]] = {}
    for customer, name in zip(held["customer_id"], names.astype("str"), strict=True):
        words.setdefault(customer, set()).add(name)
    return {customer: "、".join(sorted(found)) for customer, found in words.items()}


def _some(names: Iterable[object], most: int = 12) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "") or "none"
