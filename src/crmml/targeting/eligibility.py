"""Rules written by people, as DuckDB conditions over candidates and features.

They are evaluated in memory, on a connection that can open no file and no
network, and names are checked before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

from crmml.errors import ConfigError, did_you_mean
from crmml.targeting.candidates import Table, as_frame, customers_table
from crmml.targeting.decisions import Decisions, Step
from crmml.targeting.spec import NO_BAND, RISK_BANDS, ListSpec, Rule

_HIDDEN = {"holds", "prob_default"}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


def apply_eligibility(
    decisions: Decisions, spec: ListSpec, candidates: pd.DataFrame, features: Table | None = None
) -> None:
    """Remove holders, then those failing the list's rules, the risk band, and each offer's own rules.

    Raises
    ------
    ConfigError
        If a rule names a column that is not there (C002) or is no condition (C003).
    GateError
        If a rule removes the last candidate.
    """
    own = [(offer, rule) for offer in spec.offers for rule in offer.eligibility]
    met = evaluate([*spec.eligibility, *(rule for _, rule in own)], candidates, features)
    offers = candidates["offer"].to_numpy()
    decisions.keep(Step("holds", "已持有该产品", "already holds the product"), ~candidates["holds"].to_numpy())
    for number, rule in enumerate(spec.eligibility):
        decisions.keep(Step(f"rule_{number + 1}", rule.zh, rule.en), met[:, number])
    if spec.max_risk_band is not None:
        band = spec.max_risk_band
        allowed = [NO_BAND, *RISK_BANDS[: RISK_BANDS.index(band) + 1]]
        step = Step("risk_band", f"风险等级不超过 {band}", f"risk band no worse than {band}")
        decisions.keep(step, candidates["risk_band"].isin(allowed).to_numpy())
    for number, (offer, rule) in enumerate(own):
        step = Step(f"offer_rule_{number + 1}", f"{offer.zh}:{rule.zh}", f"{offer.en}: {rule.en}")
        decisions.keep(step, met[:, len(spec.eligibility) + number] | (offers != offer.product))


def evaluate(rules: Sequence[Rule], candidates: pd.DataFrame, features: Table | None = None) -> np.ndarray:
    """Which candidates meet which rules: booleans of shape (n_candidates, n_rules); null is not met."""
    if not rules:
        return np.zeros((len(candidates), 0), dtype=bool)
    with duckdb.connect(config=_CONFIG) as connection:
        columns = _register(connection, candidates, features)
        connection.execute("SET lock_configuration = true")
        for rule in rules:
            _check(connection, rule, columns)
        select = ", ".join(f"coalesce(({rule.where}\n), false)" for rule in rules)
        met = connection.sql(f"SELECT {select} FROM rows ORDER BY row_number_").fetchnumpy()
    return np.column_stack([np.asarray(column, dtype=bool) for column in met.values()])


def with_columns(candidates: pd.DataFrame, names: Sequence[str], features: Table | None, *, what: str) -> pd.DataFrame:
    """The candidates with feature columns of these names beside them.

    Raises
    ------
    ConfigError
        If neither has such a column.
    """
    missing = [name for name in names if name not in candidates]
    if not missing:
        return candidates
    table = pd.DataFrame({"customer_id": []}) if features is None else customers_table(features, what="features")
    for name in missing:
        if name not in table:
            raise ConfigError(_unknown(what, name, [*candidates.columns, *table.columns]), code="C002")
    wanted = table.set_index("customer_id")
    return candidates.assign(**{name: candidates["customer_id"].map(wanted[name]) for name in missing})


def _register(connection: duckdb.DuckDBPyConnection, candidates: pd.DataFrame, features: Table | None) -> list[str]:
    own = [column for column in candidates.columns if column not in _HIDDEN]
    connection.register("candidates", candidates[own].assign(row_number_=np.arange(len(candidates))))
    if features is None:
        connection.execute("CREATE TEMP VIEW rows AS SELECT * FROM candidates")
        return own
    names = list(as_frame(features.slice(0, 0) if hasattr(features, "slice") else features).columns)
    customers_table(
        features.select(["customer_id"]) if hasattr(features, "select") else features[["customer_id"]], what="features"
    )
    extra = [name for name in names if name not in {*candidates.columns, *_HIDDEN}]
    connection.register("features", features)
    listed = "".join(f', f."{name}"' for name in extra)
    connection.execute(
        f"CREATE TEMP VIEW rows AS SELECT c.*{listed} FROM candidates c "
        "LEFT JOIN features f ON c.customer_id = CAST(f.customer_id AS VARCHAR)"
    )
    return own + extra


def _check(connection: duckdb.DuckDBPyConnection, rule: Rule, columns: list[str]) -> None:
    what = f"rule {rule.where!r}"
    try:
        kind = str(connection.sql(f"SELECT ({rule.where}\n) AS met, row_number_ FROM rows LIMIT 0").types[0])
    except duckdb.BinderException as error:
        named = re.search(r'[Cc]olumn "([^"]+)"', str(error))
        if named is None or named.group(1) in {*columns, "row_number_"}:
            raise ConfigError(f"{what}: {str(error).splitlines()[0]}", code="C003") from error
        raise ConfigError(_unknown(what, named.group(1), columns), code="C002") from error
    except duckdb.Error as error:
        raise ConfigError(f"{what} is not a condition: {str(error).splitlines()[0]}", code="C003") from error
    if kind != "BOOLEAN":
        raise ConfigError(f"{what} gives {kind}; expected a condition that is true or false", code="C003")


def _unknown(what: str, name: str, columns: Sequence[str]) -> str:
    near = did_you_mean(name, columns)
    some = ", ".join(sorted(set(columns))[:12])
    return f"{what} names column {name!r}; expected one of {some} and {max(len(set(columns)) - 12, 0)} more.{near}"
