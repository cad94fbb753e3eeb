"""The YAML file of a feature table: what it may say, and what is refused with words."""

import pytest

from crmml.config import load_config, load_table_models
from crmml.errors import ConfigError

SHORTEST = "table: t.csv\nlabel: y\ntest: last 20%\n"


def load(tmp_path, text):
    path = tmp_path / "visit.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_three_lines_are_enough(tmp_path):
    model = load(tmp_path, SHORTEST)
    assert (model.key, model.spec.name, model.spec.kind) == ("visit", f"{tmp_path.name}.visit", "given")
    assert (model.split.kind, model.split.share, model.split.by) == ("last", 0.2, "rows")
    assert list(load_table_models(tmp_path)) == ["visit"]


def test_codes_are_read_as_the_cells_of_a_table_write_them(tmp_path):
    model = load(tmp_path, SHORTEST + "missing: {'*': [unknown, -1], pdays: 999}\nwords: {a: {zh: 甲, en: a}, b: B}\n")
    assert model.roles.missing == {"*": ("unknown", "-1"), "pdays": ("999",)}
    assert model.roles.words == {"a": ("甲", "a"), "b": ("B", "B")}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (SHORTEST.replace("last 20%", "first 20%"), "C003", "test is 'first 20%'; expected `last 20%`"),
        (SHORTEST.replace("last 20%", "{share: 30%}"), "C006", "says nothing of later months; expected out_of_time"),
        (SHORTEST.replace("last 20%", "{protocol: publish, share: 30%}"), "C003", "Did you mean 'published'"),
        (SHORTEST.replace("last 20%", "{protocol: published}"), "C005", "has none of out_of_time, last, share, folds"),
        (SHORTEST.replace("last 20%", "{protocol: published, last: 20%}"), "C006", "expected share or folds with it"),
        (SHORTEST.replace("last 20%", "{out_of_time: 2025-04}"), "C011", "needs cutoff and horizon"),
        (SHORTEST.replace("last 20%", "{protocol: published, share: 130%}"), "C005", "is '130%'; expected a share"),
        (SHORTEST.replace("last 20%", "{protocol: published, folds: 1}"), "C005", "folds is 1; expected 2 to 20"),
        (SHORTEST.replace("t.csv", "t.xlsx"), "C003", "format of t.xlsx is .*write `format:`"),
        (SHORTEST + "leave-out: [a]\n", "C002", "unknown key 'leave-out'.*Did you mean 'leave_out'"),
        (SHORTEST + "words: {a: {de: A}}\n", "C002", "unknown key 'de'"),
        ("table: t.csv\nlabel: y\n", "C011", "has no key 'test'"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("C0") else "",
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path, text, code, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load(tmp_path, text)
    assert caught.value.code == code
    assert "visit.yaml" in str(caught.value)
