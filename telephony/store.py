"""Telephony's tables: calls, their legs, superseded versions, ledger positions and the quarantine.

Rows hold what ``core.call`` says, in forms that SQLite and PostgreSQL sort alike: times are ISO 8601 in UTC with
milliseconds, lists are JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Table,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from telephony.core.call import Call, CallChanged
from telephony.ports import Tx

metadata: Final = MetaData()

FEW: Final = 500
"""As many calls are named one by one in a statement; SQLite limits the number of its variables."""

_encode: Final = msgspec.json.Encoder().encode

calls: Final = Table(
    "calls",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("line", String),
    Column("direction", String, nullable=False),
    Column("caller_number", String),
    Column("caller_number_raw", String),
    Column("caller_name", String),
    Column("dialled_number", String),
    Column("started_at", String, nullable=False),
    Column("answered_at", String),
    Column("ended_at", String),
    Column("queue", String),
    Column("queue_outcome", String, nullable=False),
    Column("operator", String),
    Column("wait_time", Float),
    Column("talk_time", Float, nullable=False),
    Column("hold_time", Float, nullable=False),
    Column("ring_no_answers", Integer, nullable=False),
    Column("transfers", String, nullable=False),
    Column("purpose", String),
    Column("dial_status", String),
    Column("recovered", Integer, nullable=False),
    Column("group_id", String, nullable=False),
    Column("recorded_from", String),
    Column("promised_at", String),
    Column("refused", String),
    Column("anomalies", String, nullable=False),
    Column("sealed", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("calls_started_at", "started_at"),
    Index("calls_caller_number", "caller_number", "started_at"),
)

legs: Final = Table(
    "legs",
    metadata,
    Column("call_id", ForeignKey("calls.call_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("uniqueid", String, nullable=False),
    Column("role", String, nullable=False),
    Column("party", String),
    Column("started_at", String, nullable=False),
    Column("answered_at", String),
    Column("ended_at", String),
    Column("talk_time", Float, nullable=False),
    Column("hold_time", Float, nullable=False),
    Column("talks", String, nullable=False),
    sqlite_with_rowid=False,
)

call_versions: Final = Table(
    "call_versions",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", String, nullable=False),
    Column("superseded_at", String, nullable=False),
    Column("reason", String, nullable=False),
)
"""What a sealed record said before a correction, and why it was corrected."""

ledger_files: Final = Table(
    "ledger_files",
    metadata,
    Column("file_id", Integer, primary_key=True),
    Column("fingerprint", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("complete", Integer, nullable=False),
    Column("resume_file", Integer, nullable=False),
    Column("resume_position", Integer, nullable=False),
)
"""How far each ledger file is ingested. The newest row also says where the facts of calls still open begin."""

quarantine: Final = Table(
    "quarantine",
    metadata,
    Column("file_id", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
    Column("reason", String, nullable=False),
    Column("found_at", String, nullable=False),
)

_CALL_COLUMNS: Final = tuple(str(column.name) for column in calls.c)
_LEG_COLUMNS: Final = tuple(str(column.name) for column in legs.c)

_upsert = insert(calls)
_INSERT_CALL: Final = _upsert
_UPSERT_OPEN: Final = _upsert.on_conflict_do_update(
    index_elements=["call_id"],
    set_={column.name: _upsert.excluded[column.name] for column in calls.c if not column.primary_key},
    where=calls.c.sealed == 0,
)
_REPLACE: Final = _upsert.on_conflict_do_update(
    index_elements=["call_id"],
    set_={column.name: _upsert.excluded[column.name] for column in calls.c if not column.primary_key},
)
_INSERT_LEG: Final = insert(legs)
_DELETE_LEGS: Final = legs.delete().where(legs.c.call_id == bindparam("of_call"))
_SELECT_CALL: Final = select(calls).where(calls.c.call_id == bindparam("of_call"))
_KEPT_OF: Final = select(calls.c.call_id).where(
    calls.c.call_id.in_(select(func.json_each(bindparam("call_ids", type_=String)).table_valued("value").c.value))
)
_NEWEST_CALLS: Final = (
    select(calls.c.call_id, calls.c.started_at)
    .order_by(calls.c.started_at.desc(), calls.c.call_id.desc())
    .limit(bindparam("limit", type_=Integer))
)
_SELECT_LEGS: Final = select(legs).where(legs.c.call_id == bindparam("of_call")).order_by(legs.c.position)
_INSERT_VERSION: Final = insert(call_versions)
_INSERT_FILE: Final = insert(ledger_files)
_SELECT_FILES: Final = select(ledger_files).order_by(ledger_files.c.file_id)
_ADVANCE: Final = (
    update(ledger_files)
    .where(ledger_files.c.file_id == bindparam("of_file"))
    .values(
        name=bindparam("name"),
        position=bindparam("position"),
        complete=bindparam("complete"),
        resume_file=bindparam("resume_file"),
        resume_position=bindparam("resume_position"),
    )
)
_INSERT_QUARANTINE: Final = insert(quarantine).on_conflict_do_nothing()


def stamp(at: datetime) -> str:
    """A time as the tables hold it: ISO 8601, UTC, milliseconds; sorts as text."""
    whole = _encode(at.astimezone(UTC))[1:20].decode()  # four times as fast as isoformat, of which a call needs ten
    return f"{whole}.{at.microsecond // 1000:03}+00:00"


def _stamp_or_none(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call record as it is kept: with the caller's number in E.164, and which version of the record this is."""

    call: Call
    caller_number: str | None
    sealed: bool
    version: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a kept record that the ledger now tells otherwise."""

    call_id: str
    field: str
    stored: Any
    recomputed: Any


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """How far one ledger file is ingested; ``resume_*`` is where the facts of calls still open begin."""

    file_id: int
    fingerprint: str
    name: str
    position: int
    complete: bool
    resume_file: int
    resume_position: int


def save_call(tx: Tx, change: CallChanged, caller_number: str | None, *, at: datetime, reason: str) -> None:
    """Keep what a call record says now; a sealed one that says something else gets a new version."""
    call = change.call
    row = _call_row(call, caller_number, sealed=change.over, version=1)
    if tx.execute(_UPSERT_OPEN, row):
        _save_legs(tx, call)
    else:
        correct_call(tx, call, caller_number, at=at, reason=reason)


def correct_call(tx: Tx, call: Call, caller_number: str | None, *, at: datetime, reason: str) -> tuple[Difference, ...]:
    """Keep the record of a call that is over. Returns how it differs from what was kept.

    A record that differs is superseded by a new version; a call that was not kept at all differs as a whole
    (``call_id``: None before).
    """
    stored = load_call(tx, call.call_id)
    if stored is None:
        tx.execute(_INSERT_CALL, _call_row(call, caller_number, sealed=True, version=1))
        _add_legs(tx, call)
        return (Difference(call.call_id, "call_id", None, call.call_id),)
    if stored.sealed and stored.call == call and stored.caller_number == caller_number:
        return ()
    differences = _differences(stored, call, caller_number)
    tx.execute(
        _INSERT_VERSION,
        {
            "call_id": call.call_id,
            "version": stored.version,
            "record": msgspec.json.encode(stored, enc_hook=str).decode(),
            "superseded_at": stamp(at),
            "reason": reason,
        },
    )
    tx.execute(_REPLACE, _call_row(call, caller_number, sealed=True, version=stored.version + 1))
    _save_legs(tx, call)
    return differences


def correct_calls(tx: Tx, ended: Sequence[tuple[Call, str | None]], *, at: datetime, reason: str) -> list[Difference]:
    """``correct_call`` for many calls, each with its caller's number: those not kept yet are added together."""
    ids = msgspec.json.encode([call.call_id for call, _ in ended]).decode()
    kept = {call_id for (call_id,) in tx.fetch_all(_KEPT_OF, {"call_ids": ids})}
    new: dict[str, tuple[Call, str | None]] = {}
    others: list[tuple[Call, str | None]] = []
    for call, number in ended:
        if call.call_id in kept or call.call_id in new:
            others.append((call, number))
        else:
            new[call.call_id] = (call, number)
    tx.execute_many(_INSERT_CALL, [_call_row(call, number, sealed=True, version=1) for call, number in new.values()])
    tx.execute_many(_INSERT_LEG, [row for call, _ in new.values() for row in _leg_rows(call)])
    differences = [Difference(call_id, "call_id", None, call_id) for call_id in new]
    for call, number in others:
        differences += correct_call(tx, call, number, at=at, reason=reason)
    return differences


