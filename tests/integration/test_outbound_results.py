"""Calls that operators asked for: whoever dies in between, each comes to an end that is told and counted rightly."""

import asyncio
import json
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contact_centre import accounts
from contact_centre.cli import cli
from contact_centre.config import AsteriskSettings
from contact_centre.outbound_results import GIVEN_UP_AFTER, ResultsKeeper, settle
from contact_centre.writer import Writer, connect, transaction
from telephony.outbound import Result as CallResult
from telephony.provision import AsteriskPaths, install
from telephony.provision import Settings as Provision
from tests.integration.asterisk_double import AmiServer
from tests.integration.rig import PROGRAM, Place, following, until

SCENARIOS = Path(__file__).parents[1] / "scenarios"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = GIVEN_UP_AFTER + timedelta(seconds=1)
AMI_TROUBLE, REFUSED = 7, 12


def said(action: dict[str, str], response: str, line: str) -> bytes:
    return f"Response: {response}\r\nActionID: {action['ActionID']}\r\n{line}\r\n\r\n".encode()


@pytest.fixture
def office(place: Place) -> Place:
    """With an operator, and Asterisk's configuration; two calls an hour."""
    paths = AsteriskPaths.under(place.root / "asterisk", Path("/usr/lib/asterisk/modules"))
    install(AsteriskSettings().config_source, place.etc, paths, Provision())
    with place.config.open("a") as config:
        config.write("[outbound]\ncalls_per_hour = 2\n")
    place.migrated()
    with closing(connect(place.settings.database)) as connection, transaction(connection) as tx:
        accounts.add(
            tx, login="olena", name="Олена", roles=["operator"], extension="201", sip_account="operator-olena", at=NOW
        )
    return place


@asynccontextmanager
async def asterisk(place: Place, state: str = "NOT_INUSE") -> AsyncIterator[AmiServer]:
    """An AMI whose telephones are in this state, and picked up when they ring."""
    server = AmiServer(port=place.settings.asterisk.ami_port)
    server.answers["Login"] = lambda action: said(action, "Success", "Message: Authentication accepted")
    server.answers["Getvar"] = lambda action: said(action, "Success", f"Value: {state}")
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


COMMAND = ("call", "0501234567", "--operator", "olena")


async def start(place: Place) -> Process:
    return await asyncio.create_subprocess_exec(
        PROGRAM, "--config", str(place.config), *COMMAND, stdout=DEVNULL, stderr=DEVNULL
    )


def run(place: Place, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(place.config), *words])


async def call(place: Place) -> int:
    return (await asyncio.to_thread(run, place, *COMMAND)).exit_code


async def killed(place: Place, server: AmiServer, action: str) -> None:
    """The command is killed while it waits for the answer to this action."""
    server.silent.add(action)
    running = await start(place)
    await until(lambda: bool(server.asked(action)))
    running.send_signal(signal.SIGKILL)
    await running.wait()
    server.silent.clear()


async def requested(place: Place, *words: str) -> list[dict[str, Any]]:
    done = await asyncio.to_thread(run, place, "calls", "requested", "--json", *words)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


async def told_by_doctor(place: Place) -> dict[str, Any]:
    done = await asyncio.to_thread(run, place, "doctor", "--json")
    [told] = [one for one in json.loads(done.stdout) if one["probe"] == "outbound"]
    return dict(told)


def settled(place: Place, read_until: datetime) -> dict[str, CallResult]:
    with closing(connect(place.settings.database)) as connection, transaction(connection) as tx:
        return settle(tx, read_until)


def ask_for(place: Place, call_id: str, at: datetime = NOW, result: str | None = None) -> None:
    with closing(connect(place.settings.database)) as connection:
        connection.execute(
            "INSERT INTO outbound_calls VALUES (?, 'olena', '+380501234567', NULL, ?, ?)",
            (call_id, at.isoformat(timespec="milliseconds"), result),
        )
        connection.commit()


async def test_what_became_of_a_call_is_noted_and_only_calls_that_reached_out_wear_the_limit_out(office: Place) -> None:
    async with asterisk(office, "INUSE"):
        assert [await call(office) for _ in range(3)] == [1, 1, 1]
    async with asterisk(office) as server:
        assert [await call(office) for _ in range(3)] == [0, 0, REFUSED]
        assert len(server.asked("Originate")) == 2
    results = [one["result"] for one in await requested(office)]
    assert results == ["operator_is_on_the_phone"] * 3 + ["operator_picked_up"] * 2


async def test_two_commands_at_once_do_not_slip_through_the_limit_together(office: Place) -> None:
    async with asterisk(office) as server:
        running = [await start(office) for _ in range(4)]
        assert sorted([await one.wait() for one in running]) == [0, 0, REFUSED, REFUSED]
        assert len(server.asked("Originate")) == 2


