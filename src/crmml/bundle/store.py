"""A bundle on disk: text and JSON, sealed by a manifest that is checked before anything is parsed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from crmml import files
from crmml.bundle.encoding import Encoding
from crmml.bundle.part import Part
from crmml.bundle.reference import Reference
from crmml.bundle.rhythm import Rhythm
from crmml.bundle.served import Bundle
from crmml.errors import IntegrityError
from crmml.features.declare import FeatureInfo
from crmml.files import MANIFEST, Manifest

KIND = "bundle"
FORMAT = 1
_SEAL = "seal"
_CURVE = "horizons.json"
# What scores are made of. The card beside them may tell more without changing the model.
_SERVED = ("booster", "calibration.json", "features.json", "reference.json", "horizons.json")


def write(directory: Path, bundle: Bundle, *, inputs: Mapping[str, str] | None = None) -> Bundle:
    """Write a bundle as a folder that appears whole or not at all; returned with its digest.

    The same data, config and libraries give the same bytes.
    """
    texts = {_booster_name(part): part.text for part in bundle.parts}
    texts |= {
        "calibration.json": _json({part.name: _calibration(part) for part in bundle.parts}),
        "features.json": _json(
            {
                "features": [asdict(info) for info in bundle.features],
                "levels": {name: dict(levels) for name, levels in bundle.encoding.levels.items()},
            }
        ),
        "reference.json": _json(bundle.reference.as_dict()),
        "card.json": _json(bundle.card),
    }
    if bundle.curve:
        references = {str(months): reference.as_dict() for months, reference in bundle.curve.items()}
        texts[_CURVE] = _json({"speaks_of": bundle.horizon, "references": references})
    digest = model_digest({name: _sha(text) for name, text in texts.items()})
    about = {"name": bundle.name, "target": bundle.target, "digest": digest, "format": FORMAT}
    with files.publish(Path(directory), kind=KIND, inputs=inputs, about=about) as staged:
        for name, text in texts.items():
            staged.path(name).write_bytes(text.encode())
        sums = {name: _sha(text) for name, text in texts.items()}
        staged.about[_SEAL] = _seal(Manifest(KIND, dict(inputs or {}), about, {}, sums))
    return replace(bundle, digest=digest)


def load(directory: Path) -> Bundle:
    """The bundle of a folder, every byte checked before LightGBM sees one.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    IntegrityError
        If any file, or the manifest itself, is not what was written.
    """
    folder = Path(directory)
    manifest = _verified(folder)
    texts = {name: _read(folder, name, sha) for name, sha in manifest.files.items()}
    calibration = json.loads(texts["calibration.json"])
    stored = json.loads(texts["features.json"])
    infos = tuple(FeatureInfo(**entry) for entry in stored["features"])
    for values in calibration.values():
        values["start"] = {int(months): value for months, value in values.get("start", {}).items()}
        values["levels"] = {int(months): tuple(pair) for months, pair in values.get("levels", {}).items()}
    parts = tuple(
        Part(name, texts["booster.txt" if name == "log_odds" else f"booster_{name}.txt"], **_read_calibration(values))
        for name, values in calibration.items()
    )
    curve = json.loads(texts.get(_CURVE, '{"speaks_of": null, "references": {}}'))
    served = Bundle(
        name=manifest.about["name"],
        target=manifest.about["target"],
        features=infos,
        encoding=Encoding(tuple(info.name for info in infos), stored["levels"]),
        parts=parts,
        reference=Reference.from_dict(json.loads(texts["reference.json"])),
        card=json.loads(texts["card.json"]),
        digest=manifest.about["digest"],
        curve={int(months): Reference.from_dict(stored) for months, stored in curve["references"].items()},
    )
    return served if curve["speaks_of"] is None else served.at(curve["speaks_of"])


def model_digest(sums: Mapping[str, str]) -> str:
    """The digest of what scores are made of: boosters, calibration, features and reference."""
    return files.digest_of({name: sha for name, sha in sums.items() if name.startswith(_SERVED)})


def _verified(folder: Path) -> Manifest:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise _refused(folder, f"{MANIFEST} is missing")
    manifest = files.verify(folder, what=f"the bundle {folder.name}")
    # A manifest is text too: it must be exactly what was written, not only parse to something like it.
    if (folder / MANIFEST).read_bytes() != files.manifest_json(manifest).encode():
        raise _refused(folder, f"{MANIFEST} was edited")
    if manifest.about.get(_SEAL) != _seal(manifest) or manifest.kind != KIND:
        raise _refused(folder, f"{MANIFEST} does not belong to its files")
    found = manifest.about["format"]
    if found != FORMAT:
        do = "a newer crmml wrote it, upgrade crmml" if found > FORMAT else "an older crmml wrote it, train again"
        raise IntegrityError(
            f"the bundle {folder.name} has format {found}, expected {FORMAT}; {do}",
            code="M005",
        )
    return manifest


def _read(folder: Path, name: str, expected: str) -> str:
    """A file's text from the very bytes that were checked."""
    data = (folder / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != expected:
        raise _refused(folder, f"{name} changed while it was read")
    return data.decode()


def _seal(manifest: Manifest) -> str:
    about = {key: value for key, value in manifest.about.items() if key != _SEAL}
    return files.digest_of({**manifest.__dict__, "about": about, "rows": {}})


def _refused(folder: Path, found: str) -> IntegrityError:
    return IntegrityError(
        f"the bundle {folder.name}: {found}; expected it as it was written. Restore it or train again", code="M002"
    )


def _booster_name(part: Part) -> str:
    return "booster.txt" if part.name == "log_odds" else f"booster_{part.name}.txt"


def _calibration(part: Part) -> dict[str, Any]:
    """What stands beside the booster; the link only where it is not the plain one."""
    plain = {name: getattr(part, name) for name in ("intercept", "slope", "offset", "offset_slope")}
    if part.start:
        plain["start"] = {str(months): value for months, value in part.start.items()}
        plain["levels"] = {str(months): list(pair) for months, pair in part.levels.items()}
    if part.link == "identity":
        return plain
    rhythm = None if part.rhythm is None else asdict(part.rhythm)
    return plain | {"link": part.link, "floor": part.floor, "rhythm": rhythm, "months": part.months}


def _read_calibration(stored: Mapping[str, Any]) -> dict[str, Any]:
    rhythm = stored.get("rhythm")
    return {**stored, "rhythm": None if rhythm is None else Rhythm(**rhythm)}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
