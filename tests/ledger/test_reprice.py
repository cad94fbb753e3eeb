"""A year closed again under other prices is the ledger of a bank whose prices are those."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crmml.economics import DatedPd
from crmml.ledger import build_ledger
from crmml.ledger.close import COMPONENTS
from crmml.ledger.reprice import Moved, open_year
from crmml.value.shocks import Shocks, shock_table, taken_apart
from crmml.value.spec import ShockSpec
from tests.ledger.prices import PD, economics
from tests.tables import bank

FIRST, LAST = date(2025, 2, 1), date(2025, 4, 30)
PASS = {"current": 0.5, "loan": 0.25, "card": 0.0}


def small_bank(scale: float = 1.0, **prices: Any) -> Any:
    """A current account, a loan that defaults in March, and a card with a limit; balances and limits times `scale`."""
    return bank(
        customers="customer_id\n1",
        accounts="account_id customer_id product_id opened_on\nc 1 current 2024-12-01\nl 1 loan 2024-12-01\nk 1 card 2024-12-01",
        transactions=f"""
            account_id  valued_on   amount              kind  channel
            c           2024-12-05  {365000 * scale}    in    mobile
            c           2025-02-10  {-20 * scale}       fee   system
            l           2024-12-05  {-73000 * scale}    draw  counter
            k           2025-01-15  {-3650 * scale}     pay   mobile
        """,
        account_terms=f"account_id valid_from credit_limit\nk 2024-12-01 {20000 * scale}",
        loans=f"loan_id account_id granted_on principal\n1 l 2024-12-05 {73000 * scale}",
        arrears="loan_id as_of days_past_due\n1 2025-01-31 31\n1 2025-02-28 60\n1 2025-03-31 95",
        overrides={"economics": economics(**prices)},
    )


def ledger_of(opened: Any) -> dict[str, float]:
    rows = build_ledger(opened, FIRST, LAST).to_pyarrow().to_pylist()
    return {name: float(sum(row[name] for row in rows)) for name in (*COMPONENTS, "contribution")}


def closed(moved: Moved) -> dict[str, float]:
    families = open_year(small_bank(), FIRST, LAST).close(moved)
    return {name: sum(cents[name] for cents in families.values()) / 100 for name in (*COMPONENTS, "contribution")}


def test_nothing_moved_is_the_ledger_itself() -> None:
    assert closed(Moved()) == pytest.approx(ledger_of(small_bank()), abs=1e-9)


def test_rates_moved_are_a_ledger_with_those_rates() -> None:
    base = economics()
    ftp = {family: rate + 0.01 for family, rate in base.ftp.items()}
    paid = {family: rate + 0.01 * PASS[family] for family, rate in base.paid_rate.items()}
    assert closed(Moved(rate=0.01, pass_through=PASS)) == pytest.approx(
        ledger_of(small_bank(ftp=ftp, paid_rate=paid)), abs=1e-9
    )
    # by hand: 89 days of 365,000 at half a point, less 73,000 and 3,650 at what customers do not bear
    moved = closed(Moved(rate=0.01, pass_through=PASS))["margin"] - closed(Moved())["margin"]
    by_hand = 89 / 365 * (365000 * 0.005 - 73000 * 0.0075 - 3650 * 0.01)
    assert moved == pytest.approx(by_hand, abs=0.5)


def test_default_probabilities_moved_count_from_the_first_month_and_stop_at_one() -> None:
    dated = DatedPd(FIRST, {f: {b: min(1.0, p * 2) for b, p in buckets.items()} for f, buckets in PD.items()})
    changed = small_bank(prob_default=(*economics().prob_default, dated))
    assert closed(Moved(prob_default=2.0)) == pytest.approx(ledger_of(changed), abs=1e-9)


def test_costs_moved_are_a_ledger_with_those_costs() -> None:
    base = economics()
    costs = {
        name: {key: 3 * cost for key, cost in getattr(base, name).items()}
        for name in ("cost_per_account_month", "cost_per_transaction")
    }
    assert closed(Moved(cost=3.0)) == pytest.approx(ledger_of(small_bank(**costs)), abs=1e-9)


def test_volumes_moved_are_a_ledger_of_a_larger_book() -> None:
    assert closed(Moved(volume=2.0, fees_follow=1.0)) == pytest.approx(ledger_of(small_bank(scale=2.0)), abs=0.02)
    assert closed(Moved(volume=2.0, fees_follow=0.0))["fees"] == 20.0


def test_no_paid_rate_falls_below_zero_by_a_shock() -> None:
    # the current account pays 0.2 %: of a fall of a point that it would follow by half, it can follow 0.2 % only
    fall = closed(Moved(rate=-0.01, pass_through={"current": 0.5}))["margin"] - closed(Moved())["margin"]
    by_hand = 89 / 365 * (-365000 * (0.01 - 0.002) + (73000 + 3650) * 0.01)
    assert fall == pytest.approx(by_hand, abs=0.5)


def test_parts_of_a_shock_sum_to_the_whole_with_an_interaction_of_its_own() -> None:
    spec = ShockSpec(pass_through=PASS)
    shocks = Shocks(open_year(small_bank(), FIRST, LAST), spec)
    table = shock_table(shocks)
    parts = table["margin"] + table["fees"] - table["expected_loss"] - table["service_cost"] - table["capital_charge"]
    assert parts.to_numpy() == pytest.approx(table["contribution"].to_numpy(), abs=1e-6)
    bank_rows = table[table["family"] == "all"]["contribution"].to_numpy()
    by_family = table[table["family"] != "all"].groupby(["factor", "level"], dropna=False, sort=False)["contribution"]
    assert by_family.sum().to_numpy() == pytest.approx(bank_rows, abs=1e-6)
    apart = taken_apart(shocks).set_index("factor")
    whole = apart.loc["whole", "alone"]
    assert Decimal(str(apart["alone"].drop("whole").sum())).quantize(Decimal("0.01")) == Decimal(str(whole))
    assert apart["shapley"].drop(["whole", "interaction"]).sum() == pytest.approx(whole, abs=1e-6)
    assert apart.loc["interaction", "alone"] != 0


def test_two_factors_share_their_interaction_equally() -> None:
    spec = dataclasses.replace(ShockSpec(pass_through=PASS), combined={"rate": 0.01, "volume": 2.0})
    shocks = Shocks(open_year(small_bank(), FIRST, LAST), spec)
    apart = taken_apart(shocks).set_index("factor")
    half = apart.loc["interaction", "alone"] / 2
    assert apart.loc["rate", "shapley"] == pytest.approx(apart.loc["rate", "alone"] + half, abs=0.011)
