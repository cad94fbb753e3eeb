"""`python -m benchmarks.results [--only NAME | --page]`: measure the public data sets, write `docs/results.json` and the page."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.peers import compare
from benchmarks.results import page, run, store

DOCS = run.ROOT / "docs"


def main() -> int:
    known = run.datasets()
    options = _options(sorted(known))
    failed = []
    _keep(known, {})
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
        _keep(known, {name: store.Measured(results, store.digests(folder), store.versions())})
        print(f"{name}: {len(results)} figures in {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(f"failed, their last figures stay: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _keep(known: dict[str, Path | None], measured: dict[str, store.Measured]) -> None:
    """Put new figures among those on disk, read afresh: another process may have measured meanwhile.

    Figures of a data set that is no longer measured go; one without data here and without figures from elsewhere is skipped.
    """
    kept = {name: entry for name, entry in store.read(DOCS / "results.json").measured.items() if name in known}
    kept |= measured
    skipped = [name for name, folder in known.items() if folder is None and name not in kept]
    stored = store.Stored(kept, skipped)
    (DOCS / "results.json").write_text(store.text_of(stored), encoding="utf-8")
    (DOCS / "results.md").write_text(page_from(DOCS, stored), encoding="utf-8")


def page_from(docs: Path, stored: store.Stored | None = None) -> str:
    """The page of all that is stored in a folder: results, comparisons with other learners, settings tried."""
    tried = docs / "tried.json"
    return page.page_of(
        stored or store.read(docs / "results.json"),
        compare.read(docs / "peers.json"),
        json.loads(tried.read_text(encoding="utf-8")) if tried.exists() else {},
    )


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description="Figures on public data.")
    parser.add_argument("--only", action="append", choices=names, help="measure this one; the others' figures stay")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from the stored figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
