"""Looking for appeals in SQL: the filters, alike in every engine, around the terms, which each keeps in its own way."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import rows
from appeals.model import OPEN, Actor, Appeal, Status
from appeals.ports import Tx
from appeals.search import (
    AppealQuery,
    Between,
    Cursor,
    Found,
    Order,
    Scope,
    Term,
    Wanted,
    number_wanted,
    phone_wanted,
    text_wanted,
)
from appeals.store import to_text
from appeals.tables import appeal_calls, appeals

Clauses = tuple[frozenset[Term], ...]
"""One term of each must be there."""

deadline: Final[ColumnElement[str]] = case(
    (appeals.c.due_at <= appeals.c.legal_due_at, appeals.c.due_at),
    else_=func.coalesce(appeals.c.legal_due_at, appeals.c.due_at),
)
"""The earlier of both deadlines, or the only one. Indexed as it stands here (revision 0003)."""

_UNDER_WAY: Final = ", ".join(f"'{one}'" for one in sorted(OPEN - {Status.NEW}))
under_way: Final[ColumnElement[bool]] = literal_column(f"appeals.status IN ({_UNDER_WAY})")
"""Registered and not ended. Literal, as the partial indexes on deadlines have it."""

_NOT_DRAFT: Final[ColumnElement[bool]] = literal_column(f"appeals.status <> '{Status.NEW}'")
"""Literal, as the partial index on the status has it."""


BATCH: Final = 200
"""Appeals that are indexed in one transaction: a tenth of a second in which nobody else writes."""

_NEXT: Final = (
    rows.APPEALS.where(
        appeals.c.appeal_id > bindparam("after"),
        or_(
            _NOT_DRAFT,
            *(
                one.is_not(None)
                for one in (appeals.c.applicant, appeals.c.applicant_phone, appeals.c.address, appeals.c.description)
            ),
        ),
    )
    .order_by(appeals.c.appeal_id)
    .limit(literal_column(str(BATCH), Integer))
    .offset(literal_column("0", Integer))
)
_NAMES: Final = tuple(column.key for column in _NEXT.selected_columns)


def _named(row: tuple[Any, ...]) -> dict[Any, Any]:
    return dict(zip(_NAMES, row, strict=True))


class SqlSearch(ABC):
    """A ``SearchIndex`` of appeals that are rows of ``tables.appeals``."""

    @abstractmethod
    def put(self, tx: Tx, appeal: Appeal) -> None:
        """Keep an appeal's terms in place of those it had."""

    def put_next(self, tx: Tx, after: str) -> str | None:
        """Put the appeals that come next by their id; returns the last one's, None if there are no more.

        Drafts with which nobody has done anything are left out, as they are by commands.
        """
        batch = [rows.appeal(_named(row)) for row in tx.fetch_all(_NEXT, {"after": after})]
        for one in batch:
            self.put(tx, one)
        return batch[-1].appeal_id if batch else None

    @abstractmethod
    def with_terms(self, clauses: Clauses) -> Select[Any]:
        """The ids of all appeals with these terms."""

    @abstractmethod
    def newest(self, statement: Select[Any], clauses: Clauses, after: Cursor | None) -> Select[Any]:
        """Narrow a select of appeals to those with these terms, the newest first, after the cursor's."""

    async def find(self, connection: AsyncConnection, query: AppealQuery, actor: Actor, now: datetime) -> Found:
        """The appeals that ``actor`` may know of and ``query`` wants; see ``search.SearchIndex``."""
        statement = self.statement(query, Scope.of(actor), now)
        found = (await connection.execute(statement.limit(query.limit + 1))).all()
        page = found[: query.limit]
        more = len(found) > len(page)
        cursor = str(Cursor(query.in_order, datetime.fromisoformat(page[-1].at), page[-1].appeal_id)) if more else None
        return Found(tuple(row.appeal_id for row in page), cursor)

    def statement(self, query: AppealQuery, scope: Scope, now: datetime) -> Select[Any]:
        """Ids and times in the order asked for, beginning after the cursor.

        Raises:
            BadQueryError: The cursor is none.
        """
        after = None if query.cursor is None else Cursor.parse(query.cursor, query.in_order)
        conditions = [*_seen(scope), *_plain(query), *_hidden(query, scope), *_timed(query, now)]
        clauses: Clauses = ()
        if query.number is not None:
            conditions.append(self._means(number_wanted(query.number, now), scope))
        if query.phone is not None:
            conditions.append(self._means(phone_wanted(query.phone) if scope.persons else Wanted(), scope))
        if query.text is not None and query.text.strip():
            wanted = text_wanted(query.text, persons=scope.persons, now=now)
            if query.in_order is Order.NEWEST and wanted == Wanted(wanted.clauses) and wanted.clauses:
                clauses = wanted.clauses
                conditions.append(_open_to(scope))
            else:
                conditions.append(self._means(wanted, scope))
        key = appeals.c.created_at if query.in_order is Order.NEWEST else deadline
        statement = select(appeals.c.appeal_id, key.label("at")).where(*conditions)
        if clauses:
            return self.newest(statement, clauses, after)
        return (after_newest if query.in_order is Order.NEWEST else _after_due)(statement, after)

    def _means(self, wanted: Wanted, scope: Scope) -> ColumnElement[bool]:
        hidden: list[ColumnElement[bool]] = []
        if wanted.clauses:
            hidden.append(appeals.c.appeal_id.in_(self.with_terms(wanted.clauses)))
        if wanted.phone is not None:
            hidden += [appeals.c.caller_number == wanted.phone, appeals.c.applicant_phone == wanted.phone]
        either = [and_(_open_to(scope), or_(*hidden))] if hidden else []
        if wanted.numbers:
            either.append(appeals.c.registration_number.in_(wanted.numbers))
        return or_(false(), *either)


