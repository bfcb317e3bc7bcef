from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, insert, text

from appeals import queries, service
from appeals.duties import DutyKind
from appeals.model import Appeal, Channel, HistoryEntry, Status
from appeals.tables import duties
from tests.register import every_appeal

if TYPE_CHECKING:
    from appeals.ports import Tx
    from tests.contract.appeals.conftest import Register

BRIDGED = datetime(2026, 11, 22, 21, 37, 10, 39000, UTC)
CALL = "pbx-1795383430.7"


def draft(tx: "Tx", **different: object) -> str:
    told: dict[str, Any] = {
        "call_id": CALL,
        "number_raw": "0501234567",
        "number": "+380501234567",
        "line": "15-80",
        "operator": "oksana",
        "caller_name": "Марія Ковальчук",
        "at": BRIDGED,
    }
    return service.draft_for_call(tx, **(told | different))


async def test_a_bridged_call_makes_a_draft_with_everything_the_call_says(register: "Register") -> None:
    numbers = count()
    appeal_id = register.write(lambda tx: draft(tx, ids=lambda: f"appeal-{next(numbers)}"))
    assert appeal_id == "appeal-0"
    assert await register.read(lambda connection: queries.get_appeal(connection, appeal_id)) == Appeal(
        appeal_id="appeal-0",
        registration_number=None,
        kind=None,
        status=Status.NEW,
        category=None,
        service=None,
        operator="oksana",
        line="15-80",
        caller_number="+380501234567",
        caller_number_raw="0501234567",
        caller_name="Марія Ковальчук",
        applicant=None,
        address=None,
        description=None,
        channel=Channel.PHONE,
        created_at=BRIDGED,
        registered_at=None,
        due_at=None,
        legal_due_at=None,
        calls=(CALL,),
        recordings=(),
        duties=(),
        history=(HistoryEntry(BRIDGED, "oksana", "created", {"call_id": CALL}),),
    )


async def test_a_call_told_again_makes_nothing_new(register: "Register") -> None:
    first = register.write(draft)
    again = register.write(draft)
    [appeal] = await register.read(every_appeal)
    assert (again, appeal.appeal_id, len(appeal.history)) == (first, first, 1)


async def test_a_rebuild_does_not_overwrite_what_a_person_wrote(register: "Register") -> None:
    def person(tx: "Tx") -> None:
        tx.execute(text("UPDATE appeals SET applicant = 'Марія', operator = 'petro', line = NULL"))

    register.write(draft)
    register.write(person)
    register.write(lambda tx: draft(tx, caller_name="other", number="+380509999999"))
    [appeal] = await register.read(every_appeal)
    assert (appeal.applicant, appeal.operator, appeal.line) == ("Марія", "petro", None)
    assert appeal.caller_number == "+380501234567"


async def test_a_withheld_number_makes_a_draft_too(register: "Register") -> None:
    appeal_id = register.write(lambda tx: draft(tx, number=None, number_raw="anonymous", caller_name=None))
    appeal = await register.read(lambda connection: queries.get_appeal(connection, appeal_id))
    assert appeal is not None
    assert (appeal.caller_number, appeal.caller_number_raw, appeal.caller_name) == (None, "anonymous", None)


@pytest.mark.parametrize("hostile", ["'; DROP TABLE appeals; --", '\\"', "%0d%0a\r\n", "\x01", "Ґанна-Єва Їжакевич"])
async def test_any_text_is_kept_as_it_came(register: "Register", hostile: str) -> None:
    register.write(lambda tx: draft(tx, caller_name=hostile, number_raw=hostile, operator=hostile))
    [appeal] = await register.read(every_appeal)
    assert (appeal.caller_name, appeal.caller_number_raw, appeal.history[0].actor) == (hostile, hostile, hostile)


@pytest.mark.parametrize("recording_first", [True, False])
async def test_a_recording_reaches_the_appeal_before_or_after_the_draft(
    register: "Register", recording_first: bool
) -> None:
    steps: list[Any] = [draft, lambda tx: service.attach_recording(tx, CALL, "recording-1")]
    for step in (*reversed(steps), *steps) if recording_first else (*steps, *reversed(steps)):
        register.write(step)
    [appeal] = await register.read(every_appeal)
    assert appeal.recordings == ("recording-1",)


async def test_a_recording_of_a_call_without_an_appeal_is_nobodys(register: "Register") -> None:
    register.write(draft)
    register.write(lambda tx: service.attach_recording(tx, "another-call", "recording-1"))
    [appeal] = await register.read(every_appeal)
    assert appeal.recordings == ()


async def test_an_appeal_shows_the_duties_owed_for_it(register: "Register") -> None:
    appeal_id = register.write(draft)
    owed = {
        "duty_id": "duty-1",
        "kind": "inform",
        "appeal_id": appeal_id,
        "number": "+380501234567",
        "reason": "result",
        "owner": "oksana",
        "opened_at": "2026-11-22T21:40:00.000+00:00",
        "due_at": "2026-11-23T21:40:00.000+00:00",
    }
    register.write(lambda tx: tx.execute(insert(duties).values({name: bindparam(name) for name in owed}), owed))
    [appeal] = await register.read(every_appeal)
    [duty] = appeal.duties
    assert (duty.duty_id, duty.kind, duty.reason, duty.owner) == ("duty-1", DutyKind.INFORM, "result", "oksana")
    assert (duty.attempts, duty.evidence, duty.closed_at) == (0, None, None)


async def test_an_unknown_appeal_is_none(register: "Register") -> None:
    assert await register.read(lambda connection: queries.get_appeal(connection, "nothing")) is None


def test_a_draft_costs_three_statements(register: "Register") -> None:
    assert len(register.statements(draft)) == 3


def test_a_time_without_an_offset_is_refused_and_nothing_is_kept(register: "Register") -> None:
    with pytest.raises(ValueError, match="without offset"):
        register.write(lambda tx: draft(tx, at=BRIDGED.replace(tzinfo=None)))
    assert register.write(lambda tx: tx.fetch_all(text("SELECT count(*) FROM appeals"))) == [(0,)]


async def test_times_of_any_offset_are_the_same_moment(register: "Register") -> None:
    register.write(lambda tx: draft(tx, at=BRIDGED.astimezone(timezone(timedelta(hours=2)))))
    [appeal] = await register.read(every_appeal)
    assert appeal.created_at == BRIDGED


async def test_a_list_longer_than_one_statements_ids_is_complete(register: "Register") -> None:
    calls = [f"call-{number:04}" for number in range(queries.CHUNK + 2)]
    register.write(lambda tx: [draft(tx, call_id=call) for call in calls])
    found = await register.read(every_appeal)
    assert sorted(call for appeal in found for call in appeal.calls) == calls
    by_call = await register.read(lambda connection: queries.appeals_of_calls(connection, [*calls, "none"]))
    assert by_call == {appeal.calls[0]: (appeal.appeal_id,) for appeal in found}
