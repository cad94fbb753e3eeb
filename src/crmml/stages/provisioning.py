"""PD, EAD, LGD and expected loss of every borrower and loan account at a cut-off, beside the default scores.

Inputs for the bank's own provisioning; nothing here claims to comply with an accounting or a capital rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.config import Model
from crmml.economics.loss import expected_loss
from crmml.files import Staged
from crmml.ledger.exposures import credit_exposures
from crmml.reporting.provision_page import provision_page
from crmml.sources.bank import Bank
from crmml.stages.making import Say
from crmml.stages.project import Project

#: IFRS 9, 5.5.11: more than 30 days past due is presumed a significant increase in credit risk.
SICR_DAYS = 30
YEAR = 12
NO_CLAIM = {
    "zh": "供银行自行计提准备参考的输入;不声明符合任何会计或资本监管规则。阶段提示仅依据逾期天数,信用风险显著增加的其他判断由银行作出。",
    "en": (
        "Inputs for the bank's own provisioning; no claim of compliance with any accounting or capital rule. The stage is "
        "a hint by days past due alone; any other judgement of a significant increase in credit risk is the bank's."
    ),
}


def write_provision(
    staged: Staged, bank: Bank, model: Model, day: date, *, in_default: Iterable[str], say: Say
) -> None:
    """Add exposure and expected loss to a default model's scores, and write them by account with sums by grade.

    The file of scores gets `ead`, `lgd` (weighted by exposure) and `expected_loss_12m` of each customer;
    `<model>.accounts.parquet` has a row for each customer and loan account, `<model>.provision.json` the sums.
    `in_default` are the customers whom the label leaves out as in default at the cut-off.
    """
    reason = why_not(bank, model)
    if reason:
        say(f"          {model.spec.name}: no expected loss by account ({reason})")
        return
    path = staged.path(f"{model.key}.parquet")
    scores = pq.read_table(path)
    accounts = provision_of(
        credit_exposures(bank, day),
        scores.select(["customer_id", "prob_default", "grade"]).to_pandas(),
        default_days=bank.spec.default_dpd,
        in_default=in_default,
    )
    pq.write_table(with_expected_loss(scores, accounts), path, compression="zstd")
    told = staged.path(accounts_file(model.key), rows=len(accounts))
    accounts.insert(1, "cutoff_date", day)
    pq.write_table(pa.Table.from_pandas(accounts, preserve_index=False), told, compression="zstd")
    sums = provision_sums(accounts)
    staged.path(f"{model.key}.provision.json").write_text(
        json.dumps(
            {"cutoff_date": str(day), "currency": bank.spec.currency, **sums, "no_claim": NO_CLAIM},
            indent=1,
            ensure_ascii=False,
        )
        + "\n",
        encoding="utf-8",
    )
    say(
        f"          {model.spec.name}: expected loss of 12 months {sums['total']['expected_loss_12m']:,.0f} on "
        f"{sums['total']['ead']:,.0f} of exposure, {sums['total']['accounts']:,} loan accounts"
        + (f"; {sums['without']:,} without a probability or an exposure" if sums["without"] else "")
    )


def accounts_file(key: str) -> str:
    """The file of loan accounts beside the scores of a default model."""
    return f"{key}.accounts.parquet"


def with_expected_loss(scores: pa.Table, accounts: pd.DataFrame) -> pa.Table:
    """Scores with `ead`, `lgd` and `expected_loss_12m` of each customer, from the rows of `provision_of`."""
    customers = by_customer(accounts, pd.Index(scores["customer_id"].to_pylist()))
    for name in customers:
        scores = scores.append_column(name, pa.array(customers[name].to_numpy(dtype=float), from_pandas=True))
    return scores


def why_not(bank: Bank, model: Model) -> str:
    """Why a default model's scores carry no expected loss; empty where they do."""
    horizon = model.spec.horizon
    if horizon.months != YEAR or horizon.gap:
        return f"its horizon is {horizon.months} months with a gap of {horizon.gap}, expected 12 and 0"
    if not bank.has("loans"):
        return "the bank has no loans"
    if bank.spec.economics is None:
        return "bank.yaml has no economics, so no LGD"
    return ""


