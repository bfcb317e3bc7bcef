"""When a specialist is there, as somebody types it: the notation of the city's reference data on one line."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from appeals.clocks import working_time
from appeals.reference import CITY_TIME, Calendar, Hours
from appeals.reference_rows import hours as hours_of_entry

_APART: Final = re.compile(r"[;,]")
_AHEAD: Final = timedelta(days=8)
"""So far it is looked for when somebody comes again: a week, and a day for one that is off."""


def parse(text: str, calendar: Calendar) -> Hours:
    """``24/7``, ``office``, or days with their times: ``mon-fri 08:00-12:00 13:00-17:00, sat 09:00-14:00``.

    Raises:
        ValueError: It is none of them.
    """
    written = " ".join(text.split())
    entry: object = written
    if written not in {"24/7", "office"}:
        parts = [_days(part) for part in _APART.split(written)]
        entry = dict(parts)
        if len(parts) > len(dict(parts)):
            raise ValueError(f"{text!r} names the same days twice; write all their times together")
    found = hours_of_entry(entry)
    return calendar.hours if found is None else found


def _days(part: str) -> tuple[str, list[str]]:
    """The days of one part and their times, whichever of them was written first."""
    times = [word for word in part.split() if word[:1].isdigit()]
    days = [word for word in part.split() if not word[:1].isdigit()]
    if len(days) != 1 or not times:
        raise ValueError(f"{part.strip()!r} are no hours; write 24/7, office, or mon-fri 08:00-17:00, sat 09:00-14:00")
    return days[0], times


def changes_at(hours: Hours, at: datetime, calendar: Calendar) -> tuple[bool, datetime | None]:
    """Whether somebody is there, and until when that stays so; None if it does for the days that are looked at.

    Who keeps the city's ordinary hours keeps its days off too (as ``appeals.routing.on_duty``).
    """
    kept = calendar if hours == calendar.hours else Calendar(hours)
    first = at.astimezone(CITY_TIME).date()
    spans = [span for day in range(_AHEAD.days) for span in working_time(kept, first + timedelta(days=day))]
    until = at
    for begin, end in spans:
        if begin <= until < end:
            until = end
    if until > at:
        return True, until if until < at + _AHEAD - timedelta(days=1) else None
    return False, min((begin for begin, _ in spans if begin > at), default=None)


def days_told(hours: Hours) -> Mapping[tuple[int, int], str]:
    """The week as runs of days with the same times: first and last ISO weekday, and the times of those days."""
    told: dict[tuple[int, int], str] = {}
    for day in range(1, 8):
        times = ", ".join(f"{begin:%H:%M}–{_end(f'{end:%H:%M}')}" for begin, end in hours.days.get(day, ()))
        if not times:
            continue
        last = next(reversed(told), None)
        if last is not None and last[1] == day - 1 and told[last] == times:
            told[last[0], day] = told.pop(last)
        else:
            told[day, day] = times
    return told


def _end(text: str) -> str:
    return "24:00" if text == "00:00" else text
