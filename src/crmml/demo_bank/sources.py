"""The raw tables, named as the bank's systems name them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crmml.demo_bank.books import stacked
from crmml.demo_bank.draws import Ints
from crmml.demo_bank.state import State
from crmml.demo_bank.words import (
    BRANCHES,
    CHANNELS,
    CURRENT,
    FAMILIES,
    INDUSTRIES,
    KINDS,
    LOAN,
    MANAGERS_PER_BRANCH,
    OCCUPATIONS,
    PRODUCTS,
    REGIONS,
    firm_names,
    person_names,
)
from crmml.demo_bank.writing import account_ids, compact, customer_ids, days, money, words

LATE_SHARE = 0.005
_PRODUCT = {family: code for code, family, *_ in reversed(PRODUCTS)}
_FIRM_PRODUCT = {CURRENT: "1020", LOAN: "2020"}


def fixed_tables() -> dict[str, pa.Table]:
    """Tables that do not grow with customers: products, branches, managers."""
    columns = list(zip(*PRODUCTS, strict=True))
    names = [f"{zh}|{en}" for zh, en in zip(columns[3], columns[4], strict=True)]
    main = ["Y" if counts else "N" for counts in columns[2]]
    products = pa.table(
        {"prd_cd": columns[0], "prd_cls": columns[1], "main_flg": main, "prd_nm": names, "rwa_wgt": columns[5]}
    )
    codes = [f"B{index + 1:02d}" for index in range(len(BRANCHES))]
    branches = pa.table(
        {"org_no": ["B00", *codes], "up_org_no": [None, *["B00"] * len(codes)], "org_nm": ["总行", *BRANCHES]}
    )
    count = len(BRANCHES) * MANAGERS_PER_BRANCH
    managers = pa.table(
        {
            "mgr_no": [f"M{index + 1:02d}" for index in range(count)],
            "org_no": [codes[index // MANAGERS_PER_BRANCH] for index in range(count)],
            "mgr_nm": [f"客户经理{index + 1:02d}" for index in range(count)],
        }
    )
    return {"prod_dict": products, "org_branch": branches, "org_manager": managers}


def customer_table(state: State) -> pa.Table:
    people, draws = state.people, state.draws
    first, second, third = (draws.uniform("name", k) for k in range(3))
    persons = person_names(first, second, third)
    other = np.maximum(np.arange(len(people)) - 1, 0)
    persons = [
        persons[j] if same else persons[i]
        for i, (j, same) in enumerate(zip(other, people.same_as_previous, strict=True))
    ]
    firms = firm_names(people.region, first, second, people.industry)
    yearly = np.where(people.company, people.income, people.income * 12 * np.exp(0.25 * draws.normal("declared")))
    absent = draws.uniform("declares") < 0.1
    person = ~people.company
    return pa.table(
        {
            "cust_no": customer_ids(people.number),
            "cust_typ": words(people.company.astype(np.int64) + 1, ("", "1", "2")),
            "cust_nm": [
                firm if is_firm else name for firm, name, is_firm in zip(firms, persons, people.company, strict=True)
            ],
            "birth_dt": compact(people.born_on),
            "sex_cd": pa.array(np.where(person, np.where(people.female, "F", "M"), "")),
            "area_nm": words(people.region, REGIONS),
            "indus_nm": pa.array(np.where(person, "", np.array(INDUSTRIES)[people.industry])),
            "occup_nm": pa.array(np.where(person, np.array(OCCUPATIONS)[people.occupation], "")),
            "year_inc_amt": pa.array(np.round(yearly, -3), mask=absent),
            "org_no": pa.array([f"B{b + 1:02d}" for b in people.branch]),
            "mgr_no": pa.array([f"M{m + 1:02d}" for m in people.manager]),
            "open_dt": compact(people.joined_on),
            "cncl_dt": compact(state.left_on, absent=state.left_on == 0),
            "mkt_refuse_flg": words(people.refuses.astype(np.int64), ("N", "Y")),
        }
    )


def account_table(state: State) -> tuple[pa.Table, Ints, Ints]:
    """The accounts, sorted by number, with their numbers and closing days (-1 while open)."""
    number, rows, family, opened = stacked(state.books.opened)
    order = np.argsort(number)
    number, rows, family, opened = number[order], rows[order], family[order], opened[order]
    closed = np.full(len(number), -1, dtype=np.int64)
    if state.books.closed:
        gone, day = stacked(state.books.closed)
        closed[np.searchsorted(number, gone)] = day
    company = state.people.company[rows]
    product = np.array([_PRODUCT[name] for name in FAMILIES])[family]
    for code, text in _FIRM_PRODUCT.items():
        product = np.where(company & (family == code), text, product)
    table = pa.table(
        {
            "acct_no": account_ids(number),
            "cust_no": customer_ids(state.people.number[rows]),
            "prd_cd": pa.array(product),
            "open_dt": compact(opened),
            "cls_dt": compact(np.maximum(closed, 0), absent=closed < 0),
            "ccy_cd": pa.array(np.full(len(number), "CNY")),
            "org_no": pa.array([f"B{b + 1:02d}" for b in state.people.branch[rows]]),
        }
    )
    return table, number, closed


def term_table(state: State) -> pa.Table:
    number, day, rate, limit = stacked(state.books.terms)
    order = np.lexsort((day, number))
    number, day, rate, limit = number[order], day[order], rate[order], limit[order]
    last = np.append((number[1:] != number[:-1]) | (day[1:] != day[:-1]), True)
    number, day, rate, limit = number[last], day[last], rate[last], limit[last]
    return pa.table(
        {
            "acct_no": account_ids(number),
            "eff_dt": compact(day),
            "int_rate_pct": np.round(rate * 100, 4),
            "crd_lmt": pa.array(limit, mask=np.isnan(limit)),
        }
    )


def booking_table(state: State, accounts: Ints, closed: Ints) -> pa.Table:
    """Bookings by account and day; some are posted days after they count, none after the account closed."""
    number, rows, day, cents, kind, channel, counter = stacked(state.books.bookings)
    order = np.lexsort((kind, day, number))
    number, rows, day, cents, kind, channel, counter = (
        column[order] for column in (number, rows, day, cents, kind, channel, counter)
    )
    new = np.append(True, number[1:] != number[:-1])
    begin = np.flatnonzero(new)
    serial = np.arange(len(number)) - np.repeat(begin, np.diff(np.append(begin, len(number))))
    luck = state.draws.uniform("late", rows=rows, index=number * 100_000 + serial)
    delay = np.where(luck < LATE_SHARE, 1 + (luck / LATE_SHARE * 20).astype(np.int64), 0)
    end = closed[np.searchsorted(accounts, number)]
    last = np.where(end < 0, state.months.ends[-1], np.minimum(end, state.months.ends[-1]))
    posted = np.maximum(np.minimum(day + delay, last), day)
    return pa.table(
        {
            "jrn_no": pa.array(number * 10_000 + serial),
            "acct_no": account_ids(number),
            "val_dt": days(day),
            "acct_dt": days(posted),
            "dr_cr_flg": words((cents > 0).astype(np.int64), ("D", "C")),
            "txn_amt": money(np.abs(cents)),
            "smry_cd": words(kind, KINDS),
            "chnl_cd": words(channel, CHANNELS),
            "opp_acct_no": account_ids(counter, absent=counter == 0),
        }
    )
