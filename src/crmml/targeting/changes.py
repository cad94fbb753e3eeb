"""What changed since an earlier list: who is new, who is gone, who has another offer, and why.

Only rows to contact are compared. Who is held out as control now is left out:
a row that is gone for no other reason would tell so. Who was held out then is
told as one who lost a place by order or lot.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from crmml.targeting.arms import CONTROL
from crmml.targeting.build import TargetList
from crmml.targeting.candidates import Table, as_frame
from crmml.targeting.why_not import Whys

NEW, GONE, OTHER = "new", "gone", "other_offer"
COLUMNS = (
    *("change", "customer_id", "name", "branch_id", "branch", "manager_id", "manager", "offer_before", "offer_now"),
    *("value_before", "value_now", "code", "why_zh", "why_en"),
)
TAKEN = ("taken", "已办理该产品", "has taken the product")
UNSCORED = ("not_scored", "没有评分(不在客群内或已离行)", "not scored (not of the population, or has left)")


def changes_between(new: TargetList, old: TargetList, holdings: Table | None = None) -> pd.DataFrame:
    """One row per customer to contact on one of two lists only, or with another offer, the columns of `COLUMNS`.

    Parameters
    ----------
    new, old
        The list, and the earlier one it is compared with.
    holdings
        What customers hold on the newest data: `customer_id, product_id, family`.

    Returns
    -------
    DataFrame
        Sorted by change (gone, new, other offer), branch, manager and customer. `code` and the words say why:
        of a row that is gone the rule, the price or that the product was taken; of a new row, what kept it
        off the earlier list.
    """
    now, before = _contacted(new), _contacted(old)
    both = now.add_suffix("_now").join(before.add_suffix("_before"), how="outer")
    held_out = new.table.loc[new.table["arm"] == CONTROL, "customer_id"]
    changed = both[both["offer_now"].ne(both["offer_before"]) & ~both.index.isin(held_out)]
    held = _held(holdings)
    whys = Whys.of(new, changed.index, with_values=False), Whys.of(old, changed.index, with_values=False)
    rows = [_row(str(customer), row, whys, held) for customer, row in changed.iterrows()]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["change", "branch_id", "manager_id", "customer_id"], ignore_index=True)


def kept_rows(new: TargetList, old: TargetList) -> int:
    """Customers to contact on both lists with the same offer."""
    now, before = _contacted(new)["offer"], _contacted(old)["offer"]
    shared = now.index.intersection(before.index)
    return int((now.loc[shared] == before.loc[shared]).sum())


def _contacted(targets: TargetList) -> pd.DataFrame:
    rows = targets.table[targets.table["arm"] != CONTROL].set_index("customer_id")
    wanted = ["name", "branch_id", "branch", "manager_id", "manager", "offer", "offer_zh", "offer_en", "expected_value"]
    return rows[wanted]


def _row(customer: str, row: pd.Series, whys: tuple[Whys, Whys], held: set[tuple[str, str]]) -> dict[str, object]:
    is_new, is_gone = pd.isna(row["offer_before"]), pd.isna(row["offer_now"])
    side = "before" if is_gone else "now"
    people = {name: row[f"{name}_{side}"] for name in ("name", "branch_id", "branch", "manager_id", "manager")}
    if is_new:
        code, zh, en = whys[1].reason(customer, str(row["offer_now"]), UNSCORED)
        zh, en = f"上次:{zh}", f"last time: {en}"
    else:
        offer = str(row["offer_before"])
        code, zh, en = TAKEN if (customer, offer) in held else whys[0].reason(customer, offer, UNSCORED)
    return {
        "change": GONE if is_gone else NEW if is_new else OTHER,
        "customer_id": customer,
        **people,
        "offer_before": None if is_new else f"{row['offer_zh_before']} {row['offer_en_before']}",
        "offer_now": None if is_gone else f"{row['offer_zh_now']} {row['offer_en_now']}",
        "value_before": row["expected_value_before"],
        "value_now": row["expected_value_now"],
        "code": code,
        "why_zh": zh,
        "why_en": en,
    }


def _held(holdings: Table | None) -> set[tuple[str, str]]:
    """Customer and product or family of everything held."""
    if holdings is None:
        return set()
    frame = as_frame(holdings)
    customers = frame["customer_id"].astype(str)
    return {pair for name in ("product_id", "family") for pair in zip(customers, frame[name].astype(str), strict=True)}


def counts(changes: pd.DataFrame, kept: int) -> Iterator[tuple[str, str, str, int]]:
    """Change, its words in both languages, and how many customers."""
    words = {NEW: ("新增", "new"), GONE: ("移出", "gone"), OTHER: ("换了产品", "another offer")}
    yield "kept", "保留", "kept", kept
    for change, (zh, en) in words.items():
        yield change, zh, en, int((changes["change"] == change).sum())
