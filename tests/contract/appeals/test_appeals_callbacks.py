from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appeals import duty_store, queries, service
from appeals.duties import Callback, CallbackState, ContactDirection, ContactEvidence, MissedReason
from appeals.evidence import UNANSWERED, ContactResult, GivenResult
from appeals.queries import CallbackFilters

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from appeals.ports import Tx
    from tests.contract.appeals.conftest import Register

START = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
MARIA = "+380501234567"
IVAN = "+380671112233"
EVERY = CallbackFilters(state=None)


@dataclass(frozen=True)
class Missed:
    call_id: str
    minute: int
    number: str | None = MARIA
    reason: MissedReason = MissedReason.ABANDONED
    line: str = "15-80"

    def tell(self, tx: "Tx") -> None:
        service.open_callback(
            tx,
            call_id=self.call_id,
            number=self.number,
            line=self.line,
            reason=self.reason,
            at=START + timedelta(minutes=self.minute),
        )


@dataclass(frozen=True)
class Contact:
    contact_id: str
    minute: int
    number: str = MARIA
    direction: ContactDirection = ContactDirection.INBOUND
    seconds: float | None = 12.5

    def tell(self, tx: "Tx") -> None:
        at = START + timedelta(minutes=self.minute)
        service.record_contact(tx, ContactEvidence(self.contact_id, self.number, self.direction, self.seconds, at))


@dataclass(frozen=True)
class Said:
    """An operator's word on a call; of which duty it was does not matter to callbacks."""

    contact_id: str
    result: ContactResult

    def tell(self, tx: "Tx") -> None:
        given_result = GivenResult("duty-1", self.contact_id, self.result, MARIA, 10.0, "olena", START)
        duty_store.put_result(tx, given_result)


async def told(register: "Register", *facts: "Fact", filters: CallbackFilters = EVERY) -> list[Callback]:
    for fact in facts:
        register.write(fact.tell)
    return await register.read(lambda connection: queries.list_callbacks(connection, filters))


async def test_a_missed_call_is_an_open_entry_due_within_the_hour(register: "Register") -> None:
    [entry] = await told(register, Missed("m1", 5), filters=CallbackFilters())
    assert entry == Callback(
        callback_id=entry.callback_id,
        number=MARIA,
        line="15-80",
        reason=MissedReason.ABANDONED,
        call_ids=("m1",),
        owner=None,
        attempts=0,
        opened_at=START + timedelta(minutes=5),
        last_at=START + timedelta(minutes=5),
        due_at=START + timedelta(minutes=65),
        state=CallbackState.OPEN,
        cleared_by=None,
        cleared_at=None,
    )


async def test_repeated_calls_of_a_number_are_one_entry_that_counts_them(register: "Register") -> None:
    later = Missed("m2", 9, reason=MissedReason.TIMED_OUT, line="588-888")
    [entry] = await told(register, later, Missed("m1", 5))
    assert (entry.call_ids, entry.count, entry.reason, entry.line) == (
        ("m1", "m2"),
        2,
        MissedReason.TIMED_OUT,
        "588-888",
    )
    assert (entry.opened_at, entry.last_at) == (START + timedelta(minutes=5), START + timedelta(minutes=9))
    assert entry.due_at == START + timedelta(minutes=65)


async def test_a_promise_is_not_forgotten_over_later_calls(register: "Register") -> None:
    [entry] = await told(register, Missed("m1", 1, reason=MissedReason.PROMISED), Missed("m2", 2))
    assert entry.reason is MissedReason.PROMISED


@pytest.mark.parametrize("direction", list(ContactDirection))
async def test_a_later_contact_clears_the_entry(register: "Register", direction: ContactDirection) -> None:
    [entry] = await told(register, Missed("m1", 1), Missed("m2", 2), Contact("c", 3, direction=direction))
    assert (entry.state, entry.count) == (CallbackState.CLEARED, 2)
    assert (entry.cleared_by, entry.cleared_at) == ("c", START + timedelta(minutes=3))


async def test_a_contact_ingested_before_the_missed_call_clears_it_too(register: "Register") -> None:
    [entry] = await told(register, Contact("c", 3), Missed("m1", 1))
    assert (entry.state, entry.cleared_by) == (CallbackState.CLEARED, "c")


@pytest.mark.parametrize(
    "contact",
    [Contact("c", 0), Contact("c", 1), Contact("c", 3, number=IVAN), Contact("c", 3, seconds=None)],
    ids=["earlier", "the same moment", "another number", "nobody answered"],
)
async def test_what_is_no_later_contact_with_the_citizen_clears_nothing(register: "Register", contact: Contact) -> None:
    [entry] = await told(register, Missed("m1", 1), contact)
    assert entry.state is CallbackState.OPEN


