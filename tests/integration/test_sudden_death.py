"""The service killed at any moment, or told to end, or started twice: nothing is lost and nothing is done twice."""

import asyncio
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from random import Random

from contact_centre.demo.processes import Process, Processes
from tests.integration.ledgers import day
from tests.integration.rig import PROGRAM, Place, assert_complete, until


def run(place: Place, processes: Processes) -> Process:
    return processes.start("service", [PROGRAM, "--config", str(place.config), "run"], place.root / "service.log")


async def up(place: Place) -> None:
    await until(lambda: "contact-centre is up" in (place.root / "service.log").read_text("utf-8"))


async def test_after_kills_at_any_moment_every_call_draft_and_callback_is_there_once(
    place: Place, processes: Processes
) -> None:
    random = Random(2)  # noqa: S311 - the same moments every time
    ledger = day(300)

    async def write() -> None:
        at = 0
        while at < len(ledger):
            piece = random.randrange(1, 150)
            place.write(*ledger[at : at + piece])
            at += piece
            if random.random() < 0.04:
                place.rotate(str(at))
            await asyncio.sleep(0.05)

    writing = asyncio.create_task(write())
    for _ in range(9):
        process = run(place, processes)
        await asyncio.sleep(random.uniform(0.2, 1.8))
        process.kill()
    await writing
    run(place, processes)
    await until(lambda: _rows(place, "SELECT count(*) FROM calls WHERE sealed = 1") == [(300,)], 30)
    await until(lambda: _rows(place, "SELECT count(*) FROM jobs WHERE done_at IS NULL") == [(0,)], 30)
    calls = await assert_complete(place)
    recorded = {call.call_id for call in calls.values() if call.recorded_from}
    assert {row[0] for row in place.sql("SELECT call_id FROM recordings")} == recorded
    assert place.sql("SELECT * FROM quarantine") == []
    rebuilt = place.command("ledger", "rebuild")
    assert (rebuilt.returncode, rebuilt.stdout[:15]) == (0, "No differences:"), rebuilt.stdout


async def test_it_ends_within_two_seconds_of_sigterm_while_it_is_busy(place: Place, processes: Processes) -> None:
    place.write(*day(3000))
    process = run(place, processes)
    await up(place)
    await until(lambda: bool(_rows(place, "SELECT 1 FROM calls LIMIT 1")))
    process.send(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 2.0) == 0
    assert '"event": "service stopped"' in process.tail()
    [(count,)] = _rows(place, "SELECT count(*) FROM calls")
    assert isinstance(count, int)
    assert count > 0


async def test_it_ends_within_two_seconds_of_sigterm_while_another_program_holds_the_database(
    place: Place, processes: Processes
) -> None:
    process = run(place, processes)
    await up(place)
    with closing(sqlite3.connect(place.settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        place.write(*day(10))
        await asyncio.sleep(0.5)
        process.send(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 2.0) == 0


async def test_a_second_service_on_the_same_state_is_refused_and_the_first_goes_on(
    place: Place, processes: Processes
) -> None:
    run(place, processes)
    await up(place)
    second = place.command("run")
    assert second.returncode == 4
    assert second.stderr.startswith(f"contact-centre: another contact-centre runs on {place.state}")
    place.write(*day(5))
    await until(lambda: _rows(place, "SELECT count(*) FROM calls WHERE sealed = 1") == [(5,)])


def test_two_programs_that_find_no_database_make_one(place: Place) -> None:
    command = [PROGRAM, "--config", str(place.config), "calls", "list"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(one.communicate()[1], one.returncode) for one in both] == [(b"", 0), (b"", 0)]


def test_a_port_in_use_is_named_and_the_state_is_free_again(place: Place, processes: Processes) -> None:
    other = Place.make(place.root / "other")
    processes.start("other", [PROGRAM, "--config", str(other.config), "run"], other.root / "service.log")
    deadline = time.monotonic() + 10
    while "is up" not in (other.root / "service.log").read_text("utf-8") and time.monotonic() < deadline:
        time.sleep(0.05)
    refused = place.command("run", CONTACT_CENTRE_WEB__PORT=str(other.port))
    assert refused.returncode == 4
    assert f"127.0.0.1:{other.port} cannot be listened on" in refused.stderr


def _rows(place: Place, query: str) -> list[tuple[object, ...]]:
    """What the database answers, nothing while it is not there yet."""
    try:
        return place.sql(query)
    except sqlite3.OperationalError:
        return []
