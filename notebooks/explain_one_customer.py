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
# # Explain one customer / 解释一位客户
#
# Who was most likely to leave at a past cut-off, why did the model say so, what stands behind it in the bank's books,
# and what happened then? 当时谁最可能流失?为什么?账上有什么依据?后来怎样?

# %%
import os
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore", message="IProgress not found")  # no progress bars here
import crmml as cm
from crmml.explain import factor
from crmml.features import explain_cell
from crmml.reporting.fonts import BLUE, GRID, INK, RED, chart_style

os.chdir(next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs" / "demo").is_dir()))
# %matplotlib inline

bank = cm.open_bank("configs/demo")
config = cm.load_config("configs/demo/churn.yaml")
cutoff = max(config.spec.split.out_of_time)  # the last month whose future is known by now
scores = cm.score(bank, "demo.churn@champion", cutoff=cutoff, reasons=3)
customer = scores.sort_values(["prob_churn", "customer_id"], ascending=[False, True]).iloc[0]
customer[["customer_id", "cutoff_date", "segment", "prob_churn", "peer_mean", "grade", "percentile"]]

# %% [markdown]
# ## Why / 原因
#
# A reason speaks for a group of features: what the customer does, what like customers do, and the factor by which it
# changes the odds. 每条原因给出客户的数值、同类的平均、以及对几率的倍数。

# %%
places = [place for place in (1, 2, 3) if pd.notna(customer[f"reason_{place}_code"])]
reasons = pd.DataFrame(
    {
        "zh": [customer[f"reason_{place}_zh"] for place in places],
        "en": [customer[f"reason_{place}_en"] for place in places],
        "odds": [factor(customer[f"reason_{place}_effect"]) for place in places],
    }
)
reasons

# %% [markdown]
# The effects lead from the odds of like customers to those of this customer, exactly. We asked for three reasons, so the
# last bar holds all others. 各条原因与其余因素相加,恰好等于与同类的差距。

# %%
log_odds_of_peers = np.log(customer["peer_mean"] / (1 - customer["peer_mean"]))
named = [customer[f"reason_{place}_effect"] for place in places]
others = customer["log_odds"] - log_odds_of_peers - sum(named)
words = [f"{customer[f'reason_{place}_code']}  {factor(effect)}" for place, effect in zip(places, named, strict=True)]
steps = [*zip(words, named, strict=True), (f"其余 everything else  {factor(others)}", others)]

with chart_style():
    figure, axes = plt.subplots(figsize=(9, 0.6 * len(steps) + 1.6), layout="constrained")
    start = log_odds_of_peers
    for place, (word, effect) in enumerate(steps):
        axes.barh(-place, effect, left=start, color=RED if effect > 0 else BLUE, height=0.55)
        start += effect
    axes.set_yticks([-place for place in range(len(steps))], [word for word, _ in steps])
    for value, word in ((log_odds_of_peers, "同类 peers"), (customer["log_odds"], "本客户 customer")):
        axes.axvline(value, color=INK, linewidth=1, linestyle=":")
        axes.annotate(f"{word} {1 / (1 + np.exp(-value)):.1%}", (value, 0.5), ha="center", va="bottom")
    axes.use_sticky_edges = False
    axes.margins(x=0.12)
    axes.set(xlabel="对数几率 log-odds", ylim=(-len(steps) + 0.4, 1.1))
    plt.show()
assert abs(start - customer["log_odds"]) < 1e-9

# %% [markdown]
# ## In the books / 账上的依据
#
# The source rows behind the first reason's feature, as they were known at the cut-off.

# %%
explained = customer["reason_1_feature"]
ledger = cm.build_ledger(bank, bank.observed_from("transactions"), cutoff)
rows = explain_cell(bank, explained, customer["customer_id"], cutoff, families=config.spec.families, ledger=ledger)
print(explained)
rows.to_pandas().tail(8)

# %% [markdown]
# ## What the customer brought / 客户的贡献

# %%
own = ledger.filter(ledger.customer_id == customer["customer_id"])
months = own.group_by("month_end").aggregate(contribution=own.contribution.sum().cast("float64")).order_by("month_end").to_pandas()
last_year = months.tail(12)
with chart_style():
    figure, axes = plt.subplots(figsize=(9, 2.6), layout="constrained")
    colours = [BLUE if value >= 0 else RED for value in last_year["contribution"]]
    axes.bar(pd.to_datetime(last_year["month_end"]).dt.strftime("%Y-%m"), last_year["contribution"], color=colours)
    axes.axhline(0, color=GRID)
    axes.set(title="每月贡献(元)contribution by month, yuan")
    axes.tick_params(axis="x", rotation=45)
    plt.show()

# %% [markdown]
# ## What happened / 后来
#
# The label was drawn from the months after. One customer proves nothing, so here are all that were scored, in five groups
# by probability. 一位客户说明不了什么,看全部客户按概率分五组的结果。

# %%
snapshots = cm.take_snapshots(bank, [cutoff])
labels = cm.build_labels(bank, snapshots, config.spec.target, config.spec.horizon).to_pandas()
print("the customer:", labels.set_index("customer_id").loc[customer["customer_id"], ["status", "label"]].to_dict())
judged = scores.merge(labels.loc[labels["status"] == "ok", ["customer_id", "label"]], on="customer_id")
judged["group"] = pd.qcut(judged["prob_churn"].rank(method="first"), 5, labels=range(1, 6))
judged.groupby("group", observed=True).agg(customers=("label", "size"), expected=("prob_churn", "mean"), left=("label", "mean")).round(3)

# %% [markdown]
# The whole page for a banker: `crmml explain configs/demo --customer ID`.
