"""Campaigns whose outcomes came back, as rows for the bank's table of contacts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.campaigns import contact_rows, has_outcomes, names, read_campaign, read_history
from crmml.campaigns.log import LOG
from crmml.sources.campaign_rows import with_campaigns
from crmml.sources.spec import BankSpec
from crmml.stages.making import code_version
from crmml.stages.project import Project

KIND, _ROWS = "campaigns", "contacts.parquet"
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

    They are made anew when the log of campaigns has grown; only then every
    campaign is read, and compared with what was written.

    Raises
    ------
    IntegrityError
        If a campaign or its outcomes were changed since.
    """
    home, folder = campaigns_home(project), project.workspace.of("campaigns")
    if not (home / LOG).is_file():
        return project.spec
    inputs = {"log": files.digest_file(home / LOG), "code": code_version()}
    if not files.is_fresh(folder, kind=KIND, inputs=inputs):
        campaigns = [read_campaign(home, name) for name in names(home)]
        told = [contact_rows(each, read_history(each)) for each in campaigns if has_outcomes(each)]
        with files.publish(folder, kind=KIND, inputs=inputs) as staged:
            if told:
                rows = pd.concat(told, ignore_index=True)
                pq.write_table(_table(rows), staged.path(_ROWS, rows=len(rows)))
    path = folder / _ROWS
    return with_campaigns(project.spec, path) if path.is_file() else project.spec


def _table(rows: pd.DataFrame) -> pa.Table:
    rows = rows.sort_values(["list_id", "customer_id"], kind="stable")
    columns = {
        field.name: pa.array([None if pd.isna(value) else value for value in rows[field.name]], field.type)
        for field in _SCHEMA
    }
    return pa.table(columns, schema=_SCHEMA)