def provision_of(
    exposures: pd.DataFrame, scores: pd.DataFrame, *, default_days: int, in_default: Iterable[str] = ()
) -> pd.DataFrame:
    """Loan accounts with PD, stage hint and expected loss.

    Parameters
    ----------
    exposures : DataFrame
        From `credit_exposures`.
    scores : DataFrame
        `customer_id`, `prob_default` (calibrated, twelve months), `grade`.
    default_days : int
        Days past due from which an account is in default. Its holder is, with all accounts: their PD is 1.
    in_default : iterable of str
        Customers in default for another reason.

    Returns
    -------
    DataFrame
        `prob_default_12m`, `prob_default_source` (model, in default, none), `grade`, `stage_hint` and
        `expected_loss_12m` = `prob_default_12m` × `lgd` × `ead`, exactly; null where a factor is.
    """
    rows = exposures.merge(scores, on="customer_id", how="left", validate="many_to_one")
    late = rows["days_past_due"].to_numpy()
    defaulted = {*rows["customer_id"][late >= default_days], *in_default}
    is_default = rows["customer_id"].isin(defaulted).to_numpy()
    probability = np.where(is_default, 1.0, rows["prob_default"].to_numpy(dtype=float))
    known = ~(np.isnan(probability) | rows["ead"].isna().to_numpy())
    loss = np.full(len(rows), np.nan)
    factors = (probability, rows["lgd"].to_numpy(dtype=float), rows["ead"].to_numpy(dtype=float))
    loss[known] = expected_loss(*(factor[known] for factor in factors))
    return rows.drop(columns=["prob_default", "grade"]).assign(
        prob_default_12m=probability,
        prob_default_source=np.where(is_default, "in default", np.where(np.isnan(probability), "none", "model")),
        grade=rows["grade"].where(~is_default, "default"),
        stage_hint=np.where(is_default, 3, np.where(late > SICR_DAYS, 2, 1)),
        expected_loss_12m=loss,
    )


def by_customer(accounts: pd.DataFrame, customers: pd.Index) -> pd.DataFrame:
    """`ead`, `lgd` (its mean, weighted by exposure) and `expected_loss_12m` of each customer; null without a loan."""
    rows = accounts[accounts["ead"].notna() & (accounts["prob_default_source"] == "model")]
    weighted = rows.assign(lost=rows["lgd"] * rows["ead"])
    sums = weighted.groupby("customer_id")[["ead", "lost"]].sum()
    probability = rows.groupby("customer_id")["prob_default_12m"].first()
    lgd = (sums["lost"] / sums["ead"]).where(sums["ead"] > 0, rows.groupby("customer_id")["lgd"].mean())
    told = pd.DataFrame({"ead": sums["ead"], "lgd": lgd})
    told["expected_loss_12m"] = expected_loss(probability.to_numpy(), told["lgd"].to_numpy(), told["ead"].to_numpy())
    return told.reindex(customers)


def provision_sums(accounts: pd.DataFrame) -> dict[str, Any]:
    """Accounts, exposure and expected loss by grade, by stage hint and by product family, and in all."""
    known = accounts[accounts["expected_loss_12m"].notna()]
    return {
        "total": _sum_of(known),
        "without": len(accounts) - len(known),
        "by_grade": _sums_by(
            known, "grade", order=lambda grade: (not grade.isdigit(), int(grade) if grade.isdigit() else 0)
        ),
        "by_stage": _sums_by(known, "stage_hint"),
        "by_family": _sums_by(known, "family"),
    }


def _sums_by(rows: pd.DataFrame, column: str, order: Any = None) -> list[dict[str, Any]]:
    groups = {str(name): part for name, part in rows.groupby(column, sort=True)}
    return [{column: name, **_sum_of(groups[name])} for name in sorted(groups, key=order)]


def _sum_of(rows: pd.DataFrame) -> dict[str, Any]:
    ead, loss = round(float(rows["ead"].sum()), 2), round(float(rows["expected_loss_12m"].sum()), 2)
    return {
        "accounts": int(rows["account_id"].nunique()),
        "customers": int(rows["customer_id"].nunique()),
        "ead": ead,
        "expected_loss_12m": loss,
        "share_of_exposure": loss / ead if ead else None,
    }


def write_page(project: Project, scores: Path, model: Model, version: str) -> None:
    """`out/<bank>/expected-loss-<model>.html`, where a folder of scores has expected losses."""
    path = scores / f"{model.key}.provision.json"
    if path.exists():
        page = provision_page(
            json.loads(path.read_text(encoding="utf-8")),
            bank=(project.spec.title_zh, project.spec.title_en),
            model=model.spec.name,
            version=version,
        )
        files.write_atomic(project.workspace.out / f"expected-loss-{model.key}.html", page)
