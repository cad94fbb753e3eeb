"""The command line through its own front door: a process of its own."""

import json
import os
import re
import subprocess
import sys

import pytest

VERBS = [
    "demo",
    "init",
    "check",
    "run",
    "features",
    "docs",
    "audit",
    "ledger",
    "train",
    "score",
    "explain",
    "list",
    "explain-list",
    "replay",
    "pack",
    "config",
]


def crmml(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from crmml.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_without_a_script_on_the_path_the_module_is_the_command():
    run = [sys.executable, "-m", "crmml"]
    done = subprocess.run([*run, "models", "shwo"], capture_output=True, text=True, check=False)
    assert (done.returncode, "Did you mean" in done.stderr) == (2, True), done.stderr


def test_help_lists_every_verb_and_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['crmml', '--help']\n"
        "from crmml.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'lightgbm', 'mlflow', 'shap', 'sklearn', 'pandas', 'duckdb', 'optuna', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(re.search(rf"^  {verb} ", done.stdout, re.MULTILINE) for verb in [*VERBS, "models"])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_is_for_with_an_example(verb):
    done = crmml(verb, "--help")
    assert done.returncode == 0
    assert f"crmml {verb}" in done.stdout.split("Options:")[0].split("Usage:")[1].split("\n", 1)[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "Did you mean 'train'"),
        (["train", "x.yaml", "--trails", "3"], "--trials"),
        (["demo", "--customers", "-5"], "500"),
        (["train", "x.yaml", "--sample", "lots"], r"expected a share such as 5%.*\[U003\]"),
        (
            ["features", "configs/demo", "--cutoff", "tomorrow"],
            r"'tomorrow' is not a date.*--cutoff 2025-10-31.*\[U001\]",
        ),
        (["features", "configs/demo", "--explain", "x"], r"--explain needs --customer.*\[U002\]"),
        (["run"], "BANK"),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_what_was_meant(arguments, said):
    done = crmml(*arguments)
    assert done.returncode == 2, done.stderr
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_bank_that_is_not_there_exits_6():
    done = crmml("check", "configs/nowhere")
    assert done.returncode == 6
    assert "configs/nowhere holds no bank.yaml" in done.stderr


def test_init_writes_configs_that_load_and_refuses_to_overwrite(tmp_path):
    assert crmml("init", "mybank", cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in (tmp_path / "mybank").iterdir()) == [
        "bank.yaml",
        "churn.yaml",
        "cross_sell.yaml",
        "uptake.yaml",
    ]
    for name in ("bank", "churn", "uptake", "cross_sell"):
        done = crmml("config", f"mybank/{name}.yaml", "--format", "json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert {row["origin"] for row in json.loads(done.stdout)["rows"]} <= {f"{name}.yaml", "default"}
    again = crmml("init", "mybank", cwd=tmp_path)
    assert again.returncode == 9
    assert "[L003]" in again.stderr


def test_a_new_bank_without_files_names_the_source_that_is_missing(tmp_path):
    crmml("init", "mybank", cwd=tmp_path)
    done = crmml("check", "mybank", cwd=tmp_path)
    assert done.returncode == 4
    assert "customer_file" in done.stderr
    assert "[D001]" in done.stderr


def test_the_schema_of_a_config_refuses_unknown_keys(tmp_path):
    crmml("init", "mybank", cwd=tmp_path)
    done = crmml("config", "mybank/churn.yaml", "--schema", cwd=tmp_path)
    schema = json.loads(done.stdout)
    assert schema["additionalProperties"] is False
    assert {"target", "horizon", "cutoffs"} <= set(schema["properties"])


def test_no_colour_and_no_control_characters_outside_a_terminal(tmp_path):
    crmml("init", "mybank", cwd=tmp_path)
    done = crmml("config", "mybank/churn.yaml", cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr


BROKEN = [
    ("bank.yaml", "currency: CNY", "currencie: CNY", "C002", "Did you mean 'currency'"),
    ("bank.yaml", "currency: CNY", "currency: [", "C001", "line"),
    ("bank.yaml", "currency: CNY", "currency: CNY\ncurrency: EUR", "C004", "stands twice"),
    ("bank.yaml", "hurdle: 0.10", "hurdle: 10", "C005", "not percent"),
    ("bank.yaml", "data/source/customers.csv", "${CRMML_NOT_SET}/customers.csv", "C008", "CRMML_NOT_SET"),
    ("churn.yaml", "trials: 20", "trials: many", "C003", "expected a whole number"),
    ("churn.yaml", "months: 3, gap: 1", "months: 0, gap: 1", "C005", "at least 1 month"),
    ("churn.yaml", "[2025-04, 2025-07]", "[2024-06, 2024-08]", "C006", "2024-06-30"),
    ("churn.yaml", "target: churn", "target: chrun", "C003", "Did you mean 'churn'"),
    ("churn.yaml", "features: [default]", "features: [balance]", "C002", "Did you mean 'balances'"),
    ("cross_sell.yaml", "total: 400", "total: -1", "C005", "0 or more"),
    ("cross_sell.yaml", "control_share: 0.1", "control_share: 1.5", "C005", "below 1"),
]


@pytest.mark.parametrize(
    ("name", "right", "wrong", "code", "said"), BROKEN, ids=[f"{b[3]}-{b[2][:20]}" for b in BROKEN]
)
def test_a_wrong_config_exits_3_with_place_and_advice(tmp_path, name, right, wrong, code, said):
    crmml("init", "mybank", cwd=tmp_path)
    path = tmp_path / "mybank" / name
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    done = crmml("check", "mybank", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert f"[{code}]" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
