"""`python -m benchmarks.list_truth`: what the demo's list truly brings on banks that nobody tuned on, to docs/list_truth.md.

Each seed is another bank: drawn, trained and listed as a user does, then judged
by the generator's truth, beside the same number of contacts chosen by one column.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.list_truth_page import Bank, Other, page_of
from benchmarks.planted_logs import EFFECTS, planted
from benchmarks.report import machine
from crmml.demo.lists import LIST, before_arms, margin_of, margins, other_rankings, true_values
from crmml.demo_bank import judge
from crmml.stages.abts import lay_ground
from crmml.stages.project import Project, open_project
from crmml.targeting import rank_by

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "list_truth.md"
CUSTOMERS, SEEDS = 6_000, (21, 22, 23)
#: What a list of products needs: no other model, no page of another stage.
NEEDED = ("bank", "churn", "default", "uptake", "uplift", "cross_sell")


def measure(home: Path, *, customers: int, seed: int) -> Bank:
    """Draw the bank unless it is there, make its list as a user does, and look the truth up."""
    _configure(home)
    _crmml(home, "demo", "--customers", str(customers), "--seed", str(seed), "--only-bank")
    for stage in ("train", "score", "list"):
        _crmml(home, "run", "configs/demo", "--stage", stage)
    os.environ["CRMML_HOME"] = str(home)
    return judged(home, seed)


def judged(home: Path, seed: int) -> Bank:
    """A bank whose list is made, beside the truth. `CRMML_HOME` is its home."""
    project = open_project(home / "configs" / "demo")
    about = json.loads((project.workspace.of("lists", LIST) / "about.json").read_text(encoding="utf-8"))
    day = date.fromisoformat(about["cutoff_date"])
    table = pd.read_parquet(project.workspace.of("lists", LIST) / f"{LIST}.parquet")
    ours, chosen = table[table["arm"] == "treated"].reset_index(drop=True), before_arms(table)
    ground = lay_ground(project, say=lambda text: None)
    share = len(ours) / len(chosen)
    others = dict(other_rankings(project, ground, day, len(chosen)))
    truth = project.workspace.data / "truth"
    learned = json.loads((project.workspace.of("training", "uplift") / "metrics.json").read_text(encoding="utf-8"))
    return Bank(
        seed=seed,
        contacts=len(ours),
        effect_source=str(ours["effect_source"].iloc[0]),
        serves=learned["learning"]["serves"],
        expected=float(ours["expected_value"].sum()),
        true=float(true_values(project, ours, day).sum()),
        others=tuple(beside(project, chosen, rows, day, words, share) for words, rows in others.items()),
        best=share * float(true_values(project, _best(project, day, len(chosen)), day).sum()),
        **factors(truth, ours, day),
    )


def beside(project: Project, ours: pd.DataFrame, theirs: pd.DataFrame, day: date, words: str, share: float) -> Other:
    """Another choice of as many contacts, and by how much the list's true value exceeds it, customers drawn again.

    Of both choices all but `share` are held out by lot.
    """
    values = share * margins(project, ours, theirs, day)
    found = margin_of(values)
    error = float(values.std() * np.sqrt(len(values)))
    return Other(
        words, share * float(true_values(project, theirs, day).sum()), (found.value, found.low, found.high), error
    )  # type: ignore[arg-type]


def _best(project: Project, day: date, calls: int) -> pd.DataFrame:
    """The same number of contacts under the same capacities, ranked by the true value itself."""
    candidates = pd.read_parquet(project.workspace.of("lists", LIST) / "candidates.parquet")
    later = ("chosen", "control", "no_room", "not_worthwhile", "no_help")
    allowed = candidates[candidates["decision"].isin(later)].reset_index(drop=True)
    allowed["true_value"] = true_values(project, allowed, day)
    return rank_by(allowed[allowed["true_value"] > 0], "true_value", project.config.lists[LIST], rows=calls)


def factors(truth: Path, rows: pd.DataFrame, day: date) -> dict[str, float]:
    """By how much each factor of the expected value exceeds the truth, on the listed customers.

    `effect` is Σ served over Σ true effects; `value` weighs values with the true
    effects, so it is what foreseen values alone would do to the sum; `both` is the
    sum of the products over the true one, before costs.
    """
    frame = rows[["customer_id", "offer"]].assign(cutoff_date=pd.Timestamp(day))
    alone, asked = judge.true_takes(truth, frame)
    gain = np.nan_to_num(judge.true_offer_value(truth, frame))
    effect, served = np.nan_to_num(asked - alone), rows["effect"].to_numpy(float)
    value = rows["value_if_taken"].to_numpy(float)
    return {
        "chance_ratio": float(rows["prob_take"].sum() / np.nan_to_num(alone).sum()),
        "effect_ratio": float(served.sum() / effect.sum()),
        "value_ratio": float((value * effect).sum() / gain.sum()),
        "both_ratio": float((served * value).sum() / gain.sum()),
    }


def _configure(home: Path) -> None:
    """The demo's configs that a list of products needs; a home that has some keeps them."""
    folder = home / "configs" / "demo"
    if folder.exists():
        return
    folder.mkdir(parents=True)
    for name in NEEDED:
        shutil.copy(ROOT / "configs" / "demo" / f"{name}.yaml", folder)


def _crmml(home: Path, *words: str) -> None:
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "CRMML_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", "from crmml.cli import main; main()", *words]
    subprocess.run(command, cwd=home, env=environment, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.list_truth", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seed", type=int, action="append", help=f"one bank each (default: {SEEDS})")
    parser.add_argument("--home", type=Path, help="keep the banks and their models here (default: a folder that goes)")
    parser.add_argument(
        "--planted", action="store_true", help="measure the logs of known effect only; the banks' figures stay"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from the stored figures")
    options = parser.parse_args()
    stored = PAGE.with_suffix(".json")
    told = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {"banks": {}}
    with tempfile.TemporaryDirectory(prefix="crmml-list-truth-") as scratch:
        for seed in () if options.page or options.planted else options.seed or SEEDS:
            load = os.getloadavg()[0]
            bank = measure((options.home or Path(scratch)) / str(seed), customers=options.customers, seed=seed)
            told["banks"][str(seed)] = asdict(bank)
            told |= {"customers": options.customers, "machine": machine((load, os.getloadavg()[0]))}
            told["banks"] = dict(sorted(told["banks"].items(), key=lambda item: int(item[0])))
            stored.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if not options.page and (options.planted or not options.seed):
        told["planted"] = [asdict(planted(effect)) for effect in EFFECTS]
        stored.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page_of(told), encoding="utf-8")


if __name__ == "__main__":
    main()
