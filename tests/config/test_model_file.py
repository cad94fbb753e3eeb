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


CURVE = """
target: churn
zh: 流失曲线
en: curve
label: {kind: closed}
horizons: {months: [1, 3, 6], headline: 3, gap: 1}
cutoffs: {train: [2023-01, 2024-06], out_of_time: [2024-10, 2025-06]}
features: [balances]
tuning: {metric: log_loss}
"""


def test_horizons_of_a_curve_are_read(tmp_path):
    path = tmp_path / "loyalty.yaml"
    path.write_text(CURVE, encoding="utf-8")
    (model,) = load_models(path, bank="bank")
    assert (model.spec.steps, model.spec.horizon.months, model.spec.horizon.gap) == ((1, 3, 6), 3, 1)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[1, 3, 6]", "[6, 3, 1]", r"horizons are \[6, 3, 1\]; expected two or more numbers of months, each above"),
        ("headline: 3", "headline: 4", "headline is 4; expected one of the horizons 1, 3, 6"),
        ("tuning: {metric: log_loss}", "", "tuning.metric is gini; a model of several horizons"),
        ("features:", "horizon: {months: 3}\nfeatures:", "both 'horizon' and 'horizons'"),
        ("horizons: {months: [1, 3, 6], headline: 3, gap: 1}\n", "", "has no key 'horizon'"),
        ("target: churn\nzh", "target: default\nzh", "horizons with default; a curve over horizons is drawn for"),
        ("headline: 3", "headlin: 3", "Did you mean 'headline'"),
    ],
)
def test_wrong_horizons_are_refused_in_one_message(tmp_path, old, new, found):
    path = tmp_path / "loyalty.yaml"
    assert old in CURVE
    path.write_text(CURVE.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=found):
        load_models(path, bank="bank")
