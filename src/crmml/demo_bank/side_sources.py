"""The raw tables beside the core: credit, holders, relations, campaigns, events, electronic banking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from crmml.demo_bank.books import stacked
from crmml.demo_bank.draws import Ints
from crmml.demo_bank.foresight import CHURN_MONTHS
from crmml.demo_bank.state import State
from crmml.demo_bank.words import OFFERS, SAVINGS
from crmml.demo_bank.writing import account_ids, compact, customer_ids, days, money, words

_OFFER_PRODUCT = ("3010", "1210", "5010", "4010", "2010")


def _records(state: State, name: str, width: int) -> tuple[NDArray, ...]:
    parts = state.records.get(name)
    return stacked(parts) if parts else tuple(np.zeros(0, dtype=np.int64) for _ in range(width))


def _matched(numbers: Ints, keys: Ints, values: Ints, *, missing: int) -> Ints:
    """The value of each number's key, or `missing`."""
    order = np.argsort(keys)
    keys, values = keys[order], values[order]
    if not len(keys):
        return np.full(len(numbers), missing, dtype=np.int64)
    place = np.minimum(np.searchsorted(keys, numbers), len(keys) - 1)
    return np.where(keys[place] == numbers, values[place], missing)


def loan_tables(state: State) -> dict[str, pa.Table]:
    """Loans with their terms and end, and their arrears at each month end."""
    number, _, day, principal, rate, term, instalment, collateral = _records(state, "loans", 8)
    order = np.argsort(number)
    number, day, principal, rate, term, instalment, collateral = (
        column[order] for column in (number, day, principal, rate, term, instalment, collateral)
    )
    ended = _matched(number, *_records(state, "loan_ends", 2), missing=-1)
    off_number, off_day, off_recovered = _records(state, "write_offs", 3)
    off = _matched(number, off_number, off_day, missing=-1)
    recovered = _matched(number, off_number, off_recovered, missing=0)
    written = off >= 0
    outcome = np.where(written, 2, np.where(ended >= 0, 1, 0))
    loans = pa.table(
        {
            "due_bill_no": account_ids(number),
            "acct_no": account_ids(number),
            "ln_dt": compact(day),
            "ln_amt": money(principal),
            "ln_rate_pct": np.round(rate.astype(float) * 100, 4),
            "ln_term_mth": term.astype(np.int32),
            "inst_amt": money(instalment),
            "coll_amt": money(collateral),
            "stl_dt": compact(np.maximum(ended, 0), absent=ended < 0),
            "ln_sts": words(outcome, ("NORMAL", "SETTLED", "WRITTEN_OFF")),
            "wo_dt": compact(np.maximum(off, 0), absent=~written),
            "wo_rcv_amt": money(recovered),
        }
    )
    number, _, as_of, past_due, overdue, owed, provision = _records(state, "arrears", 7)
    order = np.lexsort((as_of, number))
    number, as_of, past_due, overdue, owed, provision = (
        column[order] for column in (number, as_of, past_due, overdue, owed, provision)
    )
    arrears = pa.table(
        {
            "due_bill_no": account_ids(number),
            "stat_dt": days(as_of),
            "ovd_days": past_due.astype(np.int32),
            "ovd_amt": money(overdue),
            "ln_bal": money(owed),
            "prov_amt": money(provision),
        }
    )
    return {"loan_ledger": loans, "loan_overdue": arrears}


