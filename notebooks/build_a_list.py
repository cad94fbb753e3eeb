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
# # Build a list / 生成名单
#
# Managers can make so many calls a month. Which customers, with which offer, bring the most, and what would more calls
# be worth? 客户经理的时间有限:联系谁、推荐什么最有价值?多打几个电话值多少?

# %%
import os
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore", message="IProgress not found")  # no progress bars here
import crmml as cm
from crmml.reporting.fonts import BLUE, GOLD, TEAL, chart_style
from crmml.targeting import Limit, check_allocation, rank_by

os.chdir(next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs" / "demo").is_dir()))
# %matplotlib inline

spec = cm.load_config("configs/demo/cross_sell.yaml")
inputs, as_of = cm.inputs_of_list("configs/demo/cross_sell.yaml")  # scores of the champions, names, whom to leave alone
spec = replace(spec, offers=tuple(offer for offer in spec.offers if offer.product in inputs.uptake))  # with a champion
targets = cm.build_list(spec, inputs, suppress_as_of=as_of)
targets.about["cutoff_date"], targets.about["models"]

# %% [markdown]
# ## Who is left / 谁在名单上
#
# Every rule with what it removed. 每条规则去掉了多少。

# %%
targets.waterfall[["zh", "en", "removed", "candidates", "customers"]]

# %%
shown = ["rank", "customer_id", "name", "branch", "offer_zh", "prob_take", "value_if_taken", "expected_value", "reason_1_zh", "arm"]
contacted = targets.table[targets.table["arm"] != "control"]
contacted[shown].head(8)

# %% [markdown]
# ## Every factor is a column / 每个因子都在表里
#
# Expected value = effect × value if taken − probability × incentive − contact cost. Recomputed, it gives the same rank.

# %%
rows = targets.table
again = rows["effect"] * rows["value_if_taken"] - rows["prob_take"] * rows["incentive"] - rows["contact_cost"]
assert np.allclose(again, rows["expected_value"])
broken = check_allocation(rows, spec, targets.allowed)
print(f"{len(contacted)} calls, {len(broken)} broken rules, within {targets.gap:.2%} of what no list can exceed")

# %% [markdown]
# ## Against other rankings / 与其他排序比较
#
# The same number of calls under the same capacities, ranked on one column alone. These are expected values of the model
# itself; what really came of calls is for a campaign with a control arm to say, and 10 % of the chosen are held out for it.
# 这里比较的是模型的预期;真实效果要由对照组来证明。

# %%
calls = int((rows["arm"] == "treated").sum())
deposits = inputs.features[["customer_id", "deposits_last"]]
allowed = targets.allowed.merge(deposits, on="customer_id", how="left", validate="many_to_one")
rankings = {
    "预期价值 expected value": rows[rows["arm"] == "treated"],
    "办理概率 probability": rank_by(allowed, "prob_take", spec, rows=calls),
    "成交价值 value if taken": rank_by(allowed, "value_if_taken", spec, rows=calls),
    "存款 deposits": rank_by(allowed, "deposits_last", spec, rows=calls),
}
with chart_style():
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    for (word, chosen), colour in zip(rankings.items(), (BLUE, TEAL, GOLD, "#5b6876"), strict=True):
        axes.plot(range(1, len(chosen) + 1), chosen["expected_value"].cumsum(), color=colour, label=word)
    axes.set(xlabel="通话数 calls", ylabel="累计预期价值(元)expected value, yuan")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    plt.show()

# %% [markdown]
# ## What would another call be worth? / 多打一个电话值多少?

# %%
worth = []
for per_manager in (2, 5, 10, 20):
    capacities = replace(spec.capacities, per_manager=Limit(per_manager))
    other = cm.build_list(replace(spec, capacities=capacities), inputs, suppress_as_of=as_of)
    worth.append({"calls a manager": per_manager, "calls": other.rows, "expected yuan": round(other.about["expected_value"])})
pd.DataFrame(worth)

# %% [markdown]
# ## Why this customer, and why not the other offers? / 为什么是他?

# %%
best = str(contacted["customer_id"].iloc[0])
cm.why(targets, best)[["offer", "prob_take", "value_if_taken", "expected_value", "decision_zh", "decision_en"]]

# %% [markdown]
# `crmml list configs/demo/cross_sell.yaml` writes the workbook, the CSV and the Parquet file with the same rows.
