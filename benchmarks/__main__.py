"""`python -m benchmarks [--quick] [--customers N] …`: small side-by-side measurements, printed and written down."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks import feature_build, list_allocation, report, score_reasons

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    options = _options()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    started, load = time.monotonic(), os.getloadavg()[0]

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="crmml-bench-") as scratch:
        folder = Path(scratch)
        say(f"a synthetic bank of {options.customers:,} customers …")
        ground = feature_build.make_ground(folder, customers=options.customers)
        say(f"features: {ground.size} …")
        rows, features = feature_build.run(ground, rounds=options.rounds)
        say("scores and reasons …")
        explained = (options.explained, 5 * options.explained)
        rows += score_reasons.run(features, ground.infos(), folder, explained=explained, rounds=options.rounds)
        say(f"allocation: {options.allocated:,} customers …")
        rows += list_allocation.run(customers=options.allocated, rounds=options.rounds)
    say("done")
    facts = report.machine((load, os.getloadavg()[0]))
    print(f"\nn = {options.rounds} rounds. {facts}\n\n{report.table_of(rows)}")
    if options.out is not None:
        options.out.write_text(report.page_of(rows, rounds=options.rounds, facts=facts), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios measured side by side.")
    parser.add_argument("--quick", action="store_true", help="small sizes, 3 rounds, printed only")
    parser.add_argument(
        "--customers", type=int, help="customers of the synthetic bank (default 2,900: 1 million bookings)"
    )
    parser.add_argument(
        "--explained", type=int, help="rows explained by the large model, five times as many by the small"
    )
    parser.add_argument("--allocated", type=int, help="customers offered to (default 100,000)")
    parser.add_argument("--rounds", type=int, help="times each contestant is measured (default 5)")
    parser.add_argument("--out", type=Path, help="page to write (default docs/benchmarks.md; with --quick none)")
    options = parser.parse_args()
    usual = (500, 150, 10_000, 3, None) if options.quick else (2_900, 1_000, 100_000, 5, PAGE)
    for name, value in zip(("customers", "explained", "allocated", "rounds", "out"), usual, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


if __name__ == "__main__":
    main()
