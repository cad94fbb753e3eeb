"""A new bank's folder: commented configs that say what to fill in."""

from __future__ import annotations

import re
from importlib.resources import files as package_files
from pathlib import Path

from crmml.errors import BackendError
from crmml.files import write_atomic
from crmml.sources.contract import CONTRACT, TableContract

_TEMPLATES = ("bank.yaml", "churn.yaml", "uptake.yaml", "cross_sell.yaml")


def scaffold(directory: Path) -> list[Path]:
    """Write a new bank's configs into `directory`; the paths written.

    Raises
    ------
    BackendError
        L003 if one of the files is already there; none is written then.
    """
    paths = [directory / name for name in _TEMPLATES]
    for path in paths:
        if path.exists():
            raise BackendError(f"{path} is already there and is left as it is; choose another folder", code="L003")
    words = {
        "name": bank_name(directory),
        "folder": str(directory),
        "contract": "\n".join(_described(table) for table in CONTRACT.values()),
        "until": "2025-12-31",
        "train": "2024-01, 2024-10",
        "test": "2025-04, 2025-07",
    }
    for path in paths:
        template = package_files("crmml.stages").joinpath("templates", path.name).read_text(encoding="utf-8")
        write_atomic(path, template.format(**words))
    return paths


def bank_name(directory: Path) -> str:
    """The folder's name as a bank's name, which holds letters, digits, `_` and `-` only.

    >>> bank_name(Path("configs/my bank")), bank_name(Path("我的 银行(测试)")), bank_name(Path("..."))
    ('my_bank', '我的_银行_测试', 'mybank')
    """
    return re.sub(r"[^\w-]+", "_", directory.name).strip("_-")[:60] or "mybank"


def _described(table: TableContract) -> str:
    columns = ", ".join(
        f"{name}{'*' if column.required else ''} ({column.type}{': ' + '|'.join(column.choices) if column.choices else ''})"
        for name, column in table.columns.items()
    )
    return f"#   {table.name}: {table.grain}.\n#     {columns}"
