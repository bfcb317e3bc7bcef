"""The finaliser beside the database: what a stop or a late write leaves half done is done once more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contact_centre import casework, database, jobs
from contact_centre.clock import SystemClock
from contact_centre.finalise import Finaliser
from contact_centre.health import Metrics
from contact_centre.writer import Writer
from recordings import store
from recordings.model import Recording, RecordingDue, Status
from recordings.service import RecordingService
from tests.databases import new_database

CALL = "cc1-1795383430.11"
SECOND = b"\x10\x20" * 8000


@dataclass
class Bench:
    """A state directory, a spool folder, and the finaliser between them."""

    spool: Path
    state: Path
    writer: Writer
    engine: AsyncEngine

    def finaliser(self) -> Finaliser:
        service = RecordingService.on_disk(self.spool, self.state, SystemClock())
        return Finaliser(service, self.engine, self.writer, SystemClock(), Metrics(), workers=2)

    def raw(self, seconds: int) -> list[Path]:
        files = [self.spool / f"{CALL}-{side}.raw" for side in ("caller", "other")]
        for file in files:
            file.write_bytes(SECOND * seconds)
        return files

    async def make_due(self, seconds: int) -> None:
        ended = datetime.now(UTC) - timedelta(seconds=5)
        due = RecordingDue(CALL, ended - timedelta(seconds=seconds), ended)
        payload = casework.dump_due(due)
        await self.writer.run(lambda tx: jobs.add(tx, casework.FINALISE, CALL, payload, ended))

    async def recording(self) -> Recording | None:
        async with self.engine.connect() as connection:
            return await store.get_recording(connection, CALL)

    async def run_until(self, files: list[Path], duration: float) -> Recording:
        """Run a finaliser until the raw files are gone and the recording has this length."""
        loop = asyncio.create_task(self.finaliser().run())
        try:
            async with asyncio.timeout(20):
                while True:
                    found = await self.recording()
                    if found is not None and found.duration == duration and not any(file.exists() for file in files):
                        return found
                    await asyncio.sleep(0.05)
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    state, spool = tmp_path / "state", tmp_path / "spool"
    spool.mkdir()
    new_database(state / "contact-centre.db")
    writer, engine = Writer(state / "contact-centre.db"), database.readers(state / "contact-centre.db")
    yield Bench(spool, state, writer, engine)
    await engine.dispose()
    writer.close()


async def test_a_call_that_is_due_becomes_a_recording_and_its_raw_files_go(bench: Bench) -> None:
    files = bench.raw(3)
    await bench.make_due(3)

    recording = await bench.run_until(files, 3.0)

    assert recording.status is Status.OK


async def test_raw_files_whose_recording_was_committed_before_a_stop_go_at_the_next_start(bench: Bench) -> None:
    files = bench.raw(3)
    await bench.make_due(3)
    first = await bench.run_until(files, 3.0)
    again = bench.raw(3)  # as if the service had been killed between the commit and the removal

    second = await bench.run_until(again, 3.0)

    assert second == first


async def test_audio_that_grew_after_its_recording_was_committed_is_finalised_once_more(bench: Bench) -> None:
    files = bench.raw(3)
    await bench.make_due(5)
    first = await bench.run_until(files, 3.0)
    longer = bench.raw(5)

    second = await bench.run_until(longer, 5.0)

    assert second.recording_id == first.recording_id
    assert second.sha256 != first.sha256
