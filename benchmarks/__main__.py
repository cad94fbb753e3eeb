"""`python -m benchmarks [--quick] [--only PART] …`: side-by-side measurements, printed and written down."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from benchmarks import feature_build, frozen, list_allocation, list_matrix, report, score_reasons, stages
from benchmarks.measure import Row

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    options = _options()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    parts = options.only or [part for part in PARTS if options.large or part != "large"]
    kept = report.read(options.out)
    for part in parts:
        began, load = time.monotonic(), os.getloadavg()[0]
        print(f"{part} …", flush=True)
        with tempfile.TemporaryDirectory(prefix="crmml-bench-") as scratch:
            rows = PARTS[part](Path(scratch), options)
        facts = report.machine((load, os.getloadavg()[0]))
        kept[part] = report.Measured(tuple(rows), options.rounds, facts)
        print(f"{part}: {time.monotonic() - began:.0f} s\n{report.table_of(rows)}\n", flush=True)
        if options.out is not None:
            report.write(options.out, {name: kept[name] for name in PARTS if name in kept})


def _families(folder: Path, options: argparse.Namespace) -> list[Row]:
    ground = feature_build.make_ground(folder, customers=options.customers)
    return feature_build.run(ground, rounds=options.rounds)


def _others(folder: Path, options: argparse.Namespace) -> list[Row]:
    ground = frozen.make_ground(folder / "small", bookings=options.bookings)
    rows = frozen.against_others(ground, rounds=options.rounds)
    print(f"  {stages.stages_of(ground.built())}", flush=True)
    return rows


def _scan(folder: Path, options: argparse.Namespace) -> list[Row]:
    ground = frozen.make_ground(folder / "middle", bookings=options.scanned)
    rows = frozen.against_scan(ground, rounds=options.rounds)
    print(f"  {stages.stages_of(ground.built())}", flush=True)
    return rows


def _large(folder: Path, options: argparse.Namespace) -> list[Row]:
    return frozen.within_memory(folder / "large", bookings=options.large)


def _scores(folder: Path, options: argparse.Namespace) -> list[Row]:
    ground = frozen.make_ground(folder / "small", bookings=options.bookings)
    return score_reasons.run(
        ground.built(frozen.MANY_CUTOFFS)(),
        ground.infos(),
        folder,
        explained=(options.explained, 2 * options.explained),
        streamed=options.streamed,
        rounds=options.rounds,
    )


def _allocation(folder: Path, options: argparse.Namespace) -> list[Row]:
    rows = list_allocation.run(customers=options.allocated, rounds=options.rounds)
    return rows + list_matrix.run(folder, customers=10 * options.allocated)


#: What can be measured by itself, in the order of the table.
PARTS: dict[str, Callable[[Path, argparse.Namespace], list[Row]]] = {
    "families": _families,
    "others": _others,
    "scan": _scan,
    "large": _large,
    "scores": _scores,
    "allocation": _allocation,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios measured side by side.")
    parser.add_argument("--quick", action="store_true", help="small sizes, 3 rounds, printed only")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="this part; the others' lines stay")
    parser.add_argument(
        "--customers", type=int, help="customers of the synthetic bank (default 2,900: 1 million bookings)"
    )
    parser.add_argument("--explained", type=int, help="rows explained by the large model, twice as many by the small")
    parser.add_argument("--bookings", type=int, help="bookings of the frozen set against others (default 1 million)")
    parser.add_argument("--scanned", type=int, help="bookings of the frozen set against a scan (default 10 million)")
    parser.add_argument("--large", type=int, help="bookings within 2.5 GB (default 100 million; 0 leaves it out)")
    parser.add_argument("--streamed", type=int, help="rows streamed to watch memory (default 1 million)")
    parser.add_argument(
        "--allocated", type=int, help="customers offered to, and ten times as many on the matrix (default 100,000)"
    )
    parser.add_argument("--rounds", type=int, help="times each contestant is measured (default 5)")
    parser.add_argument("--out", type=Path, help="page to write (default docs/benchmarks.md; with --quick none)")
    options = parser.parse_args()
    small = {"customers": 500, "explained": 150, "allocated": 10_000, "rounds": 3, "out": None}
    small |= {"bookings": 100_000, "scanned": 200_000, "large": 0, "streamed": 50_000}
    usual = {"customers": 2_900, "explained": 2_500, "allocated": 100_000, "rounds": 5, "out": PAGE}
    usual |= {"bookings": 1_000_000, "scanned": 10_000_000, "large": 100_000_000, "streamed": 1_000_000}
    for name, value in (small if options.quick else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


if __name__ == "__main__":
    main()
