"""What happened to customers, how they were contacted, and what the bank counts of their activity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ibis import _

from crmml.features.declare import WINDOWS, Derived, Difference, Family, Months, Ratio, Trend
from crmml.features.statistics import Count, DaysSince, Latest, Mean, Measure, Number, Sum
from crmml.sources.spec import ActivityMeasure

_HAPPENED = _.change > 0
_COMPLAINT, _LOGIN = _.kind == "complaint", _.kind == "login"
_SHORT, _YEAR = (Months(3), Months(12)), (Months(12),)

EVENTS = Family(
    name="events",
    table="events",
    concept="service",
    zh="客户事件与投诉",
    en="events and complaints",
    needs=("events",),
    windows=WINDOWS,
    measures=[
        Count("events", where=_HAPPENED, zh="客户事件数", en="events"),
        Count("complaints", where=_HAPPENED & _COMPLAINT, zh="投诉次数", en="complaints", sign={"churn": 1}),
        Number("complaints_open", where=_COMPLAINT, of=_.change, zh="未结投诉数", en="complaints not yet closed",
               sign={"churn": 1}),
        DaysSince("days_since_last_complaint", where=_HAPPENED & _COMPLAINT, unit="days", zh="距最近一次投诉天数",
                  en="days since the last complaint", sign={"churn": -1}),
        DaysSince("days_since_last_event", where=_HAPPENED, unit="days", zh="距最近一次客户事件天数",
                  en="days since the last event"),
        Count("complaints_closed", where=~_HAPPENED & _COMPLAINT, windows=_YEAR, zh="已结投诉数", en="complaints closed"),
        Mean("complaint_days", where=~_HAPPENED & _COMPLAINT, of=_.lasted, unit="days", windows=_YEAR, zh="投诉办结天数",
             en="days until a complaint was closed", sign={"churn": 1}),
        Count("logins_on_file", where=_HAPPENED & _LOGIN, windows=_SHORT, zh="登录次数(事件记录)", en="logins, as events",
              sign={"churn": -1}),
        DaysSince("days_since_last_login", where=_HAPPENED & _LOGIN, unit="days", zh="距最近一次登录天数",
                  en="days since the last login", sign={"churn": 1}),
    ],
)  # fmt: skip

_CONTACTED, _RESPONDED = _.step == "contacted", _.step == "responded"
_REFUSED = _.step == "unanswered"

CONTACTS = Family(
    name="contacts",
    table="contacts",
    concept="contacts",
    zh="营销接触",
    en="marketing contacts",
    needs=("contacts",),
    windows=(Months(3), Months(6), Months(12)),
    measures=[
        Count("contacts", where=_CONTACTED, zh="被营销接触次数", en="times contacted"),
        Count("responses", where=_RESPONDED, zh="营销响应次数", en="times responded", sign={"uptake": 1}),
        Count("refusals", where=_REFUSED, windows=_YEAR, zh="营销接触后60天无响应次数", en="contacts without a response in 60 days",
              sign={"uptake": -1}),
        DaysSince("days_since_last_contact", where=_CONTACTED, unit="days", zh="距最近一次营销接触天数",
                  en="days since the last contact"),
        DaysSince("days_since_last_response", where=_RESPONDED, unit="days", zh="距最近一次营销响应天数",
                  en="days since the last response"),
    ],
    derived=[
        Ratio("response_rate_12m", "responses_12m", "contacts_12m", unit="share", zh="近12个月营销响应率",
              en="responses per contact, last 12 months", sign={"uptake": 1}),
    ],
)  # fmt: skip


def activity_family(declared: Sequence[ActivityMeasure]) -> Family:
    """The family of the measures a bank declares: levels give last, mean and change, flows give sums."""
    return Family(
        name="activity",
        table="activity",
        concept="activity",
        zh="客户活跃",
        en="activity",
        needs=("activity",),
        measures=[measure for one in declared for measure in _measures(one)],
        derived=[derived for one in declared for derived in _derived(one)],
    )


def _measures(one: ActivityMeasure) -> Iterator[Measure]:
    rows = {"of": _.value, "where": _.measure == one.name, "unit": one.unit, "concept": one.concept}
    if one.kind == "flow":
        yield Sum(one.name, zh=one.zh, en=one.en, **rows)
    else:
        yield Latest(one.name, over="only", zh=one.zh, en=one.en, **rows)
        yield Mean(one.name, zh=one.zh, en=one.en, windows=(Months(3), Months(6), Months(12)), **rows)


def _derived(one: ActivityMeasure) -> Iterator[Derived]:
    if one.kind == "flow":
        yield Trend(f"{one.name}_trend_3m", f"{one.name}_3m", f"{one.name}_12m", zh=f"近3个月{one.zh}较近12个月月均变化",
                    en=f"{one.en} per month, last 3 against last 12 months", concept=one.concept)  # fmt: skip
    else:
        yield Trend(f"{one.name}_trend_3m", f"{one.name}_mean_3m", f"{one.name}_mean_12m", concept=one.concept,
                    zh=f"近3个月平均{one.zh}较近12个月变化", en=f"average {one.en}, last 3 against last 12 months")  # fmt: skip
        yield Difference(f"{one.name}_change", f"{one.name}_last", f"{one.name}_mean_12m", unit=one.unit, concept=one.concept,
                         zh=f"最新{one.zh}与近12个月平均之差", en=f"{one.en} less its average of 12 months")  # fmt: skip
        yield Difference(f"{one.name}_change_3m", f"{one.name}_last", f"{one.name}_mean_3m", unit=one.unit, concept=one.concept,
                         zh=f"最新{one.zh}与近3个月平均之差", en=f"{one.en} less its average of 3 months")  # fmt: skip