def load_call(tx: Tx, call_id: str) -> CallRecord | None:
    """One call record, within a transaction."""
    rows = tx.fetch_all(_SELECT_CALL, {"of_call": call_id})
    if not rows:
        return None
    return _record(rows[0], tx.fetch_all(_SELECT_LEGS, {"of_call": call_id}))


def newest_calls(tx: Tx, limit: int) -> list[tuple[str, datetime]]:
    """The newest calls, oldest of them first: (call_id, started_at)."""
    rows = tx.fetch_all(_NEWEST_CALLS, {"limit": limit})
    return [(row[0], datetime.fromisoformat(row[1])) for row in reversed(rows)]


def ledger_positions(tx: Tx) -> list[LedgerFile]:
    """All ledger files that were ever ingested, oldest first."""
    return [
        LedgerFile(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6]) for row in tx.fetch_all(_SELECT_FILES)
    ]


def add_ledger_file(tx: Tx, file: LedgerFile) -> None:
    """Note a ledger file that is new to us."""
    tx.execute(_INSERT_FILE, asdict(file) | {"complete": int(file.complete)})


def advance(tx: Tx, file: LedgerFile) -> None:
    """Move a file's position, and the place to resume from, to where they stand now."""
    tx.execute(
        _ADVANCE,
        {
            "of_file": file.file_id,
            "name": file.name,
            "position": file.position,
            "complete": int(file.complete),
            "resume_file": file.resume_file,
            "resume_position": file.resume_position,
        },
    )


