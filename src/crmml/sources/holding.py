"""Accounts and who holds them, with the day each was known."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from crmml.errors import SourceError, did_you_mean
from crmml.sources.bank import Bank
from crmml.sources.contract import DEPOSIT_FAMILIES, FAMILIES


def holders(bank: Bank) -> ir.Table:
    """One row per account, holding customer and time of holding.

    Columns: account_id, customer_id, role (owner, joint), share, since, until,
    posted_on (null: always known). Authorised persons do not hold and are left
    out. `share` lies in [0, 1] and is null where the bank gives none: then the
    holders of the day share equally what the others leave, which only the day
    can tell, since holders come and go. A customer holds at the end of a day
    `d` when `since <= d` (or null) and `until > d` (or null).

    Where the bank has `account_holders` they alone say who holds: mixed with
    `accounts.customer_id`, a holder listed later would change who held before.
    """
    if not bank.has("account_holders"):
        return _single_holders(bank)
    listed = bank.table("account_holders")
    holding = listed.mutate(role=listed.role.fill_null("owner")).filter(lambda t: t.role != "authorised")
    return holding.mutate(share=_share(holding.share))[_HOLDER_COLUMNS]


_HOLDER_COLUMNS = ["account_id", "customer_id", "role", "share", "since", "until", "posted_on"]


def _share(value: ir.Value) -> ir.Value:
    return value.cast("decimal(12, 9)")


def _single_holders(bank: Bank) -> ir.Table:
    """One owner an account: as `accounts.customer_id` says, or each customer with an account of the same id."""
    if bank.has("accounts"):
        owned = bank.table("accounts").filter(lambda t: t.customer_id.notnull())
        source = owned.select("account_id", "customer_id", since="opened_on", posted_on="posted_on")
    else:
        source = _own_accounts(bank).mutate(customer_id=lambda t: t.account_id, since=ibis.null("date"))
    return source.mutate(role=ibis.literal("owner"), share=_share(ibis.literal(1)), until=ibis.null("date"))[
        _HOLDER_COLUMNS
    ]


def _own_accounts(bank: Bank) -> ir.Table:
    customers = bank.table("customers")
    return customers.select(account_id=customers.customer_id).distinct().mutate(posted_on=ibis.null("date"))


def accounts(bank: Bank) -> ir.Table:
    """One row per account.

    Columns: account_id, product_id, family, main, opened_on, closed_on,
    currency, branch_id, posted_on. Without accounts each customer has one
    current account, opened when the customer joined. Without products a
    product's id must be a family. Where `main` is not given, deposit products
    are main.

    Raises
    ------
    SourceError
        If a product has no family.
    """
    if not bank.has("accounts"):
        return _accounts_of_customers(bank)
    held = bank.table("accounts")
    if bank.has("products"):
        products = bank.table("products").select("product_id", "family", "main")
        joined = held.left_join(products, "product_id").drop("product_id_right")
    else:
        joined = held.mutate(family=held.product_id, main=ibis.null("boolean"))
    _require_families(joined)
    return joined.mutate(main=ibis.coalesce(joined.main, joined.family.isin(DEPOSIT_FAMILIES)))[_ACCOUNT_COLUMNS]


_ACCOUNT_COLUMNS = [
    "account_id",
    "product_id",
    "family",
    "main",
    "opened_on",
    "closed_on",
    "currency",
    "branch_id",
    "posted_on",
]


def _accounts_of_customers(bank: Bank) -> ir.Table:
    opened = (
        bank.table("customers")
        .group_by("customer_id")
        .aggregate(opened_on=lambda t: t.joined_on.min(), branch_id=lambda t: t.branch_id.min())
    )
    return opened.mutate(
        account_id=opened.customer_id,
        product_id=ibis.literal("current"),
        family=ibis.literal("current"),
        main=ibis.literal(True),
        closed_on=ibis.null("date"),
        currency=ibis.literal(bank.spec.currency),
        posted_on=opened.opened_on,
    )[_ACCOUNT_COLUMNS]


def _require_families(joined: ir.Table) -> None:
    unknown = joined.filter(joined.family.isnull() | ~joined.family.isin(FAMILIES))
    found = unknown.select("product_id").distinct().order_by("product_id").limit(5).to_pyarrow()
    if found.num_rows:
        names = found["product_id"].to_pylist()
        raise SourceError(
            f"accounts: products {', '.join(names)} have no family; expected a row in products, or one of "
            f"{', '.join(FAMILIES)} as product_id.{did_you_mean(names[0], FAMILIES)}",
            code="D029",
        )
