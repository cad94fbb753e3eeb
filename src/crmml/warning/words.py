"""The words of causes and actions, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from crmml.features import CONCEPTS
from crmml.warning.spec import NO_CAUSE, Action

ACTIONS: Mapping[str, Action] = {
    "balances": Action(
        "{by}前致电,了解资金去向;就到期或转走的资金给出留存方案",
        "call by {by}: ask where the money goes, offer terms for what matures or moved",
    ),
    "cash_flow": Action(
        "{by}前致电,了解结算往来是否转到他行;核对代收代付与手机银行绑定",
        "call by {by}: ask whether payments moved to another bank; check direct debits and the mobile bank",
    ),
    "rhythm": Action("{by}前致电问候,确认账户是否仍为常用账户", "call by {by}: find out whether this is still the main account"),
    "counterparties": Action(
        "{by}前致电,了解常用收付款对象为何停止往来", "call by {by}: ask why regular payees are no longer paid from here"
    ),
    "salary": Action(
        "{by}前联系客户与代发单位,确认工资代发是否变更,协助恢复",
        "contact customer and employer by {by}: has the salary moved? help it back",
    ),
    "products": Action(
        "{by}前面谈,回顾已有产品是否合用,避免逐项销户", "meet by {by}: review the products held before they are closed one by one"
    ),
    "tenure": Action("{by}前做一次新客户回访", "welcome call by {by}: the relationship is young"),
    "credit": Action(
        "{by}前致电,了解还款或提前结清的打算", "call by {by}: ask about repaying or settling early"
    ),
    "limits": Action("{by}前致电,了解额度使用下降的原因", "call by {by}: ask why the limit is used less"),
    "channel": Action("{by}前致电,协助解决渠道使用问题", "call by {by}: help with the channels that fell out of use"),
    "activity": Action(
        "{by}前致电,了解手机银行与柜面使用减少的原因", "call by {by}: ask why the mobile bank and the counter are used less"
    ),
    "service": Action(
        "{by}前由负责人致歉并告知投诉处理结果;此前不作营销",
        "the head apologises by {by} and tells how the complaint was settled; no selling before",
    ),
    "contacts": Action("暂停营销,{by}前仅作关怀联系", "stop selling; a call of care only, by {by}"),
    "relations": Action("{by}前致电,一并关心其关联客户", "call by {by}, and care for the related customers too"),
    "profile": Action("{by}前做一次关怀回访,核对联系信息", "a call of care by {by}; check the contact details"),
    "history": Action("{by}前回访,补全客户信息", "call by {by} and complete what is known"),
    "standing": Action("{by}前面谈,比照同类客户检视服务方案", "meet by {by}: compare with how like customers are served"),
    "value": Action("{by}前面谈,检视定价与权益", "meet by {by}: review prices and benefits"),
    "terms": Action("{by}前致电,确认业务条件是否合适", "call by {by}: are the terms right?"),
    NO_CAUSE: Action("{by}前做一次关怀回访", "a call of care by {by}"),
}  # fmt: skip
"""What to do about each cause unless `warning.yaml` says otherwise."""

WATCHED = Action("列入关注,暂不联系;下次评分时再定", "keep an eye on; no call before the next scoring decides")
"""What is done about a customer on watch, whatever the cause: nobody calls."""


def cause_words(cause: str) -> tuple[str, str]:
    """A cause in Chinese and English; other concepts (of a feature table, of later versions) are said as they are.

    >>> cause_words("salary"), cause_words("none")
    (('工资代发', 'salary'), ('无突出原因', 'no single cause'))
    """
    if cause == NO_CAUSE:
        return "无突出原因", "no single cause"
    concept = CONCEPTS.get(cause)
    return (concept.zh, concept.en) if concept else (cause, cause)
