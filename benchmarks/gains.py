"""`python -m benchmarks.gains [--page | --config PATH …]`: what each feature family adds, on every bank there is.

Trains the models in a fresh project folder, measures their gains, and writes
`docs/gains.json` and the page `docs/gains.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crmml.features import default_families, families_of, family_names
from crmml.features.families import FURTHER
from crmml.modelling.gains import beyond_luck
from crmml.sources.spec import BankSpec

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
#: Config and product of every model that is measured. Amounts are left out: five boosters a family take an hour.
MODELS = (
    ("configs/demo/churn.yaml", None),
    ("configs/demo/default.yaml", None),
    ("configs/demo/uptake.yaml", "card"),
    ("configs/xiamen/churn.yaml", None),
    ("configs/berka/behavioural.yaml", None),
    ("configs/cdnow/buys_again.yaml", None),
)
#: The folder of public data a bank is made from.
PUBLIC = {"xiamen": "xiamen_bank_churn", "berka": "berka", "cdnow": "cdnow"}
Told = dict[str, Any]
#: A basic family stays on until it has gained for no model of so many banks.
ENOUGH_BANKS = 2


def main() -> int:
    options = _options()
    stored = {told["model"]: told for told in read()}
    for config, product in () if options.page else MODELS:
        if options.config and config not in options.config:
            continue
        if not _has_public_data(PUBLIC.get(Path(config).parent.name)):
            print(f"{config}: skipped, CRMML_DATA names no folder that holds its data", flush=True)
            continue
        told = measure(config, product)
        stored[told["model"]] = told
        write(list(stored.values()))
        print(f"{told['model']}: {len(told['families'])} families", flush=True)
    write(list(stored.values()))
    return 0


def measure(config: str, product: str | None) -> Told:
    """Train one model and measure its families, in a project folder of its own."""
    asked = [] if product is None else ["--product", product]
    with tempfile.TemporaryDirectory(prefix="crmml-gains-") as scratch:
        home = Path(scratch)
        shutil.copytree(ROOT / "configs", home / "configs")
        if "demo" in config:
            _crmml(home, "demo", "--only-bank")
        _crmml(home, "train", config, *asked)
        _crmml(home, "gains", config, *asked, "--stepwise")
        key = Path(config).stem + ("" if product is None else f"_{product}")
        bank = Path(config).parent.name
        return dict(json.loads((home / f"data/{bank}/gains/{key}/gains.json").read_text(encoding="utf-8")))


def _crmml(home: Path, *words: str) -> None:
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    fixed = {"CRMML_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", "from crmml.cli import main; main()", *words]
    subprocess.run(command, cwd=home, env={**os.environ, **fixed}, check=True, stdout=subprocess.DEVNULL)


def _has_public_data(folder: str | None) -> bool:
    """Whether the data of a bank are there; the synthetic bank needs none."""
    data = os.environ.get("CRMML_DATA")
    return folder is None or (data is not None and (Path(data) / folder).is_dir())


# --- what is kept and what is told ---------------------------------------------


def read() -> list[Told]:
    path = DOCS / "gains.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def write(measured: Iterable[Told]) -> None:
    ordered = sorted(measured, key=lambda told: told["model"])
    (DOCS / "gains.json").write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (DOCS / "gains.md").write_text(page_of(ordered), encoding="utf-8")


def judged(measured: Iterable[Told]) -> dict[tuple[str, str], bool]:
    """By family and model, whether what it adds to the families before it lies beyond luck, of all that were tried."""
    rows = [(row["family"], told["model"], row["added_chance"]) for told in measured for row in told["families"]]
    kept = beyond_luck(chance for _, _, chance in rows)
    return {(family, model): keeps for (family, model, _), keeps in zip(rows, kept, strict=True)}


def off_by_default(measured: Iterable[Told]) -> set[str]:
    """The families that gained for no model: further ones at once, basic ones after the models of two banks."""
    told = list(measured)
    gained = {family for (family, _), keeps in judged(told).items() if keeps}
    seen: dict[str, set[str]] = {}
    for one in told:
        for row in one["families"]:
            seen.setdefault(row["family"], set()).add(one["model"].partition(".")[0])
    judged_enough = {family for family, banks in seen.items() if len(banks) >= ENOUGH_BANKS}
    return {name for name in family_names() if name not in gained and (name in FURTHER or name in judged_enough)}


def page_of(measured: list[Told]) -> str:
    kept = judged(measured)
    names = [told["model"] for told in measured]
    found = {(row["family"], told["model"]): row for told in measured for row in told["families"]}
    head = "| family 特征类 | default 默认 | " + " | ".join(names) + " |"
    lines = [head, "|---|---|" + "---|" * len(names)]
    spec_families = families_of(_no_bank())
    for family in family_names():
        cells = [_cell(found.get((family, name)), kept.get((family, name), False)) for name in names]
        words = spec_families[family]
        state = "on 开" if family in default_families() else "off 关"
        lines.append(f"| `{family}`<br>{words.zh} {words.en} | {state} | " + " | ".join(cells) + " |")
    models = [
        f"| `{told['model']}` | {told['measure']} | {told['value']:.3f} | {told['rows']:,} | {_pairs(told['params'])} |"
        for told in measured
    ]
    return _PAGE.format(table="\n".join(lines), models="\n".join(models), tried=len(kept), found=sum(kept.values()))


def _cell(row: Mapping[str, Any] | None, is_gain: bool) -> str:
    if row is None:
        return "-"
    step = f"{_signed(row['added'])} [{_signed(row['added_low'])}, {_signed(row['added_high'])}]"
    alone = f"{_signed(row['gain'])} [{_signed(row['low'])}, {_signed(row['high'])}]"
    return f"{'**' + step + '**' if is_gain else step}<br>{alone}<br>{row['columns']} columns, {row['seconds']:.0f} s"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def _pairs(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in sorted(params.items()))


def _no_bank() -> BankSpec:
    return BankSpec(name="none", title_zh="", title_en="", folder=Path(), sources={}, tables={}, observed_until={})


_PAGE = """# Gains of feature families / 特征类的增益

