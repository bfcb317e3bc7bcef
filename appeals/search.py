"""Looking for appeals: one language of filters for pages, API and command line, and what a search box's text means.

Pure. The terms of an appeal and those of a question are made here; ``SearchIndex`` adapters keep and compare them.
Three kinds of terms share one index: words as they are, ``@`` and a word of somebody's name or address of e-mail, ``#``
and the digits of a telephone number from the last to the first, so that its end is found as a beginning.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Protocol, Self

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import terms
from appeals.errors import RegisterError
from appeals.model import Actor, Appeal, Channel, Kind, Status
from appeals.numbers import parse_number
from appeals.ports import Tx
from appeals.visibility import Sight, sight

DEFAULT_LIMIT: Final = 50
MOST_AT_ONCE: Final = 500
"""Appeals of one page."""

FEWEST_DIGITS: Final = 4
"""Digits that are looked for at the end of telephone numbers."""

FEWEST_LETTERS: Final = 2
"""Letters that are looked for at the beginning of names."""

YEARS: Final = 10
"""A registration number without its year may be of this one or so many before: what the register keeps."""

_PERSON: Final = "@"
_PHONE: Final = "#"

_REGISTRATION: Final = re.compile(r"(?:№\s?)?(20[0-9]{2})\s?[-–/]\s?([0-9]{1,6})")
_SERIAL: Final = re.compile(r"(?:№\s?)?([0-9]{6})")
_DIALLED: Final = re.compile(r"\+?\(?[0-9][-+0-9 ().\N{NO-BREAK SPACE}]*")


class BadQueryError(RegisterError):
    """The question cannot be answered as it was put. ``field`` says what is wrong with it."""

    code = "bad_query"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class Order(StrEnum):
    """``newest``: as they came, the latest first. ``due``: those under way, by the earlier of their deadlines."""

    NEWEST = "newest"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Between:
    """``since`` is inclusive, ``until`` exclusive; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, at: datetime | None) -> bool:
        return at is not None and (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealQuery:
    """Which appeals; a criterion that is None or empty does not narrow, several must all hold.

    ``text`` is what somebody types into a search box: words in any form, a name or its beginning, an address, a
    registration number with or without its year, a telephone number in any spelling or its last digits.
    ``number`` and ``phone`` are the same two alone. ``category`` is a leaf, or a group with all its leaves. ``due`` and
    ``overdue`` look at the earlier of both deadlines. ``cursor`` is what the page before ended with.
    """

    text: str | None = None
    number: str | None = None
    phone: str | None = None
    statuses: frozenset[Status] = frozenset()
    kind: Kind | None = None
    channel: Channel | None = None
    category: str | None = None
    service: str | None = None
    district: str | None = None
    operator: str | None = None
    line: str | None = None
    call_id: str | None = None
    incident: str | None = None
    overdue: bool = False
    escalated: bool = False
    created: Between = Between()
    registered: Between = Between()
    due: Between = Between()
    order: Order | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    @property
    def in_order(self) -> Order:
        """The order asked for; without one, what is overdue by its deadline and anything else the newest first."""
        return self.order or (Order.DUE if self.overdue else Order.NEWEST)

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_AT_ONCE:
            raise BadQueryError("limit", f"a page has 1 to {MOST_AT_ONCE} appeals, not {self.limit}")


@dataclass(frozen=True, slots=True)
class Found:
    """A page: ids in the order asked for, and the cursor of the next page, None if this is the last."""

    appeal_ids: tuple[str, ...]
    cursor: str | None = None


class SearchIndex(Protocol):
    """Finds appeals. What is put in a transaction is found when that has committed."""

    def put(self, tx: Tx, appeal: Appeal) -> None:
        """Keep an appeal's terms in place of those it had."""
        ...

    async def find(self, connection: AsyncConnection, query: AppealQuery, actor: Actor, now: datetime) -> Found:
        """The appeals that ``actor`` may know of and ``query`` wants.

        What of an appeal is hidden from the actor is not compared either: whoever cannot read its words does not learn
        from the length of a list that it has them.

        Raises:
            BadQueryError: The cursor is not one of ours.
        """
        ...


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """A term of the index, or (``prefix``) every term that begins so."""

    text: str
    prefix: bool = False

    def among(self, found: Iterable[str]) -> bool:
        """Whether one of an appeal's terms is meant."""
        return any(one.startswith(self.text) if self.prefix else one == self.text for one in found)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text means: an appeal that has one term of every clause, or is of this phone, or has one of the numbers.

    ``phone`` is E.164. Drafts of calls are not in the index, but known by it. With nothing at all, nothing is wanted.
    """

    clauses: tuple[frozenset[Term], ...] = ()
    phone: str | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may compare, from ``visibility.sight``.

    ``service``: only its appeals, None is all. ``desks``: the restricted desks whose appeals are open to them, None is
    all. ``persons``: they may know who asked. ``nothing``: they see no appeals.
    """

    service: str | None
    desks: frozenset[str] | None
    persons: bool
    nothing: bool = False

    @classmethod
    def of(cls, actor: Actor) -> Self:
        """What ``actor`` may compare. Who sees people of some services only, is taken to see none."""
        anywhere = sight(actor, desk=None, service=None)
        service = actor.service if anywhere is Sight.NOTHING else None
        there = sight(actor, desk=None, service=service)
        everything = sight(actor, desk="", service=service) is not Sight.MASKED
        return cls(service, None if everything else actor.desks, there is Sight.WHOLE, there is Sight.NOTHING)


def needs_index(before: Appeal | None, after: Appeal) -> bool:
    """Whether a change touches what is searched for; cheap, so that most commands make no terms."""
    return before is None or before.status is Status.NEW or _texts(before) != _texts(after)


def terms_of(appeal: Appeal) -> frozenset[str]:
    """Every term under which an appeal is found."""
    matter, persons, phones = _texts(appeal)
    found = set().union(*map(terms.indexed, matter))
    for text in persons:
        for word in terms.words(text or ""):
            found.update(_PERSON + term for term in (word.written, *word.terms, *word.wider))
    for phone in phones:
        digits = _digits(phone or "")
        if len(digits) >= FEWEST_DIGITS:
            found.add(_PHONE + digits[::-1])
    return frozenset(found)


_Texts = tuple[tuple[str | None, ...], tuple[str | None, ...], tuple[str | None, ...]]


def _texts(appeal: Appeal) -> _Texts:
    """What was said about the matter, about persons, and their telephones."""
    matter = (appeal.address, appeal.description, appeal.report, appeal.external_id)
    persons = (appeal.applicant, appeal.caller_name, appeal.applicant_email)
    return matter, persons, (appeal.caller_number or appeal.caller_number_raw, appeal.applicant_phone)


def text_wanted(text: str, *, persons: bool, now: datetime) -> Wanted:
    """What the text of a search box means; without ``persons``, neither names nor telephones are meant."""
    asked = text[: terms.LONGEST_QUESTION].strip()
    if _REGISTRATION.fullmatch(asked):
        return number_wanted(asked, now)
    words = tuple(_clause(word, persons=persons) for word in terms.asked(asked))
    if not _DIALLED.fullmatch(asked) and not _SERIAL.fullmatch(asked):
        return Wanted(words)
    numbers = number_wanted(asked, now).numbers
    phone = phone_wanted(asked) if persons else Wanted()
    if len(words) == 1:  # four digits may be the end of a telephone number, and a number in the text
        return Wanted((words[0].union(*phone.clauses),), phone.phone, numbers)
    return Wanted(phone.clauses or words, phone.phone, numbers)


def phone_wanted(text: str) -> Wanted:
    """A telephone number in any spelling, or its last digits."""
    asked = text[: terms.LONGEST_QUESTION].strip()
    if not _DIALLED.fullmatch(asked):
        return Wanted()
    e164, digits = parse_number(asked).e164, _digits(asked)
    ends = {digits, _digits(e164 or digits)}
    clause = frozenset(Term(_PHONE + end[::-1], prefix=True) for end in ends if len(end) >= FEWEST_DIGITS)
    return Wanted((clause,) if clause else (), e164)


def number_wanted(text: str, now: datetime) -> Wanted:
    """A registration number, with its year (``2026-000123``, ``2026-123``) or in any of the last years (``000123``)."""
    asked = text[: terms.LONGEST_QUESTION].strip()
    if found := _REGISTRATION.fullmatch(asked):
        return Wanted(numbers=(f"{found[1]}-{int(found[2]):06d}",))
    if found := _SERIAL.fullmatch(asked):
        return Wanted(numbers=tuple(f"{now.year + 1 - ago}-{found[1]}" for ago in range(YEARS + 2)))
    return Wanted()


def _clause(word: terms.Word, *, persons: bool) -> frozenset[Term]:
    meant = {Term(term) for term in word.terms}
    if persons:
        meant |= {Term(_PERSON + term) for term in word.terms}
        if len(word.written) >= FEWEST_LETTERS:
            meant.add(Term(_PERSON + word.written, prefix=True))
    return frozenset(meant)


def _digits(text: str) -> str:
    return "".join(one for one in text if one in "0123456789")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last appeal of a page: its time in the page's order, and its id."""

    order: Order
    at: datetime
    appeal_id: str

    def __str__(self) -> str:
        told = msgspec.json.encode((self.order, self.at, self.appeal_id))
        return base64.urlsafe_b64encode(told).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, order: Order) -> Self:
        """Read a cursor of a list in this order.

        Raises:
            BadQueryError: It is none.
        """
        try:
            told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            made = cls(*msgspec.json.decode(told, type=tuple[Order, _Aware, str]))
        except (ValueError, msgspec.MsgspecError) as error:
            raise BadQueryError("cursor", "this is no cursor; begin at the first page") from error
        if made.order is not order:
            raise BadQueryError("cursor", f"this cursor is of a list in another order, {made.order}")
        return made


_Aware = Annotated[datetime, msgspec.Meta(tz=True)]
