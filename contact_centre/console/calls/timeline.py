"""A call on an axis of time: what the citizen went through, and each leg's part in it. Pure."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from contact_centre.seen_calls import Call, Leg
from telephony.core.call import Direction, Role, Span, TransferKind

LEAST_S: Final = 1.0
"""An axis is at least this long."""
NO_GAP: Final = timedelta(seconds=0.25)
"""Between two talks this is no hold but the bridge changing hands."""
TAIL: Final = timedelta(seconds=2)
"""What follows the last talk for no longer than this is the hanging up."""
TOGETHER: Final = timedelta(seconds=1)
"""A talk ends within this of the transfer that ended it."""


class Phase(StrEnum):
    """What the citizen goes through."""

    GREETING = "greeting"
    RINGING = "ringing"
    QUEUE = "queue"
    OPERATOR = "operator"
    SPECIALIST = "specialist"
    OTHER = "other"
    HOLD = "hold"
    HANDOVER = "handover"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of a call. ``parties`` are whom the citizen hears."""

    phase: Phase
    start: datetime
    end: datetime
    parties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """A leg's part: there from ``there.start``, ``rings`` until it answers, and ``talks``."""

    leg: Leg
    there: Span
    rings: Span | None
    talks: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A picture's width as time: from ``start``, so many seconds."""

    start: datetime
    seconds: float

    def at(self, moment: datetime) -> float:
        """Where a moment lies, in per cent of the width; what lies outside is at the edge."""
        share = 100 * (moment - self.start).total_seconds() / max(self.seconds, LEAST_S)
        return round(min(100.0, max(0.0, share)), 3)

    def width(self, start: datetime, end: datetime | None) -> float:
        """How wide a time is, in per cent; without an end it goes on to the edge."""
        return round((100.0 if end is None else self.at(end)) - self.at(start), 3)

    def marks(self, most: int = 8) -> list[tuple[float, float]]:
        """Where to write the time: per cent, and seconds from the start; at round times."""
        steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
        step = next((one for one in steps if self.seconds / one <= most), steps[-1])
        count = int(self.seconds // step)
        return [(round(100 * step * at / max(self.seconds, LEAST_S), 3), step * at) for at in range(count + 1)]


def axis_of(call: Call, now: datetime) -> Axis:
    """The axis of a whole call; of one that goes on, until now."""
    return Axis(call.started_at, max(LEAST_S, (_end(call, now) - call.started_at).total_seconds()))


def stretches(call: Call, now: datetime) -> list[Stretch]:
    """What the citizen went through from the first second to the last, without gaps.

    The time in the queue ends with the first talk; of a call that nobody answered, with its end.
    """
    end, talks = _end(call, now), list(_talks(call, now))
    first = talks[0].start if talks else end
    made = list(_before(call, first))
    last: Stretch | None = None
    for talk in talks:
        if last is not None and talk.start - last.end > NO_GAP:
            made.append(Stretch(_gap(call, last, talk), last.end, talk.start))
        made.append(talk)
        last = talk
    if last is not None and end - last.end > TAIL:
        made.append(Stretch(Phase.AFTER, last.end, end))
    return [one for one in made if one.end > one.start]


def lanes(call: Call, now: datetime) -> list[Lane]:
    """Each leg, in the order in which they came."""
    end = _end(call, now)
    found = []
    for leg in sorted(call.legs, key=lambda leg: (leg.started_at, leg.role is not Role.CITIZEN)):
        gone = leg.ended_at or end
        rings = None if leg.role is Role.CITIZEN else Span(leg.started_at, leg.answered_at or gone)
        found.append(Lane(leg, Span(leg.started_at, gone), rings, leg.talks))
    return found


def _end(call: Call, now: datetime) -> datetime:
    return call.ended_at or max(now, call.started_at)


def _before(call: Call, first: datetime) -> Iterator[Stretch]:
    if call.direction is not Direction.INBOUND:
        yield Stretch(Phase.RINGING, call.started_at, first)
        return
    queued = first if call.wait_time is None else max(call.started_at, first - timedelta(seconds=call.wait_time))
    yield Stretch(Phase.GREETING, call.started_at, queued)
    yield Stretch(Phase.QUEUE, queued, first)


def _talks(call: Call, now: datetime) -> Iterator[Stretch]:
    """Whom the citizen hears, from change to change; who are heard together are one stretch."""
    heard = [(leg, span.start, span.end or _end(call, now)) for leg in call.legs for span in leg.talks]
    edges = sorted({edge for _, start, end in heard for edge in (start, end)})
    last: Stretch | None = None
    for start, end in itertools.pairwise(edges):
        there = [leg for leg, begin, over in heard if begin <= start and over >= end]
        if there:
            now_heard = Stretch(_phase(there), start, end, tuple(leg.party or "" for leg in there))
            if last is not None and (last.phase, last.parties, last.end) == (now_heard.phase, now_heard.parties, start):
                now_heard = Stretch(last.phase, last.start, end, last.parties)
            elif last is not None:
                yield last
            last = now_heard
    if last is not None:
        yield last


def _phase(there: Sequence[Leg]) -> Phase:
    roles = {leg.role for leg in there}
    if Role.SPECIALIST in roles:
        return Phase.SPECIALIST
    return Phase.OPERATOR if Role.OPERATOR in roles else Phase.OTHER


def _gap(call: Call, before: Stretch, after: Stretch) -> Phase:
    """Between two talks: the way to another party, or a hold; who is asked first while one waits is a hold."""
    for one in call.transfers:
        if one.kind is TransferKind.BLIND and before.end - TOGETHER <= one.at <= after.start:
            return Phase.HANDOVER
    kept = any(leg.hold_time > 0 and leg.party in before.parties for leg in call.legs)
    return Phase.HOLD if kept or before.parties == after.parties else Phase.HANDOVER
