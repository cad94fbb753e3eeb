"""Ratios measured side by side: `python -m benchmarks` prints one table and writes it to `docs/benchmarks.md`."""
