"""The page of a bank's features, from the catalogue and the features of its last run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from crmml import files
from crmml.evaluation.stability import bin_counts, edges_of, psi
from crmml.features import FeatureInfo
from crmml.reporting.feature_page import LEAST, Described, Features, User, feature_page
from crmml.stages.abts import select_features
from crmml.stages.features import features_at, read_catalogue
from crmml.stages.making import Say
from crmml.stages.project import Project, open_project

FEW_LEVELS = 5
_TAIL = 0.05


def document_bank(folder: str | Path, *, out: Path | None, say: Say) -> Path:
    """Write `features.html` of a bank into `out` (default `out/<bank>/`); its path.

    Raises
    ------
    NotFoundError, ConfigError, SourceError
        If there is no bank, its config is wrong, or its data break the contract.
    """
    project = open_project(folder)
    with project.alone():
        _, _, made = features_at(project, project.newest_cutoff(), say=say)
        infos = read_catalogue(made)
        users = _users(project, infos)
        paths = sorted((made / "features").glob("*.parquet"))
        cutoffs = tuple(path.stem for path in paths)
        to = _drift_to(project, cutoffs)
        described = list(_described(infos, paths, cutoffs.index(to), users))
        models = tuple(dict.fromkeys(user for each in users.values() for user in each))
        subject = Features(project.spec.title_zh, project.spec.title_en, cutoffs, to, models)
        path = (out or project.workspace.out) / "features.html"
        files.write_atomic(path, feature_page(described, subject, language="both"))
    say(f"          {len(described)} features at {len(cutoffs)} cut-offs")
    return path


def _users(project: Project, infos: tuple[FeatureInfo, ...]) -> Mapping[str, tuple[User, ...]]:
    """The models of the bank that may learn from each feature."""
    users: dict[str, tuple[User, ...]] = {}
    for key, model in project.config.models.items():
        for name in select_features(model.spec, infos, where=str(model.path)):
            users[name] = (*users.get(name, ()), User(key, model.zh, model.en))
    return users


def _drift_to(project: Project, cutoffs: tuple[str, ...]) -> str:
    """The last cut-off that a model learns from, or the newest where there is no such model."""
    trained = {
        str(day) for model in project.config.models.values() if not model.event for day in model.spec.split.train
    }
    return max(trained & set(cutoffs), default=cutoffs[-1])


def _described(
    infos: tuple[FeatureInfo, ...], paths: list[Path], to: int, users: Mapping[str, tuple[User, ...]]
) -> Iterator[Described]:
    """Each feature with its figures; one column is read at a time, so that memory does not grow with the catalogue."""
    opened = [pq.ParquetFile(path) for path in paths]
    for info in infos:
        columns = [_column(file, info.name) for file in opened]
        known = tuple(_share(values.notna().mean(), len(values)) for values in columns)
        newest = columns[-1].dropna()
        numeric = info.kind == "number"
        numbers = pd.to_numeric(newest).to_numpy(dtype=np.float64) if numeric else np.empty(0)
        yield Described(
            info,
            known,
            psi=_drift(columns[0], columns[to], numeric=numeric),
            mean=float(numbers.mean()) if len(numbers) >= LEAST else None,
            quantiles=_quantiles(numbers),
            levels=() if numeric else _levels(newest),
            used_by=users.get(info.name, ()),
        )
    for file in opened:
        file.close()


def _column(file: pq.ParquetFile, name: str) -> pd.Series:
    if name not in file.schema_arrow.names:
        return pd.Series(np.nan, index=range(file.metadata.num_rows))
    column: pd.Series = file.read(columns=[name]).to_pandas()[name]
    return column


def _share(share: float, rows: int) -> float | None:
    return float(share) if rows >= LEAST else None


def _drift(first: pd.Series, last: pd.Series, *, numeric: bool) -> float | None:
    """PSI of a feature between two cut-offs, nulls a bin of their own; None where there are too few customers."""
    if min(len(first), len(last)) < 10 * LEAST or not (first.notna().any() or last.notna().any()):
        return None
    if not numeric:
        levels = sorted({*first.dropna().astype(str), *last.dropna().astype(str)})
        counts = [Counter(values.dropna().astype(str)) for values in (first, last)]
        bins = [
            [each[level] for level in levels] + [len(values) - each.total()]
            for each, values in zip(counts, (first, last), strict=True)
        ]
        return psi(*bins)
    values = [pd.to_numeric(each).to_numpy(dtype=np.float64, na_value=np.nan) for each in (first, last)]
    edges = edges_of(values[0])
    return psi(bin_counts(values[0], edges), bin_counts(values[1], edges))


def _quantiles(numbers: np.ndarray) -> tuple[float, float, float] | None:
    """The 5 %, 50 % and 95 % of enough customers that at least 20 lie beyond each."""
    if len(numbers) * _TAIL < LEAST:
        return None
    low, middle, high = np.quantile(numbers, [_TAIL, 0.5, 1 - _TAIL])
    return float(low), float(middle), float(high)


def _levels(values: pd.Series) -> tuple[tuple[str, float], ...]:
    counts = values.astype(str).value_counts()
    frequent = counts[counts >= LEAST].head(FEW_LEVELS)
    return tuple((str(level), float(count / len(values))) for level, count in frequent.items())
