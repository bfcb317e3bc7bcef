"""The two clocks of an appeal: the city's promise (SLA) and the law's limit. Pure; every deadline can explain itself.

All arithmetic is done in UTC: two local times of one zone are compared by their faces, which lie when clocks change.
A deadline is computed once and stored; a calendar that changes later moves nothing that was promised.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Final, TypeAlias

from appeals.deadlines import Deadline, Step, StepCode, explain
from appeals.reference import CITY_TIME, Calendar, Span, Unit

__all__ = ["Deadline", "Pause", "Step", "StepCode", "accept_by", "explain", "legal", "sla", "working_time"]

Pause: TypeAlias = tuple[datetime, datetime | None]
"""From when to when the clock stood; it still does if there is no end."""

NO_STUDY: Final = timedelta(days=15)
"""Article 20: what needs no further study is answered at once, and no later than this."""
LONGEST: Final = timedelta(days=45)
"""Article 20: no extension goes beyond this, counted like the limit itself."""
_DAY: Final = timedelta(days=1)
_END_OF_DAY: Final = time(23, 59, 59)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""The end of a pause that has none yet."""
_MOST_IDLE_DAYS: Final = 366
"""A calendar without an hour of work for so long is a mistake, not a holiday."""


def sla(limit: Span, start: datetime, pauses: Iterable[Pause], calendar: Calendar) -> Deadline:
    """Until when the city promises to be done.

    Minutes and hours are real ones; days end at the same local time; working hours and days follow the calendar, and
    the n-th working day after that of the start ends with its work. A pause moves the deadline by what it took: real
    time, or the working time in it. While a pause is open the deadline is the earliest possible, and ``stands``.

    Raises:
        ValueError: A time is naive, or the calendar has no working time for a year.
    """
    return _promise(StepCode.LIMIT, limit, start, pauses, calendar)


def accept_by(within: Span, routed_at: datetime, calendar: Calendar) -> Deadline:
    """Until when a service must have accepted an appeal that was routed to it; nothing pauses this.

    Raises:
        ValueError: The time is naive, or the calendar has no working time for a year.
    """
    return _promise(StepCode.ACCEPTANCE, within, routed_at, (), calendar)


def legal(
    registered_at: datetime, *, study: bool, privileged: bool, extended_until: date | None, calendar: Calendar
) -> Deadline:
    """Until when the law wants the appeal resolved (Article 20 of the Law on citizens' appeals).

    Calendar days, and nothing pauses them: 15 days without further study, one month with it (to the day of the same
    number, or the month's last); extended by the head, 45 days in all, and an extension never shortens. The day of
    registration does not count (Civil Code, Article 253); the last day ends at midnight in the city. The law says
    nothing of days off, so none moves the deadline; the explanation names the working day that remains before one.

    Raises:
        ValueError: The time is naive, or the calendar has no working time for a year.
    """
    began = _utc(registered_at)
    first = _local_day(began)
    steps = [_at(StepCode.STARTED, began)]
    if study:
        last = _a_month_after(first)
        steps.append(Step(StepCode.STUDY))
    else:
        last = first + NO_STUDY
        steps.append(Step(StepCode.NO_STUDY, {"days": NO_STUDY.days}))
    if privileged:
        steps.append(Step(StepCode.PRIVILEGED))
    if extended_until is not None and extended_until > last:
        steps.append(_on(StepCode.EXTENDED, extended_until))
        last = min(extended_until, first + LONGEST)
        if extended_until > last:
            steps.append(Step(StepCode.EXTENSION_CAPPED, {"days": LONGEST.days, "day": last.isoformat()}))
    worked, _ = next(_working_days(calendar, last, -_DAY))
    if worked < last:
        steps.append(_on(StepCode.ENDS_ON_DAY_OFF, worked))
    steps += _undecided(calendar, {last.year})
    steps.append(_on(StepCode.DUE_DAY, last))
    return Deadline(_instant(last, _END_OF_DAY), tuple(steps))


def _promise(code: StepCode, limit: Span, start: datetime, pauses: Iterable[Pause], calendar: Calendar) -> Deadline:
    began = _utc(start)
    by_calendar = limit.unit in {Unit.WORKING_HOURS, Unit.WORKING_DAYS}
    due = _due(limit, began, calendar)
    steps = [_at(StepCode.STARTED, began), Step(code, {"span": str(limit)})]
    stood: list[Step] = []
    for since, until in _merged(pauses, began):
        if since >= due:
            break
        if until == _NEVER:
            stood.append(_at(StepCode.STANDS, since, until=due.isoformat()))
            break
        due = _advance(calendar, due, _worked(calendar, since, until)) if by_calendar else due + (until - since)
        stood.append(_at(StepCode.PAUSED, since, until=until.isoformat()))
    if by_calendar:
        steps += _told_days(calendar, _local_day(began), _local_day(due))
    elif limit.unit is not Unit.DAYS:
        steps += _told_clocks(began, due)
    steps += stood
    if not stood or stood[-1].code is not StepCode.STANDS:
        steps.append(_at(StepCode.DUE, due))
    return Deadline(due, tuple(steps))


