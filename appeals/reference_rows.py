"""What one entry of the city's files may say, and how it becomes a record of ``appeals.reference``."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints

from appeals.model import Kind
from appeals.reference import (
    Category,
    Hours,
    Name,
    Periods,
    Route,
    Rung,
    Service,
    Span,
    Street,
    Template,
    Unit,
    Urgency,
)

TimeRanges = tuple[tuple[time, time], ...]
HouseRanges = tuple[tuple[int, int], ...]

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_HOUSES: Final = re.compile(r"([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?")
_DURATIONS: Final = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1), Unit.DAYS: timedelta(days=1)}
_LONGEST_DAYS: Final = 3653
"""Days that a rule of the city may take; ten years are a slip of the keyboard."""


def _texts(value: object, example: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"write a list such as {example}")
    return value


def time_ranges(value: object) -> TimeRanges:
    """``["08:00-12:00", "13:00-17:00"]``; midnight at the end is ``24:00``.

    Raises:
        ValueError: One is none, ends before it begins, or they are out of order or overlap.
    """
    texts = _texts(value, '["08:00-17:00"]')
    ranges = []
    for text in texts:
        found = _RANGE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no time of day; write 08:00-17:00")
        opens = time(int(found[1]), int(found[2]))
        closes = time(int(found[3] or 0), int(found[4] or 0))
        if time(0) < closes <= opens:
            raise ValueError(f"{text} ends before it begins; what goes past midnight is written as two days")
        ranges.append((opens, closes))
    for (_, closes), (opens, _) in pairwise(ranges):
        if closes == time(0) or opens < closes:
            raise ValueError(f"{', '.join(texts)} overlap or are out of order")
    return tuple(ranges)


def hours(value: object) -> Hours | None:
    """``"24/7"``, ``"office"`` (None: the city's working hours), or ``{ mon-fri = ["08:00-17:00"] }``.

    Raises:
        ValueError: It is none of them.
    """
    if value == "office":
        return None
    if value == "24/7":
        return Hours.round_the_clock()
    if not isinstance(value, Mapping):
        raise ValueError('write "24/7", "office" or { mon-fri = ["08:00-17:00"] }')  # noqa: TRY004 - pydantic's rule
    days: dict[int, TimeRanges] = {}
    for name, texts in value.items():
        for day in _weekdays(name):
            if day in days:
                raise ValueError(f"{WEEKDAYS[day - 1]} is there twice")
            days[day] = time_ranges(texts)
    return Hours(days)


def _weekdays(name: str) -> range:
    """ISO weekdays of ``mon`` or ``mon-fri``."""
    first, _, last = name.partition("-")
    last = last or first
    if first not in WEEKDAYS or last not in WEEKDAYS or WEEKDAYS.index(last) < WEEKDAYS.index(first):
        raise ValueError(f"{name!r} are no weekdays; write mon, mon-fri (of {', '.join(WEEKDAYS)})")
    return range(WEEKDAYS.index(first) + 1, WEEKDAYS.index(last) + 2)


def _working_hours(value: object) -> Hours:
    found = hours(value)
    if found is None:
        raise ValueError("these are the hours of the office; write them out")
    return found


def _span(value: object) -> Span:
    span = Span.parse(str(value))
    if span.unit in {Unit.DAYS, Unit.WORKING_DAYS} and span.amount > _LONGEST_DAYS:
        raise ValueError(f"{value} are more than {_LONGEST_DAYS} days")
    return span


def _periods(value: object) -> Periods:
    """``[periods]``: what is not named keeps its default; durations are written ``15min``, ``2h`` or ``14d``."""
    if not isinstance(value, Mapping):
        raise ValueError("write it as [periods]")  # noqa: TRY004 - pydantic's rule
    defaults = {one.name: one.default for one in fields(Periods)}
    unknown = sorted(value.keys() - defaults.keys())
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(defaults)}")
    return Periods(**{name: _limit(name, one, defaults[name]) for name, one in value.items()})


def _limit(name: str, value: object, default: object) -> Any:  # noqa: ANN401 - what the field holds
    if not isinstance(default, timedelta):
        if type(value) is not int or value < 1:
            raise ValueError(f"{name}: {value!r} is no number of at least 1")
        return value
    span = _span(value)
    unit = _DURATIONS.get(span.unit)
    if unit is None:
        raise ValueError(f"{name}: {value} is not in time as it passes; write 15min, 2h or 14d")
    return span.amount * unit


def _houses(value: object) -> HouseRanges:
    ranges = []
    for text in _texts(value, '["1-99"], or [] for the whole street'):
        found = _HOUSES.fullmatch(text)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise ValueError(f"{text!r} are no house numbers; write 1-99 or 7")
        ranges.append((int(found[1]), int(found[2] or found[1])))
    return tuple(ranges)


Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]
LeafCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*\.[a-z0-9][a-z0-9_]*$", max_length=120)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
Phone = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{7,14}|[1-9][0-9]{2,4})$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
SpanText = Annotated[Span, BeforeValidator(_span)]
DayHours = Annotated[TimeRanges, BeforeValidator(time_ranges)]
Houses = Annotated[HouseRanges, BeforeValidator(_houses)]


class Row(BaseModel):
    """An entry: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Named(Row):
    """Something with a code and a name in both languages."""

    code: Code
    uk: Words
    en: Words

    @property
    def name(self) -> Name:
        """Both names."""
        return Name(self.uk, self.en)


class Leaf(Named):
    """``[[category]]``."""

    code: LeafCode
    kind: Kind
    urgency: Urgency
    service: str | None = None
    sla: SpanText | None = None
    accept_within: SpanText | None = None
    desk: Code | None = None
    photo: StrictBool = False
    no_text: StrictBool = False
    priority: StrictBool = False
    keywords: tuple[Words, ...] = ()
    about: str | None = None
    phrases: tuple[Words, ...] = ()

    def record(self, acceptance: Mapping[Urgency, Span]) -> Category:
        """The category; without a limit of its own, it is to be accepted as its urgency asks."""
        return Category(
            code=self.code,
            parent=self.code.partition(".")[0],
            name=self.name,
            kind=self.kind,
            urgency=self.urgency,
            service=self.service,
            sla=self.sla,
            accept_within=self.accept_within or acceptance[self.urgency],
            desk=self.desk,
            photo=self.photo,
            no_text=self.no_text,
            priority=self.priority,
            keywords=self.keywords,
            about=self.about,
            phrases=self.phrases,
        )


class Group(Named):
    """``[[group]]``."""

    def record(self, acceptance: Mapping[Urgency, Span]) -> Category:
        """The group as the tree has it; appeals only have its leaves."""
        within = acceptance[Urgency.N]
        return Category(self.code, None, self.name, Kind.OPERATIONAL, Urgency.N, None, None, within)


class RouteRow(Row):
    """``[[route]]``."""

    category: str
    service: str
    district: str | None = None
    off_duty: str | None = None

    def record(self) -> Route:
        """The route."""
        return Route(self.category, self.service, self.district, self.off_duty)


class RungRow(Row):
    """``[[service.ladder]]``."""

    after: SpanText
    uk: Words
    en: Words
    phone: Phone | None = None
    email: Email | None = None


class ServiceRow(Named):
    """``[[service]]``."""

    hours: Annotated[Hours | None, BeforeValidator(hours)]
    external: StrictBool = False
    phone: Phone | None = None
    email: Email | None = None
    address: Words | None = None
    endpoint: Code | None = None
    superior: str | None = None
    ladder: tuple[RungRow, ...] = ()

    def record(self, office: Hours) -> Service:
        """The service; ``office`` are the city's working hours."""
        return Service(
            code=self.code,
            name=self.name,
            external=self.external,
            phone=self.phone,
            email=self.email,
            address=self.address,
            endpoint=self.endpoint,
            hours=self.hours or office,
            ladder=tuple(Rung(one.after, Name(one.uk, one.en), one.phone, one.email) for one in self.ladder),
            superior=self.superior,
        )


class StreetRow(Row):
    """``[[street]]``."""

    code: Code
    name: Words
    former: tuple[Words, ...] = ()
    districts: dict[str, Houses] = {}

    def record(self) -> Street:
        """The street."""
        return Street(self.code, self.name, self.former, self.districts)


class DayRow(Row):
    """``[[day]]`` of the calendar: other hours than usual, none on a day off."""

    date: date
    hours: DayHours
    note: Words


class CalendarRow(Row):
    """The head of the calendar's file."""

    years: Annotated[tuple[Annotated[int, Field(ge=2000, le=2100)], ...], Field(min_length=1)]
    hours: Annotated[Hours, BeforeValidator(_working_hours)]
    periods: Annotated[Periods, BeforeValidator(_periods)] = Periods()


class AcceptanceRow(Row):
    """``[accept_within]``: how soon a service accepts, by urgency."""

    E1: SpanText
    E2: SpanText
    N: SpanText
    L: SpanText
    C: SpanText

    def record(self) -> dict[Urgency, Span]:
        """By urgency."""
        return {urgency: getattr(self, urgency.value) for urgency in Urgency}


class TemplateRow(Row):
    """``[<code>.<language>]``."""

    subject: LongText
    text: LongText
    short: LongText

    def record(self, code: str, language: str) -> Template:
        """The template."""
        return Template(code, language, self.subject, self.text, self.short)
