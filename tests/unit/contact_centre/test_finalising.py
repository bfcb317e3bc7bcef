"""The loop behind finished calls: each recording once, tried again until it is done, and said when it is not."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from appeals.tables import call_recordings
from contact_centre import casework, database, jobs
from contact_centre.clock import SystemClock
from contact_centre.finalise import Finaliser
from contact_centre.health import Metrics
from contact_centre.writer import SqliteTx, Writer
from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.errors import EncoderFailed
from recordings.model import Recording, RecordingDue, Status
from recordings.service import RecordingService
from recordings.store import list_recordings
from tests.databases import new_database

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


TONE = b"\x00\x10\x00\xf0"


class MoodyEncoder:
    """ffmpeg, which fails as long as a test says; counts how often it is asked."""

    def __init__(self) -> None:
        self.fails = False
        self.tried = 0

    def encode(self, samples: Iterable[bytes], target: Path, tags: Mapping[str, str]) -> None:
        self.tried += 1
        if self.fails:
            raise EncoderFailed(1, "no mood")
        FfmpegEncoder().encode(samples, target, tags)


class Loop:
    """A finaliser on real folders and a real database."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.spool = root / "spool"
        self.encoder = MoodyEncoder()
        self.metrics = Metrics()
        new_database(root / "contact-centre.db")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Finaliser, Writer]]:
        writer, engine = Writer(self.root / "contact-centre.db"), database.readers(self.root / "contact-centre.db")
        clock = SystemClock()
        service = RecordingService(DirectorySpool(self.spool), DirectoryStore(self.root), self.encoder, clock)
        finaliser = Finaliser(service, engine, writer, clock, self.metrics, workers=2)
        task = asyncio.create_task(finaliser.run())
        try:
            yield finaliser, writer
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await engine.dispose()
            await asyncio.to_thread(writer.close)

    def record(self, call_id: str, seconds: int = 2) -> None:
        self.spool.mkdir(exist_ok=True)
        for side in ("caller", "other"):
            (self.spool / f"{call_id}-{side}.raw").write_bytes(TONE * 4000 * seconds)
            old = datetime.now(UTC).timestamp() - 60
            os.utime(self.spool / f"{call_id}-{side}.raw", (old, old))

    async def recordings(self) -> list[Recording]:
        engine = database.readers(self.root / "contact-centre.db")
        try:
            async with engine.connect() as connection:
                return await list_recordings(connection)
        finally:
            await engine.dispose()

    async def recorded(self, count: int) -> list[Recording]:
        for _ in range(300):
            found = await self.recordings()
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("it did not happen in time")


def due(*call_ids: str, seconds: int = 2) -> Callable[[SqliteTx], None]:
    """Make these calls' audio due."""

    def job(tx: SqliteTx) -> None:
        for call_id in call_ids:
            one = RecordingDue(call_id, NOON, NOON + timedelta(seconds=seconds))
            jobs.add(tx, casework.FINALISE, call_id, casework.dump_due(one), NOON)

    return job


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(tmp_path)


async def test_each_recording_is_stored_once_attached_and_its_raw_files_go(loop: Loop) -> None:
    calls = [f"cc1-1795334400.{number}" for number in range(5)]
    for call_id in calls:
        loop.record(call_id)
    async with loop.running() as (finaliser, writer):
        await writer.run(due(*calls))
        finaliser.wake()
        found = await loop.recorded(5)
        await until(lambda: not list(loop.spool.iterdir()))
        assert finaliser.finding().ok
    assert {(one.status, one.duration) for one in found} == {(Status.OK, 2.0)}
    assert sorted(one.call_id for one in found) == calls
    assert loop.encoder.tried == 5
    assert all((loop.root / (one.path or "")).is_file() for one in found)
    rows = await attached(loop)
    assert rows == {one.call_id: one.recording_id for one in found}


async def test_a_call_without_audio_is_recorded_as_missing_not_forgotten(loop: Loop) -> None:
    loop.spool.mkdir()
    async with loop.running() as (_, writer):
        await writer.run(due("cc1-1795334400.1"))
        [recording] = await loop.recorded(1)
    assert (recording.status, recording.path, recording.call_duration) == (Status.MISSING, None, 2.0)


async def test_a_failure_is_said_with_its_reason_and_tried_again_until_it_is_done(loop: Loop) -> None:
    loop.record("cc1-1795334400.1")
    loop.encoder.fails = True
    async with loop.running() as (finaliser, writer):
        await writer.run(due("cc1-1795334400.1"))
        await until(lambda: not finaliser.finding().ok)
        assert "1 recordings wait; EncoderFailed: the encoder ended with status 1: no mood" in finaliser.finding().seen
        assert len(list(loop.spool.iterdir())) == 2
        assert await loop.recordings() == []
        loop.encoder.fails = False
        [recording] = await loop.recorded(1)
        await until(lambda: finaliser.finding().ok)
    assert recording.status is Status.OK


async def test_audio_that_may_still_grow_is_waited_for(loop: Loop) -> None:
    loop.record("cc1-1795334400.1")
    raw = loop.spool / "cc1-1795334400.1-caller.raw"
    raw.touch()
    async with loop.running() as (finaliser, writer):
        await writer.run(due("cc1-1795334400.1"))
        await asyncio.sleep(1)
        assert await loop.recordings() == []
        assert finaliser.finding().ok
        [recording] = await loop.recorded(1)
    assert recording.duration == 2.0


async def test_raw_files_left_by_a_death_after_the_commit_go_at_the_next_start(loop: Loop) -> None:
    loop.record("cc1-1795334400.1")
    async with loop.running() as (_, writer):
        await writer.run(due("cc1-1795334400.1"))
        await loop.recorded(1)
        await until(lambda: not list(loop.spool.iterdir()))
    loop.record("cc1-1795334400.1")
    loop.record("cc1-1795334400.2")
    async with loop.running():
        await until(lambda: len(list(loop.spool.iterdir())) == 2)
    assert {file.name.rpartition("-")[0] for file in loop.spool.iterdir()} == {"cc1-1795334400.2"}


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 4), (5, 64), (8, 300), (1000, 300)])
def test_retries_become_rarer_up_to_five_minutes(attempts: int, seconds: int) -> None:
    assert jobs.backoff(attempts) == timedelta(seconds=seconds)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


async def attached(loop: Loop) -> dict[str, str]:
    engine = database.readers(loop.root / "contact-centre.db")
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(select(call_recordings))
            return {row.call_id: row.recording_id for row in rows}
    finally:
        await engine.dispose()
