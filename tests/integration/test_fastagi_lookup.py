"""Who calls, out of a real database; and the running service, asked as Asterisk asks."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from appeals import service as register
from contact_centre import database, lookup
from contact_centre.agi_watch import AgiWatch
from contact_centre.demo.processes import Processes
from contact_centre.lookup import Incoming, LookupLateError, SqliteLookup
from contact_centre.writer import SqliteTx, connect, transaction
from telephony import store
from telephony.core.call import Call, CallChanged, QueueOutcome
from telephony.links.fastagi import Ended, FastAgi, Outcome
from telephony.ports import Caller
from tests.databases import new_database
from tests.integration.agi_peers import call as agi_call
from tests.integration.agi_peers import connected, header
from tests.integration.rig import Place, folded

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SCENARIOS = Path(__file__).parents[1] / "scenarios"
NUMBER = "+380501234567"

[_captured] = folded([SCENARIOS / "answered" / "ledger.jsonl"]).values()
CALL = replace(
    _captured,
    call_id="cc1-1.1",
    caller_number_raw="0501234567",
    caller_name=None,
    started_at=NOW - timedelta(minutes=10),
    ended_at=NOW - timedelta(minutes=5),
    legs=(),
)


class FixedClock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def to_e164(raw: str) -> str | None:
    return {"0501234567": NUMBER, "0671234567": "+380671234567"}.get(raw)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "contact-centre.db"
    new_database(file)
    return file


def keep(path: Path, *calls: Call) -> None:
    connection = connect(path)
    with transaction(connection) as tx:
        for one in calls:
            store.save_call(tx, CallChanged(one, over=True), NUMBER, at=NOW, reason="test")
    connection.close()


def draft(path: Path, call_id: str, name: str | None, at: datetime) -> str:
    connection = connect(path)
    with transaction(connection) as tx:
        appeal_id = register.draft_for_call(
            tx,
            call_id=call_id,
            number_raw="0501234567",
            number=NUMBER,
            line="588-888",
            operator="olena",
            caller_name=name,
            at=at,
            ids=register.new_id,
        )
    connection.close()
    return appeal_id


@asynccontextmanager
async def looking(path: Path, deadline_s: float = 2.0) -> AsyncIterator[SqliteLookup]:
    made = SqliteLookup(path, to_e164, FixedClock(), deadline_s)
    try:
        yield made
    finally:
        made.close()


async def ask(path: Path, number: str = "0501234567", call_id: str = "cc1-9.9") -> Caller:
    async with looking(path) as made:
        return await made.caller(number, call_id)


@pytest.mark.parametrize("raw", ["", "anonymous", "unknown", "'; DROP TABLE calls; --", "\0"])
async def test_who_withholds_the_number_is_nobody_known(path: Path, raw: str) -> None:
    assert await ask(path, raw) == lookup.NOBODY


async def test_who_never_called_is_new(path: Path) -> None:
    caller = await ask(path)
    assert (caller.number, caller.known, caller.priority, caller.open_appeals) == (NUMBER, False, 0, 0)


async def test_the_call_that_has_just_begun_is_not_the_callers_past(path: Path) -> None:
    keep(path, CALL)
    assert not (await ask(path, call_id=CALL.call_id)).known
    assert (await ask(path)).known


async def test_the_name_is_the_applicants_or_the_newest_that_the_network_told(path: Path) -> None:
    keep(path, replace(CALL, caller_name="Network"))
    assert (await ask(path)).name == "Network"
    draft(path, "cc1-1.1", "Жанна Їжак", NOW - timedelta(days=2))
    newest = draft(path, "cc1-1.2", None, NOW - timedelta(days=1))
    caller = await ask(path)
    assert (caller.name, caller.open_appeals, caller.last_appeal_id) == ("Жанна Їжак", 2, newest)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE appeals SET applicant = 'Їжак Ж. П.' WHERE drafted_from = 'cc1-1.1'")
    assert (await ask(path)).name == "Їжак Ж. П."


@pytest.mark.parametrize(
    ("last", "priority"),
    [
        ({"recovered": True}, lookup.PRIORITY_BROKEN),
        ({"queue_outcome": QueueOutcome.TIMED_OUT}, lookup.PRIORITY_UNSERVED),
        ({"queue_outcome": QueueOutcome.EXITED_EMPTY}, lookup.PRIORITY_UNSERVED),
        ({"queue_outcome": QueueOutcome.ABANDONED}, 0),
        ({"queue_outcome": QueueOutcome.ANSWERED}, 0),
        ({"recovered": True, "ended_at": NOW - timedelta(minutes=16)}, 0),
        ({"recovered": True, "ended_at": None}, 0),
    ],
)
async def test_whom_we_cut_off_or_sent_away_minutes_ago_goes_ahead(
    path: Path, last: dict[str, object], priority: int
) -> None:
    earlier = replace(CALL, call_id="cc1-0.1", started_at=NOW - timedelta(hours=1), recovered=True)
    keep(path, earlier, replace(CALL, **last))  # type: ignore[arg-type]
    assert (await ask(path)).priority == priority


async def test_a_long_past_is_read_by_its_newest_part_through_indexes(path: Path) -> None:
    keep(path, *(replace(CALL, call_id=f"cc1-2.{one}") for one in range(300)))
    connection = connect(path)
    for statement in (lookup._CALLS, lookup._APPEALS):
        sql = str(statement.compile(compile_kwargs={"literal_binds": False}))
        names = {"number": NUMBER, "call_id": "x", "limit": 20}
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", names).fetchall()
        assert len(plan) == 1, plan
        assert "USING INDEX" in plan[0][3]
        assert "caller_number" in plan[0][3]
    connection.close()
    assert (await ask(path)).known


async def test_what_others_write_is_seen_at_once(path: Path) -> None:
    async with looking(path) as made:
        assert not (await made.caller("0501234567", "x")).known
        keep(path, CALL)
        assert (await made.caller("0501234567", "x")).known
        assert not (await made.caller("0671234567", "x")).known


async def test_a_writer_at_work_holds_no_look_up_up(path: Path) -> None:
    writing = connect(path)
    with transaction(writing) as tx:
        store.save_call(tx, CallChanged(CALL, over=True), NUMBER, at=NOW, reason="test")
        assert not (await ask(path)).known
    writing.close()


async def test_a_database_that_hangs_is_given_up_in_time_and_asked_again_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = lookup.look_up

    def hanging(tx: SqliteTx, number: str, call_id: str, now: datetime) -> Caller:
        time.sleep(0.5)
        return look_up(tx, number, call_id, now)

    async with looking(path, deadline_s=0.2) as made:
        monkeypatch.setattr(lookup, "look_up", hanging)
        began = time.monotonic()
        asked = [made.caller("0501234567", "x") for _ in range(10)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert time.monotonic() - began < 0.4
        assert all(isinstance(one, LookupLateError) for one in found)
        monkeypatch.setattr(lookup, "MAX_WAITING", 0)
        with pytest.raises(LookupLateError, match="too many"):
            await made.caller("0501234567", "x")
        monkeypatch.undo()
        await asyncio.sleep(0.5)
        assert not (await made.caller("0501234567", "x")).known


async def test_a_database_that_cannot_be_read_is_an_error_until_it_can(tmp_path: Path) -> None:
    async with looking(tmp_path / "none.db") as made:
        with pytest.raises(sqlite3.OperationalError):
            await made.caller("0501234567", "x")
        database.migrate(tmp_path / "none.db", NOW)
        assert not (await made.caller("0501234567", "x")).known


async def test_a_stopped_look_up_answers_what_was_asked_before(path: Path) -> None:
    async with looking(path) as made:
        asked = [asyncio.create_task(made.caller("0501234567", "x")) for _ in range(100)]
        await asyncio.sleep(0)
    assert not any(one.known for one in await asyncio.gather(*asked))


def variables(line: bytes) -> dict[str, str]:
    assert line.startswith(b"EXEC MSet ")
    pairs = line.decode("ascii").removeprefix("EXEC MSet ").removesuffix("\n").split(",")
    return {name: unquote(value) for name, value in (pair.split("=") for pair in pairs)}


async def test_asterisk_is_told_everything_in_one_command_whatever_a_caller_is_called(path: Path) -> None:
    appeal = draft(path, "cc1-1.1", 'a\n"b",CC_PRIORITY=99,${SHELL(x)}' + "Ї" * 100, NOW)
    ended: list[Ended] = []
    server = FastAgi(ended.append)
    async with looking(path) as made:
        server.add_route("incoming", Incoming(made).serve)
        server.start("127.0.0.1", 0)
        [line] = await agi_call(server.port)
        async with connected(server.port) as (reader, writer):
            writer.write(header())
            await reader.readline()
            writer.write(b"200 result=-2\n")
            assert await reader.read() == b""
        await server.close()
    told = variables(line)
    assert told.pop("CC_NAME").startswith('a\n"b",CC_PRIORITY=99,${SHELL(x)}Ї')
    assert told == {
        "CC_LANGUAGE": "uk",
        "CC_PRIORITY": "0",
        "CC_OPEN": "1",
        "CC_LAST_APPEAL": appeal,
        "CC_KNOWN": "1",
    }
    assert [one.outcome for one in ended] == [Outcome.SERVED, Outcome.FAILED]


def test_calls_that_went_on_without_us_are_told_for_a_minute_strangers_are_only_counted() -> None:
    clock, registry = FixedClock(), CollectorRegistry()
    watch = AgiWatch(clock, registry)
    for outcome in (Outcome.SERVED, Outcome.HUNG_UP, Outcome.NOT_AGI, Outcome.SILENT):
        watch.ended(Ended(outcome, None))
    assert watch.finding().ok
    watch.ended(Ended(Outcome.LATE, None, "not served"))
    assert not watch.finding().ok
    assert "not served" in watch.finding().seen
    clock.at += timedelta(seconds=61)
    assert watch.finding().ok
    text = generate_latest(registry).decode()
    for name in ("served", "late", "not_agi"):
        assert f'contact_centre_fastagi_sessions_total{{outcome="{name}"}} 1.0' in text


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_the_service_answers_beside_everything_else_it_does_and_stops_politely(
    place: Place, processes: Processes
) -> None:
    service = place.service(processes)
    service.start()
    port = place.settings.agi_port
    [line] = await agi_call(port)
    assert variables(line)["CC_KNOWN"] == "0"
    assert 'fastagi_sessions_total{outcome="served"} 1.0' in service.metrics()
    assert service.healthz()["probes"]["fastagi"]["ok"]
    assert service.process is not None
    assert service.process.stop() == 0


def test_a_taken_port_is_told_with_the_setting_to_change(place: Place, processes: Processes) -> None:
    first = place.service(processes)
    first.start()
    other = Place.make(place.root / "other")
    text = other.config.read_text().replace(f"port = {other.settings.agi_port}", f"port = {place.settings.agi_port}")
    other.config.write_text(text)
    done = other.command("run")
    assert done.returncode == 4
    assert "agi.port" in done.stderr