Written by `make gains` (`python -m benchmarks.gains`) from `gains.json` beside it; nothing here is edited by hand. One model
of your own: `crmml gains MODEL.yaml --stepwise`.

本页由 `make gains` 依据 `gains.json` 生成,不手工修改。自己的模型用 `crmml gains MODEL.yaml --stepwise` 测量。

**How it is measured.** Each model is trained as usual; then it is fitted again with and without a family, on the same rows,
with the tuned parameters and number of trees held and without sampling rows or columns (with it, a column no split ever uses
still decides which columns a tree may see). A gain is the difference of AUC on the later cut-offs of the test; intervals are
95 %, from 500 resamples of customers drawn for both alike. The first line of a cell is what the family **adds to those above
it** in the table; the second what it gains **beside all families of the model's config**: left out where the config lists it,
added where it does not. Two families that tell the same both show nothing in the second line; in the first, the upper one has it.

**What counts as a gain.** {tried} pairs of family and model are tried, so some look good by luck: a family counts where what it
adds is beyond luck after Benjamini and Hochberg at 5 % over all pairs ({found} of {tried}, in bold). A family that gains
for no model of any bank is **off by default**: `features: [default]` leaves it out, `features: [default, relations]` asks for it.
A family no bank here can feed has shown no gain either. Only the basic families (`balances` to `contribution` in the table, and
the bank's own `activity`) stay on until models of two banks had them and none gained. The choice is made on the test months, so figures of these models with
`[default]` flatter themselves a little; measure again on your own bank before you rely on it. What shows no gain here may gain
elsewhere: the synthetic bank holds the drivers it was given, and a few hundred events cannot tell a gain of 0.005 from none.

**测量方法。** 模型照常训练;随后参数与树数固定、不抽样行与列,在相同的行上分别带与不带某一类特征重新拟合。增益为检验期(较晚截止日)AUC 之差;
区间为 95 %,对客户重抽样 500 次。每格第一行为该类**在表中以上各类之外新增**的增益,第二行为**相对模型配置中全部特征类**的增益。
**何为有增益。** 共检验 {tried} 个(特征类, 模型)组合,按 Benjamini-Hochberg 5 % 控制后仍成立者(粗体,{found} 个)才算。
在所有银行、所有模型上都无增益的特征类默认关闭,需要时在 `features` 中点名;基本类(`balances` 至 `contribution` 及 `activity`)须两家银行均测得无增益才关闭。选择基于检验期,故默认组合的成绩略偏乐观;请在自己的银行上重测。

{table}

| model 模型 | measure 指标 | families of its config 配置中的特征类 | test rows 检验行数 | parameters held 固定参数 |
|---|---|---|---|---|
{models}
"""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gains", description="What each feature family adds.")
    parser.add_argument("--config", action="append", help="measure the models of this config only; the others stay")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from what is stored")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
