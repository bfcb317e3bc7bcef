"""Filters as addresses of pages say them: one reading of texts, choices, days and cursors for every list.

What an address does not say in a way that is understood, it does not ask: a link that somebody shortened still leads to
a list.
"""

from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final, TypeVar
from urllib.parse import urlencode

from multidict import MultiMapping

from appeals.reference import CITY_TIME

E = TypeVar("E", bound=Enum)

ON_A_PAGE: Final = 50
LONGEST: Final = 200
YEARS: Final = range(1900, 3000)
"""A day of another year is a slip of the hand; the first and the last of all cannot even be told in UTC."""
_OF_THE_PAGE: Final = frozenset({"cursor", "done"})
"""What an address says of the page itself, not of what is listed."""


def one_of(kind: type[E], text: str | None) -> E | None:
    """A member of an enumeration by its value."""
    return next((one for one in kind if one.value == text), None)


def text_of(text: str | None) -> str | None:
    """A text that was typed."""
    return (text or "").replace("\0", "").strip()[:LONGEST] or None


def date_of(text: str | None) -> date | None:
    """A day, as ``<input type="date">`` writes it."""
    try:
        day = datetime.fromisoformat(text or "").date()
    except ValueError:
        return None
    return day if day.year in YEARS else None


def beginning(day: date | None, days: int = 0) -> datetime | None:
    """When a day begins in the city, or a day so many days later."""
    return None if day is None else datetime.combine(day, time(), CITY_TIME) + timedelta(days=days)


def leaf(sent: MultiMapping[str], cursor: str | None) -> str:
    """The address of another page of the same list: the filter as it was sent, from a cursor on."""
    kept = [(name, value) for name, value in sent.items() if name not in _OF_THE_PAGE and value]
    return f"?{urlencode([*kept, *([('cursor', cursor)] if cursor else [])])}"
