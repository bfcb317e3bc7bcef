"""The contract's JSON objects, each from what the packages keep; what the command line prints with ``--json``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.queries import appeals_of_calls
from appeals.reference import Span
from recordings.store import recordings_of_calls
from telephony.core.call import Call, Leg
from telephony.store import CallRecord

_INTERNAL_CALL = frozenset({"recorded_from", "promised_at", "refused", "dial_status"})
_INTERNAL_LEG = frozenset({"talks"})


_SCALARS: Final[Mapping[type, Callable[[Any], Any]]] = {
    datetime: lambda at: at.astimezone(UTC).isoformat(timespec="milliseconds"),
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    Span: str,
}


def plain(value: Any, leave_out: frozenset[str] = frozenset()) -> Any:  # noqa: ANN401 - any value to plain JSON
    """Dataclasses, enums, times and tuples as JSON has them: times ISO 8601 with offset, spans as the city writes them.

    Durations are seconds; keys are text, those of two parts joined by a dot.
    """
    write = _SCALARS.get(type(value))
    if write is not None:
        return write(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.name not in leave_out}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {".".join(key) if isinstance(key, tuple) else str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, frozenset)):
        return [plain(one) for one in (sorted(value) if isinstance(value, frozenset) else value)]
    return value


def call(
    of: Call, caller_number: str | None, recordings: Sequence[str] = (), appeal_ids: Sequence[str] = ()
) -> dict[str, Any]:
    """A call, with the ids of its recordings and appeals."""
    seen: dict[str, Any] = plain(of, _INTERNAL_CALL)
    seen["caller_number"] = caller_number
    seen["legs"] = [_leg(leg) for leg in of.legs]
    seen["recordings"] = list(recordings)
    seen["appeal_ids"] = list(appeal_ids)
    order = ("call_id", "line", "direction", "caller_number")
    return {name: seen[name] for name in order} | seen


def _leg(leg: Leg) -> dict[str, Any]:
    seen: dict[str, Any] = plain(leg, _INTERNAL_LEG)
    return seen


async def calls(connection: AsyncConnection, records: Sequence[CallRecord]) -> list[dict[str, Any]]:
    """Calls with what recordings and appeals know of them."""
    call_ids = [record.call.call_id for record in records]
    recordings = await recordings_of_calls(connection, call_ids)
    appeals = await appeals_of_calls(connection, call_ids)
    return [
        call(
            record.call,
            record.caller_number,
            [recordings[record.call.call_id]] if record.call.call_id in recordings else [],
            appeals.get(record.call.call_id, ()),
        )
        for record in records
    ]
