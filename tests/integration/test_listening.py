"""Recordings made ready for listening: at the lowest priority, again when they were deleted, given up when in vain."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contact_centre import database, jobs, listening
from contact_centre.clock import SystemClock
from contact_centre.listening import PREPARE, Listening, Trouble
from contact_centre.writer import SqliteTx, Writer
from recordings.disk import DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.errors import EncoderFailed
from recordings.listening import FOLDER, MAKING, ListeningCopies
from recordings.model import Recording, Status
from recordings.store import upsert_recording
from tests import recorded_calls
from tests.databases import new_database
from tests.unit.recordings.rig import decoded

CALL = "cc1-1795383430.11"


@dataclass
class Bench:
    """A state directory with a recording in it, and what makes it ready."""

    state: Path
    writer: Writer
    engine: AsyncEngine
    copies: ListeningCopies
    listening: Listening

    async def stored(self, content: bytes, duration: float) -> Recording:
        """A recording of these bytes, due to be made ready."""
        path = self.state / "recordings" / "one.flac"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        digest, at = hashlib.sha256(content).hexdigest(), datetime.now(UTC)
        made = Recording("r", CALL, "recordings/one.flac", digest, duration, duration, 2, 8000, at, (), Status.OK)

        def keep(tx: SqliteTx) -> None:
            upsert_recording(tx, made)
            jobs.add(tx, PREPARE, CALL, {}, at)

        await self.writer.run(keep)
        return made

    async def due(self) -> list[jobs.Job]:
        async with self.engine.connect() as connection:
            return await jobs.due(connection, PREPARE, datetime.now(UTC) + timedelta(days=1), 10)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    new_database(tmp_path / "contact-centre.db")
    writer, engine = Writer(tmp_path / "contact-centre.db"), database.readers(tmp_path / "contact-centre.db")
    copies = ListeningCopies(tmp_path, DirectoryStore(tmp_path))
    yield Bench(tmp_path, writer, engine, copies, Listening(copies, engine, writer, SystemClock()))
    await engine.dispose()
    writer.close()


def flac(folder: Path, times: int = 1) -> bytes:
    """The call of the tests, so many times."""
    stereo = np.column_stack(recorded_calls.voices()).astype("<i2").tobytes()
    FfmpegEncoder().encode((stereo for _ in range(times)), folder / "made.flac", {})
    return (folder / "made.flac").read_bytes()


async def test_the_sides_stay_apart_in_the_copy(bench: Bench, tmp_path: Path) -> None:
    recording = await bench.stored(flac(tmp_path), recorded_calls.SECONDS)
    await asyncio.to_thread(bench.copies.make, recording)
    [copy] = (tmp_path / FOLDER).rglob("*.ogg")
    sides = await asyncio.to_thread(decoded, copy)
    rate = len(sides[0]) / recorded_calls.SECONDS
    citizen, others = (np.abs(side.astype(float))[int(18.5 * rate) : int(20.5 * rate)] for side in sides)
    assert citizen.mean() > 500
    assert others.mean() < citizen.mean() / 100


async def test_what_was_deleted_is_made_again(bench: Bench, tmp_path: Path) -> None:
    recording = await bench.stored(flac(tmp_path), recorded_calls.SECONDS)
    assert await bench.listening._one()
    assert await bench.due() == []
    first = bench.copies.outline(recording)
    for file in (tmp_path / FOLDER).rglob("*.ogg"):
        file.unlink()
    assert bench.copies.outline(recording) is None
    bench.listening.want(recording)
    assert await bench.listening._one()
    assert bench.copies.outline(recording) == first is not None


async def test_what_cannot_be_read_is_given_up_after_a_few_attempts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "backoff", lambda _: timedelta())
    recording = await bench.stored(b"no sound at all", 3)
    attempts = 0
    while await bench.due():
        assert await bench.listening._one()
        attempts += 1
    assert attempts == listening.ATTEMPTS
    assert bench.listening.trouble(recording) is Trouble.UNREADABLE
    assert not list((bench.state / FOLDER / MAKING).iterdir())


async def test_it_is_made_at_the_lowest_priority_and_ends_with_the_service(bench: Bench, tmp_path: Path) -> None:
    recording = await bench.stored(await asyncio.to_thread(flac, tmp_path, 60), 60 * recorded_calls.SECONDS)
    running = asyncio.create_task(bench.listening.run())
    async with asyncio.timeout(30):
        while (child := bench.copies._child) is None or priority(child.pid) < 19:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.01)
    running.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(running, return_exceptions=True)
        while child.poll() is None:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.01)
    assert bench.copies.outline(recording) is None
    with pytest.raises(EncoderFailed):
        await asyncio.to_thread(_stopped, bench, recording)
    bench.copies.sweep()
    assert not (tmp_path / FOLDER / MAKING).exists()


def priority(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def _stopped(bench: Bench, recording: Recording) -> None:
    """Make it, and be stopped at once."""
    threading.Timer(0.5, bench.copies.stop).start()
    bench.copies.make(recording)