async def test_a_command_killed_between_storing_and_asking_leaves_a_call_that_never_was(office: Place) -> None:
    async with asterisk(office) as server:
        await killed(office, server, "Getvar")
        assert server.asked("Originate") == []
    [asked] = await requested(office)
    assert (asked["result"], asked["has_record"], asked["number"]) == (None, False, "+380501234567")
    asked_at = datetime.fromisoformat(asked["requested_at"])

    assert settled(office, asked_at + GIVEN_UP_AFTER) == {}
    assert settled(office, asked_at + LATER) == {asked["call_id"]: CallResult.NO_RECORD}
    assert settled(office, asked_at + LATER) == {}
    [unplaced] = await requested(office, "--unplaced", "--operator", "olena")
    assert unplaced == asked | {"result": "no_call_record"}
    told = await told_by_doctor(office)
    assert not told["ok"]
    assert "--unplaced" in told["remedy"]


async def test_a_call_that_never_was_gives_its_place_under_the_limit_back(office: Place) -> None:
    async with asterisk(office) as server:
        await killed(office, server, "Getvar")
        assert [await call(office), await call(office)] == [0, REFUSED]
        settled(office, datetime.now(UTC) + LATER)
        assert [await call(office), await call(office)] == [0, REFUSED]


async def test_a_command_killed_after_asking_leaves_the_end_to_the_ledger(office: Place) -> None:
    async with asterisk(office) as server:
        await killed(office, server, "Originate")
        [originate] = server.asked("Originate")
    [asked] = await requested(office)
    assert (asked["call_id"], asked["result"]) == (originate["ChannelId"], None)


async def test_an_asterisk_that_is_away_or_refuses_is_told_and_noted_and_wears_no_limit_out(office: Place) -> None:
    assert [await call(office) for _ in range(2)] == [AMI_TROUBLE] * 2
    async with asterisk(office) as server:
        server.answers["Originate"] = lambda action: said(action, "Error", "Message: Permission denied")
        assert [await call(office) for _ in range(2)] == [AMI_TROUBLE] * 2
        del server.answers["Originate"]
        assert await call(office) == 0
    results = [one["result"] for one in await requested(office, "--unplaced")]
    assert results == ["asterisk_was_not_reached"] * 2 + ["asterisk_refused"] * 2


@pytest.mark.parametrize(
    ("scenario", "result"),
    [
        ("outbound_answered", CallResult.PICKED_UP),
        ("outbound_no_answer", CallResult.PICKED_UP),
        ("outbound_trunks_down", CallResult.PICKED_UP),
        ("outbound_next_trunk", CallResult.PICKED_UP),
        ("outbound_not_picked_up", CallResult.NOT_PICKED_UP),
    ],
)
@pytest.mark.parametrize("before", [None, CallResult.NO_RECORD])
async def test_the_ledger_tells_what_nobody_noted_also_when_it_comes_late(
    office: Place, scenario: str, result: CallResult, before: CallResult | None
) -> None:
    office.write((SCENARIOS / scenario / "ledger.jsonl").read_bytes())
    async with following(office) as follower:
        await follower.caught_up()
    [call_id] = [call_id for call_id in await office.records() if "-out-" in call_id]
    ask_for(office, call_id, result=None if before is None else before.value)

    assert settled(office, NOW + LATER) == {call_id: result}
    [listed] = await requested(office)
    assert (listed["result"], listed["has_record"]) == (result.value, True)


async def test_a_call_in_progress_is_left_open(office: Place) -> None:
    [*begun, _, _] = (SCENARIOS / "outbound_not_picked_up" / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    office.write(*[line for line in begun if b'"HANGUP"' not in line])
    async with following(office) as follower:
        await follower.caught_up()
    [call_id] = await office.records()
    ask_for(office, call_id)

    assert settled(office, NOW + LATER) == {}


async def test_what_was_noted_stays(office: Place) -> None:
    ask_for(office, "cc1-out-1", result=CallResult.BUSY.value)

    assert settled(office, NOW + LATER) == {}


async def test_nothing_is_given_up_before_the_ledger_has_been_read(office: Place) -> None:
    ask_for(office, "cc1-out-1")
    read_until: list[datetime | None] = [None]
    writer = Writer(office.settings.database)
    keeping = asyncio.create_task(ResultsKeeper(writer, lambda: read_until[0], poll_s=0.02).run())
    try:
        await asyncio.sleep(0.3)
        assert [one["result"] for one in await requested(office)] == [None]
        read_until[0] = NOW + LATER
        await until(lambda: office.sql("SELECT result FROM outbound_calls") == [("no_call_record",)])
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(writer.close)


@pytest.mark.timeout(30)
async def test_the_ledgers_follower_tells_how_far_it_has_read(office: Place) -> None:
    office.write((SCENARIOS / "answered" / "ledger.jsonl").read_bytes())
    async with following(office) as running:
        before = running.follower.caught_up_at
        began = datetime.now(UTC)
        while (at := running.follower.caught_up_at) is None:  # noqa: ASYNC110 - whatever it takes
            await asyncio.sleep(0.01)
        assert before is None
        assert at >= began
        assert await office.records()


async def test_doctor_tells_of_calls_that_nobody_settles(office: Place) -> None:
    ask_for(office, "cc1-out-1", datetime.now(UTC) - timedelta(hours=1))
    told = await told_by_doctor(office)
    assert not told["ok"]
    assert "1 have no result" in told["seen"]
