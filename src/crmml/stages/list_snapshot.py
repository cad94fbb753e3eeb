"""What a list was made from, kept in the list's own folder, so that it can be made again after everything else changed.

`replay/` in the folder of a list mirrors the folders it was made from: the score files as they were served, the
directory, and of the features only the columns that the models and rules read, for the customers who were candidates.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crmml import bundle, registry
from crmml.config.mapping import build
from crmml.errors import IntegrityError
from crmml.files import Staged
from crmml.peers import STANDING_COLUMNS
from crmml.stages.making import code_version
from crmml.stages.project import Project
from crmml.stages.provisioning import accounts_file
from crmml.stages.scores import read_served
from crmml.stages.uplift import EFFECTS
from crmml.targeting import ListSpec

FOLDER = "replay"
_ABOUT = f"{FOLDER}/list.json"
# The value at risk of an offer that keeps customers, where no model forecasts it.
PAST_VALUE = "contribution_12m"
_WORDS = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Snapshot:
    """The kept sources of a list: where they lie, what was asked, and by which models it was answered.

    `models` maps the key of a model to its `name, version, digest` and `bundle` (relative to the folder of models);
    `effects` those that foretell what a contact changes.
    """

    folder: Path
    spec: ListSpec
    cutoff: date
    suppress_as_of: date
    currency: str
    code: str
    models: Mapping[str, Mapping[str, Any]]
    effects: Mapping[str, Mapping[str, Any]]

    @property
    def scores(self) -> Path:
        return self.folder / "scores"

    @property
    def directory(self) -> Path:
        return self.folder / "directory"

    @property
    def features(self) -> Path:
        return self.folder / "features"

    @property
    def feature_file(self) -> Path:
        return self.features / "features" / f"{self.cutoff}.parquet"

    @property
    def peer_file(self) -> Path:
        return self.features / "peers" / f"{self.cutoff}.parquet"


def keep_snapshot(
    staged: Staged,
    project: Project,
    spec: ListSpec,
    *,
    customers: Iterable[str],
    sources: tuple[Path, Path, Path],
    effects: Path | None = None,
    cutoff: date,
    suppress_as_of: date,
) -> None:
    """Copy what a list was made from into its folder.

    `sources` are the folders of features, scores and directory; `effects` that of what contacts change, where a model
    foretells it.
    """
    features, scores, directory = sources
    served = read_served(scores)
    models = {key: _origin(project, model) for key, model in served.items()}
    of_effects: dict[str, Any] = {}
    if effects is not None:
        told = json.loads((effects / "about.json").read_text(encoding="utf-8"))
        of_effects = {key: _origin(project, model) for key, model in told.items()}
        shutil.copyfile(effects / EFFECTS, staged.path(f"{FOLDER}/directory/{EFFECTS}"))
    for key in served:
        for name in (f"{key}.parquet", accounts_file(key)):
            if (scores / name).exists():
                shutil.copyfile(scores / name, staged.path(f"{FOLDER}/scores/{name}"))
    shutil.copyfile(scores / "models.json", staged.path(f"{FOLDER}/scores/models.json"))
    for path in sorted(directory.glob("*.parquet")):
        shutil.copyfile(path, staged.path(f"{FOLDER}/directory/{path.name}"))
    peers = f"peers/{cutoff}.parquet"
    if (features / peers).exists():
        shutil.copyfile(features / peers, staged.path(f"{FOLDER}/features/{peers}"))
    read = _columns_read(project, spec, {**models, **of_effects})
    _copy_rows(features / "features" / f"{cutoff}.parquet", staged, cutoff, read, customers)
    about = {
        "spec": dataclasses.asdict(spec),
        "cutoff": str(cutoff),
        "suppress_as_of": str(suppress_as_of),
        "currency": project.spec.currency,
        "code": code_version(),
        "models": models,
        "effects": of_effects,
    }
    staged.path(_ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in the folder of a list.

    Raises
    ------
    IntegrityError
        M002 where there is none, or it cannot be read: the list was made by an older crmml.
    """
    path = folder / _ABOUT
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        spec = build(ListSpec, about["spec"], where=str(path))
        days = date.fromisoformat(about["cutoff"]), date.fromisoformat(about["suppress_as_of"])
        models = about["models"], about["effects"]
        return Snapshot(folder / FOLDER, spec, *days, about["currency"], about["code"], *models)
    except (OSError, ValueError, KeyError) as error:
        raise IntegrityError(
            f"{path} cannot be read ({error}); expected what the list was made from. Build the list again "
            "(crmml list) with this crmml",
            code="M002",
        ) from error


def _origin(project: Project, model: Mapping[str, Any]) -> dict[str, Any]:
    """Where the bundle of a served model lies, and by which digest it is known."""
    log = registry.log(model["name"], models=project.workspace.models)
    entry = next((entry for entry in reversed(log) if entry.version == str(model["version"])), None)
    if entry is None:
        raise IntegrityError(
            f"{model['name']} version {model['version']} served the scores and is not in the log of promotions; "
            "expected every champion there. Restore models/, or score again",
            code="M002",
        )
    return {"name": entry.model, "version": entry.version, "digest": entry.digest, "bundle": entry.bundle}


def _columns_read(project: Project, spec: ListSpec, models: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The feature columns that models, peers' segments and rules can read."""
    rules = [*spec.eligibility, *(rule for offer in spec.offers for rule in offer.eligibility)]
    read = {word for rule in rules for word in _WORDS.findall(rule.where)} | {"customer_id", "cutoff_date", "event_id"}
    read |= {*STANDING_COLUMNS, *spec.value.segments, PAST_VALUE}
    for model in models.values():
        read |= set(bundle.load(project.workspace.models / model["bundle"]).encoding.read)
    return {name.casefold() for name in read}


def _copy_rows(path: Path, staged: Staged, cutoff: date, read: set[str], customers: Iterable[str]) -> None:
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name.casefold() in read]
        rows = file.read(columns=names)
    kept = rows.filter(pc.is_in(rows["customer_id"].cast("string"), pa.array(sorted(set(customers)), type=pa.string())))
    target = f"{FOLDER}/features/features/{cutoff}.parquet"
    pq.write_table(kept, staged.path(target, rows=kept.num_rows), compression="zstd")
