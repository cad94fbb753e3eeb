"""Term deposits after a call of a Portuguese bank (UCI), without the call's duration: at random, and on the last calls."""

from __future__ import annotations

from benchmarks.results.flat import measure_table
from benchmarks.results.row import Goal, Published, Result

_MORO = Published(
    "0.80",
    "Moro, Cortez, Rita, Decision Support Systems 62, 2014",
    "neural net, rolling windows, data to 2013 with columns that are not public",
)


def measure() -> list[Result]:
    """The AUC on 30 % of the calls, and on the last 20 %."""
    return [
        measure_table(
            "bank_marketing",
            "random",
            question="term deposit after a call",
            question_zh="电话营销后办理定期存款",
            goals=(Goal(0.810), Goal(0.813, kind="goal")),
            published=(_MORO,),
            differs="comparable in kind only: other years, more columns",
        ),
        measure_table(
            "bank_marketing",
            "by_time",
            question="term deposit after a call, the last calls",
            question_zh="电话营销后办理定期存款(最后的通话)",
            goals=(Goal(0.705), Goal(0.715, kind="goal")),
            note="one draw of a drift: events rise from 6 % to 31 %, so the order of learners here is no evidence",
        ),
    ]
