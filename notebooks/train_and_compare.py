# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train and compare / 训练与比较
#
# The question: is it enough to watch deposits to see who leaves, or does the rest of what the bank knows help?
# 只看存款,能不能看出谁要流失?其他信息有没有帮助?
#
# Two models of the same target learn from the same customers and dates, one from balances only, one from everything,
# and both are judged on later months.

# %%
import os
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
from IPython.display import HTML

warnings.filterwarnings("ignore", message="IProgress not found")  # no progress bars here
import crmml as cm
from crmml.modelling.windows import plan_calendar
from crmml.reporting import charts, ranking_charts

os.chdir(next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs" / "demo").is_dir()))

bank = cm.open_bank("configs/demo")
config = cm.load_config("configs/demo/churn.yaml")
spec = replace(config.spec, tuning=replace(config.spec.tuning, trials=2))  # a quick look; the config asks for more
config.en, spec.target, spec.horizon

# %% [markdown]
# ## When / 时间
#
# Grey is what the features may know, colour is what the label is drawn from. No training label reaches past the first
# test cut-off (黑线 is the cut-off). 灰色为特征窗口,彩色为标签窗口。

# %%
first, until = bank.observed_from("transactions"), bank.observed_until("transactions")
calendar = plan_calendar(spec.split, spec.horizon, look_back_months=12, observed_from=first, observed_until=until)
windows = [
    charts.Window("train" if row.used_for == "train" else "test", row.cutoff_date, row.features_from, row.label_from, row.label_until)
    for row in calendar.itertuples()
]
HTML(charts.calendar(windows))

# %% [markdown]
# ## The table / 建模表
#
# One row per customer and cut-off: features from before, the label from after. The waterfall counts who is left out and why.

# %%
ledger = cm.build_ledger(bank, first, max(config.cutoffs))
snapshots = cm.take_snapshots(bank, config.cutoffs)
features = cm.build_features(bank, snapshots, spec.families, ledger=ledger)
labels = cm.build_labels(bank, snapshots, spec.target, spec.horizon)
catalogue = cm.catalogue(bank, spec.families, ledger=ledger)
table = cm.join_abt(snapshots, features, labels, population=spec.population, catalogue=catalogue)
table.waterfall.pivot(index="cutoff_date", columns="step", values="rows").fillna(0).astype(int)

# %% [markdown]
# ## Two models / 两个模型

# %%
balances = [info.name for info in catalogue if info.family == "balances"]
only_balances = cm.join_abt(
    snapshots, features, labels, population=spec.population, catalogue=catalogue, select=balances
)
everything = cm.train(table, spec)
deposits = cm.train(only_balances, replace(spec, families=("balances",)))


def figures(model):
    rows = pd.DataFrame(model.metrics["per_cutoff"])
    parts = pd.DataFrame(rows["auc"].tolist())
    return parts.assign(cutoff=rows["cutoff_date"].astype(str))


compared = figures(everything).merge(figures(deposits), on="cutoff", suffixes=("", "_balances"))
compared = compared.rename(columns={"value_balances": "benchmark"})
compared[["cutoff", "value", "low", "high", "benchmark"]].round(3)

# %% [markdown]
# The dots with their 95 % intervals are the model with everything, the diamonds the one with balances only.
# 圆点(含 95% 区间)为全部特征,菱形为仅余额特征。

# %%
HTML(charts.by_cutoff(compared, title="AUC:全部特征与仅余额 AUC: everything and balances only", chance=0.5))

# %% [markdown]
# Every model also carries its own benchmark, a points scorecard on the same rows, and says whether the
# difference is real. 每个模型都附有同样数据行上的评分卡基准。

# %%
pd.Series(everything.metrics["benchmark"]["difference"]).round(3), everything.metrics["benchmark"]["verdict"]

# %%
newest = everything.predictions.loc[lambda rows: rows["cutoff_date"] == rows["cutoff_date"].max()]
ranking = ranking_charts.Ranking(
    str(newest["cutoff_date"].iloc[0].date()), newest["label"].to_numpy(), newest["probability"].to_numpy(), newest["benchmark"].to_numpy()
)
HTML(ranking_charts.roc_and_recall([ranking]) + ranking_charts.gains_and_lift([ranking]))

# %% [markdown]
# ## What it learned from / 从什么学到
#
# The share of each concept in what moves the scores.

# %%
HTML(charts.bars(everything.importance, title="概念组的作用 what moves the scores", xlabel="占比 share"))

# %% [markdown]
# `cm.register(everything, name="demo.churn")` would make it the challenger. It could not be promoted: its features were not
# audited in this notebook, and the gate of the leak audit says so. `crmml train configs/demo/churn.yaml` runs the
# audit first. 未经泄漏审计的模型不能成为冠军模型。

# %%
pd.DataFrame(everything.metrics["gates"])
