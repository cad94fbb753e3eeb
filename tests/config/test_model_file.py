import pytest

from crmml.config.model_file import load_models
from crmml.errors import ConfigError

CHURN = """
target: churn
zh: 流失
en: churn
label: {kind: closed}
horizon: {months: 3}
cutoffs: {train: [2024-01, 2024-06], out_of_time: [2024-12, 2025-01]}
features: [balances]
"""


def spec(tmp_path, extra=""):
    path = tmp_path / "churn.yaml"
    path.write_text(CHURN + extra, encoding="utf-8")
    return load_models(path, bank="mybank")[0].spec


def test_the_number_of_averaged_seeds_is_read_beside_the_fixed_parameters(tmp_path):
    read = spec(tmp_path, "estimator: {kind: lightgbm, seeds: 5, num_leaves: 7}\n").lightgbm
    assert (read.seeds, dict(read.params)) == (5, {"num_leaves": 7})
    assert spec(tmp_path).lightgbm.seeds is None


@pytest.mark.parametrize("seeds", ["0", "2.5", "true", "many"])
def test_seeds_that_are_no_number_of_boosters_are_refused(tmp_path, seeds):
    with pytest.raises(ConfigError, match=r"seeds is .*; expected a whole number from 1 to 50 \[C005\]"):
        spec(tmp_path, f"estimator: {{seeds: {seeds}}}\n")


def test_default_stands_for_the_families_that_proved_to_gain(tmp_path):
    from crmml.features import default_families

    path = tmp_path / "churn.yaml"
    path.write_text(CHURN.replace("features: [balances]", "features: [default, rhythm]"), encoding="utf-8")
    families = load_models(path, bank="demo")[0].spec.families
    assert families == tuple(dict.fromkeys([*default_families(), "rhythm"]))
    assert "balances" in families