def holder_and_relation_tables(state: State) -> dict[str, pa.Table]:
    """Owners of accounts; some couples share a savings account; owners of firms may sign for them."""
    people, months = state.people, state.months
    number, rows, family, opened = stacked(state.books.opened)
    order = np.argsort(number)
    number, rows, family, opened = number[order], rows[order], family[order], opened[order]
    even = np.flatnonzero((people.number % 2 == 0) & (np.arange(len(people)) + 1 < len(people)))
    couple = even[people.married[even] & people.married[even + 1]]
    twins = even[people.same_as_previous[even + 1]]
    shares_home = even[
        (state.draws.uniform("household")[even] < 0.04) & ~people.company[even] & ~people.company[even + 1]
    ]
    firm = even[people.company[even] ^ people.company[even + 1]]
    joint = np.isin(rows, couple) & (family == SAVINGS) & (state.draws.uniform("joint")[rows] < 0.6)
    partner = rows[joint] + 1
    has = people.has_history[partner]
    joint[np.flatnonzero(joint)[~has]] = False
    partner = rows[joint] + 1
    thirds = state.draws.uniform("joint share")[rows[joint]] < 0.3
    share = np.where(thirds, 0.3333, 0.5)
    since = np.maximum(opened[joint], people.joined_on[partner])
    until = state.left_on[partner]
    end = _matched(number[joint], *_closings(state), missing=2**31)
    end = np.where(until > 0, np.minimum(until, end), end)
    keeps = (since < months.ends[-1]) & (since < end)
    own_share = np.ones(len(number))
    own_share[np.flatnonzero(joint)[keeps]] = 1 - share[keeps]
    holders = [(number, rows, np.zeros(len(rows), int), own_share, opened, np.zeros(len(rows), dtype=np.int64))]
    holders.append(
        (number[joint][keeps], partner[keeps], np.ones(keeps.sum(), int), share[keeps], since[keeps], until[keeps])
    )
    owner = np.where(people.company[firm], firm + 1, firm)
    business = np.where(people.company[firm], firm, firm + 1)
    signs = np.isin(rows, business) & (family == 0)
    signer = _matched(rows[signs], business, owner, missing=0)
    holders.append(
        (
            number[signs],
            signer,
            np.full(signs.sum(), 2),
            np.zeros(signs.sum()),
            opened[signs],
            np.zeros(signs.sum(), int),
        )
    )
    return {
        "core_acct_holder": _holder_table(state, holders),
        "crm_relation": _relation_table(state, couple, twins, shares_home, firm, owner, business),
    }


def _closings(state: State) -> tuple[Ints, Ints]:
    number, day = stacked(state.books.closed) if state.books.closed else (np.zeros(0, int), np.zeros(0, int))
    return number, day


def _holder_table(state: State, parts: Sequence[tuple[NDArray, ...]]) -> pa.Table:
    number, rows, role, share, since, until = stacked(parts)
    order = np.lexsort((role, number))
    number, rows, role, share, since, until = (column[order] for column in (number, rows, role, share, since, until))
    return pa.table(
        {
            "acct_no": account_ids(number),
            "cust_no": customer_ids(state.people.number[rows]),
            "hold_typ": words(role, ("MAIN", "JOINT", "AUTH")),
            "hold_pct": np.round(share * 100, 2),
            "beg_dt": compact(since),
            "end_dt": compact(until, absent=until == 0),
        }
    )


def _relation_table(
    state: State, couple: Ints, twins: Ints, home: Ints, firm: Ints, owner: Ints, business: Ints
) -> pa.Table:
    first = np.concatenate([couple, twins, home, owner])
    second = np.concatenate([couple + 1, twins + 1, home + 1, business])
    kind = np.repeat(np.arange(4), [len(couple), len(twins), len(home), len(firm)])
    since = np.maximum(state.people.joined_on[first], state.people.joined_on[second])
    order = np.lexsort((kind, np.minimum(first, second)))
    order = order[since[order] <= state.months.ends[-1]]
    first, second, kind, since = first[order], second[order], kind[order], since[order]
    return pa.table(
        {
            "cust_no_a": customer_ids(state.people.number[first]),
            "cust_no_b": customer_ids(state.people.number[second]),
            "rel_typ": words(kind, ("spouse", "same_person", "household", "owner")),
            "rel_dt": compact(since),
        }
    )


