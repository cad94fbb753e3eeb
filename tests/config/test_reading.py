import pytest

from crmml.config.reading import expand_environment, read_yaml
from crmml.errors import ConfigError


def read(tmp_path, text):
    path = tmp_path / "bank.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def test_plain_data_is_read_and_months_stay_text(tmp_path):
    assert read(tmp_path, "a: {b: [1, 2.5, true, 2024-10]}") == {"a": {"b": [1, 2.5, True, "2024-10"]}}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("a: [1, 2", "C001", "line 1"),
        ("a:\n\tb: 1", "C001", "found a tab; indent with blanks"),
        ("a: 1\nb: 2\na: 3", "C004", "line 3, column 1: key 'a' stands twice"),
        ("a: !!python/object:os.system {}", "C004", "tags such as !!python/object are refused"),
        ("a: &x [1]\nb: [*x, *x]", "C004", "aliases"),
        ("- 1\n- 2", "C003", "expected keys and values"),
        ("", "C003", "expected keys and values"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(tmp_path, text, code, said):
    with pytest.raises(ConfigError, match=said.replace("*", r"\*")) as caught:
        read(tmp_path, text)
    assert caught.value.code == code


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match="crmml init"):
        read_yaml(tmp_path / "none.yaml")


def test_text_that_is_not_utf8_names_the_byte(tmp_path):
    (tmp_path / "bank.yaml").write_bytes("a: 银行".encode("gbk"))
    with pytest.raises(ConfigError, match="byte 3 is not UTF-8"):
        read_yaml(tmp_path / "bank.yaml")


def test_an_unset_variable_is_named_and_no_other_is_shown(monkeypatch):
    monkeypatch.setenv("CRMML_SECRET", "hunter2")
    monkeypatch.delenv("CRMML_NOWHERE", raising=False)
    with pytest.raises(ConfigError, match=r"\$\{CRMML_NOWHERE\} is not set.*\[C008\]") as caught:
        expand_environment("${CRMML_SECRET}/${CRMML_NOWHERE}", where="bank.yaml: sources.a.path")
    assert "hunter2" not in str(caught.value)


def test_set_variables_are_put_in(monkeypatch):
    monkeypatch.setenv("CRMML_PLACE", "here")
    assert expand_environment("${CRMML_PLACE}/x.csv", where="a") == "here/x.csv"


def test_a_variable_in_a_flow_mapping_is_told_to_stand_in_quotes(tmp_path):
    path = tmp_path / "bank.yaml"
    path.write_text("source: {path: ${FOLDER}/a.csv}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"stands in quotes, as .*\n"):
        read_yaml(path)
