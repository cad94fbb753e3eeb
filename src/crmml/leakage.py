"""The leak audit: the future is changed, and no feature may notice.

Features of a sample of snapshots are built again from a bank whose later rows
were deleted, scrambled, joined by back-dated ones, or merely reordered. A cell
that changes was computed from something the bank did not know at the cut-off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _
from ibis.util import gen_name

from crmml.errors import LeakageError, mask
from crmml.features import CustomFamily, Family
from crmml.features.build import KEY, ORDER, Build
from crmml.perturb import PERTURBATIONS, Perturb, late_rows
from crmml.snapshots import states
from crmml.sources.bank import Bank
from crmml.sources.contract import CONTRACT
from crmml.sources.spec import BankSpec

#: Differences below this share are the order of floating sums in a custom family, not knowledge.
ROUNDING = 1e-9
_FLAGS = ("kind", "is_gone", "is_in_default")


@dataclass(frozen=True)
class AuditReport:
    """What was compared and what changed.

    `cells` counts all comparisons, `removed_rows` the later rows of the sampled
    customers, `by_feature` the changed cells of each feature that changed,
    `perturbations` the changed cells of each kind of change, `first` a masked
    example per feature.
    """

    cutoff: date
    customers: int
    cells: int
    changed: int
    removed_rows: int
    by_feature: Mapping[str, int] = field(default_factory=dict)
    perturbations: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return self.changed == 0

    def require_clean(self) -> None:
        """Refuse to go on with features that know the future.

        Raises
        ------
        LeakageError
            Naming the features, the worst first.
        """
        if self.is_clean:
            return
        worst = sorted(self.by_feature, key=lambda name: (-self.by_feature[name], name))
        others = f" So did {', '.join(worst[1:6])}." if len(worst) > 1 else ""
        raise LeakageError(
            f"{worst[0]} changed in {self.by_feature[worst[0]]:,} cells when rows the bank could not know on "
            f"{self.cutoff} were changed (first: {self.first[worst[0]]}).{others} "
            "Filter on posted_on, and read dated columns only up to the cut-off",
            code="L001",
        )


def audit(
    bank: Bank,
    snapshots: ir.Table,
    families: Sequence[Family | CustomFamily | str] | None = None,
    *,
    cutoff: date,
    sample: int = 500,
    build_ledger: Callable[[Bank], ir.Table] | None = None,
    seed: int = 7,
) -> AuditReport:
    """Build the features of `sample` customers at `cutoff` before and after each change of the future.

    `build_ledger(bank)` makes the ledger anew of each changed bank. What the
    snapshots say of the customers (gone, in default) is compared too.

    Raises
    ------
    ValueError
        If there is no snapshot at `cutoff`.
    """
    chosen = _sample(snapshots, cutoff, sample, seed)
    customers = sorted(set(chosen["customer_id"].to_pylist()))
    bench = _Bench(restrict(bank, customers), chosen, families, build_ledger)
    features, flags = bench.features(), bench.flags()
    changes = _Changes(cutoff)
    for name in PERTURBATIONS:
        bench.change(Perturb(name, cutoff, bank.spec, np.random.default_rng(seed)))
        changes.compare(name, features, bench.features())
        changes.compare(name, flags, bench.flags())
    removed = sum(int(late_rows(table, content, cutoff).sum()) for table, content in bench.rows.items())
    return changes.report(customers=len(customers), removed_rows=removed)


class _Bench:
    """A small bank whose rows are replaced in place, so that every query is planned once."""

    def __init__(
        self,
        bank: Bank,
        chosen: pa.Table,
        families: Sequence[Family | CustomFamily | str] | None,
        build_ledger: Callable[[Bank], ir.Table] | None,
    ) -> None:
        self.bank, self.build_ledger = bank, build_ledger
        # In one order whatever threads gave them in, so that the same seed changes the same rows.
        tables = {name: bank.table(name).to_pyarrow() for name in bank.tables}
        self.rows = {
            name: rows.sort_by([(one, "ascending") for one in rows.column_names]) for name, rows in tables.items()
        }
        self.ledger = None if build_ledger is None else _stored(bank, "ledger", build_ledger(bank).to_pyarrow())
        keys = _stored(bank, "audited", chosen)
        self.build = Build(bank, keys, families, ledger=self.ledger)
        self.slabs = [(slab, self.build.computation(slab)) for slab in self.build.slabs()]
        described = states(bank, keys.select(*KEY)).select(*KEY, *_FLAGS).order_by(list(KEY))
        self.described = bank.connection.create_view(gen_name("states"), described)

    def change(self, perturb: Perturb) -> None:
        for name, content in self.rows.items():
            _fill(self.bank, self.bank.table(name), perturb(name, content))
        if self.build_ledger is not None and self.ledger is not None:
            _fill(self.bank, self.ledger, self.build_ledger(self.bank).to_pyarrow())

    def features(self) -> pa.Table:
        parts = [self.build.table(slab, computation) for slab, computation in self.slabs]
        return pa.concat_tables(parts).sort_by(ORDER)

    def flags(self) -> pa.Table:
        """What the snapshots say of the customers."""
        return self.described.to_pyarrow()


def _sample(snapshots: ir.Table, cutoff: date, size: int, seed: int) -> pa.Table:
    terms = [name for name in snapshots.columns if name.startswith("term_")]
    rows = (
        snapshots.filter(_.cutoff_date == cutoff)
        .select(*KEY, *terms)
        .order_by(["customer_id", "event_id"])
        .to_pyarrow()
    )
    if not rows.num_rows:
        raise ValueError(f"no snapshot at {cutoff} to audit")
    picks = np.random.default_rng(seed).permutation(rows.num_rows)[:size]
    return rows.take(np.sort(picks))


def restrict(bank: Bank, customers: Sequence[str]) -> Bank:
    """The same bank with only the rows that belong to `customers`, computed once."""
    ids = _stored(bank, "sampled", pa.table({"customer_id": pa.array(customers, pa.string())}))
    owned = {"customer_id": ids}
    if bank.has("account_holders"):
        owned["account_id"] = bank.table("account_holders").semi_join(ids, "customer_id").select("account_id")
    if bank.has("accounts"):
        mine = bank.table("accounts").semi_join(ids, "customer_id").select("account_id")
        owned["account_id"] = owned["account_id"].union(mine) if "account_id" in owned else mine
    owned.setdefault("account_id", ids.select(account_id="customer_id"))
    if bank.has("loans"):
        owned["loan_id"] = bank.table("loans").semi_join(owned["account_id"], "account_id").select("loan_id")
    kept: dict[str, ir.Table] = {}
    for name in bank.tables:
        # The finest key first: a joint account belongs to the sample with all of its holders.
        key = next((key for key in ("loan_id", "account_id", "customer_id") if key in _links(name, owned)), None)
        table = bank.table(name)
        rows = table if key is None else table.semi_join(owned[key].distinct(), key)
        kept[name] = bank.connection.create_table(gen_name(name), rows)
    return Bank(_with_first_days(bank), bank.connection, kept)


def _with_first_days(bank: Bank) -> BankSpec:
    """The spec with the first observed days fixed, which a back-dated row must not move."""
    declared = bank.spec.observed_from
    own = {name: CONTRACT[name].date for name in bank.tables if CONTRACT[name].date and name not in declared}
    first = {name: bank.table(name)[column].min().to_pyarrow().as_py() for name, column in own.items()}
    found = {name: day for name, day in first.items() if day is not None}
    return replace(bank.spec, observed_from={**found, **declared})


def _links(table: str, owned: Mapping[str, ir.Table]) -> set[str]:
    columns = set(CONTRACT[table].columns) & set(owned)
    return columns - {"loan_id"} if table == "loans" else columns


def _stored(bank: Bank, name: str, rows: pa.Table) -> ir.Table:
    return bank.connection.create_table(gen_name(name), ibis.memtable(rows))


def _fill(bank: Bank, table: ir.Table, rows: pa.Table) -> None:
    """Replace the rows of a stored table."""
    name = table.op().name
    connection = bank.connection.con
    connection.register("fresh_rows", rows)
    connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM fresh_rows')
    connection.unregister("fresh_rows")


class _Changes:
    """Changed cells, counted as they are found."""

    def __init__(self, cutoff: date) -> None:
        self.cutoff = cutoff
        self.cells = 0
        self.by_feature: dict[str, int] = {}
        self.perturbations = dict.fromkeys(PERTURBATIONS, 0)
        self.first: dict[str, str] = {}

    def compare(self, perturbation: str, before: pa.Table, after: pa.Table) -> None:
        names = [name for name in before.column_names if name not in KEY]
        self.cells += before.num_rows * len(names)
        if before.select(list(KEY)) != after.select(list(KEY)):
            self._count("(rows)", perturbation, abs(before.num_rows - after.num_rows) or 1, "")
            return
        for name in names:
            found = np.flatnonzero(differs(before[name], after[name]))
            if len(found):
                customer = before["customer_id"][int(found[0])].as_py()
                self._count(name, perturbation, len(found), customer)

    def _count(self, name: str, perturbation: str, changed: int, customer: str) -> None:
        self.by_feature[name] = self.by_feature.get(name, 0) + changed
        self.perturbations[perturbation] += changed
        self.first.setdefault(name, f"customer {mask(customer)}, later rows {perturbation.replace('_', '-')}")

    def report(self, *, customers: int, removed_rows: int) -> AuditReport:
        return AuditReport(
            cutoff=self.cutoff,
            customers=customers,
            cells=self.cells,
            changed=sum(self.by_feature.values()),
            removed_rows=removed_rows,
            by_feature=self.by_feature,
            perturbations=self.perturbations,
            first=self.first,
        )


def differs(before: pa.ChunkedArray, after: pa.ChunkedArray) -> np.ndarray:
    """Where two columns differ; a null equals a null."""
    one, other = before.to_pandas(), after.to_pandas()
    null = one.isna().to_numpy()
    changed = null != other.isna().to_numpy()
    if pa.types.is_floating(before.type) or pa.types.is_integer(before.type):
        left, right = one.to_numpy(np.float64, na_value=np.nan), other.to_numpy(np.float64, na_value=np.nan)
        unequal = np.abs(left - right) > ROUNDING * np.maximum(np.abs(left), np.abs(right))
    else:
        unequal = (one != other).to_numpy(dtype=bool)
    return changed | (~null & unequal)
