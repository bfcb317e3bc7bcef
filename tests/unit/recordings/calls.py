"""A call of the tests: its ids, its times, what the ledger would say of it. No sounds here."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from recordings.model import LegAudio, RecordingDue, Talk

RATE = 8000
START = datetime(2026, 11, 22, 21, 37, 10, 39000, tzinfo=UTC)
CALL = "cc1-1795383430.11"
LEG = "cc1-1795383431.13"


def at(seconds: float) -> datetime:
    """A moment of the call."""
    return START + timedelta(seconds=seconds)


def due(seconds: float, *, legs: Iterable[LegAudio] = (), recovered: bool = False, call_id: str = CALL) -> RecordingDue:
    return RecordingDue(call_id, START, at(seconds), tuple(legs), recovered)


def leg(begin: float, end: float, *, dialled: float | None = None, uniqueid: str = LEG) -> LegAudio:
    """A specialist who talked with the citizen from ``begin`` to ``end``."""
    started = begin if dialled is None else dialled
    return LegAudio(uniqueid, (Talk(at(begin), at(end)),), at(begin), at(end), at(started))
