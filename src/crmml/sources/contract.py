"""The canonical tables: their grain, columns, types and keys.

A bank may leave out every optional table and column; what is there has these
names and types. Every dated table has `posted_on`, the day the bank knew the
row; where the source has none it is the row's own date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from crmml.economics.spec import CREDIT_FAMILIES, DEPOSIT_FAMILIES, FAMILIES

__all__ = [
    "CONTRACT",
    "CREDIT_FAMILIES",
    "DEPOSIT_FAMILIES",
    "FAMILIES",
    "HISTORIES",
    "ROLES",
    "SQL_TYPES",
    "Column",
    "TableContract",
    "Type",
]

Type = Literal["text", "date", "money", "rate", "integer", "number", "boolean"]

SQL_TYPES: dict[Type, str] = {
    "text": "VARCHAR",
    "date": "DATE",
    "money": "DECIMAL(18,2)",
    "rate": "DOUBLE",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
}

ROLES = ("owner", "joint", "authorised")


@dataclass(frozen=True)
class Column:
    """One column. A `rate` is a fraction (0.035), never a percentage; `minimum` is the least value allowed."""

    type: Type
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None


@dataclass(frozen=True)
class TableContract:
    """One canonical table.

    `key` names the columns that are unique together (empty: rows may repeat);
    `date` is the row's own date; `announced` tables may be known before it (a
    rate that is valid from next month); `parents` maps a column to the table
    whose key it must be found in; `periods` are pairs of columns in order;
    `clustered` tables are stored by customer, then date; the first of
    `posted_from` that is not null fills an empty `posted_on`.
    """

    name: str
    grain: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    date: str | None = None
    announced: bool = False
    parents: Mapping[str, str] = field(default_factory=dict)
    periods: tuple[tuple[str, str], ...] = ()
    clustered: bool = False
    posted_from: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, column in self.columns.items() if column.required)

    @property
    def sql_types(self) -> dict[str, str]:
        """Column to DuckDB type, in canonical order."""
        return {name: SQL_TYPES[column.type] for name, column in self.columns.items()}


def _columns(text: str) -> Iterator[tuple[str, Column]]:
    """Columns from lines of `name type`; `*` marks required ones, `>=0` a minimum, `a|b` the choices."""
    for line in text.strip().splitlines():
        name, kind, *rest = line.split()
        choices = next((tuple(word.split("|")) for word in rest if "|" in word), ())
        minimum = next((float(word[2:]) for word in rest if word.startswith(">=")), None)
        yield name.rstrip("*"), Column(kind, name.endswith("*"), choices, minimum)  # type: ignore[arg-type]


def _table(
    name: str,
    grain: str,
    columns: str,
    *,
    key: str = "",
    date: str | None = None,
    announced: bool = False,
    parents: dict[str, str] | None = None,
    periods: tuple[tuple[str, str], ...] = (),
    clustered: bool = False,
    posted_from: str = "",
) -> TableContract:
    parsed = dict(_columns(columns))
    if date is not None:
        parsed["posted_on"] = Column("date")
    return TableContract(
        name=name,
        grain=grain,
        columns=parsed,
        key=tuple(key.split()),
        date=date,
        announced=announced,
        parents=parents or {},
        periods=periods,
        clustered=clustered,
        posted_from=tuple(posted_from.split()) or ((date,) if date else ()),
    )


_FAMILY_WORDS = "|".join(FAMILIES)

_TABLES = (
    _table(
        "customers",
        "One row per customer (with valid_from: per customer and change)",
        """
        customer_id*       text
        kind               text  person|company
        name               text
        born_on            date
        gender             text
        region             text
        industry           text
        occupation         text
        income             money
        branch_id          text
        manager_id         text
        joined_on          date
        left_on            date
        refuses_marketing  boolean
        valid_from         date
        valid_to           date
        """,
        key="customer_id valid_from",
        date="valid_from",
        announced=True,
        parents={"branch_id": "branches", "manager_id": "managers"},
        periods=(("joined_on", "left_on"), ("valid_from", "valid_to")),
    ),
    _table(
        "accounts",
        "One row per account",
        """
        account_id*   text
        customer_id   text
        product_id*   text
        opened_on*    date
        closed_on     date
        currency      text
        branch_id     text
        """,
        key="account_id",
        date="opened_on",
        announced=True,
        parents={"customer_id": "customers", "product_id": "products", "branch_id": "branches"},
        periods=(("opened_on", "closed_on"),),
    ),
    _table(
        "account_terms",
        "One row per account and change of its terms",
        """
        account_id*    text
        valid_from*    date
        interest_rate  rate
        credit_limit   money  >=0
        matures_on     date
        """,
        key="account_id valid_from",
        date="valid_from",
        announced=True,
        parents={"account_id": "accounts"},
    ),
    _table(
        "account_holders",
        "One row per account, customer and time of holding",
        f"""
        account_id*   text
        customer_id*  text
        role          text  {"|".join(ROLES)}
        share         rate  >=0
        since         date
        until         date
        """,
        key="account_id customer_id since",
        date="since",
        announced=True,
        parents={"account_id": "accounts", "customer_id": "customers"},
        periods=(("since", "until"),),
    ),
    _table(
        "transactions",
        "One row per booking",
        """
        account_id*           text
        valued_on*            date
        amount*               money
        transaction_id        text
        balance               money
        kind                  text
        channel               text
        counterparty_account  text
        """,
        key="account_id transaction_id",
        date="valued_on",
        parents={"account_id": "accounts"},
        clustered=True,
    ),
    _table(
        "balances",
        "One row per account and day (or month end)",
        """
        account_id*  text
        balance_on*  date
        balance*     money
        """,
        key="account_id balance_on",
        date="balance_on",
        parents={"account_id": "accounts"},
        clustered=True,
    ),
    _table(
        "activity",
        "One row per customer, period and measure",
        """
        customer_id*  text
        period_end*   date
        measure*      text
        value*        number
        """,
        key="customer_id period_end measure",
        date="period_end",
        parents={"customer_id": "customers"},
        clustered=True,
    ),
    _table(
        "loans",
        "One row per loan",
        """
        loan_id*          text
        account_id*       text
        granted_on*       date
        principal*        money  >=0
        interest_rate     rate
        term_months       integer  >=0
        instalment        money  >=0
        closed_on         date
        collateral_value  money  >=0
        outcome           text
        outcome_known_on  date
        written_off_on    date
        recovered         money  >=0
        """,
        key="loan_id",
        date="granted_on",
        announced=True,
        parents={"account_id": "accounts"},
        periods=(("granted_on", "closed_on"), ("granted_on", "written_off_on")),
    ),
    _table(
        "arrears",
        "One row per loan and date",
        """
        loan_id*        text
        as_of*          date
        days_past_due*  integer  >=0
        overdue_amount  money  >=0
        outstanding     money  >=0
        provision       money  >=0
        """,
        key="loan_id as_of",
        date="as_of",
        parents={"loan_id": "loans"},
    ),
    _table(
        "products",
        "One row per product",
        f"""
        product_id*    text
        family*        text  {_FAMILY_WORDS}
        name           text
        main           boolean
        risk_weight    number  >=0
        ccf_class      text
        interest_rate  rate
        annual_fee     money
        """,
        key="product_id",
    ),
    _table(
        "events",
        "One row per event of a customer",
        """
        customer_id*  text
        happened_on*  date
        kind*         text
        status        text
        closed_on     date
        """,
        date="happened_on",
        parents={"customer_id": "customers"},
        periods=(("happened_on", "closed_on"),),
    ),
    _table(
        "relations",
        "One row per related pair of customers and kind of relation",
        """
        customer_id*  text
        related_id*   text
        relation*     text
        since         date
        until         date
        """,
        key="customer_id related_id relation since",
        date="since",
        announced=True,
        parents={"customer_id": "customers", "related_id": "customers"},
        periods=(("since", "until"),),
    ),
    _table(
        "contacts",
        "One row per customer assigned to a campaign's arm",
        """
        customer_id*  text
        product_id*   text
        assigned_on*  date
        arm*          text  treated|control
        is_contacted  boolean
        contacted_on  date
        channel       text
        list_id       text
        responded_on  date
        outcome       text
        """,
        key="customer_id product_id assigned_on list_id",
        date="assigned_on",
        announced=True,
        parents={"customer_id": "customers", "product_id": "products"},
        periods=(("assigned_on", "contacted_on"), ("assigned_on", "responded_on")),
    ),
    _table(
        "labels",
        "One row per customer, cut-off and target",
        """
        customer_id*  text
        cutoff_date*  date
        target*       text
        value*        number
        known_on      date
        """,
        key="customer_id cutoff_date target",
        date="cutoff_date",
        parents={"customer_id": "customers"},
        periods=(("cutoff_date", "known_on"),),
        posted_from="known_on cutoff_date",
    ),
    _table(
        "rates",
        "One row per kind, key, tenor and change",
        """
        kind*         text  ftp|fx
        key*          text
        tenor_months  integer  >=0
        valid_from*   date
        rate*         number
        """,
        key="kind key tenor_months valid_from",
        date="valid_from",
        announced=True,
    ),
    _table(
        "branches",
        "One row per branch",
        """
        branch_id*  text
        parent_id   text
        name        text
        """,
        key="branch_id",
        parents={"parent_id": "branches"},
    ),
    _table(
        "managers",
        "One row per customer manager",
        """
        manager_id*  text
        branch_id*   text
        name         text
        """,
        key="manager_id",
        parents={"branch_id": "branches"},
    ),
)

CONTRACT: Mapping[str, TableContract] = MappingProxyType({table.name: table for table in _TABLES})
HISTORIES = ("transactions", "balances", "activity")
