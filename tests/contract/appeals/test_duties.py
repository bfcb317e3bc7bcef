"""Duties and their evidence on a database: what closes which, what does not, who may say what, and what is listed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import commands, duty_queries, duty_store, queries, service
from appeals.duties import (
    CallbackState,
    ContactDirection,
    ContactEvidence,
    Duty,
    DutyKind,
    EvidenceKind,
    Excuse,
    MissedReason,
)
from appeals.duty_desk import DutyDesk
from appeals.duty_queries import DutyFilters, Owed
from appeals.errors import ChangedMeanwhileError, GuardError, NoSuchDutyError, RoleError
from appeals.evidence import ContactResult, GivenResult, Shortfall, SpecialistContact, shortfall
from appeals.model import Actor, Appeal, Channel, Role
from appeals.ports import Tx
from appeals.queries import CallbackFilters
from appeals.register import Desk
from tests.contract.appeals.conftest import Register
from tests.town import (
    AUDITOR,
    MAYOR,
    OPERATOR,
    OTHER_OPERATOR,
    PSYCHOLOGIST,
    REFERENCE,
    REGISTERED_AT,
    SUPERVISOR,
    WATER,
)

MARIA = "+380501234567"
ELSEWHERE = "+380671112233"
MAIL = "maria@example.org"


@dataclass
class Clock:
    at: datetime = REGISTERED_AT

    def now(self) -> datetime:
        return self.at

    def tick(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@dataclass
class Office:
    """A register, its desk and its desk of duties."""

    register: Register
    clock: Clock = field(default_factory=Clock)
    changed: list[str] = field(default_factory=list)

    def do(self, command: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any command of the desk
        return self.register.write(lambda tx: command(tx, *arguments, **more))

    @property
    def desk(self) -> Desk:
        return Desk(self.clock, lambda _: REFERENCE, lambda *_: None, lambda *_: None)

    @property
    def duties(self) -> DutyDesk:
        def changed(_: Tx, before: Appeal | None, after: Appeal, entries: Any) -> None:  # noqa: ANN401 - history
            assert before is None or before.version < after.version
            self.changed.extend(entry.event for entry in entries)

        return DutyDesk(self.clock, changed)

    def registered(self, phone: str | None = MARIA, email: str | None = None, category: str = "water.leak") -> Appeal:
        """An appeal that came by the web: the applicant is owed the news of its number."""
        changes = {"category": category, "description": "тече", "applicant_phone": phone, "applicant_email": email}
        actor = PSYCHOLOGIST if category.startswith("counselling") else OPERATOR
        draft: Appeal = self.do(self.desk.create, actor, Channel.WEB, commands.Edit(changes=changes))
        done: Appeal = self.do(self.desk.perform, draft.appeal_id, commands.Register(), actor)
        return done

    def told(self, contact_id: str, duty: Duty, seconds: float | None = 12.0, **contact: Any) -> None:  # noqa: ANN401
        """The ledger tells of a call that begins now, in which operator and applicant were connected so long."""
        given: dict[str, Any] = {"number": duty.number, "direction": ContactDirection.OUTBOUND} | contact
        ended = None if seconds is None else self.clock.at + timedelta(seconds=seconds)
        self.do(
            service.record_contact,
            ContactEvidence(contact_id, connected_seconds=seconds, at=self.clock.at, ended_at=ended, **given),
        )

    def duty(self, duty_id: str) -> Duty:
        found: Duty | None = self.register.write(lambda tx: duty_store.load(tx, duty_id))
        assert found is not None
        return found

    async def history(self, appeal_id: str) -> list[str]:
        appeal = await self.register.read(lambda connection: queries.get_appeal(connection, appeal_id))
        assert appeal is not None
        return [entry.event for entry in appeal.history]

    async def listed(self, actor: Actor = OPERATOR, **filters: Any) -> list[Owed]:  # noqa: ANN401 - of DutyFilters
        return await self.register.read(
            lambda connection: duty_queries.list_duties(connection, DutyFilters(**filters), actor, self.clock.at)
        )


@pytest.fixture
def office(register: Register) -> Office:
    return Office(register)


@pytest.fixture
def inform(office: Office) -> Duty:
    """Maria is to be told that her appeal is registered; a minute has passed."""
    [duty] = office.registered().duties
    office.clock.tick(minutes=1)
    return duty


# ---- inform


@pytest.mark.parametrize("result_first", [True, False])
async def test_a_call_and_the_operators_word_together_close_a_duty_in_either_order(
    office: Office, inform: Duty, result_first: bool
) -> None:
    def say() -> Any:  # noqa: ANN401 - what the desk returns
        return office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)

    if result_first:
        assert say().lacks is Shortfall.NO_CALL
        assert office.duty(inform.duty_id).closed_at is None
        office.told("call-9", inform)
    else:
        office.told("call-9", inform)
        assert office.duty(inform.duty_id).closed_at is None
        assert say().lacks is None
    closed = office.duty(inform.duty_id)
    assert (closed.evidence, closed.evidence_kind) == ("call-9", EvidenceKind.CALL)
    assert closed.closed_at == office.clock.at + timedelta(seconds=12)
    assert inform.appeal_id is not None
    appeal = await office.register.read(lambda connection: queries.get_appeal(connection, inform.appeal_id or ""))
    assert appeal is not None
    assert appeal.calls == ("call-9",)
    assert sorted(await office.history(inform.appeal_id))[-2:] == ["informed", "registered"]
    assert office.changed == ["call_result"]


def test_a_call_that_is_not_over_proves_nothing_yet(office: Office, inform: Duty) -> None:
    going_on = ContactEvidence("call-9", MARIA, ContactDirection.OUTBOUND, 0.0, office.clock.at)
    office.do(service.record_contact, going_on)
    said = office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    assert (said.lacks, said.duty.closed_at) == (Shortfall.NO_CALL, None)
    office.told("call-9", inform)
    assert office.duty(inform.duty_id).closed_at is not None


@pytest.mark.parametrize("result", sorted(set(ContactResult) - {ContactResult.TOLD}))
def test_a_call_in_which_the_applicant_was_not_told_is_an_attempt(
    office: Office, inform: Duty, result: ContactResult
) -> None:
    office.told("call-9", inform)
    said = office.do(office.duties.give_result, inform.duty_id, "call-9", result, OPERATOR)
    assert (said.lacks, said.duty.closed_at, said.duty.attempts) == (Shortfall.NOT_TOLD, None, 1)


@pytest.mark.parametrize(
    ("contact", "guard"),
    [
        ({"seconds": 9.9}, "too_short"),
        ({"seconds": None}, "not_answered"),
        ({"number": ELSEWHERE}, "other_number"),
    ],
)
def test_told_is_refused_when_the_ledger_says_otherwise(
    office: Office, inform: Duty, contact: dict[str, Any], guard: str
) -> None:
    office.told("call-9", inform, **contact)
    with pytest.raises(GuardError) as refused:
        office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    assert refused.value.guard == guard
    assert office.duty(inform.duty_id).closed_at is None


def test_what_the_ledger_says_later_is_not_believed_either(office: Office, inform: Duty) -> None:
    office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    office.told("call-9", inform, seconds=3)
    assert office.duty(inform.duty_id).closed_at is None


def test_a_call_that_was_over_before_there_was_anything_to_tell_proves_nothing(office: Office, inform: Duty) -> None:
    office.clock.tick(minutes=-5)
    office.told("call-9", inform)
    office.clock.tick(minutes=5)
    with pytest.raises(GuardError, match="over before"):
        office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)


def test_an_applicant_who_calls_is_told_whatever_telephone_they_call_from(office: Office, inform: Duty) -> None:
    office.told("call-9", inform, number=ELSEWHERE, direction=ContactDirection.INBOUND)
    office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    assert office.duty(inform.duty_id).evidence == "call-9"


def test_a_corrected_record_opens_the_duty_again_and_its_history_says_so(office: Office, inform: Duty) -> None:
    office.told("call-9", inform)
    office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    office.told("call-9", inform, seconds=2)
    assert (office.duty(inform.duty_id).closed_at, office.duty(inform.duty_id).evidence_kind) == (None, None)


async def test_what_is_told_again_leaves_the_history_alone(office: Office, inform: Duty) -> None:
    office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    office.told("call-9", inform)
    before = await office.history(inform.appeal_id or "")
    office.told("call-9", inform)
    office.do(service.message_delivered, "message-1", inform.duty_id, office.clock.tick(hours=1))
    office.do(service.message_delivered, "message-1", inform.duty_id, office.clock.tick(hours=1))
    assert await office.history(inform.appeal_id or "") == before
    assert before.count("informed") == 1


def test_a_delivered_message_closes_a_duty_and_one_for_a_duty_that_is_none_changes_nothing(
    office: Office, inform: Duty
) -> None:
    office.do(service.message_delivered, "message-0", "no-duty", office.clock.at)
    office.do(service.message_delivered, "message-1", inform.duty_id, office.clock.at)
    closed = office.duty(inform.duty_id)
    assert (closed.evidence, closed.evidence_kind) == ("message-1", EvidenceKind.MESSAGE)
    assert closed.closed_at == office.clock.at


def test_an_appeal_cannot_close_before_its_applicant_was_told(office: Office) -> None:
    appeal = office.registered()
    for command, actor in (
        (commands.RouteTo(service="water"), OPERATOR),
        (commands.Accept(), WATER),
        (commands.ReportDone(text="замінено"), WATER),
    ):
        appeal = office.do(office.desk.perform, appeal.appeal_id, command, actor)
    office.clock.tick(minutes=1)
    for duty in (duty for duty in appeal.duties if duty.closed_at is None):
        with pytest.raises(GuardError, match="must hear of it"):
            office.do(office.desk.perform, appeal.appeal_id, commands.Close(), OPERATOR)
        office.told("call-9", duty)
        office.do(office.duties.give_result, duty.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    closed = office.do(office.desk.perform, appeal.appeal_id, commands.Close(), OPERATOR)
    assert [duty.evidence for duty in closed.duties if duty.kind is DutyKind.INFORM] == ["call-9", "call-9"]


def test_only_who_gave_a_result_or_a_supervisor_corrects_it(office: Office, inform: Duty) -> None:
    office.told("call-9", inform)
    office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    with pytest.raises(GuardError, match="olena gave this result"):
        office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.VOICEMAIL, OTHER_OPERATOR)
    with pytest.raises(GuardError, match="closed already: call call-9"):
        office.do(office.duties.give_result, inform.duty_id, "call-10", ContactResult.TOLD, OPERATOR)
    corrected = office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.VOICEMAIL, SUPERVISOR)
    assert corrected.duty.closed_at is None


def test_after_the_appeal_has_ended_only_a_supervisor_corrects_what_ended_it(office: Office, inform: Duty) -> None:
    office.told("call-9", inform)
    office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    office.do(office.desk.perform, inform.appeal_id, commands.Withdraw(reason="передумала"), OPERATOR)
    with pytest.raises(GuardError, match="appeal has ended"):
        office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.VOICEMAIL, OPERATOR)
    corrected = office.do(office.duties.give_result, inform.duty_id, "call-9", ContactResult.VOICEMAIL, SUPERVISOR)
    assert corrected.duty.closed_at is None


def test_news_for_a_caller_without_an_appeal_closes_in_the_same_way(office: Office, inform: Duty) -> None:
    caller = replace(inform, duty_id="of-a-caller", appeal_id=None)
    office.do(duty_store.open_duty, caller)
    office.told("call-9", caller)
    office.do(office.duties.give_result, "of-a-caller", "call-9", ContactResult.TOLD, OPERATOR)
    assert office.duty("of-a-caller").evidence == "call-9"


@pytest.mark.parametrize("actor", [AUDITOR, MAYOR, WATER, Actor("x", frozenset({Role.ADMINISTRATOR}))])
def test_who_does_not_work_on_duties_may_do_nothing_with_them(office: Office, inform: Duty, actor: Actor) -> None:
    desk = office.duties
    for command, arguments in (
        (desk.give_result, ("call-9", ContactResult.TOLD, actor)),
        (desk.claim, (actor,)),
        (desk.release, (actor,)),
        (desk.excuse, (Excuse.NO_CONTACT, "so", actor)),
        (desk.answer_forwarding, (actor,)),
    ):
        with pytest.raises(RoleError):
            office.do(command, inform.duty_id, *arguments)


def test_a_duty_of_a_restricted_appeal_is_not_there_for_others(office: Office) -> None:
    [duty] = office.registered(category="counselling.session").duties
    with pytest.raises(NoSuchDutyError):
        office.do(office.duties.claim, duty.duty_id, OPERATOR)
    with pytest.raises(NoSuchDutyError):
        office.do(office.duties.claim, "no-such-duty", OPERATOR)
    assert office.do(office.duties.claim, duty.duty_id, PSYCHOLOGIST).owner == "psy"


def test_who_has_seen_another_version_is_told_so(office: Office, inform: Duty) -> None:
    with pytest.raises(ChangedMeanwhileError):
        office.do(office.duties.claim, inform.duty_id, OPERATOR, expected=1)


# ---- excuses


def test_calls_in_vain_at_three_hours_and_a_letter_excuse_and_less_names_what_is_missing(
    office: Office, inform: Duty
) -> None:
    def excuse(letter: str | None = "№ 12 від 24.11.2026") -> Duty:
        done: Duty = office.do(
            office.duties.excuse, inform.duty_id, Excuse.UNREACHABLE, "не відповідає", OPERATOR, letter=letter
        )
        return done

    with pytest.raises(GuardError) as refused:
        excuse(None)
    assert (refused.value.parameters["attempts_missing"], refused.value.parameters["letter_missing"]) == (3, True)
    for attempt, minutes in enumerate((0, 10, 70, 1440)):  # 11:31, 11:41, 12:41, and the next day at 11:31
        office.clock.at = REGISTERED_AT + timedelta(minutes=1 + minutes)
        office.told(f"call-{attempt}", inform, seconds=None)
    with pytest.raises(GuardError, match=r"1 of 3 calls at different hours \(tried so far: 11:00, 12:00\)"):
        excuse()
    office.clock.tick(hours=6)
    office.told("machine", inform)
    office.do(office.duties.give_result, inform.duty_id, "machine", ContactResult.VOICEMAIL, OPERATOR)
    with pytest.raises(GuardError, match="missing for this excuse: a written message"):
        excuse(None)
    office.clock.tick(minutes=1)
    excused = excuse()
    assert (excused.excuse, excused.excused_by, excused.attempts) == (Excuse.UNREACHABLE, "olena", 5)
    assert (excused.excuse_reason, excused.letter) == ("не відповідає", "№ 12 від 24.11.2026")
    office.told("late", inform)
    assert office.duty(inform.duty_id).excuse is Excuse.UNREACHABLE


def test_who_left_something_to_be_reached_by_is_not_without_contact(office: Office) -> None:
    [duty] = office.registered(email=MAIL).duties
    with pytest.raises(GuardError, match="telephone and e-mail"):
        office.do(office.duties.excuse, duty.duty_id, Excuse.NO_CONTACT, "немає", OPERATOR)
    nothing = commands.Edit(changes={"applicant_phone": None, "applicant_email": None})
    office.do(office.desk.perform, duty.appeal_id, nothing, OPERATOR)
    assert office.do(office.duties.excuse, duty.duty_id, Excuse.NO_CONTACT, "хибний номер", OPERATOR).closed_at


@pytest.mark.parametrize("why", sorted(set(Excuse) - {Excuse.NO_CONTACT, Excuse.UNREACHABLE}))
def test_nothing_else_excuses(office: Office, inform: Duty, why: Excuse) -> None:
    with pytest.raises(GuardError) as refused:
        office.do(office.duties.excuse, inform.duty_id, why, "так", OPERATOR, letter="№ 1")
    assert refused.value.guard == "not_excusable"


def test_an_excuse_says_why_and_is_given_once(office: Office) -> None:
    [duty] = office.registered(phone=None).duties
    assert (duty.excuse, duty.excused_by) == (Excuse.NO_CONTACT, None)
    with pytest.raises(GuardError, match="closed already: no_contact"):
        office.do(office.duties.excuse, duty.duty_id, Excuse.NO_CONTACT, "немає", OPERATOR)
    [open_duty] = office.registered().duties
    with pytest.raises(GuardError, match="reason is missing"):
        office.do(office.duties.excuse, open_duty.duty_id, Excuse.NO_CONTACT, "  ", OPERATOR)
    with pytest.raises(GuardError, match="more than 1000"):
        office.do(office.duties.excuse, open_duty.duty_id, Excuse.NO_CONTACT, "x" * 1001, OPERATOR)


def test_a_telephone_given_later_is_called_and_owed_again(office: Office, inform: Duty) -> None:
    moved = commands.Edit(changes={"applicant_phone": ELSEWHERE, "applicant_email": MAIL})
    office.do(office.desk.perform, inform.appeal_id, moved, OPERATOR)
    assert (office.duty(inform.duty_id).number, office.duty(inform.duty_id).email) == (ELSEWHERE, MAIL)
    [nobody] = office.registered(phone=None).duties
    office.do(office.desk.perform, nobody.appeal_id, moved, OPERATOR)
    again = office.duty(nobody.duty_id)
    assert (again.closed_at, again.excuse, again.number) == (None, None, ELSEWHERE)


# ---- claims


def test_one_operator_calls_a_citizen_whatever_is_owed_to_them(office: Office, inform: Duty) -> None:
    office.do(
        service.open_callback,
        call_id="missed",
        number=MARIA,
        line="15-80",
        reason=MissedReason.ABANDONED,
        at=office.clock.at,
    )
    [callback] = [duty for duty in _open(office, inform) if duty.kind is DutyKind.CALLBACK]
    claimed = office.do(office.duties.claim, callback.duty_id, OPERATOR)
    assert (claimed.owner, claimed.claimed_at) == ("olena", office.clock.at)
    assert office.duty(inform.duty_id).owner == "olena"
    for command in (office.duties.claim, office.duties.release):
        with pytest.raises(GuardError, match="olena is at it"):
            office.do(command, inform.duty_id, OTHER_OPERATOR)
    assert office.do(office.duties.claim, inform.duty_id, OPERATOR).owner == "olena"
    office.do(office.duties.release, inform.duty_id, OPERATOR)
    assert office.duty(callback.duty_id).owner is None
    office.do(office.duties.claim, inform.duty_id, OTHER_OPERATOR)
    assert office.do(office.duties.claim, inform.duty_id, SUPERVISOR).owner == "maria"


def _open(office: Office, duty: Duty) -> list[Duty]:
    found: list[Duty] = office.register.write(lambda tx: duty_store.of_same_citizen(tx, duty))
    return found


def test_what_a_service_owes_and_what_is_closed_cannot_be_claimed(office: Office, inform: Duty) -> None:
    routed = office.do(office.desk.perform, inform.appeal_id, commands.RouteTo(service="water"), OPERATOR)
    [accept] = [duty for duty in routed.duties if duty.kind is DutyKind.ACCEPT]
    with pytest.raises(GuardError, match="water to accept"):
        office.do(office.duties.claim, accept.duty_id, OPERATOR)
    office.do(service.message_delivered, "message-1", inform.duty_id, office.clock.at)
    with pytest.raises(GuardError, match="closed already: message message-1"):
        office.do(office.duties.claim, inform.duty_id, OPERATOR)


def test_a_duty_without_a_number_is_claimed_alone(office: Office) -> None:
    [one] = office.registered(phone=None, email=MAIL).duties
    [other] = office.registered(phone=None, email=MAIL).duties
    office.do(office.duties.claim, one.duty_id, OPERATOR)
    assert office.duty(other.duty_id).owner is None


def test_a_citizen_who_asks_to_be_called_later_is_promised_it(office: Office, inform: Duty) -> None:
    evening = office.clock.at + timedelta(hours=6)
    office.told("call-9", inform)
    say = office.duties.give_result
    office.do(say, inform.duty_id, "call-9", ContactResult.NOT_TOLD, OPERATOR, call_at=evening, note="на роботі")
    assert office.duty(inform.duty_id).promised_for == evening
    with pytest.raises(GuardError, match="a time to come"):
        office.do(say, inform.duty_id, "call-9", ContactResult.NOT_TOLD, OPERATOR, call_at=office.clock.at)
    office.do(say, inform.duty_id, "call-9", ContactResult.TOLD, OPERATOR)
    assert office.duty(inform.duty_id).promised_for is None


# ---- specialists


def put_through(office: Office, seconds: float | None, *, owes_callback: bool = True) -> None:
    at = office.clock.at
    office.do(service.record_contact, ContactEvidence("call-1", MARIA, ContactDirection.INBOUND, 60.0, at, at))
    contact = SpecialistContact("call-1", MARIA, "15-80", "water", seconds, at + timedelta(seconds=30))
    office.do(service.record_specialist, contact, owes_callback=owes_callback)


async def test_a_bridge_with_a_specialist_is_the_first_half_and_the_citizens_answer_the_second(office: Office) -> None:
    office.do(
        service.draft_for_call,
        call_id="call-1",
        number_raw=MARIA,
        number=MARIA,
        line="15-80",
        operator="olena",
        caller_name=None,
        at=office.clock.at,
    )
    put_through(office, 95.5)
    [owed] = await office.listed(kind=DutyKind.FORWARDING_CONTROL)
    control = owed.duty
    assert control.forwarding is not None
    assert (control.evidence, control.evidence_kind, control.closed_at) == ("call-1", EvidenceKind.CALL, None)
    assert (control.forwarding.specialist, control.forwarding.talked_seconds) == ("water", 95.5)
    assert control.appeal_id is not None
    answer = office.duties.answer_forwarding
    for told, guard in (
        ({}, "was there a reply"),
        ({"replied": True}, "prompt"),
        ({"took_place": False}, "talking for 96 s"),
    ):
        with pytest.raises(GuardError, match=guard):
            office.do(answer, control.duty_id, OPERATOR, **told)
    done = office.do(answer, control.duty_id, OPERATOR, replied=True, prompt=False)
    assert (done.closed_at, done.evidence_kind) == (office.clock.at, EvidenceKind.CALL)
    assert (done.forwarding.took_place, done.forwarding.replied, done.forwarding.prompt) == (True, True, False)
    assert (await office.history(control.appeal_id))[-1] == "forwarding_answered"
    put_through(office, 80.0)
    assert office.duty(control.duty_id).closed_at == done.closed_at
    assert await office.register.read(queries.list_callbacks) == []


async def test_a_specialist_who_did_not_answer_owes_a_callback_instead(office: Office) -> None:
    put_through(office, None)
    [owed] = await office.listed(kind=DutyKind.FORWARDING_CONTROL, open=None)
    assert (owed.duty.excuse, owed.duty.closed_at) == (Excuse.CALLBACK, office.clock.at + timedelta(seconds=30))
    [callback] = await office.register.read(queries.list_callbacks)
    assert (callback.reason, callback.number, callback.call_ids) == (MissedReason.SPECIALIST, MARIA, ("call-1",))
    with pytest.raises(GuardError, match="closed already: callback"):
        office.do(office.duties.answer_forwarding, owed.duty.duty_id, OPERATOR, took_place=False)


async def test_a_call_that_promises_a_callback_anyway_makes_no_second_one(office: Office) -> None:
    put_through(office, None, owes_callback=False)
    assert await office.register.read(queries.list_callbacks) == []


async def test_a_specialist_who_answered_after_all_clears_the_callback_and_the_other_way_round(office: Office) -> None:
    everything = CallbackFilters(state=None)

    async def states() -> tuple[CallbackState, bool]:
        [callback] = await office.register.read(lambda connection: queries.list_callbacks(connection, everything))
        [owed] = await office.listed(kind=DutyKind.FORWARDING_CONTROL, open=None)
        return callback.state, owed.duty.closed_at is None

    put_through(office, None)
    assert await states() == (CallbackState.OPEN, False)
    put_through(office, 20.0)
    assert await states() == (CallbackState.CLEARED, True)
    put_through(office, None)
    put_through(office, None)
    assert await states() == (CallbackState.OPEN, False)


def test_who_was_referred_elsewhere_is_asked_everything(office: Office, inform: Duty) -> None:
    forward = commands.ForwardOut(to="gas", explanation="це їхнє")
    appeal = office.do(office.desk.perform, inform.appeal_id, forward, OPERATOR)
    [control] = [duty for duty in appeal.duties if duty.kind is DutyKind.FORWARDING_CONTROL]
    answer = office.duties.answer_forwarding
    with pytest.raises(GuardError, match="did the contact take place"):
        office.do(answer, control.duty_id, OPERATOR)
    with pytest.raises(GuardError, match="nobody was referred"):
        office.do(answer, inform.duty_id, OPERATOR)
    done = office.do(answer, control.duty_id, OPERATOR, took_place=False, replied=True, prompt=True)
    assert done.evidence_kind is EvidenceKind.STEP
    assert (done.forwarding.took_place, done.forwarding.replied, done.forwarding.prompt) == (False, None, None)


# ---- the list


async def test_the_list_tells_attempts_the_best_hour_and_whose_duty_it_is(office: Office, inform: Duty) -> None:
    start = office.clock.at
    for number, days in enumerate((9, 5, 3)):
        office.clock.at = start - timedelta(days=days, hours=number)
        office.told(f"in-{number}", inform, direction=ContactDirection.INBOUND)
    office.clock.at = start - timedelta(days=1, hours=2)
    for missed in ("missed-1", "missed-2"):
        office.do(
            service.open_callback,
            call_id=missed,
            number=MARIA,
            line="15-80",
            reason=MissedReason.ABANDONED,
            at=office.clock.at,
        )
    office.clock.at = start + timedelta(hours=2)
    office.told("vain", inform, seconds=None)
    office.do(office.duties.claim, inform.duty_id, OPERATOR)
    office.clock.tick(hours=23)
    callback, owed = await office.listed(overdue=True)
    assert (owed.duty.duty_id, owed.duty.attempts, owed.duty.owner, owed.overdue) == (inform.duty_id, 1, "olena", True)
    assert owed.best_hour == 9  # of 11, 10, 9, and 9 twice again
    assert owed.registration_number == "2026-000001"
    assert (callback.duty.kind, callback.calls) == (DutyKind.CALLBACK, 2)


@pytest.mark.parametrize(
    ("filters", "kinds"),
    [
        ({}, ["accept", "inform", "inform"]),
        ({"kind": DutyKind.ACCEPT}, ["accept"]),
        ({"service": "water"}, ["accept", "inform"]),
        ({"owner": "water"}, ["accept"]),
        ({"owner": "nobody"}, []),
        ({"open": False}, ["inform"]),
        ({"open": None}, ["accept", "inform", "inform", "inform"]),
        ({"overdue": True}, []),
        ({"limit": 1}, ["accept"]),
    ],
)
async def test_the_list_is_narrowed(office: Office, filters: dict[str, Any], kinds: list[str]) -> None:
    office.do(office.desk.perform, office.registered().appeal_id, commands.RouteTo(service="water"), OPERATOR)
    office.registered(phone=ELSEWHERE)
    office.registered(phone=None)
    assert [owed.duty.kind.value for owed in await office.listed(**filters)] == kinds


async def test_each_sees_what_their_role_and_desk_allow(office: Office) -> None:
    appeal = office.registered()
    office.do(office.desk.perform, appeal.appeal_id, commands.RouteTo(service="water"), OPERATOR)
    [restricted] = office.registered(category="counselling.session", phone=ELSEWHERE).duties

    everybody = await office.listed(OPERATOR)
    assert [owed.masked for owed in everybody] == [False, False, True]
    hidden = everybody[-1]
    assert (hidden.duty.number, hidden.category, hidden.applicant, hidden.duty.email) == (None, None, None, None)
    [own] = await office.listed(PSYCHOLOGIST, duty_id=restricted.duty_id)
    assert (own.masked, own.duty.number) == (False, ELSEWHERE)
    assert {owed.service for owed in await office.listed(WATER)} == {"water"}
    assert {owed.duty.number for owed in await office.listed(MAYOR)} == {None}
    assert await office.listed(Actor("x", frozenset({Role.ADMINISTRATOR}))) == []


async def test_the_list_takes_as_many_queries_for_many_as_for_one(office: Office) -> None:
    async def queries_made() -> int:
        made: list[str] = []

        async def counted(connection: AsyncConnection) -> None:
            @event.listens_for(connection.sync_connection, "before_cursor_execute")
            def note(*arguments: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
                made.append(arguments[2])

            await duty_queries.list_duties(connection, DutyFilters(), OPERATOR, office.clock.at)

        await office.register.read(counted)
        return len(made)

    office.registered()
    few = await queries_made()
    for _ in range(20):
        office.registered()
    assert await queries_made() == few == 4


# ---- in any order


@dataclass(frozen=True)
class Said:
    contact_id: str
    result: ContactResult
    number: str

    def tell(self, tx: Tx, duty: Duty) -> None:
        duty_store.put_result(tx, self.as_given(duty))

    def as_given(self, duty: Duty) -> GivenResult:
        return GivenResult(duty.duty_id, self.contact_id, self.result, self.number, 10.0, "olena", duty.opened_at)


@dataclass(frozen=True)
class Called:
    contact_id: str
    minute: int
    seconds: float | None
    over: bool
    number: str
    direction: ContactDirection

    def tell(self, tx: Tx, _: Duty) -> None:
        service.record_contact(tx, self.as_contact())

    def as_contact(self) -> ContactEvidence:
        at = REGISTERED_AT + timedelta(minutes=self.minute)
        ended = at + timedelta(seconds=self.seconds or 0) if self.over else None
        return ContactEvidence(self.contact_id, self.number, self.direction, self.seconds, at, ended)


@dataclass(frozen=True)
class Delivered:
    message_id: str
    minute: int

    def tell(self, tx: Tx, duty: Duty) -> None:
        service.message_delivered(tx, self.message_id, duty.duty_id, REGISTERED_AT + timedelta(minutes=self.minute))


Telling = Said | Called | Delivered
_ids = st.sampled_from(["call-1", "call-2", "call-3"])
_numbers = st.sampled_from([MARIA, ELSEWHERE])
tellings: st.SearchStrategy[Telling] = st.one_of(
    st.builds(
        Said, contact_id=_ids, result=st.sampled_from([ContactResult.TOLD, ContactResult.VOICEMAIL]), number=_numbers
    ),
    st.builds(
        Called,
        contact_id=_ids,
        minute=st.integers(-3, 5),
        seconds=st.sampled_from([None, 0.0, 9.0, 10.0, 200.0]),
        over=st.booleans(),
        number=_numbers,
        direction=st.sampled_from(ContactDirection),
    ),
    st.builds(Delivered, message_id=st.sampled_from(["message-1", "message-2"]), minute=st.just(2)),
)


def expected(facts: list[Telling], duty: Duty) -> tuple[datetime | None, str | None, EvidenceKind | None]:
    """What closes the duty by its definition: from the last telling of each result, call and message."""
    said = {fact.contact_id: fact for fact in facts if isinstance(fact, Said)}
    called = {fact.contact_id: fact.as_contact() for fact in facts if isinstance(fact, Called)}
    delivered = {fact.message_id: fact for fact in facts if isinstance(fact, Delivered)}
    proofs = [
        (contact.ended_at, contact_id, EvidenceKind.CALL)
        for contact_id, fact in said.items()
        if (contact := called.get(contact_id)) is not None
        and contact.ended_at is not None
        and shortfall(fact.as_given(duty), contact, duty.opened_at) is None
    ]
    proofs += [
        (REGISTERED_AT + timedelta(minutes=fact.minute), fact.message_id, EvidenceKind.MESSAGE)
        for fact in delivered.values()
    ]
    return min(proofs, default=(None, None, None))


NewRegister = Callable[[], AbstractContextManager[Register]]


def closed_by(
    new_register: NewRegister, facts: list[Telling]
) -> tuple[Duty, tuple[datetime | None, str | None, EvidenceKind | None]]:
    with new_register() as register:
        office = Office(register)
        [duty] = office.registered().duties
        for fact in facts:
            register.write(lambda tx, fact=fact: fact.tell(tx, duty))  # type: ignore[misc]
        after = office.duty(duty.duty_id)
        return duty, (after.closed_at, after.evidence, after.evidence_kind)


@settings(max_examples=80, deadline=None)
@given(facts=st.lists(tellings, max_size=9))
def test_only_the_last_telling_of_each_fact_matters(new_register: NewRegister, facts: list[Telling]) -> None:
    duty, closed = closed_by(new_register, facts)
    assert closed == expected(facts, duty)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_facts_in_any_order_and_any_number_of_times_close_the_same(
    new_register: NewRegister, data: st.DataObject
) -> None:
    facts = data.draw(st.lists(tellings, max_size=6, unique_by=lambda fact: next(iter(vars(fact).values()))))
    first = closed_by(new_register, facts)[1]
    assert closed_by(new_register, data.draw(st.permutations(facts * 2)))[1] == first
