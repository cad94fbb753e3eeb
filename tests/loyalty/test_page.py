"""The page of loyalty: what is drawn is drawn whole."""

from __future__ import annotations

import pandas as pd

from crmml.reporting import loyalty_page


def test_the_widest_band_of_all_segments_lies_inside_the_axes(monkeypatch):
    figures = []
    monkeypatch.setattr(loyalty_page, "to_svg", lambda figure, **_: figures.append(figure) or "")
    low = pd.DataFrame({"segment": "a", "prob_churn_1m": [0.01] * 40, "prob_churn_12m": [0.1] * 40})
    high = low.assign(segment="b", prob_churn_12m=0.6)
    loyalty_page.curve_chart(pd.concat([low, high]), ["prob_churn_1m", "prob_churn_12m"])
    for axes in figures[0].axes:
        bottom, top = axes.get_ylim()
        assert bottom == 0
        assert top >= 0.6
