"""`crmml demo` from nothing to its last screen: the bank made, every stage run."""

from __future__ import annotations

import json
import os
import time

from crmml import files
from crmml.demo.screen import screen
from crmml.demo.words import silent
from crmml.demo_bank import generate
from crmml.stages.abts import lay_ground
from crmml.stages.hands import hands
from crmml.stages.making import Say, Step
from crmml.stages.project import Project, open_project
from crmml.stages.run import run_stages

MONTHS = 60
JOBS = 2


def run_demo(*, customers: int, seed: int, only_bank: bool = False, say: Say) -> None:
    """Make the bank, run every stage, and print what came of it, all computed in the run.

    Raises
    ------
    NotFoundError
        If `configs/demo` is not there: the demo runs in the project's folder.
    """
    started = time.monotonic()
    project = open_project("configs/demo")
    jobs = 1 if only_bank else min(JOBS, len(os.sched_getaffinity(0)))
    with project.alone(), hands(jobs) as workers:
        make_bank(project, customers=customers, seed=seed, say=say)
        if only_bank:
            return
        run_stages(project, workers=workers, say=say)
        ground = lay_ground(project, say=silent)
        lines = list(screen(project, ground, seconds=lambda: time.monotonic() - started))
    print("\n".join(lines))


def make_bank(project: Project, *, customers: int, seed: int, say: Say) -> None:
    """The synthetic bank's raw tables and its truth, unless they are there already."""
    folder = project.workspace.data
    mark = folder / "made"
    step = Step("bank", mark, {"customers": str(customers), "seed": str(seed), "months": str(MONTHS)})
    if step.is_fresh() and (folder / "source").is_dir():
        say("bank      up to date")
        return
    say(f"bank      … {customers:,} customers, {MONTHS} months")
    generate(folder, customers=customers, months=MONTHS, seed=seed)
    with files.publish(mark, kind=step.name, inputs=step.all_inputs) as staged:
        staged.path("about.json").write_text(json.dumps({"customers": customers, "seed": seed}), encoding="utf-8")