def after_newest(statement: Select[Any], after: Cursor | None) -> Select[Any]:
    """The newest appeals first, beginning after the cursor's."""
    newest = (appeals.c.created_at, appeals.c.appeal_id)
    if after is not None:
        statement = statement.where(tuple_(*newest) < tuple_(literal(to_text(after.at)), literal(after.appeal_id)))
    return statement.order_by(*(one.desc() for one in newest))


def _after_due(statement: Select[Any], after: Cursor | None) -> Select[Any]:
    """The appeals under way with the earliest deadline first, beginning after the cursor's."""
    if after is not None:
        later = or_(deadline > to_text(after.at), appeals.c.appeal_id > after.appeal_id)
        statement = statement.where(deadline >= to_text(after.at), later)
    return statement.where(under_way, deadline.is_not(None)).order_by(deadline, appeals.c.appeal_id)


def _seen(scope: Scope) -> list[ColumnElement[bool]]:
    """That there is such an appeal at all."""
    if scope.nothing:
        return [false()]
    return [] if scope.service is None else [appeals.c.service == scope.service]


def _open_to(scope: Scope) -> ColumnElement[bool]:
    """That its words and its place may be known."""
    if scope.desks is None:
        return true()
    if not scope.desks:
        return appeals.c.desk.is_(None)
    return or_(appeals.c.desk.is_(None), appeals.c.desk.in_(sorted(scope.desks)))


def _plain(query: AppealQuery) -> list[ColumnElement[bool]]:
    """What everybody may know of an appeal that they may know of."""
    found: list[ColumnElement[bool]] = []
    if query.statuses:
        found.append(_status(query.statuses))
    if query.kind is not None:
        found.append(appeals.c.kind == query.kind.value)
    if query.channel is not None:
        found.append(appeals.c.channel == query.channel.value)
    if query.service is not None:
        found.append(appeals.c.service == query.service)
    if query.incident is not None:
        found.append(appeals.c.incident_id == query.incident)
    if query.escalated:
        found.append(appeals.c.escalated_at.is_not(None))
    return found


def _hidden(query: AppealQuery, scope: Scope) -> list[ColumnElement[bool]]:
    """What is masked in a restricted appeal; calls also where persons are."""
    found: list[ColumnElement[bool]] = []
    if query.category is not None:
        group = "." not in query.category
        below = appeals.c.category.startswith(f"{query.category}.", autoescape=True)
        found.append(
            or_(appeals.c.category == query.category, below) if group else appeals.c.category == query.category
        )
    if query.district is not None:
        found.append(appeals.c.district == query.district)
    if query.operator is not None:
        found.append(appeals.c.operator == query.operator)
    if query.line is not None:
        found.append(appeals.c.line == query.line)
    if query.call_id is not None:
        linked = select(appeal_calls.c.appeal_id).where(appeal_calls.c.call_id == query.call_id)
        found.append(appeals.c.appeal_id.in_(linked) if scope.persons else false())
    return [*found, _open_to(scope)] if found else []


def _timed(query: AppealQuery, now: datetime) -> list[ColumnElement[bool]]:
    found = [
        *_between(appeals.c.created_at, query.created),
        *_between(appeals.c.registered_at, query.registered),
        *_between(deadline, query.due),
    ]
    if query.overdue:
        found += [under_way, deadline < to_text(now)]
    return found


def _between(column: ColumnElement[Any], asked: Between) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.since is not None:
        found.append(column >= to_text(asked.since))
    if asked.until is not None:
        found.append(column < to_text(asked.until))
    return found


def _status(wanted: frozenset[Status]) -> ColumnElement[bool]:
    """One status is found by its index. Of several the index would be read whole, when the newest are at hand."""
    if len(wanted) > 1:
        return func.coalesce(appeals.c.status, "").in_(sorted(one.value for one in wanted))
    [status] = wanted
    one = appeals.c.status == status.value
    return one if status is Status.NEW else and_(one, _NOT_DRAFT)
