"""The filter of the call log in the address of its page, and told as a sentence. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from multidict import MultiDict, MultiMapping

from appeals.errors import RegisterError
from appeals.numbers import format_number
from appeals.reference import CITY_TIME
from contact_centre.api.calls import parse_cursor
from contact_centre.console.calls.words import OUTCOMES
from contact_centre.console.filters import beginning, date_of, leaf, one_of, text_of
from contact_centre.console.formats import day
from contact_centre.console.languages import N_
from telephony.core.call import QueueOutcome
from telephony.ingest import ToE164
from telephony.store import CallFilter

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls a page lists. ``since`` and ``until`` are days in the city, both included."""

    since: date | None = None
    until: date | None = None
    number: str | None = None
    line: str | None = None
    operator: str | None = None
    outcome: QueueOutcome | None = None
    before: tuple[datetime, str] | None = None

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked for but everything."""
        return self != CallQuery(before=self.before)

    @property
    def filter(self) -> CallFilter:
        """As the store is asked."""
        return CallFilter(
            since=beginning(self.since),
            until=beginning(self.until, 1),
            number=self.number,
            line=self.line,
            operator=self.operator,
            outcome=None if self.outcome is None else self.outcome.value,
            before=self.before,
        )


def query_of(sent: MultiMapping[str], to_e164: ToE164) -> CallQuery:
    """The question that an address asks. What it does not understand, it does not ask."""
    number = text_of(sent.get("number"))
    return CallQuery(
        since=date_of(sent.get("since")),
        until=date_of(sent.get("until")),
        number=None if number is None else to_e164(number) or number,
        line=text_of(sent.get("line")),
        operator=text_of(sent.get("operator")),
        outcome=one_of(QueueOutcome, sent.get("outcome")),
        before=_before(sent.get("cursor")),
    )


def periods(now: datetime) -> list[tuple[str, date, date]]:
    """Times that have a name: the name, the first and the last day."""
    today = now.astimezone(CITY_TIME).date()
    monday, first = today - today.weekday() * _DAY, today.replace(day=1)
    before = first - _DAY
    return [
        (N_("today"), today, today),
        (N_("yesterday"), today - _DAY, today - _DAY),
        (N_("this week"), monday, monday + 6 * _DAY),
        (N_("last week"), monday - 7 * _DAY, monday - _DAY),
        (N_("this month"), first, (first + 31 * _DAY).replace(day=1) - _DAY),
        (N_("last month"), before.replace(day=1), before),
    ]


def within(sent: MultiMapping[str], first: date, last: date) -> str:
    """The address of the same list, of other days."""
    days = {"since": first.isoformat(), "until": last.isoformat()}
    return leaf(MultiDict([*((name, value) for name, value in sent.items() if name not in days), *days.items()]), None)


def sentence(query: CallQuery, people: Mapping[str, str], now: datetime, words: Callable[..., str]) -> str:
    """What is listed, in words: ``Calls to 588-888, abandoned, this week``."""
    if not query.narrowed:
        return words(N_("All that you may know of"))
    parts = [words(N_("Calls to %(line)s"), line=query.line) if query.line else words(N_("Calls"))]
    if query.number:
        parts.append(words(N_("with the number %(number)s"), number=format_number(query.number)))
    if query.operator:
        parts.append(words(N_("taken by %(name)s"), name=people.get(query.operator, query.operator)))
    if query.outcome is not None:
        parts.append(words(OUTCOMES[query.outcome]))
    parts.append(_period(query, now, words))
    return ", ".join(part for part in parts if part)


def _period(query: CallQuery, now: datetime, words: Callable[..., str]) -> str:
    since, until = query.since, query.until
    today = now.astimezone(CITY_TIME).date()
    for name, first, last in periods(now):
        if since == first and (until == last or (until is None and first <= today <= last)):
            return words(name)
    if since is not None and since == until:
        return words(N_("on %(day)s"), day=day(since))
    if since is not None and until is not None:
        return words(N_("from %(since)s to %(until)s"), since=day(since), until=day(until))
    if since is not None:
        return words(N_("since %(day)s"), day=day(since))
    return words(N_("until the end of %(day)s"), day=day(until)) if until is not None else ""


def _before(cursor: str | None) -> tuple[datetime, str] | None:
    """Where the page begins; an address that somebody shortened begins at the first page."""
    try:
        return parse_cursor(cursor) if cursor else None
    except RegisterError:
        return None
