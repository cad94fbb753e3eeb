"""Freezing a list as a campaign, and taking its outcomes in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files
from crmml.campaigns import (
    Campaign,
    Checked,
    check_returned,
    contact_rows,
    content_of,
    has_outcomes,
    names,
    read_campaign,
    read_history,
    read_returned,
    require_control,
    require_name,
    take_in,
    write_campaign,
)
from crmml.campaigns.outcomes import already_taken_in
from crmml.campaigns.report import report
from crmml.campaigns.sentences import sentences
from crmml.errors import NotFoundError, SourceError, UsageError, did_you_mean
from crmml.registry.promotions import read_log
from crmml.reporting.campaign_page import campaign_page
from crmml.stages.campaign_data import returned_of_bank
from crmml.stages.campaign_rows import campaigns_home
from crmml.stages.list_snapshot import read_snapshot
from crmml.stages.making import Say
from crmml.stages.project import Project, open_project
from crmml.stages.scores import product_of
from crmml.stages.tables import make_tables
from crmml.targeting import ListSpec
from crmml.targeting.arms import EXPLORE

HORIZON = 3
"""Months within which taking an offer counts where no model of it says another horizon."""


def freeze_list(
    folder: str | Path, wanted: str, *, name: str, purpose: str, owner: str, on: date | None = None, say: Say
) -> dict[str, Any]:
    """Freeze a list of a bank under a campaign's name; what was frozen.

    Raises
    ------
    NotFoundError
        If there is no such list, or it was not built yet.
    GateError
        If its control arm is too small to judge it by.
    IntegrityError
        If the name stands for other content, or the list is frozen already.
    """
    require_name(name)
    for what, text in (("--purpose", purpose), ("--owner", owner)):
        if not text.strip():
            raise UsageError(f"{what} is empty; expected words that people know the campaign by", code="U009")
    project = open_project(folder)
    with project.alone():
        key, source = _list_of(project, wanted)
        about = _about(project, key, source, name=name, purpose=purpose, owner=owner, on=on)
        is_new = write_campaign(campaigns_home(project), source, about)
    say(f"campaign  {name} {'frozen' if is_new else 'is frozen with this very content already'}")
    arms = about["arms"].values()
    return {
        "campaign": name,
        "list_id": about["list_id"],
        "assigned_on": about["assigned_on"],
        **{arm: sum(each[arm] for each in arms) for arm in ("treated", "control", "explore")},
        "content": about["content"],
        "folder": str(campaigns_home(project) / name),
    }


def _list_of(project: Project, wanted: str) -> tuple[str, Path]:
    """The list meant by its name, its config file or its list id, and the folder of its results."""
    known = {key: project.workspace.of("lists", key) for key in project.config.lists}
    key = Path(wanted).stem if wanted.endswith((".yaml", ".yml")) else wanted
    for each, folder in known.items():
        path = folder / "about.json"
        if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["list_id"] == wanted:
            key = each
    if key not in known:
        raise NotFoundError(
            f"list {wanted!r} not found; expected one of {', '.join(known) or 'none'} or a list id."
            f"{did_you_mean(key, known)}",
            code="M001",
        )
    files.require_manifest(known[key], what=f"list {key}", do="build it first: `crmml list`")
    return key, known[key]


def _about(
    project: Project, key: str, source: Path, *, name: str, purpose: str, owner: str, on: date | None
) -> dict[str, Any]:
    told = json.loads((source / "about.json").read_text(encoding="utf-8"))
    is_kept = (source / "replay").is_dir()  # a list made before snapshots were kept has the config's word only
    spec = read_snapshot(source).spec if is_kept else project.config.lists[key]
    first = date.fromisoformat(told["suppress_as_of"])
    assigned_on = on or first
    if assigned_on < first:
        raise UsageError(
            f"--on is {assigned_on}, before {first}, the newest data the list was drawn with; expected that day or later",
            code="U001",
        )
    rows = pd.read_parquet(source / f"{key}.parquet")
    terms = {"purpose": purpose, "owner": owner, "assigned_on": str(assigned_on)}
    drawn = rows[rows["arm"] != EXPLORE]
    return {
        "name": name,
        "bank": project.spec.name,
        "list": key,
        "list_id": told["list_id"],
        "content": content_of(source, terms),
        **terms,
        "cutoff_date": told["cutoff_date"],
        "suppress_as_of": told["suppress_as_of"],
        "call_by": told["call_by"],
        "models": _models(project, told["models"]),
        "arms": require_control(rows),
        "control_share": float((drawn["arm"] == "control").mean()),
        "explore_share": float((rows["arm"] == EXPLORE).mean()),
        "expected": {name: told[name] for name in ("expected_takers", "expected_value", "contact_cost", "incentive")},
        "effect_source": told["effect_source"],
        "offers": _offers(project, spec, sorted(rows["offer"].unique())),
        "waterfall": _records(source / "waterfall.parquet"),
        "capacity_use": _records(source / "capacity_use.parquet"),
        "spec": json.loads(json.dumps(asdict(spec), default=str)),
    }


def _models(project: Project, versions: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Version, digest and bundle of every model the list stands on."""
    log = read_log(project.workspace.models)
    found = {}
    for model, version in versions.items():
        line = next((each for each in reversed(log) if (each.model, each.version) == (model, version)), None)
        known = {} if line is None else {"digest": line.digest, "bundle": line.bundle}
        found[model] = {"version": version, **known}
    return found


