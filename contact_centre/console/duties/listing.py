"""The entries of the worklist, each with all that whoever takes it up needs: whom, what to say, what was tried."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import duty_queries, incident_store, messages, queries
from appeals.duties import DutyKind
from appeals.duty_queries import DutyFilters, Owed
from appeals.errors import UnknownReferenceError
from appeals.messages import Announcement, MessageChannel
from appeals.model import Actor, Appeal
from appeals.reference import CITY_TIME, Reference
from contact_centre import announcing, outbound_results
from contact_centre.console.directory.forwardings import HELPED
from contact_centre.console.duties.words import ANSWERS
from contact_centre.outbound_results import Made

JUST_NOW: Final = timedelta(minutes=10)
"""What somebody called for within this stays in their list when it is done, so that they see that it is."""

_UNBROKEN: Final = re.compile(r"(?<=\d)-(?=\d)")
"""Within a number no line is broken."""
_SOON: Final = timedelta(hours=1)
_WORKERS: Final = frozenset({"operator", "supervisor"})


@dataclass(frozen=True, slots=True)
class Answer:
    """Something that may have come of it: its code, what it is called, and the key that says so."""

    code: str
    label: str
    key: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A duty as the worklist shows it.

    ``tone`` and ``due`` are of its time: ``late``, ``due`` or nothing. ``number`` is what the button calls, ``role``
    whom of a service's ladder that reaches. ``say`` is the city's own text, ``report`` what the service wrote.
    ``made`` is the last call that was asked for, ``about`` the id of the one of which the person can say now what came
    of it; ``answers`` are what that may be. ``mine`` and ``taken``: the person, or somebody else, is at it.
    """

    owed: Owed
    tone: str
    number: str | None
    role: str | None
    say: str | None
    report: str | None
    made: Made | None
    about: str | None
    answers: tuple[Answer, ...]
    mine: bool
    taken: bool
    may_work: bool
    may_excuse: bool

    @property
    def waits(self) -> bool:
        """Whether a call for it goes on, so that it will soon look different."""
        return self.made is not None and self.made.goes_on


@dataclass(frozen=True, slots=True)
class Listing:
    """Whose list it is, and what its entries are made of."""

    actor: Actor
    now: datetime
    reference: Reference
    phone: str
    appeals: Mapping[str, Appeal]
    news: Mapping[str, tuple[str, str]]
    made: Mapping[str, Made]

    def entry(self, owed: Owed) -> Entry:
        """An entry, with no more than its reader may see."""
        duty, made = owed.duty, self.made.get(_purpose(owed))
        appeal = None if duty.appeal_id is None else self.appeals.get(duty.appeal_id)
        works = not owed.masked and not _WORKERS.isdisjoint(role.value for role in self.actor.roles)
        open_ = duty.closed_at is None
        number, role = self._reached(owed) if works else (None, None)
        return Entry(
            owed=owed,
            tone=_tone(owed, self.now),
            number=number,
            role=role,
            say=self._say(owed, appeal) if works else None,
            report=appeal.report if works and appeal is not None and _tells(owed) else None,
            made=None if owed.masked else made,
            about=self._about(owed, made) if works else None,
            answers=_answers(owed) if works else (),
            mine=duty.owner == self.actor.login and duty.claimed_at is not None,
            taken=duty.claimed_at is not None and duty.owner != self.actor.login,
            may_work=works and open_,
            may_excuse=works and open_ and duty.kind is DutyKind.INFORM and self._supervises(),
        )

    def _supervises(self) -> bool:
        return any(role.value == "supervisor" for role in self.actor.roles)

    def _reached(self, owed: Owed) -> tuple[str | None, str | None]:
        """The number that is called for it, and of a service's duty whose that is."""
        if owed.duty.kind is not DutyKind.ACCEPT:
            return owed.duty.number, None
        service = self.reference.services.get(owed.service or "")
        if owed.must_phone is not None and owed.must_phone.address is not None:
            return owed.must_phone.address, owed.must_phone.role
        return (None if service is None else service.phone), (owed.must_phone.role if owed.must_phone else None)

    def _say(self, owed: Owed, appeal: Appeal | None) -> str | None:
        """What the applicant would be written, in their language."""
        duty = owed.duty
        if duty.kind is not DutyKind.INFORM:
            return None
        language = "uk" if appeal is None else appeal.language
        told = {"phone": self.phone}
        if appeal is not None:
            told |= announcing.parameters(appeal, self.reference, language, self.phone)
        if duty.duty_id in self.news:
            told |= announcing.news(*self.news[duty.duty_id], self.reference, language)
        if duty.words is not None and (appeal is None or appeal.desk is None):
            told["reason"] = duty.words
        text = Announcement(
            event_id=duty.duty_id,
            appeal_id=duty.appeal_id,
            duty_id=duty.duty_id,
            template=duty.reason,
            language=language,
            channel=MessageChannel.SMS,
            address=None,
            parameters=told,
        )
        try:
            return _UNBROKEN.sub("\N{NON-BREAKING HYPHEN}", messages.render(text, self.reference.templates).body)
        except UnknownReferenceError:
            return duty.words

    def _about(self, owed: Owed, made: Made | None) -> str | None:
        """The call of which the person can say what came of it: their last one, if it reached anybody."""
        if made is None or made.operator != self.actor.login or not made.reached:
            return None
        said = {one.contact_id for one in owed.results}
        done = owed.duty.closed_at is not None and owed.duty.evidence != made.call_id
        return None if done or made.call_id in said else made.call_id


