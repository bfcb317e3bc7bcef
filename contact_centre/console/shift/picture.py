"""The last hour as one picture: where its bars, its line and its axes stand, in units of the drawing. Pure.

A bar is the calls that began in one minute, from the ground up: answered, abandoned, others. The line is the longest
wait of each such minute; it has an axis of its own at the right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from appeals.reference import CITY_TIME
from contact_centre.console.formats import duration
from contact_centre.console.shift.figures import Minute

WIDTH: Final = 1200
HEIGHT: Final = 176
LEFT: Final = 32
RIGHT: Final = 1152
TOP: Final = 12
GROUND: Final = 152
GAP: Final = 4
"""Between two bars."""
LABELLED: Final = 10
"""Every so many minutes the time stands below."""

_CALLS: Final = (4, 8, 12, 20, 40, 60, 100, 200, 400, 1000)
_WAITS: Final = (40, 60, 120, 240, 600, 1200, 3600, 7200)
"""How far an axis goes: its half is a number that people read easily."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a bar. ``kind`` is the class that gives it its colour."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The calls of one minute; ``label`` is the time in the city."""

    minute: Minute
    label: str
    x: float
    width: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A word on an axis, and where it stands along it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn. ``strokes`` are pieces of the line, ``dots`` its minutes, as x and y.

    ``aim`` is where on the axis of waits T stands.
    """

    bars: tuple[Bar, ...]
    strokes: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    calls: tuple[Mark, ...]
    waits: tuple[Mark, ...]
    times: tuple[Mark, ...]
    aim: float


def picture(hour: Sequence[Minute], threshold: float) -> Picture:
    """The drawing of these minutes, oldest first. ``threshold`` is T, in seconds."""
    step = (RIGHT - LEFT) / len(hour)
    most = _reach(max(one.arrived for one in hour), _CALLS)
    longest = _reach(max([threshold, *(one.wait for one in hour if one.wait is not None)]), _WAITS)
    bars = tuple(
        Bar(one, _clock(one), round(LEFT + number * step + GAP / 2, 1), round(step - GAP, 1), tuple(_blocks(one, most)))
        for number, one in enumerate(hour)
    )
    waits = [
        None if bar.minute.wait is None else (round(bar.x + bar.width / 2, 1), _height(bar.minute.wait, longest))
        for bar in bars
    ]
    return Picture(
        bars=bars,
        strokes=tuple(f"{a[0]},{a[1]} {b[0]},{b[1]}" for a, b in pairwise(waits) if a and b),
        dots=tuple(one for one in waits if one is not None),
        calls=tuple(Mark(_height(value, most), str(value)) for value in (most // 2, most)),
        waits=tuple(Mark(_height(value, longest), duration(value)) for value in (longest // 2, longest)),
        times=tuple(Mark(bar.x + bar.width / 2, bar.label) for bar in bars if bar.minute.at.minute % LABELLED == 0),
        aim=_height(threshold, longest),
    )


def _blocks(minute: Minute, most: int) -> Iterator[Block]:
    """From the ground up; nothing of what there is none of."""
    below = 0
    for kind, count in (("answered", minute.answered), ("abandoned", minute.abandoned), ("other", minute.other)):
        if count:
            top, bottom = _height(below + count, most), _height(below, most)
            yield Block(kind, top, round(bottom - top, 1))
            below += count


def _height(value: float, reach: int) -> float:
    """Where a value stands on an axis that reaches so far."""
    return round(GROUND - (GROUND - TOP) * value / reach, 1)


def _reach(value: float, steps: Sequence[int]) -> int:
    """The first step that holds the value; beyond the last one, its multiples."""
    last = steps[-1]
    return next((step for step in steps if step >= value), last * -int(-value // last))


def _clock(minute: Minute) -> str:
    return f"{minute.at.astimezone(CITY_TIME):%H:%M}"
