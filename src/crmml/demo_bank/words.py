"""The names of things: families, booking kinds, channels, branches and people (all invented)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CURRENT, SAVINGS, TIME_DEPOSIT, LOAN, MORTGAGE, CARD, INSURANCE, INVESTMENT, PAYROLL = range(9)
FAMILIES = ("current", "savings", "time_deposit", "loan", "mortgage", "card", "insurance", "investment", "service")
OFFERS = ("card", "time_deposit", "investment", "insurance", "loan")
OFFER_FAMILY = np.array([CARD, TIME_DEPOSIT, INVESTMENT, INSURANCE, LOAN])

# Code, family, counts for "closed", names, risk weight.
PRODUCTS = (
    ("1010", "current", True, "个人活期账户", "Personal current account", 0.0),
    ("1020", "current", True, "单位结算账户", "Business current account", 0.0),
    ("1110", "savings", True, "储蓄存款", "Savings account", 0.0),
    ("1210", "time_deposit", False, "定期存款", "Time deposit", 0.0),
    ("2010", "loan", False, "个人消费贷款", "Consumer loan", 0.75),
    ("2020", "loan", False, "小微经营贷款", "Small business loan", 0.75),
    ("2110", "mortgage", False, "个人住房按揭", "Home mortgage", 0.50),
    ("3010", "card", False, "信用卡", "Credit card", 0.75),
    ("4010", "insurance", False, "代理保险", "Insurance", 0.0),
    ("5010", "investment", False, "理财产品", "Wealth product", 0.0),
    ("6010", "service", False, "工资代发", "Payroll service", 0.0),
)

KINDS = (
    "opening",
    "salary",
    "transfer_in",
    "sales",
    "bill",
    "shopping",
    "cash",
    "transfer_out",
    "supplier",
    "own_transfer",
    "fee",
    "interest",
    "disbursement",
    "repayment",
    "card_payment",
    "premium",
    "write_off",
    "recovery",
    "tax",
)
KIND = {kind: code for code, kind in enumerate(KINDS)}
CHANNELS = ("counter", "atm", "mobile", "online", "system")
CHANNEL = {channel: code for code, channel in enumerate(CHANNELS)}

BRANCHES = ("城关支行", "东街支行", "西河支行", "南山支行", "北塘支行", "新城支行", "高桥支行", "龙湾支行")
REGIONS = ("城关", "东街", "西河", "南山", "北塘", "新城", "高桥", "龙湾", "外地")
MANAGERS_PER_BRANCH = 3
OCCUPATIONS = ("务农", "工人", "职员", "教师", "医护", "公务员", "个体经营", "退休", "其他")
INDUSTRIES = ("农业", "制造业", "批发零售", "建筑业", "餐饮住宿", "运输仓储")

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "安北晨东芳冠海慧佳静凯兰明宁平琪然书婷文晓雅宜哲卓"
_FIRM = ("兴达", "恒泰", "金穗", "宏远", "永顺", "瑞丰", "嘉禾", "天成", "联盛", "广源")
_FIRM_KIND = ("农业合作社", "机械厂", "商贸有限公司", "建筑工程队", "餐饮店", "物流有限公司")


def person_names(first: NDArray[np.float64], second: NDArray[np.float64], third: NDArray[np.float64]) -> list[str]:
    """Invented names: a surname and one or two characters, from three uniform numbers a person."""
    given = len(_GIVEN)
    return [
        _SURNAMES[int(a * len(_SURNAMES))]
        + _GIVEN[int(b * given)]
        + (_GIVEN[int(c * 1.6 * given)] if c < 0.625 else "")
        for a, b, c in zip(first, second, third, strict=True)
    ]


def firm_names(
    place: NDArray[np.int64], word: NDArray[np.float64], serial: NDArray[np.float64], industry: NDArray[np.int64]
) -> list[str]:
    """Invented names of firms: place, fancy word, serial number and trade."""
    return [
        f"{REGIONS[p]}{_FIRM[int(w * len(_FIRM))]}{int(s * 900) + 100}{_FIRM_KIND[i]}"
        for p, w, s, i in zip(place, word, serial, industry, strict=True)
    ]
