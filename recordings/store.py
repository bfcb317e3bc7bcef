"""The tables of recordings, and what is written and read there.

Times are text, UTC with milliseconds, so that they sort. A recording is found by its own id or by its call's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Float, Integer, MetaData, Table, Text, bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from recordings.model import Recording, Segment, Side, Status
from recordings.ports import Tx

CHUNK = 500
"""How many ids go into one statement; SQLite limits the number of its variables."""

metadata = MetaData()

recordings = Table(
    "recordings",
    metadata,
    Column("recording_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False, unique=True),
    Column("path", Text),
    Column("sha256", Text),
    Column("duration", Float, nullable=False),
    Column("call_duration", Float, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("sample_rate", Integer, nullable=False),
    Column("started_at", Text, nullable=False, index=True),
    Column("status", Text, nullable=False, index=True),
)

segments = Table(
    "segments",
    metadata,
    Column("recording_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("duration", Float, nullable=False),
    Column("used", Float, nullable=False),
)

_KEPT = {"recording_id", "call_id"}
_INSERTED = insert(recordings).values({column.name: bindparam(column.name) for column in recordings.columns})
UPSERT_RECORDING = _INSERTED.on_conflict_do_update(
    index_elements=["call_id"],
    set_={column.name: _INSERTED.excluded[column.name] for column in recordings.columns if column.name not in _KEPT},
)
RECORDING_ID = select(recordings.c.recording_id).where(recordings.c.call_id == bindparam("call_id"))
DELETE_SEGMENTS = delete(segments).where(segments.c.recording_id == bindparam("recording_id"))
INSERT_SEGMENT = insert(segments).values({column.name: bindparam(column.name) for column in segments.columns})


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """What to list; None means any. ``since`` and ``until`` bound ``started_at``, ``until`` excluded."""

    call_id: str | None = None
    status: Status | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


def upsert_recording(tx: Tx, recording: Recording) -> str:
    """Write the recording of a call, over an earlier one of the same call.

    Returns:
        The recording's id: the first that this call was given, whatever ``recording`` says.
    """
    tx.execute(UPSERT_RECORDING, _row(recording))
    recording_id = str(tx.fetch_all(RECORDING_ID, {"call_id": recording.call_id})[0][0])
    tx.execute(DELETE_SEGMENTS, {"recording_id": recording_id})
    if recording.segments:
        tx.execute_many(INSERT_SEGMENT, _segment_rows(recording_id, recording.segments))
    return recording_id


async def list_recordings(connection: AsyncConnection, wanted: RecordingFilter | None = None) -> list[Recording]:
    """The recordings that match, oldest first."""
    wanted = wanted or RecordingFilter()
    query = select(recordings).order_by(recordings.c.started_at, recordings.c.recording_id)
    if wanted.call_id is not None:
        query = query.where(recordings.c.call_id == wanted.call_id)
    if wanted.status is not None:
        query = query.where(recordings.c.status == wanted.status.value)
    if wanted.since is not None:
        query = query.where(recordings.c.started_at >= _text(wanted.since))
    if wanted.until is not None:
        query = query.where(recordings.c.started_at < _text(wanted.until))
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    rows = (await connection.execute(query)).all()
    chosen = query.with_only_columns(recordings.c.recording_id).subquery()
    parts = select(segments).join(chosen, chosen.c.recording_id == segments.c.recording_id)
    return _recordings(rows, (await connection.execute(parts.order_by(segments.c.position))).all())


async def get_recording(connection: AsyncConnection, either_id: str) -> Recording | None:
    """The recording with this id, or of the call with this id."""
    matches = or_(recordings.c.recording_id == either_id, recordings.c.call_id == either_id)
    row = (await connection.execute(select(recordings).where(matches))).first()
    if row is None:
        return None
    parts = select(segments).where(segments.c.recording_id == row.recording_id).order_by(segments.c.position)
    return _recordings([row], (await connection.execute(parts)).all())[0]


async def recordings_of_calls(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, str]:
    """``recording_id`` by ``call_id``; a call without a recording is absent."""
    found: dict[str, str] = {}
    for start in range(0, len(call_ids), CHUNK):
        chosen = recordings.c.call_id.in_(call_ids[start : start + CHUNK])
        rows = await connection.execute(select(recordings.c.call_id, recordings.c.recording_id).where(chosen))
        found |= {row.call_id: row.recording_id for row in rows}
    return found


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _row(recording: Recording) -> dict[str, object]:
    return {
        "recording_id": recording.recording_id,
        "call_id": recording.call_id,
        "path": recording.path,
        "sha256": recording.sha256,
        "duration": recording.duration,
        "call_duration": recording.call_duration,
        "channels": recording.channels,
        "sample_rate": recording.sample_rate,
        "started_at": _text(recording.started_at),
        "status": recording.status.value,
    }


def _segment_rows(recording_id: str, parts: Sequence[Segment]) -> list[dict[str, object]]:
    return [
        {
            "recording_id": recording_id,
            "position": position,
            "file": part.file,
            "side": part.side.value,
            "uniqueid": part.uniqueid,
            "duration": part.duration,
            "used": part.used,
        }
        for position, part in enumerate(parts)
    ]


def _recordings(rows: Iterable[Any], parts: Iterable[Any]) -> list[Recording]:
    by_recording: dict[str, list[Segment]] = {}
    for part in parts:
        segment = Segment(part.file, Side(part.side), part.uniqueid, part.duration, part.used)
        by_recording.setdefault(part.recording_id, []).append(segment)
    return [
        Recording(
            recording_id=row.recording_id,
            call_id=row.call_id,
            path=row.path,
            sha256=row.sha256,
            duration=row.duration,
            call_duration=row.call_duration,
            channels=row.channels,
            sample_rate=row.sample_rate,
            started_at=datetime.fromisoformat(row.started_at),
            segments=tuple(by_recording.get(row.recording_id, ())),
            status=Status(row.status),
        )
        for row in rows
    ]
