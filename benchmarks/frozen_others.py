"""The frozen set as others would make it: a join in SQL, a loop in pandas, a plan in Polars.

All read the bookings by customer that `crmml` prepared, holders of the day
joined and own transfers marked, so that only the making of features is compared.
Each returns the columns of the set in one frame, keyed by cut-off and customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from benchmarks.frozen_bank import CHANNELS, KINDS
from benchmarks.frozen_set import CUTOFFS, MONTHS, PLAIN, start_of

KEYS = ["cutoff_date", "customer_id"]
_FILLED = {"count": 0, "sum": 0}


def duckdb_join(path: Path, keys: pa.Table) -> pa.Table:
    """Each snapshot joined to the bookings of its year, one filtered aggregate a column; what is older apart."""
    days = [(cutoff, *(start_of(cutoff, months) for months in MONTHS)) for cutoff in CUTOFFS]
    rows = ", ".join("(" + ", ".join(f"DATE '{day}'" for day in line) + ")" for line in days)
    starts = ", ".join(f"start_{months}m" for months in MONTHS)
    wanted = ", ".join(
        _sql(how, sign, where, f"valued_on > start_{months}m") + f" AS {name}_{months}m"
        for name, how, sign, where in PLAIN
        for months in MONTHS
    )
    with duckdb.connect() as connection:
        connection.register("keys", keys)
        return connection.sql(f"""
            WITH bookings AS (SELECT *, is_own_transfer AS is_own FROM read_parquet('{path}')),
            windows(cutoff_date, {starts}) AS (VALUES {rows}),
            recent AS (
                SELECT cutoff_date, customer_id, {wanted} FROM windows JOIN bookings
                ON valued_on <= cutoff_date AND valued_on > start_12m AND posted_on <= cutoff_date GROUP BY ALL),
            ever AS (
                SELECT cutoff_date, customer_id, sum(amount)::DOUBLE AS balance_last,
                       max(valued_on) FILTER (WHERE NOT is_own) AS last_day
                FROM windows JOIN bookings ON valued_on <= cutoff_date AND posted_on <= cutoff_date GROUP BY ALL)
            SELECT k.*, recent.* EXCLUDE (cutoff_date, customer_id), balance_last, k.cutoff_date - last_day AS days_since_last_booking
            FROM keys k LEFT JOIN recent USING (cutoff_date, customer_id) LEFT JOIN ever USING (cutoff_date, customer_id)
            """).to_arrow_table()


def _sql(how: str, sign: int, where: str, window: str) -> str:
    amount = "amount" if sign > 0 else "-amount"
    inside = window + (f" AND {where}" if where else "")
    if how == "count":
        return f"count(*) FILTER (WHERE {inside})"
    return f"{'avg' if how == 'mean' else how}({amount}) FILTER (WHERE {inside})::DOUBLE"


def pandas_loop(path: Path, keys: pa.Table) -> pd.DataFrame:
    """The bookings in memory, conditions as columns once; then filtered and grouped for every cut-off and window."""
    rows = _in_memory(path)
    parts = []
    for cutoff in CUTOFFS:
        last = pd.Timestamp(cutoff)
        known = rows[(rows["valued_on"] <= last) & (rows["posted_on"] <= last)]
        columns = [
            _grouped(known[known["valued_on"] > pd.Timestamp(start_of(cutoff, months))]).add_suffix(f"_{months}m")
            for months in MONTHS
        ]
        ever = known.groupby("customer_id", observed=True)
        outside = known[~known["is_own_transfer"]].groupby("customer_id", observed=True)["valued_on"].max()
        columns.append(ever["amount"].sum().rename("balance_last").to_frame())
        columns.append((last - outside).dt.days.rename("days_since_last_booking").to_frame())
        parts.append(pd.concat(columns, axis=1).assign(cutoff_date=cutoff).reset_index())
    made = pd.concat(parts, ignore_index=True)
    return keys.to_pandas().merge(made.astype({"customer_id": "str"}), on=KEYS, how="left")


def _in_memory(path: Path) -> pd.DataFrame:
    columns = ["customer_id", "valued_on", "posted_on", "amount", "kind", "channel", "is_own_transfer"]
    sql = f"SELECT {', '.join(columns).replace('amount', 'amount::DOUBLE AS amount')} FROM read_parquet('{path}')"
    with duckdb.connect() as connection:
        rows = connection.sql(sql).to_df()
    rows = rows.astype({"customer_id": "category", "kind": "category", "channel": "category"})
    for name, (how, sign, holds) in _conditions(rows).items():
        if how in ("max", "min", "mean"):
            rows[name] = np.where(holds, sign * rows["amount"], np.nan)
        else:
            rows[name] = np.where(holds, sign * rows["amount"] if how == "sum" else 1.0, 0.0)
    return rows


def _conditions(rows: pd.DataFrame) -> dict[str, tuple[str, int, np.ndarray]]:
    """Of each measure: statistic, sign, and the rows that count."""
    amount, outside = rows["amount"].to_numpy(), ~rows["is_own_transfer"].to_numpy()
    masks = {"": np.ones(len(rows), bool), "NOT is_own": outside}
    masks |= {"NOT is_own AND amount > 0": outside & (amount > 0), "NOT is_own AND amount < 0": outside & (amount < 0)}
    masks |= {f"kind = '{kind}'": (rows["kind"] == kind).to_numpy() for kind in KINDS}
    masks |= {f"channel = '{channel}'": (rows["channel"] == channel).to_numpy() for channel in CHANNELS}
    return {name: (how, sign, masks[where]) for name, how, sign, where in PLAIN}


def _grouped(inside: pd.DataFrame) -> pd.DataFrame:
    groups = inside.groupby("customer_id", observed=True)
    kinds = {"sum": "sum", "count": "sum", "max": "max", "min": "min", "mean": "mean"}
    parts = [groups[[name for name, how, *_ in PLAIN if how in hows]].agg(verb) for verb, hows in _by_verb(kinds)]
    return pd.concat(parts, axis=1)


def _by_verb(kinds: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    for verb in dict.fromkeys(kinds.values()):
        yield verb, [how for how, one in kinds.items() if one == verb]


def polars_plan(path: Path, keys: pa.Table) -> pl.DataFrame:
    """A lazy plan for each cut-off, one filtered expression a column, all collected together."""
    rows = pl.scan_parquet(path).select(
        "customer_id",
        "valued_on",
        "posted_on",
        "kind",
        "channel",
        pl.col("amount").cast(pl.Float64),
        is_own="is_own_transfer",
    )
    plans = []
    for cutoff in CUTOFFS:
        known = rows.filter((pl.col("valued_on") <= cutoff) & (pl.col("posted_on") <= cutoff))
        recent = known.filter(pl.col("valued_on") > start_of(cutoff, max(MONTHS)))
        made = recent.group_by("customer_id").agg(
            _expression(how, sign, where, pl.col("valued_on") > start_of(cutoff, months)).alias(f"{name}_{months}m")
            for name, how, sign, where in PLAIN
            for months in MONTHS
        )
        last = pl.col("valued_on").filter(~pl.col("is_own")).max()
        ever = known.group_by("customer_id").agg(
            balance_last=pl.col("amount").sum(), days_since_last_booking=(pl.lit(cutoff) - last).dt.total_days()
        )
        plans.append(ever.join(made, on="customer_id", how="left").with_columns(cutoff_date=pl.lit(cutoff)))
    made_all = pl.concat(pl.collect_all(plans, engine="streaming"))
    return pl.DataFrame(keys).join(made_all, on=KEYS, how="left")


def _expression(how: str, sign: int, where: str, window: pl.Expr) -> pl.Expr:
    inside = window & _condition(where) if where else window
    if how == "count":
        return inside.sum()
    amount = sign * pl.col("amount")
    return getattr(amount.filter(inside), how)()


def _condition(where: str) -> pl.Expr:
    parts = {
        "NOT is_own": ~pl.col("is_own"),
        "amount > 0": pl.col("amount") > 0,
        "amount < 0": pl.col("amount") < 0,
    }
    if " = " in where:
        column, word = where.split(" = ")
        return pl.col(column) == word.strip("'")
    return pl.all_horizontal(parts[part] for part in where.split(" AND "))


def completed(frame: pd.DataFrame) -> pd.DataFrame:
    """What every contestant leaves to do: zeros for who booked nothing, and the two trends."""
    frame = frame.copy()
    whole = {f"{name}_{months}m" for name, how, *_ in PLAIN if how in _FILLED for months in MONTHS}
    frame = frame.assign(**{name: frame[name].fillna(0.0) for name in whole})
    for name, part in (("money_in_trend", "money_in"), ("bookings_trend", "bookings")):
        base = frame[f"{part}_12m"] / 12
        frame[name] = frame[f"{part}_3m"] / 3 / base.where(base > 0) - 1
    return frame
