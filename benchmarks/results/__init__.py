"""Figures on public data: `python -m benchmarks.results` measures each data set and writes `docs/results.md`.

A module of this package that has a `measure()` is a data set. It is measured in
a process of its own, in a fresh project home that holds a copy of `configs/`.
"""
