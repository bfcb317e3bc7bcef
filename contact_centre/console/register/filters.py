"""The filter of the list in the address of its page: the language of ``appeals.search``, as forms write it."""

from dataclasses import replace
from typing import Final

from multidict import MultiMapping

from appeals.errors import RegisterError
from appeals.model import Channel, Kind, Status
from appeals.search import AppealQuery, Between, Cursor, Order
from contact_centre.console.filters import ON_A_PAGE, beginning, date_of, one_of, text_of

TEXTS: Final = ("category", "service", "district", "operator", "line", "incident", "call_id")
DAYS: Final = ("created", "registered", "due")


def query_of(sent: MultiMapping[str]) -> AppealQuery:
    """The question that an address asks. What it does not understand, it does not ask."""
    made = AppealQuery(
        text=text_of(sent.get("text")),
        statuses=frozenset(one for one in (one_of(Status, value) for value in sent.getall("status", [])) if one),
        kind=one_of(Kind, sent.get("kind")),
        channel=one_of(Channel, sent.get("channel")),
        overdue="overdue" in sent,
        escalated="escalated" in sent,
        order=one_of(Order, sent.get("order")),
        limit=ON_A_PAGE,
    )
    texts = {name: text_of(sent.get(name)) for name in TEXTS}
    days = {name: _days(sent, name) for name in DAYS}
    asked = replace(made, **texts, **days)  # type: ignore[arg-type]
    return replace(asked, cursor=_cursor(sent.get("cursor"), asked.in_order))


def narrowed(query: AppealQuery) -> bool:
    """Whether anything is asked for but everything."""
    return replace(query, order=None, cursor=None) != AppealQuery(limit=query.limit)


def _days(sent: MultiMapping[str], name: str) -> Between:
    return Between(beginning(date_of(sent.get(f"{name}_since"))), beginning(date_of(sent.get(f"{name}_until")), 1))


def _cursor(text: str | None, order: Order) -> str | None:
    """A cursor that is one; an address that somebody shortened begins at the first page."""
    if not text:
        return None
    try:
        Cursor.parse(text, order)
    except RegisterError:
        return None
    return text
