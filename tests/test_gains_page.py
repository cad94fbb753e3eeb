"""The page of gains is what its stored figures say, and families are on or off by them."""

from pathlib import Path

from benchmarks import gains
from crmml.features.families import FURTHER, OFF_BY_DEFAULT

DOCS = Path(__file__).parents[1] / "docs"


def told(model, **chances):
    figure = {"added": 0.01, "added_low": 0.0, "added_high": 0.02, "gain": 0.0, "low": 0.0, "high": 0.0}
    rows = [
        {"family": family, "added_chance": chance, "columns": 3, "seconds": 1.0, **figure}
        for family, chance in chances.items()
    ]
    return {"model": model, "measure": "auc", "value": 0.8, "rows": 10, "params": {"lambda_l2": 5.0}, "families": rows}


def test_the_page_is_written_from_the_stored_figures_and_not_by_hand():
    assert (DOCS / "gains.md").read_text(encoding="utf-8") == gains.page_of(gains.read())


def test_a_family_is_off_exactly_where_it_gained_for_no_model():
    assert gains.off_by_default(gains.read()) == OFF_BY_DEFAULT


def test_one_gain_beyond_luck_turns_a_family_on_and_luck_among_many_does_not():
    lucky = told("a.churn", relations=1e-6, rhythm=0.03, **{f"family_{n}": 0.5 for n in range(20)})
    off = gains.off_by_default([lucky])
    assert "relations" not in off
    assert "rhythm" in off
    assert "relations" in gains.off_by_default([])
    assert gains.off_by_default([]) == FURTHER


def test_a_basic_family_is_judged_on_two_banks_before_it_goes_off():
    one, other = told("a.churn", salary=0.9), told("b.churn", salary=0.9)
    assert "salary" not in gains.off_by_default([one, {**one, "model": "a.default"}])
    assert "salary" in gains.off_by_default([one, other])
    assert "salary" not in gains.off_by_default([one, told("b.churn", salary=1e-9)])


def test_bold_marks_what_lies_beyond_luck():
    page = gains.page_of([told("a.churn", salary=1e-9, tenure=0.7)])
    salary = next(line for line in page.splitlines() if line.startswith("| `salary`"))
    tenure = next(line for line in page.splitlines() if line.startswith("| `tenure`"))
    assert "**+0.0100" in salary
    assert "**" not in tenure