def add_quarantine(tx: Tx, file_id: int, bad: Iterable[tuple[int, bytes, str]], at: datetime) -> None:
    """Keep lines that are not facts: (position, bytes, reason) each."""
    rows = [
        {"file_id": file_id, "position": position, "line": line, "reason": reason, "found_at": stamp(at)}
        for position, line, reason in bad
    ]
    if rows:
        tx.execute_many(_INSERT_QUARANTINE, rows)


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls to list; None does not filter. ``since`` is inclusive, ``until`` exclusive.

    ``before`` is the start and the id of a call: only older ones, where of the same moment the greater id is younger.
    """

    since: datetime | None = None
    until: datetime | None = None
    number: str | None = None
    line: str | None = None
    operator: str | None = None
    outcome: str | None = None
    limit: int | None = None
    before: tuple[datetime, str] | None = None


async def list_calls(connection: AsyncConnection, wanted: CallFilter) -> list[CallRecord]:
    """Call records, oldest first; with a limit, the newest of them."""
    query: Select[Any] = select(calls).order_by(calls.c.started_at.desc(), calls.c.call_id.desc())
    for condition in _conditions(wanted):
        query = query.where(condition)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    by_call: dict[str, list[Row[Any]]] = {row.call_id: [] for row in rows}
    if rows:
        of_calls = select(legs).order_by(legs.c.position)
        if len(rows) <= FEW:  # what was found may lie far apart, and much between that was not
            of_calls = of_calls.where(legs.c.call_id.in_(by_call))
        else:
            first, last = rows[-1].started_at, rows[0].started_at
            joined = of_calls.join(calls, calls.c.call_id == legs.c.call_id)
            of_calls = joined.where(calls.c.started_at.between(first, last))
        for leg in (await connection.execute(of_calls)).all():
            if leg.call_id in by_call:
                by_call[leg.call_id].append(leg)
    return [_record(row, by_call[row.call_id]) for row in reversed(rows)]


async def get_call(connection: AsyncConnection, call_id: str) -> CallRecord | None:
    """One call record."""
    row = (await connection.execute(_SELECT_CALL, {"of_call": call_id})).first()
    if row is None:
        return None
    return _record(row, (await connection.execute(_SELECT_LEGS, {"of_call": call_id})).all())


async def count_quarantined(connection: AsyncConnection) -> int:
    """How many lines of the ledgers were not facts."""
    return int((await connection.execute(select(func.count()).select_from(quarantine))).scalar_one())


async def list_quarantined(connection: AsyncConnection) -> list[tuple[Any, ...]]:
    """The quarantine: (file name, position, bytes, reason, found at)."""
    query = (
        select(
            ledger_files.c.name, quarantine.c.position, quarantine.c.line, quarantine.c.reason, quarantine.c.found_at
        )
        .join(ledger_files, ledger_files.c.file_id == quarantine.c.file_id)
        .order_by(quarantine.c.file_id, quarantine.c.position)
    )
    return [tuple(row) for row in (await connection.execute(query)).all()]


def _conditions(wanted: CallFilter) -> Iterable[ColumnElement[bool]]:
    if wanted.since is not None:
        yield calls.c.started_at >= stamp(wanted.since)
    if wanted.until is not None:
        yield calls.c.started_at < stamp(wanted.until)
    if wanted.number is not None:
        yield (calls.c.caller_number == wanted.number) | (calls.c.caller_number_raw == wanted.number)
    if wanted.line is not None:
        yield calls.c.line == wanted.line
    if wanted.operator is not None:
        yield calls.c.operator == wanted.operator
    if wanted.outcome is not None:
        yield calls.c.queue_outcome == wanted.outcome
    if wanted.before is not None:
        at, call_id = wanted.before
        yield tuple_(calls.c.started_at, calls.c.call_id) < tuple_(literal(stamp(at)), literal(call_id))


def _call_row(call: Call, caller_number: str | None, *, sealed: bool, version: int) -> dict[str, object]:
    return {
        "call_id": call.call_id,
        "line": call.line,
        "direction": call.direction.value,
        "caller_number": caller_number,
        "caller_number_raw": call.caller_number_raw,
        "caller_name": call.caller_name,
        "dialled_number": call.dialled_number,
        "started_at": stamp(call.started_at),
        "answered_at": _stamp_or_none(call.answered_at),
        "ended_at": _stamp_or_none(call.ended_at),
        "queue": call.queue,
        "queue_outcome": call.queue_outcome.value,
        "operator": call.operator,
        "wait_time": call.wait_time,
        "talk_time": call.talk_time,
        "hold_time": call.hold_time,
        "ring_no_answers": call.ring_no_answers,
        "transfers": _dump(call.transfers) if call.transfers else "[]",
        "purpose": call.purpose,
        "dial_status": call.dial_status,
        "recovered": int(call.recovered),
        "group_id": call.group_id,
        "recorded_from": _stamp_or_none(call.recorded_from),
        "promised_at": _stamp_or_none(call.promised_at),
        "refused": call.refused,
        "anomalies": _dump(call.anomalies) if call.anomalies else "[]",
        "sealed": int(sealed),
        "version": version,
    }


def _save_legs(tx: Tx, call: Call) -> None:
    tx.execute(_DELETE_LEGS, {"of_call": call.call_id})
    _add_legs(tx, call)


def _add_legs(tx: Tx, call: Call) -> None:
    tx.execute_many(_INSERT_LEG, _leg_rows(call))


def _leg_rows(call: Call) -> list[dict[str, object]]:
    return [
        {
            "call_id": call.call_id,
            "position": position,
            "uniqueid": leg.uniqueid,
            "role": leg.role.value,
            "party": leg.party,
            "started_at": stamp(leg.started_at),
            "answered_at": _stamp_or_none(leg.answered_at),
            "ended_at": _stamp_or_none(leg.ended_at),
            "talk_time": leg.talk_time,
            "hold_time": leg.hold_time,
            "talks": _dump(leg.talks) if leg.talks else "[]",
        }
        for position, leg in enumerate(call.legs)
    ]


def _dump(value: object) -> str:
    return _encode(value).decode()


def _record(row: Sequence[Any], leg_rows: Iterable[Sequence[Any]]) -> CallRecord:
    values: dict[str, Any] = dict(zip(_CALL_COLUMNS, row, strict=True))
    caller_number, sealed, version = values.pop("caller_number"), values.pop("sealed"), values.pop("version")
    for name in ("transfers", "anomalies"):
        values[name] = json.loads(values[name])
    values["legs"] = [_leg_values(leg) for leg in leg_rows]
    values["recovered"] = bool(values["recovered"])
    return CallRecord(msgspec.convert(values, Call, strict=True), caller_number, bool(sealed), version)


def _leg_values(row: Sequence[Any]) -> Mapping[str, Any]:
    values: dict[str, Any] = dict(zip(_LEG_COLUMNS, row, strict=True))
    values["talks"] = json.loads(values["talks"])
    return values


def _differences(stored: CallRecord, call: Call, caller_number: str | None) -> tuple[Difference, ...]:
    found = [] if stored.sealed else [Difference(call.call_id, "sealed", stored=False, recomputed=True)]
    found += [
        Difference(call.call_id, name, getattr(stored.call, name), getattr(call, name))
        for name in Call.__dataclass_fields__
        if getattr(stored.call, name) != getattr(call, name)
    ]
    if stored.caller_number != caller_number:
        found.append(Difference(call.call_id, "caller_number", stored.caller_number, caller_number))
    return tuple(found)
