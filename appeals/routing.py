"""Which service an appeal is proposed to, and why. Pure: the operator sees the reasons and may choose otherwise."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appeals.clocks import working_time
from appeals.reference import CITY_TIME, Calendar, Category, Reference, Route, Service


class ReasonCode(StrEnum):
    """Why a service is proposed, or none."""

    RULE = "rule"
    """A rule of the city for this category and district."""
    USUAL = "usual"
    """The category's usual service."""
    OFF_DUTY = "off_duty"
    """``service`` is off duty at this hour; the one that stands in for it is proposed."""
    WAITS = "waits"
    """``service`` is off duty at this hour and nobody stands in: it finds the appeal when it comes."""
    ART_7 = "art_7"
    """The complaint is about ``service``, so the body above it is proposed."""
    EXTERNAL = "external"
    """``service`` is not the city's: the appeal is forwarded there, not routed."""
    ANSWERED_IN_CALL = "answered_in_call"
    """The operator answers; a service is only needed if they refer the caller."""
    NO_SUPERIOR = "no_superior"
    """The complaint is about ``service``, and the reference data names nobody above it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and its parameters: codes of services, categories, districts."""

    code: ReasonCode
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A service's code, None where nothing fits, and the reasons in the order in which they applied."""

    service: str | None
    reasons: tuple[Reason, ...]


def propose(
    reference: Reference, category: str, district: str | None, at: datetime, complained_of: str | None
) -> Proposal:
    """The service for an appeal of ``category`` in ``district`` at ``at``, never the one that is complained of.

    The most specific rule wins: leaf before group, district before anywhere; without a rule the category's usual
    service. A complaint about that service goes to the nearest body above it that it is not about (Law on citizens'
    appeals, Article 7). Off duty, whoever the rule names stands in.

    Raises:
        UnknownReferenceError: There is no such category, or a service that the data names is missing.
        ValueError: ``at`` is naive.
    """
    topic = reference.category(category)
    rule = _rule(reference, topic, district)
    usual = topic.service if rule is None else rule.service
    if usual is None:
        return Proposal(None, (Reason(ReasonCode.ANSWERED_IN_CALL),))
    reasons = [_why(rule)]
    barred = {complained_of, topic.about}
    chosen = reference.service(usual)
    if chosen.code in barred:
        reasons.append(_about(ReasonCode.ART_7, chosen))
        above = _above(reference, chosen, barred)
        if above is None:
            return Proposal(None, (*reasons, _about(ReasonCode.NO_SUPERIOR, chosen)))
        chosen = above
    if not on_duty(chosen, at, reference.calendar):
        stand_in = None if rule is None or chosen.code != rule.service else rule.off_duty
        if stand_in is None or stand_in in barred:
            reasons.append(_about(ReasonCode.WAITS, chosen))
        else:
            reasons.append(_about(ReasonCode.OFF_DUTY, chosen))
            chosen = reference.service(stand_in)
    if chosen.external:
        reasons.append(_about(ReasonCode.EXTERNAL, chosen))
    return Proposal(chosen.code, tuple(reasons))


def on_duty(service: Service, at: datetime, calendar: Calendar) -> bool:
    """Whether somebody is there. A service that keeps the city's ordinary hours keeps its days off too.

    Raises:
        ValueError: ``at`` is naive.
    """
    if at.tzinfo is None:
        raise ValueError(f"a time without offset: {at}")
    hours = calendar if service.hours == calendar.hours else Calendar(service.hours)
    return any(begin <= at < end for begin, end in working_time(hours, at.astimezone(CITY_TIME).date()))


def _rule(reference: Reference, topic: Category, district: str | None) -> Route | None:
    fitting = [
        route
        for route in reference.routes
        if route.category in {topic.code, topic.parent} and route.district in {None, district}
    ]
    return max(fitting, key=lambda route: (route.category == topic.code, route.district is not None), default=None)


def _above(reference: Reference, service: Service, barred: AbstractSet[str | None]) -> Service | None:
    """The nearest body above a service that may have the complaint."""
    passed: set[str] = set()
    while service.superior is not None and service.code not in passed:
        passed.add(service.code)
        service = reference.service(service.superior)
        if service.code not in barred:
            return service
    return None


def _why(rule: Route | None) -> Reason:
    if rule is None:
        return Reason(ReasonCode.USUAL)
    where = {} if rule.district is None else {"district": rule.district}
    return Reason(ReasonCode.RULE, {"category": rule.category, **where})


def _about(code: ReasonCode, service: Service) -> Reason:
    return Reason(code, {"service": service.code})
