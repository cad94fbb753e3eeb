"""`python -m benchmarks.results [--only NAME | --page]`: measure the public data sets, write `docs/results.json` and the page."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.results import page, run, store

DOCS = run.ROOT / "docs"


def main() -> int:
    known = run.datasets()
    options = _options(sorted(known))
    kept = store.read(DOCS / "results.json")
    measured = {name: entry for name, entry in kept.measured.items() if name in known}
    failed = []
    for name in () if options.page else options.only or sorted(known):
        folder, started = known[name], time.monotonic()
        if folder is None:
            print(f"{name}: skipped, CRMML_DATA names no folder that holds its data", flush=True)
            continue
        try:
            results = run.measure_apart(name)
        except RuntimeError as error:
            failed.append(name)
            print(error, file=sys.stderr, flush=True)
            continue
        measured[name] = store.Measured(results, store.digests(folder), store.versions())
        print(f"{name}: {len(results)} figures in {time.monotonic() - started:.0f} s", flush=True)
        _write(replace(kept, measured=measured, skipped=_skipped(known, measured)))
    _write(replace(kept, measured=measured, skipped=_skipped(known, measured)))
    if failed:
        print(f"failed, their last figures stay: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _skipped(known: dict[str, Path | None], measured: dict[str, store.Measured]) -> list[str]:
    """Data sets without data here and without figures from elsewhere."""
    return [name for name, folder in known.items() if folder is None and name not in measured]


def _write(stored: store.Stored) -> None:
    (DOCS / "results.json").write_text(store.text_of(stored), encoding="utf-8")
    (DOCS / "results.md").write_text(page.page_of(stored), encoding="utf-8")


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description="Figures on public data.")
    parser.add_argument("--only", action="append", choices=names, help="measure this one; the others' figures stay")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from the stored figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