def service_tables(state: State) -> dict[str, pa.Table]:
    """Complaints and the monthly use of channels."""
    rows, day, closed = _records(state, "complaints", 3)
    order = np.lexsort((day, rows))
    rows, day, closed = rows[order], day[order], closed[order]
    still = closed > state.months.ends[-1]
    complaints = pa.table(
        {
            "cust_no": customer_ids(state.people.number[rows]),
            "evt_dt": compact(day),
            "evt_typ": pa.array(np.full(len(rows), "complaint")),
            "evt_sts": words(still.astype(np.int64), ("CLOSED", "OPEN")),
            "cls_dt": compact(np.where(still, 0, closed), absent=still),
        }
    )
    rows, end, logins, visits = _records(state, "channel_use", 4)
    order = np.lexsort((end, rows))
    rows, end, logins, visits = rows[order], end[order], logins[order], visits[order]
    use = pa.table(
        {
            "cust_no": customer_ids(state.people.number[rows]),
            "stat_dt": days(end),
            "mob_login_cnt": logins.astype(np.int32),
            "cntr_visit_cnt": visits.astype(np.int32),
        }
    )
    return {"crm_event": complaints, "ebank_month": use}


def campaign_table(state: State) -> dict[str, pa.Table]:
    """Who was drawn for which offer, who was called, and who then took it."""
    rows, offer, day, treated, called, month = _records(state, "contacts", 6)
    taker, taken_offer, taken_day, taken_month = _records(state, "taken", 4)
    order = np.lexsort((offer, month, rows))
    rows, offer, day, treated, called, month = (
        c[order] for c in (rows, offer, day, treated.astype(bool), called, month)
    )
    key = (rows * 5 + offer) * 1000 + month
    taken_key = (taker * 5 + taken_offer) * 1000 + taken_month
    response = np.full(len(rows), -1, dtype=np.int64)
    for later in range(3):
        found = _matched(key + later, taken_key, taken_day, missing=-1)
        response = np.where(response < 0, found, response)
    reached = called >= 0
    took = reached & (response > 0) & (response >= called)
    unknown = reached & ~took & (called + 60 > state.months.ends[-1])
    outcome = np.where(~reached, 0, np.where(took, 1, np.where(unknown, 0, 2)))
    names = tuple(_OFFER_PRODUCT)
    table = pa.table(
        {
            "camp_no": pa.array([f"C{m:03d}{OFFERS[o]}" for m, o in zip(month, offer, strict=True)]),
            "cust_no": customer_ids(state.people.number[rows]),
            "prd_cd": words(offer, names),
            "asgn_dt": compact(day),
            "grp_flg": words(treated.astype(np.int64), ("C", "T")),
            "call_dt": compact(np.maximum(called, 0), absent=~reached),
            "chnl_cd": pa.array(np.where(reached, "phone", "")),
            "rsp_dt": compact(np.maximum(response, 0), absent=~took),
            "rslt_cd": words(outcome, ("", "accepted", "declined")),
        }
    )
    return {"crm_campaign": table}


def truth_table(state: State) -> dict[str, pa.Table]:
    """One row per active customer and month end: the chances as they are."""
    rows, end, leaves, defaults, worth, alone, asked, values = _records(state, "truth", 8)
    order = np.lexsort((end, rows))
    columns = {
        "customer_id": customer_ids(state.people.number[rows][order]),
        "cutoff_date": days(end[order]),
        **{f"prob_churn_{months}m": leaves[order, place] for place, months in enumerate(CHURN_MONTHS)},
        "prob_default_12m": _known(defaults[order]),
        "contribution_12m": worth[order],
    }
    for offer, name in enumerate(OFFERS):
        columns[f"prob_take_3m_{name}"] = _known(alone[order, offer])
        columns[f"prob_take_3m_{name}_contacted"] = _known(asked[order, offer])
        columns[f"value_if_taken_{name}"] = _known(values[order, offer])
    return {"monthly": pa.table(columns)}


def _known(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