async def test_a_contact_between_two_missed_calls_divides_them_whenever_it_arrives(register: "Register") -> None:
    first, second = await told(register, Missed("m1", 1), Missed("m2", 5), Contact("c", 3))
    assert (first.call_ids, first.state, first.cleared_by) == (("m1",), CallbackState.CLEARED, "c")
    assert (second.call_ids, second.state) == (("m2",), CallbackState.OPEN)


async def test_the_first_contact_after_the_missed_call_is_its_evidence(register: "Register") -> None:
    [entry] = await told(register, Missed("m1", 1), Contact("later", 9), Contact("earlier", 4))
    assert (entry.cleared_by, entry.cleared_at) == ("earlier", START + timedelta(minutes=4))


async def test_a_missed_call_that_was_answered_after_all_is_its_own_evidence(register: "Register") -> None:
    [entry] = await told(register, Missed("m1", 5), Contact("m1", 2))
    assert (entry.state, entry.cleared_by) == (CallbackState.CLEARED, "m1")


async def test_a_contact_corrected_away_opens_the_entry_again(register: "Register") -> None:
    [entry] = await told(register, Missed("m1", 1), Contact("c", 3), Contact("c", 3, number=IVAN))
    assert (entry.state, entry.cleared_by, entry.cleared_at) == (CallbackState.OPEN, None, None)


async def test_unanswered_callbacks_are_counted_as_attempts_until_the_contact(register: "Register") -> None:
    out = ContactDirection.OUTBOUND
    tries = [Contact(f"o{minute}", minute, direction=out, seconds=None) for minute in (0, 2, 4, 9)]
    [entry] = await told(register, Missed("m1", 1), *tries, Contact("c", 6, direction=out))
    assert entry.attempts == 2


async def test_an_answering_machine_or_somebody_else_leaves_the_citizen_owed_until_they_are_reached(
    register: "Register",
) -> None:
    outbound = ContactDirection.OUTBOUND
    calls = (Missed("m", 0), Contact("machine", 3, direction=outbound), Contact("other", 5, direction=outbound))
    [entry] = await told(register, *calls)
    assert (entry.state, entry.cleared_by) == (CallbackState.CLEARED, "machine")
    [entry] = await told(register, Said("machine", ContactResult.VOICEMAIL))
    assert entry.cleared_by == "other"
    [entry] = await told(register, Said("other", ContactResult.WRONG_PERSON))
    assert (entry.state, entry.attempts) == (CallbackState.OPEN, 2)
    [entry] = await told(register, Said("machine", ContactResult.TOLD))
    assert (entry.state, entry.cleared_by) == (CallbackState.CLEARED, "machine")
    [entry] = await told(register, Said("machine", ContactResult.REFUSED_TO_LISTEN))
    assert entry.cleared_by == "machine", "they were reached"


async def test_without_a_number_each_call_is_kept_as_uncallable(register: "Register") -> None:
    calls = [Missed("m1", 1, number=None), Missed("m2", 2, number=None)]
    entries = await told(register, *calls, Contact("c", 5))
    assert [(entry.call_ids, entry.state, entry.cleared_by) for entry in entries] == [
        (("m1",), CallbackState.UNCALLABLE, None),
        (("m2",), CallbackState.UNCALLABLE, None),
    ]
    assert await told(register, *calls, filters=CallbackFilters()) == []


async def test_the_same_telling_again_keeps_the_entrys_id(register: "Register") -> None:
    before = await told(register, Missed("m1", 1), Missed("m2", 2))
    assert await told(register, Missed("m2", 2), Missed("m1", 1)) == before


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (CallbackFilters(), ["ivan-2"]),
        (CallbackFilters(state=CallbackState.CLEARED), ["maria", "ivan-1"]),
        (CallbackFilters(state=CallbackState.UNCALLABLE), ["withheld"]),
        (CallbackFilters(state=None, number=IVAN), ["ivan-1", "ivan-2"]),
        (CallbackFilters(state=None, since=START + timedelta(minutes=20)), ["ivan-1", "ivan-2"]),
    ],
)
async def test_the_worklist_is_narrowed_and_the_first_due_is_at_its_head(
    register: "Register", filters: CallbackFilters, expected: list[str]
) -> None:
    facts: list[Missed | Contact] = [
        Missed("withheld", 0, number=None),
        Missed("ivan-2", 30, number=IVAN),
        Missed("maria", 1),
        Missed("ivan-1", 2, number=IVAN),
        Contact("c1", 10),
        Contact("c2", 20, number=IVAN),
    ]
    entries = await told(register, *facts, filters=filters)
    assert [call for entry in entries for call in entry.call_ids] == expected