def _offers(project: Project, spec: ListSpec, offered: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Words, kind, products and horizon of every offer on the list."""
    months = {product_of(model): model.spec.horizon.months for model in project.config.models.values()}
    path = project.workspace.of("tables") / "products.parquet"
    products = pd.read_parquet(path, columns=["product_id", "family"]) if path.is_file() else None
    found = {}
    for offer in spec.offers:
        if offer.product not in offered:
            continue
        ids = [offer.product]
        if products is not None:
            fits = (products["product_id"] == offer.product) | (products["family"] == offer.product)
            ids = sorted(products.loc[fits, "product_id"].astype(str)) or ids
        found[offer.product] = {
            "zh": offer.zh,
            "en": offer.en,
            "kind": offer.kind,
            "products": ids if offer.kind == "sell" else [],
            "horizon_months": months.get(offer.product, HORIZON),
        }
    return found


def _records(path: Path) -> list[dict[str, Any]]:
    frame = pd.read_parquet(path)
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso", force_ascii=False))
    return found


def list_campaigns(folder: str | Path) -> list[dict[str, Any]]:
    """The campaigns of a bank: list, day, rows by arm, whether outcomes came."""
    home = campaigns_home(open_project(folder))
    found = []
    for name in names(home):
        campaign = read_campaign(home, name)
        found.append(
            {
                "campaign": name,
                "list_id": campaign.list_id,
                "assigned_on": campaign.assigned_on,
                **{arm: int((campaign.rows["arm"] == arm).sum()) for arm in ("treated", "control", "explore")},
                "owner": campaign.about["owner"],
                "purpose": campaign.about["purpose"],
                "entries": len(read_history(campaign)) if has_outcomes(campaign) else 0,
            }
        )
    return found


def take_outcomes(
    folder: str | Path,
    name: str,
    paths: Sequence[Path],
    *,
    on: date | None = None,
    from_contacts: bool = False,
    restore_ids: bool = False,
    say: Say,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Take the outcomes of a campaign in; a line of counts per source, and every fault.

    Raises
    ------
    SourceError
        D041 if a file lacks a column: then nothing of any file is taken in.
    """
    if not paths and not from_contacts:
        raise UsageError("no outcomes given; expected files, or --from-contacts for the bank's own data", code="U009")
    project = open_project(folder)
    with project.alone():
        home = campaigns_home(project)
        campaign = read_campaign(home, name)
        given = _given(project, campaign, paths, on=on, from_contacts=from_contacts, say=say)
        lines, faults = [], []
        for source, returned, known_on, sha in given:
            if returned.empty:
                say(
                    f"campaign  {source}: no status, day of contact or result is entered on any row; nothing is taken in"
                )
            if already_taken_in(campaign, sha, on):
                say(f"campaign  {source} was taken in before; nothing changes")
                lines.append(
                    {
                        "source": source,
                        "rows": len(returned),
                        "new": 0,
                        "known": len(returned),
                        "copies": 0,
                        "set_aside": 0,
                    }
                )
                continue
            checked = check_returned(campaign, returned, known_on=known_on, restore_ids=restore_ids)
            about = {
                "known_on": str(known_on),
                "file": sha,
                "entered": checked.rows,
                "set_aside": len(checked.set_aside),
            }
            new, known = take_in(home, campaign, checked.entries, source=source, about=about)
            lines.append(
                {
                    "source": source,
                    "rows": checked.rows,
                    "new": new,
                    "known": known,
                    "copies": checked.copies,
                    "set_aside": len(checked.set_aside),
                }
            )
            faults += [f"{source}: {fault}" for fault in checked.faults]
            if len(checked.set_aside):
                say(f"set aside {_set_aside(project, campaign, checked, sha)}")
    return lines, faults


Given = tuple[str, pd.DataFrame, date, str]


def _given(
    project: Project, campaign: Campaign, paths: Sequence[Path], *, on: date | None, from_contacts: bool, say: Say
) -> list[Given]:
    """Every source read, before anything of one is taken in."""
    today = on or date.today()  # the day a file came back, unless it is said; no feature reads it
    if today < campaign.assigned_on:
        raise UsageError(
            f"the day of the outcomes is {today}, before {campaign.assigned_on}, on which {campaign.name} began; "
            "say with --on up to which day the files speak",
            code="U001",
        )
    found: list[Given] = []
    broken = []
    for path in paths:
        if not path.is_file():
            raise NotFoundError(
                f"no file {path}; expected a workbook, a CSV or a Parquet file of outcomes", code="M001"
            )
        try:
            found.append((path.name, read_returned(path), today, files.digest_file(path)))
        except SourceError as error:
            broken.append(error)
    if broken:
        told = "\n  ".join(error.message for error in broken)
        raise SourceError(told if len(broken) == 1 else f"{len(broken)} files:\n  {told}\n ", code=broken[0].code)
    if from_contacts:
        bank = make_tables(project, say=say)
        given = contact_rows(campaign, read_history(campaign))
        for source, returned, until in returned_of_bank(bank, campaign, given, say=say):
            sha = files.digest_of([source, str(until), returned.to_dict("records")])
            found.append((source, returned, until, sha))
    return found


def _set_aside(project: Project, campaign: Campaign, checked: Checked, sha: str) -> Path:
    """The rows set aside, as they came, with every reason; opens in a spreadsheet by double-click."""
    path = project.workspace.out / f"campaign-{campaign.name}-set-aside-{sha[:8]}.csv"
    frame = checked.set_aside.drop(columns="row").assign(row=checked.set_aside["row"])
    # A tab after an id of digits keeps it text in a spreadsheet, as on the way out.
    ids = frame["customer_id"].map(lambda text: text + "\t" if text.isdecimal() else text)
    files.write_atomic(path, "\ufeff" + frame.assign(customer_id=ids).to_csv(index=False, lineterminator="\r\n"))
    return path


def report_campaign(
    folder: str | Path, name: str, *, as_of: date | None = None
) -> tuple[dict[str, Any], list[str], Path]:
    """What a campaign brought, in figures and in words, and the page that shows it.

    `as_of` leaves out what was told of later days.
    """
    project = open_project(folder)
    campaign = read_campaign(campaigns_home(project), name)
    told = report(campaign, read_history(campaign, as_of=as_of), as_of=as_of)
    words = sentences(told)
    page = project.workspace.out / f"campaign-{campaign.name}.html"
    bank = (project.spec.title_zh, project.spec.title_en)
    files.write_atomic(page, campaign_page(bank, told, words, currency=project.spec.currency))
    return told, [f"{zh} / {en}" for zh, en in words], page
