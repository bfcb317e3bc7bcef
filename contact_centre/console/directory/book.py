"""Who is in the directory, who of them is there now, and how they are found. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from appeals import terms
from appeals.reference import Calendar, Hours, Name, Reference
from contact_centre.accounts import Account
from contact_centre.hours import changes_at, parse
from telephony.switchboard import PhoneState

FEWEST_LETTERS: Final = 2
"""From so many on something is looked for."""

_INSIDE: Final = 4
"""So many letters are also found within a word: «водоканал» in «Чернівціводоканал»."""


class Group(StrEnum):
    """Whom the directory knows, in the order in which they stand."""

    SPECIALIST = "specialist"
    SERVICE = "service"
    COLLEAGUE = "colleague"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody to speak with: ``extension`` of a telephone of ours, or ``phone`` outside.

    ``there``: whether they are on duty, ``until`` when that changes (None: not for days). ``state`` is the telephone's,
    None without one of ours, or while Asterisk does not say. ``terms`` are those of the name, ``topics`` those of what
    the service does.
    """

    code: str
    group: Group
    name: Name
    extension: str | None
    endpoint: str | None
    phone: str | None
    external: bool
    hours: Hours
    there: bool
    until: datetime | None
    state: PhoneState | None
    topics: tuple[str, ...] = ()

    @property
    def free(self) -> bool:
        """Whether they can be put through to now."""
        return self.extension is not None and self.there and self.state is PhoneState.FREE


def book(reference: Reference, people: Iterable[Account], me: str, at: datetime) -> list[Entry]:
    """Everybody but oneself: specialists, services with whoever has their telephone, colleagues. Nobody's state yet."""
    calendar = reference.calendar
    by_login = {one.login: one for one in people if one.extension is not None}
    topics: dict[str, list[str]] = {}
    for category in reference.categories.values():
        if category.service is not None:
            topics.setdefault(category.service, []).extend(
                (category.name.uk, category.name.en, " ".join(category.keywords))
            )
    entries = []
    for service in reference.services.values():
        account = None if service.endpoint is None else by_login.pop(service.endpoint, None)
        hours = service.hours if account is None or account.hours is None else _hours(account.hours, calendar)
        there, until = changes_at(hours, at, calendar)
        entries.append(
            Entry(
                code=service.code,
                group=Group.SERVICE,
                name=service.name,
                extension=None if account is None else account.extension,
                endpoint=None if account is None else account.sip_account,
                phone=service.phone,
                external=service.external,
                hours=hours,
                there=there,
                until=until,
                state=None,
                topics=tuple(topics.get(service.code, ())),
            )
        )
    entries += [_person(one, calendar, at) for one in by_login.values() if one.login != me]
    return entries


def _person(account: Account, calendar: Calendar, at: datetime) -> Entry:
    hours = Hours.round_the_clock() if account.hours is None else _hours(account.hours, calendar)
    there, until = changes_at(hours, at, calendar)
    return Entry(
        code=account.login,
        group=Group.SPECIALIST if "specialist" in account.roles else Group.COLLEAGUE,
        name=Name(account.name, account.name),
        extension=account.extension,
        endpoint=account.sip_account,
        phone=None,
        external=False,
        hours=hours,
        there=there,
        until=until,
        state=None,
    )


def _hours(text: str, calendar: Calendar) -> Hours:
    """The hours of an account; ones that are none any more (they were when they were written) keep nobody away."""
    try:
        return parse(text, calendar)
    except ValueError:
        return Hours.round_the_clock()


def ordered(entries: Iterable[Entry], language: str) -> list[Entry]:
    """As they stand in the book: by group, who can be put through to first, by name."""
    groups = list(Group)
    return sorted(
        entries, key=lambda one: (groups.index(one.group), not one.free, not one.there, getattr(one.name, language))
    )


def found(entries: Iterable[Entry], question: str, language: str) -> list[Entry]:
    """Those whom a question means, the best first: by name, in any Ukrainian form, by what they do, by their number."""
    words = terms.asked(question)
    if not words or len(question.strip()) < FEWEST_LETTERS:
        return []
    ranked = []
    for place, one in enumerate(ordered(entries, language)):
        ranks = [_rank(one, word) for word in words]
        if None not in ranks:
            ranked.append((max(rank for rank in ranks if rank is not None), place, one))
    return [one for _, _, one in sorted(ranked, key=lambda item: item[:2])]


def _rank(one: Entry, word: terms.Word) -> int | None:
    """How well a word fits: 0 begins a word of the name or is the number, 1 another form, 2 within, 3 what they do."""
    if word.written.isdigit() and any(
        number.lstrip("+").startswith(word.written) for number in (one.extension, one.phone) if number is not None
    ):
        return 0
    named, forms = _known(f"{one.name.uk} {one.name.en}")
    if any(known.startswith(word.written) for known in named):
        return 0
    if word.terms & forms:
        return 1
    if len(word.written) >= _INSIDE and any(word.written in known for known in named):
        return 2
    topics, topic_forms = _known(" ".join(one.topics))
    fits = word.terms & topic_forms or any(known.startswith(word.written) for known in topics)
    return 3 if fits else None


@lru_cache(maxsize=1024)
def _known(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a text as they stand, and under all their forms."""
    words = tuple(terms.words(text))
    return frozenset(word.written for word in words), terms.indexed(text)


def with_states(entries: Iterable[Entry], states: Mapping[str, PhoneState]) -> list[Entry]:
    """With what their telephones are doing, as far as that is known."""
    return [replace(one, state=states.get(one.endpoint or "")) for one in entries]
