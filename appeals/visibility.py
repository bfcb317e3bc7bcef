"""Who sees what of an appeal. One rule for pages, API, search, exports and messages.

Restricted appeals (their category has a ``desk``) are masked for everybody else: they still count, but neither the
person nor the words are shown. Whoever writes a draft writes on when its category turns out to be a restricted one;
once it is registered it is its desk's alone. An executor sees what is with their service. The mayor sees matters, not
people.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from appeals.duties import Duty
from appeals.model import Actor, Appeal, Role, Status


class Sight(StrEnum):
    """How much of an appeal somebody sees."""

    WHOLE = "whole"
    MATTER = "matter"
    """Everything but who asked."""
    MASKED = "masked"
    """That it exists, when, and where it stands."""
    NOTHING = "nothing"


_ALL_SERVICES: Final = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.HEAD, Role.AUDITOR, Role.MAYOR, Role.SYSTEM})
_PEOPLE: Final = _ALL_SERVICES - {Role.MAYOR}
_WRITERS: Final = frozenset({Role.OPERATOR, Role.SUPERVISOR})


def sight(actor: Actor, *, desk: str | None, service: str | None) -> Sight:
    """How much ``actor`` sees of an appeal that belongs to ``desk`` (None: to all) and is with ``service``."""
    own = Role.EXECUTOR in actor.roles and service is not None and service == actor.service
    if not own and not actor.roles & _ALL_SERVICES:
        return Sight.NOTHING
    if desk is not None and desk not in actor.desks and Role.SYSTEM not in actor.roles:
        return Sight.MASKED
    return Sight.WHOLE if own or actor.roles & _PEOPLE else Sight.MATTER


def writes(actor: Actor, *, status: Status, operator: str | None) -> bool:
    """Whether an appeal is a draft that ``actor`` is writing: it stays whole to them, whatever desk it comes to."""
    return status is Status.NEW and operator == actor.login and not actor.roles.isdisjoint(_WRITERS)


def sees_every_service(actor: Actor) -> bool:
    """Whether what an appeal's service is does not matter to what ``actor`` sees of it."""
    return not actor.roles.isdisjoint(_ALL_SERVICES)


def sight_of_call(actor: Actor, appeals: Iterable[tuple[str | None, str | None]]) -> Sight:
    """How much ``actor`` sees of a call that is linked to appeals of these desks and services: of all, the least.

    A call without an appeal is everybody's who sees those of all services.
    """
    sights = [sight(actor, desk=desk, service=service) for desk, service in appeals]
    return max(sights or [sight(actor, desk=None, service=None)], key=tuple(Sight).index)


def seen(appeal: Appeal, actor: Actor) -> Appeal | None:
    """The appeal as ``actor`` may see it; None if they may not know of it."""
    match sight(actor, desk=appeal.desk, service=appeal.service):
        case Sight.WHOLE:
            return appeal
        case Sight.MATTER:
            return without_person(appeal)
        case Sight.MASKED:
            return masked(appeal)
        case Sight.NOTHING:
            return None


def without_person(appeal: Appeal) -> Appeal:
    """Everything but who asked, and what leads there."""
    return replace(
        appeal,
        caller_number=None,
        caller_number_raw=None,
        caller_name=None,
        applicant=None,
        applicant_phone=None,
        applicant_email=None,
        calls=(),
        recordings=(),
        duties=tuple(duty_without_person(duty) for duty in appeal.duties),
        history=tuple(replace(entry, details={}) for entry in appeal.history),
    )


def duty_without_person(duty: Duty) -> Duty:
    """What is owed and whether it was done, without to whom, and without what somebody wrote about them."""
    return replace(duty, number=None, email=None, call_id=None, evidence=None, excuse_reason=None, letter=None)


def masked(appeal: Appeal) -> Appeal:
    """That it exists, when it came and where it stands: neither person nor words nor place."""
    return replace(
        without_person(appeal),
        masked=True,
        category=None,
        address=None,
        district=None,
        street=None,
        house=None,
        description=None,
        report=None,
        photos=(),
        complained_of=None,
        forwarded_to=None,
        legal_reference=None,
        external_id=None,
        operator=None,
        line=None,
        duties=(),
        history=(),
    )
