"""What the city decides and may change: categories, services, places, the working calendar, texts.

A ``Reference`` is a frozen snapshot with a version; ``appeals.reference_files`` reads it from the city's files and
``appeals.reference_store`` keeps every version that was ever loaded, so that an appeal registered last year is still
explained by last year's rules.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from appeals.errors import UnknownReferenceError
from appeals.model import Kind

CITY_TIME: Final = ZoneInfo("Europe/Kyiv")
"""Working hours, days and dates are the city's own."""

LANGUAGES: Final = ("uk", "en")
"""What the city speaks to people, its own language first."""


class Unit(StrEnum):
    """What a span is counted in: hours and days of the calendar, or working hours and working days."""

    MINUTES = "min"
    HOURS = "h"
    DAYS = "d"
    WORKING_HOURS = "wh"
    WORKING_DAYS = "wd"


_SPAN: Final = re.compile(r"([1-9][0-9]{0,3})\s?(min|h|d|wh|wd)")


@dataclass(frozen=True, slots=True)
class Span:
    """How long something may take, as the city writes it: ``30min``, ``2h``, ``3d``, ``4wh``, ``5wd``."""

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a span.

        Raises:
            ValueError: It is none.
        """
        found = _SPAN.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no span; write 30min, 2h, 3d, 4wh (working hours) or 5wd (working days)")
        return cls(int(found[1]), Unit(found[2]))

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Name:
    """What people read: Ukrainian first, English beside it."""

    uk: str
    en: str


class Urgency(StrEnum):
    """E1 react in 2 h, E2 in 24 h, N days, L by the legal clock alone, C answered in the call."""

    E1 = "E1"
    E2 = "E2"
    N = "N"
    L = "L"
    C = "C"


@dataclass(frozen=True, slots=True)
class Category:
    """A topic of appeals, a leaf or (``parent`` None) a group of the two-level tree.

    ``code`` is ``group`` or ``group.leaf``. ``sla`` is None where only the legal clock runs. ``desk`` names who alone
    sees its appeals (``counselling``, ``violence``); None is everybody. ``no_text``: a counter only, nothing that the
    citizen said is kept. ``photo``: a report of being done needs one. ``about`` is the service that complaints of this
    category are always about, so that it never gets them (Art. 7). ``phrases`` are beginnings of what the operator
    writes down.
    """

    code: str
    parent: str | None
    name: Name
    kind: Kind
    urgency: Urgency
    service: str | None
    sla: Span | None
    accept_within: Span
    desk: str | None = None
    photo: bool = False
    no_text: bool = False
    priority: bool = False
    keywords: tuple[str, ...] = ()
    about: str | None = None
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody is on duty, by ISO weekday 1-7; a day that is absent is off, ``24:00`` is written 00:00."""

    days: Mapping[int, tuple[tuple[time, time], ...]]

    @classmethod
    def round_the_clock(cls) -> Self:
        """Every hour of every day."""
        return cls({day: ((time(0), time(0)),) for day in range(1, 8)})


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of an escalation ladder: who is told when it is overdue for ``after`` that somebody accepts."""

    after: Span
    role: Name
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Service:
    """A municipal service or enterprise, or (``external``) one that is not the city's: appeals are forwarded there.

    ``phone`` is E.164 or a short number; ``endpoint`` the code of its specialist's telephone, if it has one of ours.
    ``superior`` is the service that considers complaints about it (Art. 7, 16).
    """

    code: str
    name: Name
    external: bool = False
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    endpoint: str | None = None
    hours: Hours = field(default_factory=Hours.round_the_clock)
    ladder: tuple[Rung, ...] = ()
    superior: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Who gets an appeal of ``category`` (a leaf or a whole group) from ``district`` (None is anywhere).

    ``off_duty`` takes it while ``service`` is off duty. The most specific rule wins: leaf before group, district
    before anywhere; without any, the category's usual service.
    """

    category: str
    service: str
    district: str | None = None
    off_duty: str | None = None


@dataclass(frozen=True, slots=True)
class Street:
    """A street: what it is called, what it was called before, and where its houses lie.

    ``districts`` maps a code of a district to house numbers ``((from, to), ...)``; an empty range is the whole street.
    """

    code: str
    name: str
    former: tuple[str, ...] = ()
    districts: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The city's working calendar. Times are the city's own (Europe/Kyiv).

    ``hours`` of an ordinary week; ``days`` are the exceptions, None a day off. ``years`` are those for which the city
    has decided: a deadline in any other says that it assumed ordinary weeks.
    """

    hours: Hours
    days: Mapping[date, tuple[tuple[time, time], ...] | None] = field(default_factory=dict)
    notes: Mapping[date, str] = field(default_factory=dict)
    years: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Template:
    """A text for the applicant or a service: one per code and language, ``{placeholders}`` from a fixed list."""

    code: str
    language: str
    subject: str
    text: str
    short: str
    """For SMS."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Limits of the law and of the city's rules; the law's are not the city's to change, hence no setting for them."""

    reopen: timedelta = timedelta(days=14)
    duplicate: timedelta = timedelta(days=14)
    """How far back an appeal about the same place and category is shown as possibly the same."""
    incident: timedelta = timedelta(minutes=15)
    incident_size: int = 5
    """So many appeals of one category within ``incident`` propose one."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything above at one moment. ``version`` is the digest of the files that it was read from."""

    version: str
    categories: Mapping[str, Category]
    services: Mapping[str, Service]
    districts: Mapping[str, Name]
    streets: Mapping[str, Street]
    routes: tuple[Route, ...]
    calendar: Calendar
    templates: Mapping[tuple[str, str], Template]
    periods: Periods = Periods()

    def category(self, code: str) -> Category:
        """A category that appeals can have.

        Raises:
            UnknownReferenceError: There is no such leaf.
        """
        found = self.categories.get(code)
        if found is None or found.parent is None:
            raise UnknownReferenceError("category", code)
        return found

    def service(self, code: str) -> Service:
        """A service.

        Raises:
            UnknownReferenceError: There is none of this code.
        """
        found = self.services.get(code)
        if found is None:
            raise UnknownReferenceError("service", code)
        return found
