"""The headline figures of a training, as they are kept, read again and said."""

from __future__ import annotations

import json
from typing import Any

from crmml.modelling.spec import ModelSpec
from crmml.stages.project import Project
from crmml.stages.workspace import Workspace


def read_summary(workspace: Workspace, key: str) -> dict[str, Any]:
    """The figures of a model trained before."""
    path = workspace.of("training", key) / "summary.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def read_metrics(project: Project, key: str) -> dict[str, Any]:
    path = project.workspace.of("training", key) / "metrics.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def summary_of(spec: ModelSpec, metrics: dict[str, Any], *, version: str, digest: str) -> dict[str, Any]:
    """The headline figures of a model, flat."""
    measure, headline = metrics["measure"], metrics["headline"]
    figure, slope, ratio = headline[measure], headline["calibration_slope"], headline["observed_over_expected"]
    benchmark = metrics["benchmark"]
    return {
        "model": spec.name,
        "version": version,
        "tested_on": metrics["tested_on"],
        "stamp": metrics["stamp"],
        "measure": measure,
        "value": figure["value"],
        "low": figure["low"],
        "high": figure["high"],
        "calibration_slope": slope["value"],
        "slope_low": slope["low"],
        "slope_high": slope["high"],
        "observed_over_expected": ratio["value"],
        "ratio_low": ratio["low"],
        "ratio_high": ratio["high"],
        "benchmark": benchmark["name"],
        "gates_failed": [gate["name"] for gate in metrics["gates"] if not gate["passed"]],
        "digest": digest,
    }


def sentence_of(summary: dict[str, Any]) -> str:
    failed = ", ".join(summary["gates_failed"])
    stamp = f" ({summary['stamp']})" if summary["stamp"] else ""
    return (
        f"{summary['model']} version {summary['version']}: {summary['measure']} {summary['value']:.3f} "
        f"[{summary['low']:.3f}, {summary['high']:.3f}]{stamp}, calibration slope {summary['calibration_slope']:.2f}; "
        + (f"gates failed: {failed}" if failed else "all gates passed")
    )
