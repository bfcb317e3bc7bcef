"""What follows from the register's steps for those outside: messages to applicants and services, events to programs.

Everything is put into the outbox within the transaction of the step. An applicant who left an e-mail address is
written to, one with a mobile number gets an SMS; where neither way is set up, or there is neither, an operator calls:
the duty stays open. Nothing of a restricted appeal but its number leaves this way: others read that telephone too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appeals import incident_store
from appeals.duties import Duty, DutyKind
from appeals.messages import Announcement, MessageChannel
from appeals.model import Appeal, HistoryEntry, Result, Status
from appeals.numbers import is_mobile
from appeals.ports import Outbox, Tx
from appeals.reference import CITY_TIME, Category, Reference, Service

RESULTS: Final[Mapping[Result, Mapping[str, str]]] = {
    Result.RESOLVED: {"uk": "виконано", "en": "done"},
    Result.EXPLAINED: {"uk": "надано роз'яснення", "en": "explained"},
    Result.REFUSED: {"uk": "відмовлено", "en": "refused"},
    Result.FORWARDED: {"uk": "переслано за належністю", "en": "forwarded"},
    Result.NOT_CONSIDERED: {"uk": "залишено без розгляду", "en": "not considered"},
    Result.WITHDRAWN: {"uk": "відкликано заявником", "en": "withdrawn"},
}
"""Results as applicants read them."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Which ways out there are, and the number that applicants call back."""

    email: bool
    sms: bool
    phone: str


class Announcer:
    """Told of every step by ``appeals.register.Desk``; puts what follows into the outbox."""

    def __init__(self, outbox: Outbox, reference: Callable[[Tx], Reference], ways: Ways) -> None:
        self._outbox = outbox
        self._reference = reference
        self._ways = ways

    def owed(self, tx: Tx, appeal: Appeal | None, duty: Duty) -> None:
        """A duty was opened: tell the applicant, or the service that has to accept."""
        if duty.closed_at is not None:
            return
        if appeal is None:
            self._tell_caller(tx, duty)
        elif duty.kind is DutyKind.INFORM:
            self._tell_applicant(tx, appeal, duty)
        elif duty.kind is DutyKind.ACCEPT:
            self._tell_service(tx, appeal, duty)

    def changed(self, tx: Tx, before: Appeal | None, after: Appeal, entries: Iterable[HistoryEntry]) -> None:  # noqa: ARG002 - the port's signature
        """An appeal took a step: programs that subscribed are told of it, without persons and words.

        A draft is kept as it is typed: of that nothing is told.
        """
        for entry in entries:
            if after.status is Status.NEW and entry.event == "edited":
                continue
            open_to_all = after.desk is None
            told = {
                "registration_number": after.registration_number or "",
                "status": after.status.value,
                "event": entry.event,
                "at": entry.at.isoformat(),
                "category": (after.category or "") if open_to_all else "",
                "service": (after.service or "") if open_to_all else "",
            }
            self._outbox.put(
                tx,
                Announcement(
                    event_id=f"{after.appeal_id}:{after.version}:{entry.event}",
                    appeal_id=after.appeal_id,
                    duty_id=None,
                    template=f"appeal.{entry.event}",
                    language="uk",
                    channel=MessageChannel.WEBHOOK,
                    address=None,
                    parameters=told,
                ),
            )

    def _tell_applicant(self, tx: Tx, appeal: Appeal, duty: Duty) -> None:
        if self._ways.email and appeal.applicant_email is not None:
            channel, address = MessageChannel.EMAIL, appeal.applicant_email
        elif self._ways.sms and appeal.applicant_phone is not None and is_mobile(appeal.applicant_phone):
            channel, address = MessageChannel.SMS, appeal.applicant_phone
        else:
            return
        told = self._parameters(tx, appeal, appeal.language) | self._news(tx, duty, appeal.language)
        if duty.words is not None and appeal.desk is None:
            told["reason"] = duty.words
        self._put(tx, appeal.appeal_id, duty, channel, address, appeal.language, told, duty.duty_id)

    def _tell_caller(self, tx: Tx, duty: Duty) -> None:
        """Somebody who joined an incident by a key, and left no more than the number that they called from."""
        if self._ways.sms and duty.number is not None and is_mobile(duty.number):
            told = {"phone": self._ways.phone} | self._news(tx, duty, "uk")
            self._put(tx, None, duty, MessageChannel.SMS, duty.number, "uk", told, duty.duty_id)

    def _news(self, tx: Tx, duty: Duty, language: str) -> dict[str, str]:
        """What is said of an incident that is over."""
        found = incident_store.news_of(tx, duty.duty_id)
        if found is None:
            return {}
        text, category = found
        return news(text, category, self._reference(tx), language)

    def _parameters(self, tx: Tx, appeal: Appeal, language: str) -> dict[str, str]:
        return parameters(appeal, self._reference(tx), language, self._ways.phone)

    def _tell_service(self, tx: Tx, appeal: Appeal, duty: Duty) -> None:
        service = self._reference(tx).services.get(appeal.service or "")
        if self._ways.email and service is not None and service.email is not None:
            told = self._parameters(tx, appeal, "uk") | {"due": _moment(duty.due_at)}
            self._put(tx, appeal.appeal_id, duty, MessageChannel.EMAIL, service.email, "uk", told, None)

    def _put(
        self,
        tx: Tx,
        appeal_id: str | None,
        duty: Duty,
        channel: MessageChannel,
        address: str,
        language: str,
        told: Mapping[str, str],
        closes: str | None,
    ) -> None:
        announcement = Announcement(
            event_id=duty.duty_id,
            appeal_id=appeal_id,
            duty_id=closes,
            template=duty.reason,  # the reasons of duties are the codes of templates
            language=language,
            channel=channel,
            address=address,
            parameters=told,
        )
        self._outbox.put(tx, announcement)


def parameters(appeal: Appeal, reference: Reference, language: str, phone: str) -> dict[str, str]:
    """What may be said of an appeal, for the placeholders of the city's texts; what it lacks is left out.

    ``phone`` is the contact centre's own. Of a restricted appeal it is the number alone.
    """
    known: dict[str, str | None] = {"number": appeal.registration_number, "phone": phone}
    if appeal.desk is None:
        responsible = reference.services.get(appeal.forwarded_to or appeal.service or "")
        due = appeal.due_at or appeal.legal_due_at
        until = appeal.extended_until
        known |= {
            "applicant": appeal.applicant,
            "category": _named(reference.categories.get(appeal.category or ""), language),
            "service": _named(responsible, language),
            "service_phone": None if responsible is None else responsible.phone,
            "address": appeal.address,
            "due": None if due is None else _moment(due),
            "until": None if until is None else f"{until:%d.%m.%Y}",
            "result": None if appeal.result is None else RESULTS[appeal.result][language],
            "text": appeal.report,
            "law": appeal.legal_reference,
        }
    return {name: value for name, value in known.items() if value}


def news(text: str, category: str, reference: Reference, language: str) -> dict[str, str]:
    """The same of an incident that is over, to somebody who reported it."""
    name = _named(reference.categories.get(category), language)
    return {"text": text} | ({} if name is None else {"category": name})


def _named(of: Category | Service | None, language: str) -> str | None:
    if of is None:
        return None
    return of.name.en if language == "en" else of.name.uk


def _moment(at: datetime) -> str:
    return f"{at.astimezone(CITY_TIME):%d.%m.%Y %H:%M}"