async def entries(
    connection: AsyncConnection,
    wanted: DutyFilters,
    actor: Actor,
    now: datetime,
    reference: Reference,
    phone: str,
) -> list[Entry]:
    """What is owed, the one due first at the head; before it what the person called for just now and is done."""
    listed = await duty_queries.list_duties(connection, wanted, actor, now)
    shown = {one.duty.duty_id for one in listed}
    done: list[Owed] = []
    for purpose in await outbound_results.purposes_of(connection, actor.login, now - JUST_NOW):
        kind, _, duty_id = purpose.partition(":")
        if kind == "duty" and duty_id not in shown:
            done += await _done(connection, duty_id, wanted, actor, now)
    found = [*done, *listed]
    ids = [one.duty.appeal_id for one in found if one.duty.appeal_id is not None and not one.masked]
    listing = Listing(
        actor=actor,
        now=now,
        reference=reference,
        phone=phone,
        appeals={one.appeal_id: one for one in await queries.get_appeals(connection, list(dict.fromkeys(ids)))},
        news=await incident_store.news_by_duty(connection, [one.duty.duty_id for one in found]),
        made=await outbound_results.latest_calls(connection, [_purpose(one) for one in found]),
    )
    return [listing.entry(one) for one in found]


async def _done(
    connection: AsyncConnection, duty_id: str, wanted: DutyFilters, actor: Actor, now: datetime
) -> Sequence[Owed]:
    found = await duty_queries.list_duties(connection, DutyFilters(duty_id=duty_id, open=False), actor, now)
    return [one for one in found if wanted.kind in {None, one.duty.kind} and not wanted.overdue]


def _purpose(owed: Owed) -> str:
    return f"duty:{owed.duty.duty_id}"


def _tone(owed: Owed, now: datetime) -> str:
    if owed.duty.closed_at is not None:
        return "done"
    if owed.overdue:
        return "late"
    return "due" if owed.duty.due_at - now < _SOON else ""


def _tells(owed: Owed) -> bool:
    return owed.duty.kind is DutyKind.INFORM and owed.duty.reason in {"result", "refused", "forwarded"}


def _answers(owed: Owed) -> tuple[Answer, ...]:
    """What may have come of it, in the order of their keys."""
    kind = owed.duty.kind
    if kind is DutyKind.FORWARDING_CONTROL:
        spoke = owed.duty.forwarding is not None and owed.duty.forwarding.talked_seconds is not None
        named = [(code, label) for code, (label, took_place, _, _) in HELPED.items() if took_place or not spoke]
    else:
        named = [(result.value, label) for result, label in ANSWERS[kind].items()]
    return tuple(Answer(code, label, str(key)) for key, (code, label) in enumerate(named, start=1))


def short_time(at: datetime, now: datetime) -> str:
    """A time as a list shows it: the hour alone if it is today's."""
    there, here = at.astimezone(CITY_TIME), now.astimezone(CITY_TIME)
    if there.date() == here.date():
        return f"{there:%H:%M}"
    return f"{there:%d.%m %H:%M}" if there.year == here.year else f"{there:%d.%m.%Y}"
