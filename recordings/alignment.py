"""Where a leg's own file lies on the time line of the call's recording.

MixMonitor writes a file when frames flow, so a file has no times but those of its neighbours. Measured on Asterisk
22.10.1 with SIPp phones that send a known pattern of bursts (A-law, a specialist dialled with option ``b`` after an
operator's leg of 8 s; the leg's file correlated with what the citizen's ``other`` file holds of the same voice after
the fault of asterisk#507 had passed), ADR 7:

- The leg's file begins when its channel is dialled, not when it answers: the caller's frames flow into it while it
  rings (4.0 s of ringing are 4.0 s of silence at its head). Start of the channel, and end of the channel less the
  file's length, both hit the true place within 40 ms.
- The leg's file and the citizen's files end together: counted back from their ends the place is right within 20 ms,
  also where the two below hold.
- When the citizen's phone sends nothing while the other side is lost to the fault, nothing flows on the citizen's
  channel and its files do not advance: 3 s of it made the recording 3 s shorter than the call, and the place of the
  leg 3 s earlier after it than before. The leg's file has no such hole: the specialist's frames flow there. These
  seconds must come back as a gap in the citizen's files, or 3 s of the specialist's voice have no place.
- When both phones send nothing, both files stand still alike; then the start of the leg's channel is right and its
  end is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from recordings.model import SAMPLE_RATE, LegAudio, RecordingDue

SLACK = SAMPLE_RATE // 2
"""Samples (0.5 s) by which two ways of placing a file may differ and still say the same."""
CRASH_SLACK = SAMPLE_RATE
"""The same for a recovered call: each file lacks what was in Asterisk's write buffer, up to a second."""
TOGETHER = timedelta(seconds=0.5)
"""Channels that end within this of each other end together: one hang-up ends both."""


@dataclass(frozen=True, slots=True)
class Place:
    """``origin``: the call's sample at which the leg's first sample lies. ``hole``: samples the call's files lack."""

    origin: int
    hole: int = 0


def sample_at(due: RecordingDue, moment: datetime) -> int:
    """The sample of the call's audio that belongs to a time; negative before its start."""
    return round((moment - due.started_at).total_seconds() * SAMPLE_RATE)


def place_leg(due: RecordingDue, leg: LegAudio, samples: int, call_samples: int) -> Place:
    """Place a leg's file of ``samples`` samples beside the call's files of ``call_samples``."""
    by_times = _by_times(due, leg, samples)
    if leg.ended_at is not None and leg.ended_at < due.ended_at - TOGETHER:
        return Place(call_samples - samples if by_times is None else by_times)
    after = max(0, sample_at(due, due.ended_at) - sample_at(due, leg.ended_at or due.ended_at))
    by_files = call_samples - after - samples
    if by_times is None:
        return Place(by_files)
    hole = by_times - by_files
    if due.recovered:
        return Place(by_times, hole if hole > CRASH_SLACK else 0)
    if abs(hole) <= SLACK:
        return Place(by_files)
    return Place(by_times, max(0, hole))


def _by_times(due: RecordingDue, leg: LegAudio, samples: int) -> int | None:
    """From the ledger's times alone. The end of a channel of a recovered call is not known."""
    begin = None if leg.started_at is None else sample_at(due, leg.started_at)
    answer = None if leg.answered_at is None else sample_at(due, leg.answered_at)
    if leg.ended_at is None or due.recovered:
        return begin if begin is not None else answer
    by_end = sample_at(due, leg.ended_at) - samples
    if begin is None or by_end - begin <= SLACK or (answer is not None and abs(by_end - answer) <= SLACK):
        return by_end
    return begin
