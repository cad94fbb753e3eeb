"""One bank's configs and the folders that belong to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crmml import files
from crmml.config import BankConfig, Model, load_bank_config
from crmml.config.model_file import load_models
from crmml.errors import NotFoundError, SourceError, did_you_mean
from crmml.periods import month_end, shift_months
from crmml.sources.spec import BankSpec
from crmml.stages.workspace import Workspace, find_bank, project_root


@dataclass(frozen=True)
class Project:
    """A bank's configs with its folders of results."""

    config: BankConfig
    workspace: Workspace
    strict: bool = False  # refuse sources that lack a day or a branch

    @property
    def spec(self) -> BankSpec:
        return self.config.spec

    def newest_cutoff(self) -> date:
        """The last month end up to which the history is complete."""
        spec = self.spec
        names = [name for name in ("transactions", "balances", "activity") if name in spec.tables]
        last = min(spec.last_day(name) for name in names) if names else spec.last_day("customers")
        return last if last == month_end(last) else shift_months(month_end(last), -1)

    def cutoffs(self) -> tuple[date, ...]:
        """Every calendar cut-off that a model learns from or is tested on, and the newest."""
        wanted = {cutoff for model in self.config.models.values() for cutoff in model.cutoffs}
        return tuple(sorted(wanted | {self.newest_cutoff()}))

    def scored_cutoff(self, cutoff: date | None) -> date:
        """The cut-off asked for, or the newest; SourceError D020 if the data do not reach it."""
        newest = self.newest_cutoff()
        if cutoff is not None and cutoff > newest:
            raise SourceError(
                f"the cut-off {cutoff} lies after {newest}, up to which the history is complete (observed_until); "
                f"use --cutoff {newest} or load newer data",
                code="D020",
            )
        return cutoff or newest

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the bank's lock; BusyError at once if another run has it."""
        with files.lock(self.workspace.lock, what=f"the bank {self.spec.name}"):
            yield


def open_project(folder: str | Path, *, strict: bool = False) -> Project:
    """The configs in a bank's folder.

    Raises
    ------
    NotFoundError
        If there is no bank there.
    ConfigError
        If a config is wrong.
    """
    config = load_bank_config(find_bank(folder))
    return Project(config, Workspace(project_root(), config.spec.name), strict)


def models_of(config: Path, product: str | None) -> Iterator[tuple[Project, Model]]:
    """The models of a config file, or the one for a product."""
    project = open_project(config.parent)
    models = load_models(config, bank=project.spec.name)
    if product is not None:
        keys = {model.key.removeprefix(f"{config.stem}_"): model for model in models}
        if product not in keys:
            raise NotFoundError(
                f"{config} has no product {product!r}; expected one of {', '.join(keys)}.{did_you_mean(product, keys)}",
                code="M001",
            )
        models = (keys[product],)
    for model in models:
        yield project, model
