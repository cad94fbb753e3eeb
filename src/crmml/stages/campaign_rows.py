"""Campaigns whose outcomes came back, as rows for the bank's table of contacts."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.campaigns import contact_rows, has_outcomes, names, read_campaign, read_history
from crmml.sources.campaign_rows import with_campaigns
from crmml.sources.spec import BankSpec
from crmml.stages.project import Project

_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("product_id", pa.string()),
        ("assigned_on", pa.date32()),
        ("arm", pa.string()),
        ("is_contacted", pa.bool_()),
        ("contacted_on", pa.date32()),
        ("channel", pa.string()),
        ("list_id", pa.string()),
        ("responded_on", pa.date32()),
        ("outcome", pa.string()),
    ]
)


def campaigns_home(project: Project) -> Path:
    """Where a bank's frozen campaigns are kept."""
    return project.workspace.models / "campaigns" / project.spec.name


def with_campaign_rows(project: Project) -> BankSpec:
    """The bank's spec, with the rows of its campaigns as a source where any has outcomes.

    Raises
    ------
    IntegrityError
        If a campaign or its outcomes were changed since.
    """
    home = campaigns_home(project)
    campaigns = [read_campaign(home, name) for name in names(home)]
    told = [contact_rows(each, read_history(each)) for each in campaigns if has_outcomes(each)]
    if not told:
        return project.spec
    path = project.workspace.of("campaigns") / "contacts.parquet"
    data = _parquet(pd.concat(told, ignore_index=True))
    if not path.is_file() or path.read_bytes() != data:
        files.write_atomic(path, data)
    return with_campaigns(project.spec, path)


def _parquet(rows: pd.DataFrame) -> bytes:
    rows = rows.sort_values(["list_id", "customer_id"], kind="stable")
    columns = {
        field.name: pa.array([None if pd.isna(value) else value for value in rows[field.name]], field.type)
        for field in _SCHEMA
    }
    written = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_SCHEMA), written)
    return written.getvalue()
