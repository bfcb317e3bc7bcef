"""What proves that the applicant was told, and what excuses that they were not. Pure.

That somebody picked up proves little: voicemail does so too. So a call counts only together with the operator's word,
and the operator's word only together with a call that was really connected.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from appeals.duties import ContactDirection, ContactEvidence
from appeals.reference import CITY_TIME

TOLD_SECONDS: Final = 10.0
"""How long operator and applicant must have been connected for the applicant to count as told (proposal)."""
ATTEMPTS: Final = 3
"""After so many calls in vain, at different hours of the day, and a letter, an applicant is unreachable (proposal)."""


class ContactResult(StrEnum):
    """What an operator says came of a call for a duty."""

    TOLD = "told"
    NOT_TOLD = "not_told"
    """Reached, but at a bad moment."""
    VOICEMAIL = "voicemail"
    WRONG_PERSON = "wrong_person"
    REFUSED_TO_LISTEN = "refused_to_listen"


UNANSWERED: Final = frozenset({ContactResult.NOT_TOLD, ContactResult.VOICEMAIL, ContactResult.WRONG_PERSON})
"""After these a citizen who called in vain is still owed a callback, though somebody or something picked up."""


@dataclass(frozen=True, slots=True)
class GivenResult:
    """An operator's result of a call for a duty.

    ``number`` (E.164; None: the applicant left none) and ``at_least`` (seconds) are what an outbound call must have
    reached, and for how long, to prove it.
    """

    duty_id: str
    contact_id: str
    result: ContactResult
    number: str | None
    at_least: float
    given_by: str
    given_at: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SpecialistContact:
    """In the call ``call_id``, of a citizen with ``number``, it was tried at ``at`` to reach a specialist for them.

    ``talked_seconds`` is how long citizen and specialist heard each other; None if the specialist did not answer.
    """

    call_id: str
    number: str | None
    line: str | None
    specialist: str | None
    talked_seconds: float | None
    at: datetime


class Shortfall(StrEnum):
    """What a result still lacks to close its duty."""

    NOT_TOLD = "not_told"
    NO_CALL = "no_call"
    """The ledger has not yet said that the call was answered and is over; as soon as it does, the duty closes."""
    NOT_ANSWERED = "not_answered"
    OTHER_NUMBER = "other_number"
    TOO_SHORT = "too_short"
    BEFORE = "before"
    """The call was over before there was anything to tell."""


def shortfall(given: GivenResult, contact: ContactEvidence | None, opened_at: datetime) -> Shortfall | None:
    """Why a result does not prove that the applicant was told; None if it does.

    A call that came in counts from any number: who it was is the operator's to judge.
    """
    if given.result is not ContactResult.TOLD:
        return Shortfall.NOT_TOLD
    if contact is None or (contact.connected_seconds is not None and contact.ended_at is None):
        return Shortfall.NO_CALL
    if contact.connected_seconds is None:
        return Shortfall.NOT_ANSWERED
    if contact.direction is ContactDirection.OUTBOUND and contact.number != given.number:
        return Shortfall.OTHER_NUMBER
    if contact.connected_seconds < given.at_least:
        return Shortfall.TOO_SHORT
    return Shortfall.BEFORE if contact.ended_at is not None and contact.ended_at <= opened_at else None


def hours(times: Iterable[datetime]) -> list[int]:
    """The hours of the day, in the city, at which something happened; each once."""
    return sorted({at.astimezone(CITY_TIME).hour for at in times})


def attempts_missing(attempts: Iterable[datetime]) -> int:
    """How many more calls, at hours of the day at which nobody has tried, make an applicant unreachable."""
    return max(0, ATTEMPTS - len(hours(attempts)))


def best_hour(calls: Sequence[datetime]) -> int | None:
    """The hour of the day at which a citizen called most; of several, that of the latest call."""
    if not calls:
        return None
    counts = Counter(at.astimezone(CITY_TIME).hour for at in calls)
    latest = {at.astimezone(CITY_TIME).hour: at for at in sorted(calls)}
    return max(counts, key=lambda hour: (counts[hour], latest[hour]))
