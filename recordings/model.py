"""Recordings in words: one stored two-channel file per call, made of the segments that Asterisk wrote.

Times are aware datetimes, durations seconds, lengths samples of one channel. A ``call_id`` is an opaque string here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SAMPLE_RATE = 8000
"""Samples a second: MixMonitor's ``.raw`` is the telephone band, 16-bit little-endian, no header."""
SAMPLE_WIDTH = 2
"""Bytes of one sample."""
CHANNELS = 2
"""Left: what the citizen said. Right: what the citizen heard."""


class Status(StrEnum):
    """How much of the call the recording holds."""

    OK = "ok"
    SHORT = "short"
    EMPTY = "empty"
    MISSING = "missing"


class Side(StrEnum):
    """Which voice a raw file holds."""

    CALLER = "caller"
    OTHER = "other"
    LEG = "leg"


@dataclass(frozen=True, slots=True)
class Talk:
    """A stretch of time in which a leg and the citizen heard each other."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class LegAudio:
    """A leg that may have a recording of its own (a specialist's), and when the citizen could hear it.

    ``started_at`` is when its channel was made (CHAN_START): its recording begins there (``recordings.alignment``).
    """

    uniqueid: str
    talks: tuple[Talk, ...]
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordingDue:
    """The ledger says that a call is over: its audio can be finalised.

    Attributes:
        call_id: the call.
        started_at: when MixMonitor began on the citizen's channel; the audio's first sample.
        ended_at: when the citizen's channel ended; for a ``recovered`` call the last that is known of it.
        legs: the legs that may have audio of their own.
        recovered: Asterisk died in mid-call, so ``ended_at`` is a lower bound.
    """

    call_id: str
    started_at: datetime
    ended_at: datetime
    legs: tuple[LegAudio, ...] = ()
    recovered: bool = False

    @property
    def call_duration(self) -> float:
        """Seconds between ``started_at`` and ``ended_at``; never negative."""
        return max(0.0, round((self.ended_at - self.started_at).total_seconds(), 3))


@dataclass(frozen=True, slots=True)
class Segment:
    """What one MixMonitor run wrote.

    Attributes:
        file: the raw file's name in Asterisk's spool folder.
        side: whose voice it holds.
        uniqueid: the channel that it was recorded on.
        duration: seconds of audio in it.
        used: seconds of it that the recording holds (all of a side; of a leg only where the other side was silent).
    """

    file: str
    side: Side
    uniqueid: str
    duration: float
    used: float


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording of one call, as everyone sees it.

    ``path`` is relative to the state directory; ``path`` and ``sha256`` are None when there was no audio to store.
    ``duration`` is that of the audio, ``call_duration`` that of the call while it was recorded.
    """

    recording_id: str
    call_id: str
    path: str | None
    sha256: str | None
    duration: float
    call_duration: float
    channels: int
    sample_rate: int
    started_at: datetime
    segments: tuple[Segment, ...]
    status: Status
