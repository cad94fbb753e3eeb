from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pytest

from crmml.config.mapping import build
from crmml.errors import ConfigError


@dataclass(frozen=True)
class Window:
    months: int
    gap: int = 0

    def __post_init__(self):
        if self.months < 1:
            raise ValueError(f"months is {self.months}; expected 1 or more")


@dataclass(frozen=True)
class Model:
    target: Literal["churn", "default"]
    window: Window
    share: float = 0.1
    cutoff: date | None = None
    features: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()


def test_nested_data_becomes_the_dataclass():
    model = build(
        Model,
        {
            "target": "churn",
            "window": {"months": 3},
            "share": 1,
            "cutoff": "2025-06",
            "features": ["a"],
            "rates": {"x": 0.5},
            "windows": [{"months": 1}],
        },
        where="m.yaml",
    )
    assert model == Model("churn", Window(3), 1.0, date(2025, 6, 30), ("a",), {"x": 0.5}, (Window(1),))


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (
            {"target": "churn", "window": {"months": 3}, "cutof": 1},
            "C002",
            "m.yaml has the unknown key 'cutof'.*mean 'cutoff'",
        ),
        ({"target": "churn", "window": {"monts": 3}}, "C002", "m.yaml: window has the unknown key 'monts'.*'months'"),
        (
            {"target": "chrun", "window": {"months": 3}},
            "C003",
            "target is 'chrun'; expected one of churn, default.*'churn'",
        ),
        ({"target": "churn", "window": {"months": "many"}}, "C003", "window.months is 'many'; expected a whole number"),
        ({"target": "churn", "window": {"months": True}}, "C003", "window.months is True; expected a whole number"),
        ({"target": "churn", "window": {"months": 0}}, "C005", "window: months is 0; expected 1 or more"),
        ({"target": "churn"}, "C011", "no key 'window'"),
        ({"target": "churn", "window": {"months": 1}, "features": "a"}, "C003", "features is 'a'; expected a list"),
        (
            {"target": "churn", "window": {"months": 1}, "features": ["a", 2]},
            "C003",
            r"features\[1\] is 2; expected a text",
        ),
        ({"target": "churn", "window": {"months": 1}, "cutoff": "soon"}, "C003", "cutoff: 'soon' is not a date"),
        (
            {"target": "churn", "window": {"months": 1}, "rates": {"x": "high"}},
            "C003",
            "rates.x is 'high'; expected a number",
        ),
        ({"target": "churn", "window": [1]}, "C003", r"window is \[1\]; expected keys and values"),
    ],
)
def test_what_does_not_fit_says_where_what_and_what_was_expected(data, code, said):
    with pytest.raises(ConfigError, match=said) as caught:
        build(Model, data, where="m.yaml")
    assert caught.value.code == code


def test_a_shorter_form_is_spelled_out():
    model = build(Model, {"target": "churn", "window": 6}, where="m.yaml", shorthands={Window: lambda n: {"months": n}})
    assert model.window == Window(6)
