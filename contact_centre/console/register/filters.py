"""The filter of the list in the address of its page: the language of ``appeals.search``, as forms write it."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Final, TypeVar

from multidict import MultiMapping

from appeals.errors import RegisterError
from appeals.model import Channel, Kind, Status
from appeals.reference import CITY_TIME
from appeals.search import AppealQuery, Between, Cursor, Order

E = TypeVar("E", bound=Enum)

ON_A_PAGE: Final = 50
LONGEST: Final = 200
TEXTS: Final = ("category", "service", "district", "operator", "line", "incident", "call_id")
DAYS: Final = ("created", "registered", "due")


def query_of(sent: MultiMapping[str]) -> AppealQuery:
    """The question that an address asks. What it does not understand, it does not ask."""
    made = AppealQuery(
        text=_text(sent.get("text")),
        statuses=frozenset(one for one in (_one_of(Status, value) for value in sent.getall("status", [])) if one),
        kind=_one_of(Kind, sent.get("kind")),
        channel=_one_of(Channel, sent.get("channel")),
        overdue="overdue" in sent,
        escalated="escalated" in sent,
        order=_one_of(Order, sent.get("order")),
        limit=ON_A_PAGE,
    )
    texts = {name: _text(sent.get(name)) for name in TEXTS}
    days = {name: Between(_day(sent.get(f"{name}_since")), _day(sent.get(f"{name}_until"), 1)) for name in DAYS}
    asked = replace(made, **texts, **days)  # type: ignore[arg-type]
    return replace(asked, cursor=_cursor(sent.get("cursor"), asked.in_order))


def narrowed(query: AppealQuery) -> bool:
    """Whether anything is asked for but everything."""
    return replace(query, order=None, cursor=None) != AppealQuery(limit=query.limit)


def _one_of(kind: type[E], text: str | None) -> E | None:
    return next((one for one in kind if one.value == text), None)


def _text(text: str | None) -> str | None:
    return (text or "").replace("\0", "").strip()[:LONGEST] or None


def _day(text: str | None, days: int = 0) -> datetime | None:
    """The beginning of a day in the city, or of the day after."""
    try:
        at = datetime.combine(datetime.fromisoformat(text or "").date(), time(), CITY_TIME)
        return at + timedelta(days=days)
    except (ValueError, OverflowError):
        return None


def _cursor(text: str | None, order: Order) -> str | None:
    """A cursor that is one; an address that somebody shortened begins at the first page."""
    if not text:
        return None
    try:
        Cursor.parse(text, order)
    except RegisterError:
        return None
    return text
