"""Full disks, hanging disks, a database held by somebody else: said loudly, and nothing is lost."""

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from contact_centre.demo.processes import Processes
from contact_centre.demo.service import Service
from tests.integration.ledgers import day
from tests.integration.rig import Place, assert_complete, following, until


@contextmanager
def small_disk(folder: Path, size: str = "3m") -> Iterator[Path]:
    """A file system of its own; yields the file with which it can be filled."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder / "filler"
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


async def test_a_database_held_for_long_by_another_program_is_said_and_then_caught_up_with(place: Place) -> None:
    ledger = day(20)
    async with following(place, busy_timeout_s=0.6, max_lag_s=0.3) as follower:
        place.write(*ledger[:50])
        await follower.caught_up()
        assert follower.follower.finding().ok
        with closing(sqlite3.connect(place.settings.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            place.write(*ledger[50:])
            await until(lambda: "not up to date for" in follower.follower.finding().seen)
            await until(lambda: "database is locked" in follower.follower.finding().seen)
            finding = follower.follower.finding()
            assert (finding.ok, (finding.remedy or "")[:15]) == (False, "nothing is lost")
        await follower.caught_up()
        await until(lambda: follower.follower.finding().ok)
    await assert_complete(place)


async def test_a_full_state_disk_is_said_and_the_ledger_caught_up_with_when_there_is_room(place: Place) -> None:
    ledger = day(60)
    with small_disk(place.state) as filler:
        async with following(place) as follower:
            place.write(*ledger[:100])
            await follower.caught_up()
            fill(filler)
            place.write(*ledger[100:])
            await until(lambda: "full" in follower.follower.finding().seen)
            filler.unlink()
            await follower.caught_up()
            await until(lambda: follower.follower.finding().ok)
        await assert_complete(place)


async def test_healthz_metrics_and_doctor_name_each_full_disk_while_it_lasts(
    place: Place, processes: Processes
) -> None:
    place.config.write_text(place.config.read_text() + "[health]\nmin_free_mb = 1\n")
    with ExitStack() as stack:
        fillers = {
            name: stack.enter_context(small_disk(folder))
            for name, folder in (("ledger", place.ledger.parent), ("audio", place.audio), ("state", place.state))
        }
        service = place.service(processes)
        await asyncio.to_thread(service.start)
        assert await _well(service)
        for name, filler in fillers.items():
            probe = f"{name}_disk"
            fill(filler)
            await asyncio.sleep(1.1)
            body = await asyncio.to_thread(service.healthz)
            assert body["ok"] is False
            assert body["probes"][probe]["seen"] == f"{filler.parent}: the disk is full"
            assert "free space" in body["probes"][probe]["remedy"]
            assert f'contact_centre_probe_ok{{probe="{probe}"}} 0.0' in await asyncio.to_thread(service.metrics)
            filler.unlink()
            await asyncio.sleep(1.1)
            assert await _well(service)
        log = "\n".join(line for line in service.log.read_text("utf-8").splitlines() if "_disk" in line)
        fill(fillers["ledger"])
        doctor = await asyncio.to_thread(place.command, "doctor")
        assert doctor.returncode == 1
        assert f"WRONG  {'ledger_disk':<18} {place.ledger.parent}: the disk is full" in doctor.stdout
        fillers["ledger"].unlink()
        service.stop()
    assert log.count('"event": "probe failed"') == log.count('"event": "probe recovered"') == 3


async def test_healthz_answers_at_once_however_often_it_is_asked(place: Place, processes: Processes) -> None:
    service = place.service(processes)
    await asyncio.to_thread(service.start)
    began = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(service.healthz) for _ in range(200)))
    assert time.monotonic() - began < 5
    place.write(*day(5))
    await until(lambda: place.sql("SELECT count(*) FROM calls WHERE sealed = 1") == [(5,)])
    await until(lambda: 'contact_centre_recordings_total{status="missing"} 5.0' in service.metrics())
    await until(lambda: "contact_centre_jobs_waiting 0.0" in service.metrics())
    metrics = service.metrics()
    for wanted in (
        f"contact_centre_facts_total {float(len(day(5)))}",
        "contact_centre_quarantined_lines_total 0.0",
        'contact_centre_calls_total{line="15-80",outcome="answered"} 2.0',
        "contact_centre_drafts_total 3.0",
        "contact_centre_ledger_lag_bytes 0.0",
        "contact_centre_jobs_waiting 0.0",
        "contact_centre_bridge_to_draft_seconds_count 3.0",
        'contact_centre_probe_ok{probe="ingest"} 1.0',
    ):
        assert wanted in metrics


def test_a_file_that_is_no_database_is_named(place: Place) -> None:
    place.state.mkdir()
    place.settings.database.write_bytes(b"no database at all, but long enough to be read as one" * 20)
    listed = place.command("calls", "list")
    assert (listed.returncode, listed.stderr) == (11, "contact-centre: file is not a database\n")


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 7", "CREATE TABLE alembic_version (version_num TEXT)"])
def test_an_empty_database_becomes_ours(place: Place, statement: str) -> None:
    place.state.mkdir()
    place.sql(statement)
    assert place.json("calls", "list") == []


async def _well(service: Service) -> bool:
    """Everything that does not need an Asterisk, of which there is none here."""
    probes = (await asyncio.to_thread(service.healthz))["probes"]
    return all(one["ok"] for name, one in probes.items() if name != "ami")
