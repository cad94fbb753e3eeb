"""`python -m benchmarks.peers [--only TABLE] [--again LEARNER]`: compare with automated learners, write `docs/peers.json` and the page.

Rows, saved predictions and what each learner took stay in `out/peers/<table>/`. crmml learns anew each time; a peer only
where the rows it learned are not the ones laid out now, or where `--again` names it. Without the peers' environment nothing
of theirs is made: their stored figures stay.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.peers import compare, learners
from benchmarks.peers.cases import CASES
from benchmarks.results import run, store
from benchmarks.results.__main__ import page_from
from crmml.files import digest_file, digest_of

ROOT = run.ROOT
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
FOLDER = ROOT / "out" / "peers"
STORED = ROOT / "docs" / "peers.json"


def main() -> int:
    options = _options()
    compared = compare.read(STORED)
    for name in options.only or sorted(CASES):
        if not _has_data(CASES[name].data):
            print(f"{name}: skipped, CRMML_DATA names no folder that holds {CASES[name].data}", flush=True)
            continue
        folder = options.folder / name
        if not options.keep:
            run.apart(["-m", "benchmarks.peers.cases", name, str(folder.resolve())], name)
        for learner in learners.LEARNERS:
            learn(learner, folder, python=options.python, again=learner in options.again)
        compared[name] = read_case(name, folder)
        STORED.write_text(compare.text_of(compared), encoding="utf-8")
        print(
            f"{name}: best peer {compared[name].best}, rule {'held' if compared[name].holds else 'broken'}", flush=True
        )
    (ROOT / "docs" / "results.md").write_text(page_from(ROOT / "docs"), encoding="utf-8")
    return 0


def learn(learner: str, folder: Path, *, python: Path, again: bool = False) -> None:
    """Let a peer learn the rows of a folder in its own environment, unless it has learned these very rows."""
    told, rows = folder / "predictions" / f"{learner}.json", rows_digest(folder)
    if told.exists() and not again and json.loads(told.read_text(encoding="utf-8")).get("rows") == rows:
        return
    if not python.exists() or learner in CASES[folder.name].left_out:
        return
    command = [str(python), learners.__file__, learner, str(folder), rows]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": run.THREADS}
    )
    if done.returncode:
        raise RuntimeError(
            f"{learner} on {folder.name} failed with exit code {done.returncode}:\n{done.stderr[-4000:]}"
        )


def rows_digest(folder: Path) -> str:
    """What the laid-out rows are known by."""
    return digest_of(
        [[str(path.relative_to(folder)), digest_file(path)] for path in sorted(folder.glob("fold-*/*.parquet"))]
    )


def read_case(name: str, folder: Path) -> compare.Compared:
    """A table's comparison from what its learners saved about the rows laid out now."""
    case, rows = CASES[name], rows_digest(folder)
    budget = json.loads((folder / "budget.json").read_text(encoding="utf-8"))
    predictions, told = {}, {}
    for path in sorted((folder / "predictions").glob("*.parquet")):
        beside = path.with_suffix(".json")
        said = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else None
        if said is None or said["rows"] == rows:
            predictions[path.stem] = pd.read_parquet(path)
            told[path.stem] = _told(said) if said else {}
    told[compare.OURS] = _took(budget) | {"version": store.versions()["crmml"]}
    frames = [pd.read_parquet(path, columns=["row"]) for path in sorted(folder.glob("fold-*/train.parquet"))]
    ours = predictions[compare.OURS]
    wide = pd.read_parquet(next(iter(sorted(folder.glob("fold-*/train.parquet"))))).shape[1]
    return compare.Compared(
        zh=case.zh,
        en=case.en,
        protocol=budget[0]["protocol"] if len(budget) == 1 else f"{len(budget)} folds of customers, not out of time",
        rows=len(ours),
        events=int(ours["label"].sum()),
        learned=round(sum(map(len, frames)) / len(frames)),
        columns=wide - len(learners.KEYS),
        folds=len(budget),
        drawn_alike=not budget[0]["out_of_time"],
        sides=compare.compare(predictions, told),
        calibrated=compare.calibrate(ours),
        left_out=case.left_out,
        versions=store.versions(),
        note=case.note,
    )


def _told(said: dict[str, Any]) -> dict[str, Any]:
    notes = sorted({fold["best"] for fold in said["folds"]})
    models = [fold["models"] for fold in said["folds"] if "models" in fold]
    many = (
        f", {min(models)} to {max(models)} models"
        if len(set(models)) > 1
        else f", {models[0]} models"
        if models
        else ""
    )
    return _took(said["folds"]) | {"version": said["version"], "note": ", ".join(notes[:3]) + many}


def _took(folds: list[dict[str, Any]]) -> dict[str, Any]:
    fits = [fold["fits"] for fold in folds if "fits" in fold]
    return {
        "seconds": round(sum(fold["seconds"] for fold in folds), 1),
        "cpu_seconds": round(sum(fold["cpu_seconds"] for fold in folds), 1),
        "fits": sum(fits) if fits else None,
    }


def _has_data(name: str) -> bool:
    data = os.environ.get("CRMML_DATA")
    return data is not None and (Path(data) / name).is_dir()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="Beside automated learners.")
    parser.add_argument("--only", action="append", choices=sorted(CASES), help="this table; the others' figures stay")
    parser.add_argument("--again", action="append", default=[], choices=sorted(learners.LEARNERS), help="learns anew")
    parser.add_argument(
        "--keep", action="store_true", help="rows and predictions of crmml as they were laid out before"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where rows and predictions lie")
    parser.add_argument("--python", type=Path, default=PYTHON, help="the interpreter of the peers' environment")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
