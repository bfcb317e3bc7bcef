"""What the board says of today and of the last hour: counted from tallies, pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from appeals.reference import CITY_TIME
from telephony.core.call import QueueOutcome
from telephony.core.metrics import ratio
from telephony.queue_tally import Tally

HOUR: Final = 60
"""Minutes in the picture, that of now included."""


@dataclass(frozen=True, slots=True)
class Minute:
    """Calls that began in this minute, by what became of them. ``other``: still waiting, or left otherwise.

    ``wait`` is the longest wait among those who wait no more, seconds; None where there are none.
    """

    at: datetime
    answered: int = 0
    abandoned: int = 0
    other: int = 0
    wait: float | None = None

    @property
    def arrived(self) -> int:
        """All of them."""
        return self.answered + self.abandoned + self.other


@dataclass(frozen=True, slots=True)
class Figures:
    """Today, since midnight in the city; and the last hour, oldest minute first.

    ``level`` is the service level by the formula of ``telephony.core.metrics``, between 0 and 1, None when no call
    counts; ``offered`` are the calls that have left the queue.
    """

    level: float | None
    offered: int
    answered: int
    answered_in_time: int
    abandoned: int
    short_abandons: int
    hour: tuple[Minute, ...]


def midnight(now: datetime) -> datetime:
    """When today began in the city."""
    return datetime.combine(now.astimezone(CITY_TIME).date(), time(), CITY_TIME)


def first_minute(now: datetime) -> datetime:
    """The first minute of the picture."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=HOUR - 1)


def since(now: datetime) -> datetime:
    """Since when calls are needed: an hour after midnight the picture begins yesterday."""
    return min(midnight(now), first_minute(now))


def figures(tallies: Iterable[Tally], now: datetime) -> Figures:
    """What the tallies since ``since(now)`` say, minute by minute since ``first_minute(now)``."""
    counted = list(tallies)
    today = [one for one in counted if one.outcome is not None and (one.minute is None or one.minute >= midnight(now))]
    answered = [one for one in today if one.outcome is QueueOutcome.ANSWERED]
    abandoned = [one for one in today if one.outcome is QueueOutcome.ABANDONED]
    offered, in_time = _sum(today), _sum(one for one in answered if one.in_time)
    short = _sum(one for one in abandoned if one.short)
    by_minute: dict[datetime | None, list[Tally]] = defaultdict(list)
    for one in counted:
        by_minute[one.minute].append(one)
    hour = [first_minute(now) + timedelta(minutes=number) for number in range(HOUR)]
    return Figures(
        level=ratio(in_time, offered, short),
        offered=offered,
        answered=_sum(answered),
        answered_in_time=in_time,
        abandoned=_sum(abandoned),
        short_abandons=short,
        hour=tuple(_minute(at, by_minute[at]) for at in hour),
    )


def _minute(at: datetime, here: list[Tally]) -> Minute:
    answered = _sum(one for one in here if one.outcome is QueueOutcome.ANSWERED)
    abandoned = _sum(one for one in here if one.outcome is QueueOutcome.ABANDONED)
    return Minute(
        at=at,
        answered=answered,
        abandoned=abandoned,
        other=_sum(here) - answered - abandoned,
        wait=max((one.longest for one in here if one.outcome is not None), default=None),
    )


def _sum(tallies: Iterable[Tally]) -> int:
    return sum(one.count for one in tallies)
