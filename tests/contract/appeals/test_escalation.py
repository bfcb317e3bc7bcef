"""Services that do not accept: who is told, when, how, and never twice."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from appeals import commands, duty_queries, escalation, queries
from appeals.duties import DutyKind
from appeals.duty_desk import DutyDesk
from appeals.duty_queries import Alerted, DutyFilters
from appeals.errors import UnknownReferenceError
from appeals.escalation import Way, alerts
from appeals.evidence import ContactResult
from appeals.messages import Announcement, MessageChannel
from appeals.model import Appeal, Channel
from appeals.ports import Tx
from appeals.reference import Name, Reference, Rung, Service, Span, Urgency
from appeals.register import Desk
from tests.contract.appeals.conftest import Register
from tests.town import OPERATOR, PSYCHOLOGIST, REFERENCE, REGISTERED_AT, WATER

EVERYTHING = frozenset({MessageChannel.EMAIL, MessageChannel.SMS})
DISPATCHER = Rung(Span.parse("2h"), Name("диспетчер", "dispatcher"), "+380372520001", "d@example.org")
ENGINEER = Rung(Span.parse("1d"), Name("головний інженер", "chief engineer"), "+380501110000", None)
DEPUTY = Rung(Span.parse("2d"), Name("заступник мера", "deputy mayor"), "+380372500000", None)


def with_ladder(*ladder: Rung, urgency: Urgency = Urgency.N) -> Reference:
    """The town, in which the waterworks have a ladder."""
    water = replace(REFERENCE.services["water"], ladder=ladder)
    leak = replace(REFERENCE.categories["water.leak"], urgency=urgency, accept_within=Span.parse("30min"))
    secret = replace(REFERENCE.categories["education.bullying"], service="water")
    return replace(
        REFERENCE,
        services={**REFERENCE.services, "water": water},
        categories={**REFERENCE.categories, "water.leak": leak, "education.bullying": secret},
    )


class Outbox:
    """Keeps what is put into it; has a text or has none."""

    def __init__(self, *, templates: bool = True) -> None:
        self.put_in: list[Announcement] = []
        self._templates = templates

    def put(self, _: Tx, announcement: Announcement) -> None:
        if not self._templates:
            raise UnknownReferenceError("template", announcement.template)
        self.put_in.append(announcement)


@dataclass
class Clock:
    at: datetime = REGISTERED_AT

    def now(self) -> datetime:
        return self.at


@dataclass
class Office:
    register: Register
    reference: Reference
    outbox: Outbox = field(default_factory=Outbox)
    clock: Clock = field(default_factory=Clock)

    @property
    def desk(self) -> Desk:
        return Desk(self.clock, lambda _: self.reference, lambda *_: None, lambda *_: None)

    def routed(self, category: str = "water.leak") -> Appeal:
        changes = {"category": category, "description": "тече", "address": "Головна, 45"}
        actor = replace(PSYCHOLOGIST, desks=frozenset({"violence"}))
        edit = commands.Edit(changes=changes)
        draft = self.register.write(lambda tx: self.desk.create(tx, actor, Channel.VISIT, edit))
        for command in (commands.Register(), commands.RouteTo(service="water")):
            self.register.write(lambda tx, command=command: self.desk.perform(tx, draft.appeal_id, command, actor))  # type: ignore[misc]
        return draft

    def climb(self, channels: Collection[MessageChannel] = EVERYTHING) -> list[tuple[int, Way]]:
        climbed = self.register.write(
            lambda tx: escalation.climb(tx, self.clock.at, lambda _: self.reference, self.outbox, channels)
        )
        return [(alert.rung, alert.way) for _, alert in climbed]

    async def accept_duty(self) -> duty_queries.Owed:
        [owed] = await self.register.read(
            lambda connection: duty_queries.list_duties(
                connection, DutyFilters(kind=DutyKind.ACCEPT), OPERATOR, self.clock.at
            )
        )
        return owed


def planned(service: Service, *, emergency: bool = False, channels: Collection[MessageChannel] = EVERYTHING) -> Any:  # noqa: ANN401 - alerts
    found = alerts(
        service,
        emergency=emergency,
        due_at=REGISTERED_AT,
        calendar=REFERENCE.calendar,
        channels=channels,
    )
    return [(one.rung, one.at - REGISTERED_AT, one.way, one.address) for one in found]


def test_each_rung_is_told_after_its_time_by_the_best_way_that_there_is() -> None:
    service = Service("water", Name("Водоканал", "Waterworks"), ladder=(DISPATCHER, ENGINEER, DEPUTY))
    hours, days = timedelta(hours=2), timedelta(days=1)
    assert planned(service) == [
        (1, hours, Way.EMAIL, "d@example.org"),
        (2, days, Way.SMS, "+380501110000"),
        (3, 2 * days, Way.PHONE, "+380372500000"),  # a landline gets no SMS
    ]
    assert [way for _, _, way, _ in planned(service, channels=())] == [Way.PHONE] * 3


def test_an_emergency_and_a_service_without_a_ladder_are_phoned_when_the_time_is_over() -> None:
    bare = Service("water", Name("Водоканал", "Waterworks"), phone="+380372520000")
    now = (0, timedelta(0), Way.PHONE, "+380372520000")
    assert planned(bare) == [now]
    assert planned(replace(bare, ladder=(DISPATCHER,)), emergency=True)[0] == now


async def test_a_ladder_is_climbed_rung_by_rung_each_once_until_the_service_accepts(register: Register) -> None:
    office = Office(register, with_ladder(DISPATCHER, ENGINEER))
    appeal = office.routed()
    assert office.climb() == []
    office.clock.at += timedelta(hours=2, minutes=30)
    assert office.climb() == [(1, Way.EMAIL)]
    assert office.climb() == []
    [message] = office.outbox.put_in
    assert (message.template, message.address, message.duty_id) == ("escalation", "d@example.org", None)
    assert message.parameters["address"] == "Головна, 45"
    office.clock.at += timedelta(days=3)
    assert office.climb() == [(2, Way.SMS)]
    assert len({one.event_id for one in office.outbox.put_in}) == 2
    kept = await register.read(lambda connection: queries.get_appeal(connection, appeal.appeal_id))
    assert kept is not None
    assert [entry.event for entry in kept.history][-2:] == ["not_accepted", "not_accepted"]
    register.write(lambda tx: office.desk.perform(tx, appeal.appeal_id, commands.Accept(), WATER))
    office.reference = with_ladder(DISPATCHER, ENGINEER, DEPUTY)
    office.clock.at += timedelta(days=3)
    assert office.climb() == []


async def test_rungs_missed_while_the_service_was_stopped_are_told_at_once(register: Register) -> None:
    office = Office(register, with_ladder(DISPATCHER, ENGINEER, DEPUTY))
    office.routed()
    office.clock.at += timedelta(days=9)
    assert office.climb() == [(1, Way.EMAIL), (2, Way.SMS), (3, Way.PHONE)]


async def test_an_operator_must_phone_until_somebody_says_what_came_of_it(register: Register) -> None:
    office = Office(register, with_ladder(DISPATCHER, urgency=Urgency.E1))
    office.routed()
    office.clock.at += timedelta(minutes=30)
    assert office.climb() == [(0, Way.PHONE)]
    owed = await office.accept_duty()
    assert owed.must_phone == Alerted(0, office.clock.at, Way.PHONE, "Водоканал", "+380372520000")
    office.clock.at += timedelta(minutes=1)
    desk = DutyDesk(office.clock, lambda *_: None)
    register.write(
        lambda tx: desk.give_result(tx, owed.duty.duty_id, "call-1", ContactResult.TOLD, OPERATOR, note="виїхали")
    )
    phoned = await office.accept_duty()
    assert (phoned.must_phone, phoned.duty.closed_at) == (None, None)


async def test_without_a_text_for_it_an_operator_phones_instead(register: Register) -> None:
    office = Office(register, with_ladder(DISPATCHER), Outbox(templates=False))
    office.routed()
    office.clock.at += timedelta(hours=2, minutes=30)
    assert office.climb() == [(1, Way.PHONE)]
    assert (await office.accept_duty()).must_phone is not None


def test_of_a_restricted_appeal_only_that_it_waits_is_told(register: Register) -> None:
    office = Office(register, with_ladder(DISPATCHER))
    office.routed("education.bullying")
    office.clock.at += timedelta(days=1)
    office.climb()
    [message] = office.outbox.put_in
    assert set(message.parameters) == {"number", "service", "service_phone", "due"}


def test_a_service_that_was_struck_off_is_still_late(register: Register) -> None:
    office = Office(register, with_ladder(DISPATCHER))
    office.routed()
    office.reference = replace(office.reference, services={})
    office.clock.at += timedelta(days=1)
    assert office.climb() == [(0, Way.PHONE)]
