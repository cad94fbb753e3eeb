"""The files of a finished list: for machines in its folder, for people in `out/`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml.files import Staged
from crmml.sheets import SHEET_ROWS
from crmml.stages.project import Project
from crmml.targeting import TargetList, write_csv, write_parquet, write_people_csvs, write_workbooks
from crmml.targeting.export import to_arrow


def opened(project: Project, name: str) -> list[Path]:
    """The files people open; a list too long for one workbook has further parts beside them."""
    out = project.workspace.out
    return [out / f"{name}.xlsx", out / f"{name}.csv", out / f"{name}.html"]


def write_results(staged: Staged, targets: TargetList) -> None:
    """The files of a list for machines: all arms, all candidates, what removed them, what was used, reserve, changes."""
    name = targets.spec.name
    write_parquet(targets, staged.path(f"{name}.parquet", rows=len(targets.table)))
    write_csv(targets, staged.path(f"{name}.csv", rows=len(targets.table)))
    write_table(targets.candidates, staged.path("candidates.parquet", rows=len(targets.candidates)))
    write_table(targets.waterfall, staged.path("waterfall.parquet"))
    write_table(targets.capacity_use, staged.path("capacity_use.parquet"))
    pq.write_table(to_arrow(targets.reserve), staged.path("reserve.parquet", rows=len(targets.reserve)))
    if "against" in targets.about:
        write_table(targets.changes, staged.path("changes.parquet", rows=len(targets.changes)))
    about = json.dumps(dict(targets.about), indent=1, ensure_ascii=False, default=str)
    staged.path("about.json").write_text(about + "\n", encoding="utf-8")


def write_for_people(project: Project, targets: TargetList, *, book_rows: int = SHEET_ROWS) -> list[Path]:
    """The workbooks and CSV files for people; the files written. A file holds at most `book_rows` rows."""
    workbook, people, _ = opened(project, targets.spec.name)
    language = project.spec.language
    books = write_workbooks(targets, workbook, language=language, currency=project.spec.currency, book_rows=book_rows)  # type: ignore[arg-type]
    return [*books, *write_people_csvs(targets, people, language=language, book_rows=book_rows)]  # type: ignore[arg-type]


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """A frame as Parquet, infinite limits as null."""
    pq.write_table(as_stored(frame), path, compression="zstd")


def as_stored(frame: pd.DataFrame) -> pa.Table:
    """A frame as its file holds it, infinite limits as null."""
    return pa.Table.from_pandas(frame.replace([np.inf, -np.inf], np.nan), preserve_index=False)