def _due(limit: Span, began: datetime, calendar: Calendar) -> datetime:
    """When a limit ends if nothing pauses it."""
    match limit.unit:
        case Unit.MINUTES:
            return began + timedelta(minutes=limit.amount)
        case Unit.HOURS:
            return began + timedelta(hours=limit.amount)
        case Unit.DAYS:
            local = began.astimezone(CITY_TIME)
            return _instant(local.date() + timedelta(days=limit.amount), local.time())
        case Unit.WORKING_HOURS:
            return _advance(calendar, began, timedelta(hours=limit.amount))
    after = _working_days(calendar, _local_day(began) + _DAY)
    _, work = next(islice(after, limit.amount - 1, None))
    return work[-1][1]


def _merged(pauses: Iterable[Pause], began: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The pauses since ``began``, in order, those that touch or lie in each other as one."""
    since = until = began
    for one_since, one_until in sorted((_utc(one), _NEVER if end is None else _utc(end)) for one, end in pauses):
        if one_since > until:
            if until > since:
                yield since, until
            since = until = one_since
        until = max(until, one_until)
    if until > since:
        yield since, until


def working_time(calendar: Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """The working time of a day, in UTC, in order and without overlaps; nothing on a day off."""
    work: list[tuple[datetime, datetime]] = []
    earliest = _instant(day, time(0))
    for opens, closes in calendar.days.get(day, calendar.hours.days.get(day.isoweekday())) or ():
        begin = max(_instant(day, opens), earliest)
        earliest = max(_instant(day, closes) if closes > time(0) else _instant(day + _DAY, closes), begin)
        if earliest > begin:
            work.append((begin, earliest))
    return tuple(work)


def _working_days(
    calendar: Calendar, day: date, step: timedelta = _DAY
) -> Iterator[tuple[date, tuple[tuple[datetime, datetime], ...]]]:
    """The days with work from ``day`` on, or back, without end, each with its working time."""
    idle = 0
    while idle < _MOST_IDLE_DAYS:
        work = working_time(calendar, day)
        if work:
            yield day, work
        idle = 0 if work else idle + 1
        day += step
    raise ValueError(f"the calendar has no working time in the {_MOST_IDLE_DAYS} days before {day}")


def _working_times(calendar: Calendar, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Working time from a moment on, without end."""
    days = _working_days(calendar, _local_day(since))
    return ((max(begin, since), end) for _, work in days for begin, end in work if end > since)


def _advance(calendar: Calendar, since: datetime, amount: timedelta) -> datetime:
    """The first moment at which so much working time has passed."""
    if not amount:
        return since
    working = _working_times(calendar, since)
    begin, end = next(working)
    while amount > end - begin:
        amount -= end - begin
        begin, end = next(working)
    return begin + amount


def _worked(calendar: Calendar, since: datetime, until: datetime) -> timedelta:
    """How much working time lies between two moments."""
    spans = takewhile(lambda one: one[0] < until, _working_times(calendar, since))
    return sum((min(end, until) - begin for begin, end in spans), timedelta())


def _told_days(calendar: Calendar, first: date, last: date) -> Iterator[Step]:
    """The days from first to last that were not ordinary working days."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    weekend = [day for day in days if day not in calendar.days and not working_time(calendar, day)]
    if weekend:
        yield Step(StepCode.DAYS_OFF, {"dates": " ".join(day.isoformat() for day in weekend)})
    for day in days:
        if day in calendar.days:
            note = {"day": day.isoformat(), "note": calendar.notes.get(day, "")}
            hours = ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in calendar.days[day] or ())
            yield Step(StepCode.CHANGED_HOURS, {**note, "hours": hours}) if hours else Step(StepCode.HOLIDAY, note)
    yield from _undecided(calendar, {day.year for day in days})


def _undecided(calendar: Calendar, years: AbstractSet[int]) -> Iterator[Step]:
    return (Step(StepCode.YEAR_UNDECIDED, {"year": year}) for year in sorted(years - calendar.years))


def _told_clocks(began: datetime, due: datetime) -> Iterator[Step]:
    """Why the clock on the wall does not agree with the hours that passed."""
    before, after = (moment.astimezone(CITY_TIME).utcoffset() or timedelta() for moment in (began, due))
    if before != after:
        yield Step(StepCode.CLOCKS_CHANGED, {"direction": "forward" if after > before else "back"})


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a time without offset: {moment}")
    return moment.astimezone(UTC)


def _local_day(moment: datetime) -> date:
    return moment.astimezone(CITY_TIME).date()


def _instant(day: date, at: time) -> datetime:
    """The moment of a local time; the first of two, and an hour later for one that the clocks skip."""
    return datetime.combine(day, at.replace(fold=0), CITY_TIME).astimezone(UTC)


def _a_month_after(day: date) -> date:
    """The day of the same number in the next month, or that month's last (Civil Code, Article 254)."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)  # noqa: PLR2004 - December
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _at(code: StepCode, moment: datetime, **more: str) -> Step:
    return Step(code, {"moment": moment.isoformat(), **more})


def _on(code: StepCode, day: date) -> Step:
    return Step(code, {"day": day.isoformat()})
