"""What follows from call records: drafts, evidence, callbacks and jobs, in any order and any number of times."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import queries
from appeals.duties import Callback, MissedReason
from appeals.queries import CallbackFilters
from contact_centre import casework, database, jobs
from contact_centre.config import Settings
from contact_centre.numbers import number_reader
from contact_centre.writer import connect, transaction
from telephony.core.call import Call, CallChanged, Direction, Leg, QueueOutcome, Role, Span, Transfer, TransferKind
from telephony.ingest import fold_files
from tests.databases import new_database
from tests.register import every_appeal

T = TypeVar("T")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCENARIOS = Path(__file__).parents[2] / "scenarios"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def leg(role: Role, party: str | None, start: float, end: float | None, *, talked: bool = False) -> Leg:
    ended = None if end is None else at(end)
    talks = (Span(at(start), ended),) if talked else ()
    return Leg(f"u{party}", role, party, at(start), None, ended, 0.0, 0.0, talks)


ANSWERED = Call(
    call_id="cc1-1795334400.1",
    line="588-888",
    direction=Direction.INBOUND,
    caller_number_raw="0501234567",
    caller_name="Жанна",
    dialled_number="588888",
    started_at=at(0),
    answered_at=at(10),
    ended_at=at(70),
    queue="contact-centre",
    queue_outcome=QueueOutcome.ANSWERED,
    operator="olena",
    wait_time=2.0,
    talk_time=60.0,
    hold_time=0.0,
    ring_no_answers=0,
    transfers=(),
    legs=(leg(Role.CITIZEN, "0501234567", 0, 70), leg(Role.OPERATOR, "olena", 9, 70, talked=True)),
    purpose=None,
    dial_status=None,
    recovered=False,
    group_id="cc1-1795334400.1",
    recorded_from=at(8),
    promised_at=None,
    refused=None,
    anomalies=(),
)
MISSED = replace(
    ANSWERED, answered_at=None, queue_outcome=QueueOutcome.ABANDONED, operator=None, talk_time=0.0, legs=()
)


class Register:
    """A database into which changes are worked."""

    def __init__(self, path: Path) -> None:
        new_database(path)
        self.path = path

    def apply(self, *calls: Call, over: bool = True) -> casework.Outcome:
        with closing(connect(self.path)) as connection, transaction(connection) as tx:
            changes = [CallChanged(call, over) for call in calls]
            return casework.apply(tx, changes, number_reader(Settings()))

    def read(self, query: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async def work() -> T:
            async with database.reading(self.path, NOON) as engine, engine.connect() as connection:
                return await query(connection)

        return asyncio.run(work())

    def callbacks(self) -> list[Callback]:
        return self.read(lambda connection: queries.list_callbacks(connection, CallbackFilters(state=None)))

    def execute(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, values)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "contact-centre.db")


def test_the_draft_is_there_as_soon_as_citizen_and_operator_are_bridged_and_only_once(register: Register) -> None:
    going_on = replace(ANSWERED, ended_at=None, talk_time=0.0)
    assert register.apply(going_on, over=False).drafted == ((ANSWERED.call_id, at(10)),)
    assert register.apply(going_on, over=False).drafted == ()
    assert register.apply(ANSWERED).drafted == ()
    [draft] = register.read(every_appeal)
    assert (draft.operator, draft.caller_number, draft.created_at) == ("olena", "+380501234567", at(10))
    assert register.rows("SELECT connected_seconds FROM contact_evidence") == [(60.0,)]


def test_before_the_bridge_and_before_the_end_nothing_follows(register: Register) -> None:
    register.apply(replace(MISSED, ended_at=None, recorded_from=at(8)), over=False)
    for table in ("appeals", "duties", "contact_evidence", "jobs"):
        assert register.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - our names


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (QueueOutcome.ABANDONED, MissedReason.ABANDONED),
        (QueueOutcome.TIMED_OUT, MissedReason.TIMED_OUT),
        (QueueOutcome.EXITED_EMPTY, MissedReason.EXITED_EMPTY),
        (QueueOutcome.EXITED_BY_KEY, MissedReason.EXITED_BY_KEY),
        (QueueOutcome.NOT_QUEUED, MissedReason.ABANDONED),
    ],
)
def test_a_call_that_no_operator_took_becomes_a_callback_once(
    register: Register, outcome: QueueOutcome, reason: MissedReason
) -> None:
    register.apply(replace(MISSED, queue_outcome=outcome))
    register.apply(replace(MISSED, queue_outcome=outcome))
    [entry] = register.callbacks()
    assert (entry.reason, entry.number, entry.count, entry.opened_at) == (reason, "+380501234567", 1, at(70))


def test_a_call_taken_back_by_a_callback_owes_nothing_more(register: Register) -> None:
    register.apply(replace(MISSED, queue_outcome=QueueOutcome.WITHDRAWN))
    assert register.callbacks() == []


def test_a_callback_clears_itself_when_the_citizen_reaches_an_operator(register: Register) -> None:
    later = replace(ANSWERED, call_id="cc1-2.2", started_at=at(300), answered_at=at(310), ended_at=at(400))
    register.apply(later, MISSED)
    [entry] = register.callbacks()
    assert (entry.state.value, entry.cleared_by) == ("cleared", "cc1-2.2")


def test_a_record_that_turns_out_answered_clears_its_own_callback(register: Register) -> None:
    register.apply(MISSED)
    register.apply(ANSWERED)
    assert [entry.state.value for entry in register.callbacks()] == ["cleared"]


def test_an_operator_reached_by_a_transfer_makes_the_draft_too(register: Register) -> None:
    transfers = (Transfer(TransferKind.BLIND, at(5), None, "iryna", answered=True),)
    legs = (leg(Role.SPECIALIST, "water", 2, 9, talked=True), leg(Role.OPERATOR, "iryna", 9, 70, talked=True))
    register.apply(replace(ANSWERED, operator=None, transfers=transfers, legs=legs))
    assert [draft.operator for draft in register.read(every_appeal)] == ["iryna"]
    assert register.callbacks() == []


def test_an_outbound_call_is_evidence_and_no_draft(register: Register) -> None:
    register.apply(MISSED)
    unanswered = replace(
        MISSED, call_id="out-1", direction=Direction.OUTBOUND, started_at=at(100), operator="olena", recorded_from=None
    )
    for status in ("CANCEL", "CHANUNAVAIL", "CONGESTION", None):
        register.apply(replace(unanswered, dial_status=status))
    assert register.rows("SELECT * FROM contact_evidence") == []
    register.apply(replace(unanswered, dial_status="NOANSWER"))
    assert register.rows("SELECT connected_seconds, direction FROM contact_evidence") == [(None, "outbound")]
    [entry] = register.callbacks()
    assert (entry.state.value, entry.attempts) == ("open", 1)
    reached = replace(ANSWERED, call_id="out-2", direction=Direction.OUTBOUND, started_at=at(200), answered_at=at(210))
    register.apply(reached)
    assert [entry.cleared_by for entry in register.callbacks()] == ["out-2"]
    assert register.read(every_appeal) == []


def test_a_call_made_for_an_appeal_or_for_a_duty_of_it_is_one_of_its_calls(register: Register) -> None:
    register.apply(ANSWERED)
    [draft] = register.read(every_appeal)
    out = replace(ANSWERED, direction=Direction.OUTBOUND)
    register.apply(MISSED)
    [callback] = register.callbacks()
    for number, purpose in enumerate(
        (f"appeal:{draft.appeal_id}", "appeal:unknown", f"duty:{callback.callback_id}", "duty:unknown", "weather:fine")
    ):
        register.apply(replace(out, call_id=f"out-{number}", purpose=purpose, started_at=at(100 + number)))
    [draft] = register.read(every_appeal)
    assert draft.calls == (ANSWERED.call_id, "out-0")
    register.execute("UPDATE duties SET appeal_id = ?", draft.appeal_id)
    register.apply(replace(out, call_id="out-9", purpose=f"duty:{callback.callback_id}", started_at=at(200)))
    [draft] = register.read(every_appeal)
    assert draft.calls == (ANSWERED.call_id, "out-0", "out-9")


def test_a_citizen_whom_an_outbound_call_promised_a_callback_is_owed_one(register: Register) -> None:
    register.apply(replace(ANSWERED, direction=Direction.OUTBOUND, promised_at=at(70)))
    [entry] = register.callbacks()
    assert (entry.reason, entry.state.value) == (MissedReason.PROMISED, "open")


def test_a_call_between_operators_is_nobodys_contact(register: Register) -> None:
    register.apply(replace(ANSWERED, direction=Direction.INTERNAL))
    assert register.rows("SELECT * FROM contact_evidence") == []
    assert register.read(every_appeal) == []


def test_a_withheld_number_gives_a_draft_and_no_evidence(register: Register) -> None:
    register.apply(replace(ANSWERED, caller_number_raw="anonymous"))
    [draft] = register.read(every_appeal)
    assert (draft.caller_number, draft.caller_number_raw) == (None, "anonymous")
    assert register.rows("SELECT * FROM contact_evidence") == []


def test_audio_is_due_when_a_recorded_call_is_over_and_a_correction_reaches_a_job_not_done(register: Register) -> None:
    register.apply(ANSWERED, replace(MISSED, call_id="not-recorded", recorded_from=None))
    longer = replace(ANSWERED, ended_at=at(80))
    register.apply(longer)
    [job] = register.read(lambda connection: jobs.due(connection, casework.FINALISE, at(90), 10))
    assert casework.load_due(job.key, job.payload) == casework.audio_due(longer)
    with closing(connect(register.path)) as connection, transaction(connection) as tx:
        jobs.finish(tx, job, at(90))
    register.apply(ANSWERED)
    assert register.read(lambda connection: jobs.due(connection, casework.FINALISE, at(9999), 10)) == []
    [(payload,)] = register.rows("SELECT payload FROM jobs")
    assert casework.load_due(job.key, json.loads(payload)) == casework.audio_due(longer)


@pytest.mark.parametrize("scenario", sorted(path.parent.name for path in SCENARIOS.glob("*/ledger.jsonl")))
def test_what_a_captured_ledger_leads_to_does_not_depend_on_order_or_repetition(
    register: Register, tmp_path: Path, scenario: str
) -> None:
    calls = [
        change.call
        for changes in fold_files([SCENARIOS / scenario / "ledger.jsonl"])
        for change in changes
        if change.over
    ]
    register.apply(*calls)
    other = Register(tmp_path / "other.db")
    for call in [*reversed(calls), *calls]:
        other.apply(call)
    for one in (register, other):
        drafted = {call_id for draft in one.read(every_appeal) for call_id in draft.calls}
        owed = {call_id for entry in one.callbacks() for call_id in entry.call_ids}
        assert drafted | owed == {call.call_id for call in calls if call.direction is Direction.INBOUND}
        assert drafted & owed == {call.call_id for call in calls if call.promised_at and call.answered_at}
    query = "SELECT call_id, kind, reason, evidence, excuse, closed_at FROM duties ORDER BY call_id, kind"
    assert register.rows(query) == other.rows(query)


def test_a_promise_made_after_a_talk_is_kept_by_a_later_talk_only(register: Register) -> None:
    promised = replace(ANSWERED, promised_at=at(70))
    register.apply(promised)
    [owed] = register.callbacks()
    assert (owed.reason.value, owed.state.value) == ("promised", "open")

    register.apply(replace(ANSWERED, call_id="later", started_at=at(900), answered_at=at(910), ended_at=at(950)))

    assert [one for one in register.callbacks() if one.state.value == "open"] == []


def test_a_citizen_turned_away_at_the_limit_is_called_back(register: Register) -> None:
    register.apply(replace(MISSED, queue=None, queue_outcome=QueueOutcome.NOT_QUEUED, refused="call-limit"))

    [owed] = register.callbacks()
    assert owed.reason.value == "refused"


SPECIALIST = leg(Role.SPECIALIST, "water", 40, 65)
TALKED = replace(SPECIALIST, answered_at=at(42), talk_time=23.0, talks=(Span(at(42), at(65)),))
OPERATED = leg(Role.OPERATOR, "olena", 9, 40, talked=True)


def controls(register: Register) -> list[tuple[Any, ...]]:
    return register.rows(
        "SELECT appeal_id IS NOT NULL, specialist, talked_seconds, excuse, closed_at IS NULL"
        " FROM duties WHERE kind = 'forwarding_control'"
    )


def test_a_citizen_who_talked_with_a_specialist_is_asked_later_whether_it_helped(register: Register) -> None:
    call = replace(ANSWERED, legs=(OPERATED, TALKED))
    register.apply(replace(call, ended_at=None), over=False)
    assert controls(register) == []
    register.apply(call)
    register.apply(call)
    assert controls(register) == [(1, "water", 23.0, None, 1)]
    assert register.callbacks() == []


def test_a_specialist_who_does_not_answer_makes_a_callback_and_one_who_then_does_takes_it_back(
    register: Register,
) -> None:
    register.apply(replace(ANSWERED, legs=(OPERATED, SPECIALIST)))
    assert controls(register) == [(1, "water", None, "callback", 0)]
    assert [(one.reason, one.state.value) for one in register.callbacks()] == [(MissedReason.SPECIALIST, "open")]
    register.apply(replace(ANSWERED, legs=(OPERATED, SPECIALIST, replace(TALKED, party="heat"))))
    assert controls(register) == [(1, "heat", 23.0, None, 1)]
    assert [one.state.value for one in register.callbacks()] == ["cleared"]


def test_a_transfer_to_a_specialist_whose_telephone_is_not_there_was_tried_too(register: Register) -> None:
    register.execute(
        "INSERT INTO accounts (login, name, roles, extension, sip_account, created_at) VALUES"
        " ('water', 'Водоканал', 'specialist', '301', 'specialist-water', ''),"
        " ('iryna', 'Ірина', 'operator', '302', 'operator-iryna', '')"
    )
    for number, (to, found) in enumerate((("301", "water"), ("water", "water"), ("302", None), ("999", None))):
        transfers = (Transfer(TransferKind.BLIND, at(40), "olena", to, answered=False),)
        call_id = f"cc1-{number}"
        register.apply(replace(ANSWERED, call_id=call_id, legs=(OPERATED,), transfers=transfers))
        kept = register.rows(f"SELECT specialist FROM duties WHERE call_id = '{call_id}' AND kind <> 'callback'")  # noqa: S608 - our ids
        assert kept == ([] if found is None else [(found,)])


def test_a_specialist_whom_only_the_operator_asked_was_not_tried_for_the_citizen(register: Register) -> None:
    register.apply(replace(ANSWERED, legs=(OPERATED, replace(SPECIALIST, answered_at=at(42)))))
    assert controls(register) == []


def test_a_promised_callback_is_not_doubled_by_a_specialist_who_was_not_there(register: Register) -> None:
    register.apply(replace(ANSWERED, legs=(OPERATED, SPECIALIST), promised_at=at(65)))
    assert controls(register) == [(1, "water", None, "callback", 0)]
    assert [one.reason for one in register.callbacks()] == [MissedReason.PROMISED]


def test_a_specialist_reached_in_an_outbound_call_is_of_the_appeal_that_it_was_made_for(register: Register) -> None:
    register.apply(ANSWERED)
    [draft] = register.read(every_appeal)
    outbound = replace(ANSWERED, call_id="out-1", direction=Direction.OUTBOUND, legs=(OPERATED, TALKED))
    register.apply(replace(outbound, purpose=f"appeal:{draft.appeal_id}"))
    assert register.rows("SELECT appeal_id FROM duties WHERE call_id = 'out-1'") == [(draft.appeal_id,)]


def test_a_call_is_known_from_the_ledger_or_from_being_asked_for(register: Register) -> None:
    register.execute(
        "INSERT INTO outbound_calls (call_id, operator, number, requested_at) VALUES ('o', 'olena', '', '')"
    )
    with closing(connect(register.path)) as connection, transaction(connection) as tx:
        assert casework.is_call(tx, "o")
        assert not casework.is_call(tx, "unheard-of")
