"""Which measure asks the bank for capital in each month, and how much of it an account bears."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
import numpy as np
from ibis import _
from numpy.typing import NDArray

from crmml.economics import Economics
from crmml.economics.capital import binding_measure, leverage_exposure, risk_weighted_assets
from crmml.errors import ConfigError
from crmml.ledger.parameters import Products, capital_factors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CapitalRule:
    """Factors by month and product, and whether the leverage ratio binds in each month."""

    factors: Floats
    is_leverage: NDArray[np.bool_]

    def capital(
        self,
        economics: Economics,
        products: Products,
        *,
        month: NDArray[np.int64],
        product: NDArray[np.int64],
        drawn: Floats,
        unused: Floats,
    ) -> dict[str, Floats]:
        """`capital` of exposures, in currency, by the measure that binds the bank in their month; and both exposures."""
        drawn, unused = np.maximum(drawn, 0), np.maximum(unused, 0)
        risk = risk_weighted_assets(
            drawn,
            unused,
            ccf=given(self.factors[month, product], unused, products, product, "ccf_capital"),
            risk_weight=given(products.risk_weight[product], drawn + unused, products, product, "risk_weight"),
        )
        leverage = leverage_exposure(
            drawn, unused, ccf=given(products.ccf_leverage[product], unused, products, product, "ccf_leverage")
        )
        by_risk, by_leverage = economics.capital_ratio * risk, economics.leverage_floor * leverage
        binding = np.where(self.is_leverage[month], by_leverage, by_risk)
        return {"capital": binding, "risk_exposure": risk, "leverage_exposure": leverage}


def capital_rule(states: ir.Table, economics: Economics, products: Products, months: list[date]) -> CapitalRule:
    """Decide the binding measure of every month over the whole bank."""
    totals = (
        states.filter(_.is_credit)
        .group_by(["month_number", "product_number"])
        .aggregate(drawn=_.net_drawn_days.sum().cast("float64"), unused=_.unused_days.sum().cast("float64"))
        .order_by("month_number", "product_number")
        .to_pandas()
    )
    factors = capital_factors(economics, products, months)
    product = totals["product_number"].to_numpy()
    month = totals["month_number"].to_numpy()
    drawn, unused = totals["drawn"].to_numpy(dtype=float), totals["unused"].to_numpy(dtype=float)
    rwa = risk_weighted_assets(
        drawn,
        unused,
        ccf=given(factors[month, product], unused, products, product, "ccf_capital"),
        risk_weight=given(products.risk_weight[product], drawn + unused, products, product, "risk_weight"),
    )
    exposure = leverage_exposure(
        drawn, unused, ccf=given(products.ccf_leverage[product], unused, products, product, "ccf_leverage")
    )
    sums = zip(*(np.bincount(month, values, minlength=len(months)) for values in (rwa, exposure)), strict=True)
    ratios = {"capital_ratio": economics.capital_ratio, "leverage_floor": economics.leverage_floor}
    return CapitalRule(factors, np.array([binding_measure(*pair, **ratios) == "leverage" for pair in sums], dtype=bool))


def given(values: Floats, needed_for: Floats, products: Products, product: NDArray[np.int64], name: str) -> Floats:
    """The values, 0 where nothing needs them; refused where an exposure has none."""
    lacking = np.isnan(values) & (needed_for > 0)
    if lacking.any():
        place = int(product[np.flatnonzero(lacking)[0]])
        raise ConfigError(
            f"economics.{name} gives nothing for {products.classes[place]}, which has exposure "
            f"(product {products.ids[place]}); expected a factor for the class or its family {products.families[place]}",
            code="C011",
        )
    return np.nan_to_num(values)
