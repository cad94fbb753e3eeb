"""Changes of a bank's future: what a feature of a cut-off must not notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmml.sources.contract import CONTRACT, TableContract
from crmml.sources.spec import BankSpec

PERTURBATIONS = ("deleted", "scrambled", "back_dated", "reordered")

#: Columns that are known only from a date on, by the column that holds that date. After the cut-off both read as null.
DATED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "customers": {"left_on": (), "valid_to": ()},
    "accounts": {"closed_on": ()},
    "account_holders": {"until": ()},
    "loans": {"closed_on": (), "outcome_known_on": ("outcome",), "written_off_on": ("recovered",)},
    "events": {"closed_on": ("status",)},
    "relations": {"until": ()},
    "contacts": {"contacted_on": ("is_contacted", "channel"), "responded_on": ("outcome",)},
    "labels": {"known_on": ("value",)},
}
#: Attributes that change without a date of their own, unless the bank says they are static or keeps their history.
UNDATED: Mapping[str, tuple[str, ...]] = {
    "customers": (
        "name", "gender", "region", "industry", "occupation", "income", "branch_id", "manager_id", "refuses_marketing",
    ),
    "accounts": ("branch_id",),
}  # fmt: skip
#: Ids of a row's own, renewed in a row that is added.
_OWN_ID = {"accounts": "account_id", "loans": "loan_id", "transactions": "transaction_id"}
#: Text whose every value must be known elsewhere: an account in a currency without a rate of exchange is refused.
CLOSED = frozenset({"currency"})
_EXTRA_ROWS = 2_000
_LONGEST_DAYS = 400


def late_rows(table: str, rows: pa.Table, cutoff: date) -> np.ndarray:
    """Which rows the bank could not know at the cut-off: dated or posted after it."""
    own = CONTRACT[table].date
    if own is None:
        return np.zeros(rows.num_rows, dtype=bool)
    return _after(rows[own], cutoff) | _after(rows["posted_on"], cutoff)


def _after(column: pa.ChunkedArray, cutoff: date) -> np.ndarray:
    return pc.fill_null(pc.greater(column, pa.scalar(cutoff, pa.date32())), False).to_numpy()


@dataclass(frozen=True)
class Perturb:
    """One kind of change, drawn by `rng`, of tables as known after `cutoff`."""

    name: str
    cutoff: date
    spec: BankSpec
    rng: np.random.Generator

    def __call__(self, table: str, rows: pa.Table) -> pa.Table:
        if self.name == "deleted":
            return self._hide_dated(table, rows.filter(pa.array(~late_rows(table, rows, self.cutoff))))
        if self.name == "scrambled":
            return self._scramble_undated(table, self._scramble_dated(table, self._scramble_late(table, rows)))
        if self.name == "back_dated":
            return pa.concat_tables([rows, self._back_dated(table, rows)])
        return rows.take(self.rng.permutation(rows.num_rows))

    def _hide_dated(self, table: str, rows: pa.Table) -> pa.Table:
        for column, governed in DATED.get(table, {}).items():
            hidden = _after(rows[column], self.cutoff)
            for name in (column, *governed):
                rows = _put(rows, name, pc.if_else(pa.array(hidden), pa.scalar(None, rows[name].type), rows[name]))
        return rows

    def _scramble_late(self, table: str, rows: pa.Table) -> pa.Table:
        late = late_rows(table, rows, self.cutoff)
        contract = CONTRACT[table]
        for name in _free_columns(contract):
            rows = _put(
                rows, name, _where(late, self._scrambled(rows[name], late, **_bounds(contract, name)), rows[name])
            )
        if contract.date is not None:
            moved = self._moved(rows[contract.date])
            dated_late = late & _after(rows[contract.date], self.cutoff)
            rows = _put(rows, contract.date, _where(dated_late, moved, rows[contract.date]))
        return rows

    def _scramble_dated(self, table: str, rows: pa.Table) -> pa.Table:
        """Ends that had not come yet come on other days, or at last come."""
        for column, governed in DATED.get(table, {}).items():
            open_ = pc.is_null(rows[column]).to_numpy() | _after(rows[column], self.cutoff)
            for name in governed:
                rows = _put(
                    rows,
                    name,
                    _where(open_, self._scrambled(rows[name], open_, **_bounds(CONTRACT[table], name)), rows[name]),
                )
            rows = _put(rows, column, _where(open_, self._future(rows.num_rows), rows[column]))
        return rows

    def _scramble_undated(self, table: str, rows: pa.Table) -> pa.Table:
        has_history = table == "customers" and rows["valid_from"].null_count < rows.num_rows
        names = () if has_history else UNDATED.get(table, ())
        everyone = np.ones(rows.num_rows, dtype=bool)
        for name in names:
            if f"{table}.{name}" not in self.spec.static:
                rows = _put(rows, name, self._scrambled(rows[name], everyone, **_bounds(CONTRACT[table], name)))
        return rows

    def _back_dated(self, table: str, rows: pa.Table) -> pa.Table:
        """Rows that concern days before the cut-off and become known after it."""
        contract = CONTRACT[table]
        # Rows without a date of their own (customers without a history) have no past to be put into.
        if contract.date is None or rows[contract.date].null_count == rows.num_rows:
            return rows.slice(0, 0)
        picked = rows.take(self.rng.permutation(rows.num_rows)[:_EXTRA_ROWS])
        everyone = np.ones(picked.num_rows, dtype=bool)
        for name in _free_columns(contract):
            picked = _put(picked, name, self._scrambled(picked[name], everyone, **_bounds(contract, name)))
        if table in _OWN_ID:
            fresh = pa.array([f"late-{number}" for number in range(picked.num_rows)], pa.string())
            picked = _put(picked, _OWN_ID[table], fresh)
        for column in DATED.get(table, {}):
            picked = _put(picked, column, pa.nulls(picked.num_rows, pa.date32()))
        picked = _put(picked, contract.date, self._past(picked.num_rows))
        picked = _put(picked, "posted_on", self._future(picked.num_rows))
        return picked.filter(pa.array(_new_keys(picked, rows, contract.key)))

    def _scrambled(
        self, column: pa.ChunkedArray, among: np.ndarray, *, is_closed: bool = False, is_rate: bool = False
    ) -> pa.Array:
        """Other values of the same kind: drawn from the column's (nothing else where it `is_closed`), numbers blown up.

        A rate stays near what rates are, or the ledger would refuse it and nothing would be audited.
        """
        whole = column.combine_chunks()
        places = np.flatnonzero(among)
        drawn = np.arange(len(whole))
        if len(places):
            drawn[places] = self.rng.choice(places, len(places))
        taken = whole.take(pa.array(drawn))
        kind = whole.type
        if pa.types.is_string(kind):
            if is_closed:
                return taken
            # Strange values among the drawn ones, so that a column with one value changes too.
            strange = self.rng.random(len(whole)) < 0.3
            return pc.if_else(pa.array(strange), pa.scalar("scrambled", pa.string()), taken)
        if pa.types.is_boolean(kind):
            return pc.invert(pc.fill_null(whole, False))
        if is_rate:
            scale = pa.array(self.rng.uniform(0.5, 0.95, len(whole)), pa.float64())
            return pc.add(pc.multiply(taken.cast(pa.float64()), scale), 0.0001).cast(kind, safe=False)
        factor = self.rng.integers(2, 9, len(whole))
        blown = pc.multiply(taken.cast(pa.float64()), pa.array(factor, pa.float64()))
        return pc.round(pc.add(blown, 17.0), 2).cast(kind, safe=False)

    def _moved(self, column: pa.ChunkedArray) -> pa.Array:
        """The same days, some days later."""
        days = column.combine_chunks().cast(pa.int32())
        return pc.add(days, pa.array(self.rng.integers(1, 40, len(days)), pa.int32())).cast(pa.date32())

    def _future(self, size: int) -> pa.Array:
        return _days([self.cutoff + timedelta(days=int(days)) for days in self.rng.integers(1, 60, size)])

    def _past(self, size: int) -> pa.Array:
        return _days([self.cutoff - timedelta(days=int(days)) for days in self.rng.integers(0, _LONGEST_DAYS, size)])


def _new_keys(added: pa.Table, rows: pa.Table, key: tuple[str, ...]) -> np.ndarray:
    """Which of the added rows have a key of their own: no bank holds two rows of one, its tables are checked for that."""
    if not key:
        return np.ones(added.num_rows, dtype=bool)
    mine, theirs = (pd.MultiIndex.from_frame(table.select(list(key)).to_pandas()) for table in (added, rows))
    return np.asarray(~mine.isin(theirs) & ~mine.duplicated())


def _free_columns(contract: TableContract) -> list[str]:
    """Columns that hold what a row says: no dates, no ids of others, no keys."""
    bound = {*contract.key, *contract.parents, "customer_id", "account_id", "loan_id"} - {"transaction_id"}
    return [name for name, column in contract.columns.items() if column.type != "date" and name not in bound]


def _bounds(contract: TableContract, name: str) -> dict[str, bool]:
    """What other values a column may take."""
    is_rate = contract.columns[name].type == "rate" or (contract.name, name) == ("rates", "rate")
    return {"is_closed": name in CLOSED, "is_rate": is_rate}


def _days(days: list[date]) -> pa.Array:
    return pa.array(days, pa.date32())


def _put(rows: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), rows.schema.field(name), values)


def _where(condition: np.ndarray, one: pa.Array, other: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pa.array(condition), one, other.combine_chunks())