def test_a_contact_told_again_costs_one_statement(register: "Register") -> None:
    contact = Contact("c", 3)
    assert len(register.statements(contact.tell)) == 3
    assert len(register.statements(contact.tell)) == 1


NOT_BY_ITSELF = {MissedReason.PROMISED, MissedReason.SPECIALIST}
"""What the missed call's own contact does not answer: that was the talk before, and no specialist is heard of here."""
IDS = [f"call-{number}" for number in range(6)]
missed = st.builds(
    Missed,
    call_id=st.sampled_from(IDS),
    minute=st.integers(0, 8),
    number=st.sampled_from([MARIA, IVAN, None]),
    reason=st.sampled_from(MissedReason),
)
contacts = st.builds(
    Contact,
    contact_id=st.sampled_from([*IDS[:2], "contact-1", "contact-2", "contact-3"]),
    minute=st.integers(0, 8),
    number=st.sampled_from([MARIA, IVAN]),
    direction=st.sampled_from(ContactDirection),
    seconds=st.sampled_from([None, 0.0, 30.0]),
)
results = st.builds(
    Said,
    contact_id=st.sampled_from(["contact-1", "contact-2", "contact-3"]),
    result=st.sampled_from(ContactResult),
)
Fact = Missed | Contact | Said
Seen = tuple[str | None, tuple[str, ...], CallbackState, str | None, int]


def expected_entries(facts: list[Fact]) -> set[Seen]:
    """The worklist by its definition: from the last telling of each call, contact and result, in no order at all."""
    calls = {fact.call_id: fact for fact in facts if isinstance(fact, Missed)}
    reached = {fact.contact_id: fact for fact in facts if isinstance(fact, Contact)}
    said = {fact.contact_id: fact.result for fact in facts if isinstance(fact, Said)}
    groups: dict[tuple[str, Contact | None], list[Missed]] = {}
    seen: set[Seen] = set()
    for call in calls.values():
        if call.number is None:
            seen.add((None, (call.call_id,), CallbackState.UNCALLABLE, None, 0))
            continue
        proofs = [
            contact
            for contact in reached.values()
            if contact.number == call.number
            and contact.seconds is not None
            and said.get(contact.contact_id) not in UNANSWERED
            and (
                contact.minute > call.minute
                or (contact.contact_id == call.call_id and call.reason not in NOT_BY_ITSELF)
            )
        ]
        first = min(proofs, key=lambda contact: (contact.minute, contact.contact_id), default=None)
        groups.setdefault((call.number, first), []).append(call)
    for (number, contact), members in groups.items():
        members.sort(key=lambda call: (call.minute, call.call_id))
        tries = [
            attempt
            for attempt in reached.values()
            if attempt.number == number
            and attempt.direction is ContactDirection.OUTBOUND
            and (attempt.seconds is None or said.get(attempt.contact_id, ContactResult.TOLD) is not ContactResult.TOLD)
            and attempt.minute > members[0].minute
            and (contact is None or attempt.minute < contact.minute)
        ]
        state = CallbackState.OPEN if contact is None else CallbackState.CLEARED
        cleared_by = None if contact is None else contact.contact_id
        seen.add((number, tuple(call.call_id for call in members), state, cleared_by, len(tries)))
    return seen


@settings(max_examples=150, deadline=None)
@given(facts=st.lists(st.one_of(missed, contacts, results), max_size=14))
async def test_order_repetition_and_correction_of_tellings_do_not_matter(
    new_register: "Callable[[], AbstractContextManager[Register]]", facts: list[Fact]
) -> None:
    with new_register() as register:
        entries = await told(register, *facts)
    seen = [(entry.number, entry.call_ids, entry.state, entry.cleared_by, entry.attempts) for entry in entries]
    assert len(seen) == len(set(seen))
    assert set(seen) == expected_entries(facts)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
async def test_the_same_calls_and_contacts_in_any_order_give_the_same_worklist(
    new_register: "Callable[[], AbstractContextManager[Register]]", data: st.DataObject
) -> None:
    calls = data.draw(st.lists(missed, max_size=6, unique_by=lambda call: call.call_id))
    reached = data.draw(st.lists(contacts, max_size=4, unique_by=lambda contact: contact.contact_id))
    words = data.draw(st.lists(results, max_size=3, unique_by=lambda said: said.contact_id))
    facts: list[Fact] = [*calls, *reached, *words]
    worklists = []
    for order in (facts, data.draw(st.permutations(facts * 2))):
        with new_register() as register:
            entries = await told(register, *order)
        worklists.append([(entry.number, entry.call_ids, entry.reason, entry.due_at, entry.state) for entry in entries])
    assert worklists[0] == worklists[1]
