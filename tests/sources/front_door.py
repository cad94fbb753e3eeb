"""A bank's folder on disk and `crmml check` on it, as a user would run it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from crmml.cli import main
from tests.sources.raw_bank import clean, write


def lay_bank(root: Path, sources: dict[str, Any] | None = None, tables: dict[str, str] | None = None) -> Path:
    """A project with the clean bank's CSV files in `data/` and its `bank.yaml`, some sources and tables replaced."""
    data = root / "data"
    data.mkdir(exist_ok=True)
    names = list(clean())
    write(data, clean())
    config = {
        "bank": {"name": "small", "zh": "小银行", "en": "Small bank"},
        "sources": {f"raw_{name}": {"path": f"data/{name}.csv"} for name in names} | (sources or {}),
        "tables": {name: f"SELECT * FROM raw_{name}" for name in names} | (tables or {}),
        "observed_until": {"default": "2025-12-31"},
    }
    folder = root / "configs" / "small"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bank.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return folder


def crmml(monkeypatch: pytest.MonkeyPatch, capsys: Any, root: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, data and talk of a command that is run in the project `root`."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("CRMML_HOME", str(root))
    monkeypatch.setattr(sys, "argv", ["crmml", *arguments])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err
