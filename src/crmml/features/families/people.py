"""Who the customer is, and for how long."""

from __future__ import annotations

from crmml.features.declare import Attribute, Family

TENURE = Family(
    name="tenure",
    table="customers",
    concept="tenure",
    zh="关系年限",
    en="length of the relationship",
    needs=("customers",),
    attributes=[
        Attribute("tenure_months", "joined_on", how="months", unit="months", is_fixed=True, zh="建立关系月数",
                  en="months since the relationship began", sign={"default": -1, "churn": -1}),
    ],
)  # fmt: skip

PROFILE = Family(
    name="profile",
    table="customers",
    concept="profile",
    zh="客户概况",
    en="profile",
    needs=("customers",),
    attributes=[
        Attribute("kind", "kind", how="text", unit="category", is_fixed=True, zh="客户类型", en="person or company"),
        Attribute("age", "born_on", how="years", unit="years", is_fixed=True, zh="年龄(或成立年数)", en="age (or years since founding)"),
        Attribute("gender", "gender", how="text", unit="category", zh="性别", en="gender"),
        Attribute("region", "region", how="text", unit="category", zh="地区", en="region"),
        Attribute("industry", "industry", how="text", unit="category", zh="行业", en="industry"),
        Attribute("occupation", "occupation", how="text", unit="category", zh="职业", en="occupation"),
        Attribute("profile_missing", "born_on gender region industry occupation income", how="missing", unit="count", is_fixed=True,
                  zh="缺失的资料项数", en="missing items of the profile"),
        Attribute("income", "income", how="number", unit="money", zh="登记收入", en="income on file", sign={"default": -1}),
    ],
)  # fmt: skip

#: Where a customer stands among the peers of the cut-off: computed over the whole population once it is there
#: (`peers.py`), so a build of some snapshots leaves the family out.
STANDING = Family(
    name="standing",
    table="customers",
    concept="standing",
    zh="同类位次",
    en="standing among peers",
    needs=("whole population",),
)
