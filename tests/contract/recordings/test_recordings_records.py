"""The records of recordings on SQLite, written over the service's own connection."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from contact_centre.writer import connect, transaction
from recordings.model import Recording, Segment, Side, Status
from recordings.store import RecordingFilter, get_recording, list_recordings, metadata, upsert_recording
from tests.unit.recordings.calls import at

RECORDING = Recording(
    recording_id="01a205a4-1ed7-76ff-9bbb-770411979e83",
    call_id="cc1-1.1",
    path="recordings/2026/11/22/cc1-1.1.flac",
    sha256="ab" * 32,
    duration=9.5,
    call_duration=10.039,
    channels=2,
    sample_rate=8000,
    started_at=at(0),
    segments=(
        Segment("cc1-1.1-caller.raw", Side.CALLER, "cc1-1.1", 9.5, 9.5),
        Segment("cc1-1.1-leg-cc1-1.3.raw", Side.LEG, "cc1-1.3", 4.123375, 0.02),
    ),
    status=Status.OK,
)
MISSING = replace(
    RECORDING,
    recording_id="01a205a4-1ed7-76ff-9bbb-770411979e84",
    call_id="cc1-2.1",
    path=None,
    sha256=None,
    started_at=at(60),
    segments=(),
    status=Status.MISSING,
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "db.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
def writing(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(database)) as connection:
        yield connection


@pytest.fixture
def engine(database: Path) -> AsyncEngine:
    return create_async_engine(f"sqlite+aiosqlite:///{database}", poolclass=NullPool)


def write(writing: sqlite3.Connection, recording: Recording) -> str:
    with transaction(writing) as tx:
        return upsert_recording(tx, recording)


async def test_what_is_written_is_read_by_either_id(writing: sqlite3.Connection, engine: AsyncEngine) -> None:
    assert write(writing, RECORDING) == RECORDING.recording_id
    async with engine.connect() as connection:
        assert await get_recording(connection, RECORDING.recording_id) == RECORDING
        assert await get_recording(connection, RECORDING.call_id) == RECORDING
        assert await get_recording(connection, "cc1-9.9") is None


async def test_written_again_a_call_keeps_its_first_id(writing: sqlite3.Connection, engine: AsyncEngine) -> None:
    write(writing, RECORDING)
    again = replace(RECORDING, recording_id="another", status=Status.SHORT, segments=RECORDING.segments[:1])
    assert write(writing, again) == RECORDING.recording_id
    async with engine.connect() as connection:
        assert await list_recordings(connection) == [replace(again, recording_id=RECORDING.recording_id)]


async def test_no_audio_is_a_record_too(writing: sqlite3.Connection, engine: AsyncEngine) -> None:
    write(writing, MISSING)
    async with engine.connect() as connection:
        assert await get_recording(connection, MISSING.call_id) == MISSING


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, [RECORDING, MISSING]),
        (RecordingFilter(call_id="cc1-2.1"), [MISSING]),
        (RecordingFilter(status=Status.OK), [RECORDING]),
        (RecordingFilter(since=at(60)), [MISSING]),
        (RecordingFilter(until=at(60)), [RECORDING]),
        (RecordingFilter(limit=1), [RECORDING]),
        (RecordingFilter(call_id="' or 1=1 --"), []),
    ],
)
async def test_recordings_are_listed_oldest_first_as_asked(
    writing: sqlite3.Connection, engine: AsyncEngine, wanted: RecordingFilter | None, found: list[Recording]
) -> None:
    write(writing, MISSING)
    write(writing, RECORDING)
    async with engine.connect() as connection:
        assert await list_recordings(connection, wanted) == found


async def test_a_write_that_is_rolled_back_leaves_nothing(writing: sqlite3.Connection, engine: AsyncEngine) -> None:
    def fail() -> None:
        with transaction(writing) as tx:
            upsert_recording(tx, RECORDING)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    async with engine.connect() as connection:
        assert await list_recordings(connection) == []
