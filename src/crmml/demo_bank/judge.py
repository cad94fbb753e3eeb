"""The only reader of the synthetic bank's truth: how good is a score, a forecast, a list, knowing the answer?

Frames hold `customer_id` and `cutoff_date` (a month end), one row per customer
and cut-off; results keep their order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmml.demo_bank.foresight import CHURN_MONTHS
from crmml.demo_bank.words import OFFERS
from crmml.errors import NotFoundError, did_you_mean

Floats = NDArray[np.float64]

_COLUMNS = {"churn": "prob_churn_3m", "default": "prob_default_12m"}
_COLUMNS |= {f"churn_{months}m": f"prob_churn_{months}m" for months in CHURN_MONTHS}
_COLUMNS |= {f"uptake_{offer}": f"prob_take_3m_{offer}" for offer in OFFERS}
_UNKNOWN = 0.5
_DRIVERS = {
    "churn": "cash_flow",
    "default": "credit",
    "uptake_card": "salary",
    "uptake_time_deposit": "balances",
    "uptake_investment": "balances",
    "uptake_insurance": "credit",
    "uptake_loan": "cash_flow",
}


def true_probability(truth: Path, target: str, frame: pd.DataFrame) -> Floats:
    """The true chance of `target` for each row of `frame`.

    It is nan where the event cannot happen (product held, nothing owed) and for customers without any account.

    `churn`: closed in the three months after the next; `churn_<n>m`: in so many (1, 3, 6, 12). `default`: 90 days past
    due within twelve months. `uptake_<offer>`: taken within three months, uncontacted.

    Raises
    ------
    ValueError
        If the target is unknown.
    NotFoundError
        If more than half of the rows have no truth: they are of another bank.
    """
    if target not in _COLUMNS:
        raise ValueError(f"no truth for {target!r}; there is {', '.join(_COLUMNS)}.{did_you_mean(target, _COLUMNS)}")
    return _looked_up(truth, frame, _COLUMNS[target])[_COLUMNS[target]].to_numpy(dtype=float)


def auc_of_truth(truth: Path, target: str, frame: pd.DataFrame) -> float:
    """Area under the ROC curve of the true chances on the labels (0 or 1) of `frame`: no model does better on average.

    Rows whose true chance is unknown are left out.

    Raises
    ------
    ValueError
        If the labels of the rows with a known chance are all alike.
    """
    chance = true_probability(truth, target, frame)
    known = ~np.isnan(chance)
    happened = frame["label"].to_numpy(dtype=float)[known] > 0.5
    events, others = int(happened.sum()), int((~happened).sum())
    if not events or not others:
        raise ValueError(f"{target}: an AUC needs both labels, got {events} events and {others} others")
    ranks = pd.Series(chance[known]).rank().to_numpy()
    return float((ranks[happened].sum() - events * (events + 1) / 2) / (events * others))


def true_contribution(truth: Path, frame: pd.DataFrame) -> Floats:
    """Expected contribution of the twelve months after each cut-off, in yuan."""
    return _looked_up(truth, frame, "contribution_12m")["contribution_12m"].to_numpy(dtype=float)


def true_offer_value(truth: Path, frame: pd.DataFrame) -> Floats:
    """Expected yuan that contacting each customer with `offer` brings: true uplift times true value if taken.

    The cost of the contact is not subtracted; nan where the offer cannot be taken.
    """
    offers = frame["offer"].to_numpy()
    unknown = sorted(set(offers) - set(OFFERS))
    if unknown:
        raise ValueError(f"no truth for the offer {unknown[0]!r}; there is {', '.join(OFFERS)}")
    names = [f"{stem}{offer}{end}" for offer in OFFERS for stem, end in _OFFER_COLUMNS]
    facts = _looked_up(truth, frame, *names)
    value = np.full(len(frame), np.nan)
    for offer in OFFERS:
        alone, asked, worth = (facts[f"{stem}{offer}{end}"].to_numpy(dtype=float) for stem, end in _OFFER_COLUMNS)
        value = np.where(offers == offer, (asked - alone) * worth, value)
    return value


def true_takes(truth: Path, frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """Chances that each customer takes `offer` within three months: left alone, and contacted.

    0 where the offer cannot be taken (held already, no account left), nan for
    an offer that is no product of this bank.
    """
    facts = _looked_up(truth, frame, *(f"prob_take_3m_{offer}{end}" for offer in OFFERS for end in ("", "_contacted")))
    offers = frame["offer"].to_numpy()
    alone, asked = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    for offer in OFFERS:
        mine = offers == offer
        alone[mine] = facts[f"prob_take_3m_{offer}"].fillna(0.0).to_numpy(dtype=float)[mine]
        asked[mine] = facts[f"prob_take_3m_{offer}_contacted"].fillna(0.0).to_numpy(dtype=float)[mine]
    return alone, asked


_OFFER_COLUMNS = (("prob_take_3m_", ""), ("prob_take_3m_", "_contacted"), ("value_if_taken_", ""))


def true_drivers(target: str) -> str:
    """The concept group whose features foretell `target` most strongly, by construction."""
    if target not in _DRIVERS:
        raise ValueError(f"no driver of {target!r} is planted; there is {', '.join(_DRIVERS)}")
    return _DRIVERS[target]


def _looked_up(truth: Path, frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    path = Path(truth) / "monthly.parquet"
    if not path.is_file():
        raise NotFoundError(f"no truth in {truth}; only the synthetic bank has one, run `crmml demo`", code="M001")
    facts = pd.read_parquet(path, columns=["customer_id", "cutoff_date", *columns])
    facts["cutoff_date"] = pd.to_datetime(facts["cutoff_date"]).astype("datetime64[s]")
    asked = pd.DataFrame(
        {
            "customer_id": frame["customer_id"].astype(str).to_numpy(),
            "cutoff_date": pd.to_datetime(frame["cutoff_date"]).astype("datetime64[s]").to_numpy(),
        }
    )
    found = asked.merge(facts, on=["customer_id", "cutoff_date"], how="left", indicator=True)
    missing = int((found["_merge"] != "both").sum())
    # Customers without any account have no truth; a table of strangers has none for most.
    if missing > _UNKNOWN * len(frame):
        raise NotFoundError(
            f"{missing:,} of {len(frame):,} rows have no truth; expected customers of this bank", code="M001"
        )
    return found
