"""Where things lie: the folders of a project and of one bank in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from crmml.errors import NotFoundError, did_you_mean


def project_root() -> Path:
    """The folder that holds `data/`, `models/` and `out/`: `CRMML_HOME`, or the working folder."""
    return Path(os.environ.get("CRMML_HOME", ".")).resolve()


def find_bank(folder: str | Path) -> Path:
    """The folder of a bank's configs, as a path or by its name under `configs/`.

    Raises
    ------
    NotFoundError
        M001 if there is no `bank.yaml` in it.
    """
    given = Path(folder)
    for candidate in (given, project_root() / "configs" / given):
        if (candidate / "bank.yaml").is_file():
            return candidate
    known = sorted(path.parent.name for path in (project_root() / "configs").glob("*/bank.yaml"))
    raise NotFoundError(
        f"{given} holds no bank.yaml; expected the folder of a bank, such as configs/demo."
        f"{did_you_mean(given.name, known)} `crmml init {given}` writes one",
        code="M001",
    )


@dataclass(frozen=True)
class Workspace:
    """The folders of one bank. `data` is made by stages, `out` is for people, `models` is shared by all banks."""

    root: Path
    bank: str

    @property
    def data(self) -> Path:
        return self.root / "data" / self.bank

    @property
    def out(self) -> Path:
        return self.root / "out" / self.bank

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def lock(self) -> Path:
        return self.data / ".lock"

    def of(self, stage: str, name: str = "") -> Path:
        """The folder of results of a stage, or of one thing it makes."""
        return self.data / stage / name if name else self.data / stage
