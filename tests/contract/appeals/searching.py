"""What the contract of ``SearchIndex`` runs on: a fake that says the rule in few words, SQLite, PostgreSQL."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, NullPool, bindparam, insert, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql.expression import Executable

from appeals import register_store, search_postgres, store, tables
from appeals.model import OPEN, Actor, Appeal, Channel, Role, Status
from appeals.ports import Tx
from appeals.search import (
    AppealQuery,
    Cursor,
    Found,
    Order,
    Wanted,
    number_wanted,
    phone_wanted,
    terms_of,
    text_wanted,
)
from appeals.search_postgres import PostgresSearch
from appeals.search_sqlite import SqliteSearch
from appeals.tables import appeal_calls
from appeals.visibility import seen
from contact_centre.writer import connect, transaction

NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
OPERATOR = Actor("oksana", frozenset({Role.OPERATOR}))


def appeal(appeal_id: str, at: datetime = NOW, **fields: Any) -> Appeal:  # noqa: ANN401 - any field
    """An appeal with nothing but what is said."""
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "registration_number",
            "kind",
            "category",
            "service",
            "operator",
            "line",
            "caller_number",
            "caller_number_raw",
            "caller_name",
            "applicant",
            "address",
            "description",
            "registered_at",
            "due_at",
            "legal_due_at",
        )
    )
    empty = {"calls": (), "recordings": (), "duties": (), "history": ()}
    told = {"status": Status.REGISTERED, "channel": Channel.PHONE, "created_at": at} | fields
    return Appeal(appeal_id=appeal_id, **(nothing | empty | told))


class Searching(Protocol):
    """A register that can be searched."""

    async def keep(self, *appeals: Appeal) -> None:
        """Put appeals into the register and, unless they are drafts, into the index; known ones are changed."""
        ...

    async def page(self, query: AppealQuery, actor: Actor = ...) -> Found:
        """What is found."""
        ...


class Fake:
    """The rule itself: a query is compared with what the actor sees of each appeal, and with nothing else."""

    def __init__(self) -> None:
        self._appeals: dict[str, Appeal] = {}

    async def keep(self, *appeals: Appeal) -> None:
        self._appeals |= {one.appeal_id: one for one in appeals}

    async def page(self, query: AppealQuery, actor: Actor = OPERATOR) -> Found:
        visible = (seen(one, actor) for one in self._appeals.values())
        fitting = [one for one in visible if one is not None and _fits(one, query)]
        newest = query.in_order is Order.NEWEST
        fitting.sort(key=lambda one: (_at(one, query.in_order), one.appeal_id), reverse=newest)
        if query.cursor is not None:
            after = Cursor.parse(query.cursor, query.in_order)
            last = (after.at, after.appeal_id)
            keys = [(_at(one, query.in_order), one.appeal_id) for one in fitting]
            fitting = [one for one, key in zip(fitting, keys, strict=True) if (key < last if newest else key > last)]
        page = fitting[: query.limit]
        more = len(fitting) > query.limit
        cursor = str(Cursor(query.in_order, _at(page[-1], query.in_order), page[-1].appeal_id)) if more else None
        return Found(tuple(one.appeal_id for one in page), cursor)


_terms = lru_cache(maxsize=None)(terms_of)


def _at(one: Appeal, order: Order) -> datetime:
    at = one.created_at if order is Order.NEWEST else _deadline(one)
    assert at is not None
    return at


def _deadline(one: Appeal) -> datetime | None:
    return min((at for at in (one.due_at, one.legal_due_at) if at is not None), default=None)


def _means(one: Appeal, wanted: Wanted) -> bool:
    """The index has no drafts, the register has their numbers."""
    found = _terms(one) if one.status is not Status.NEW else frozenset()
    by_terms = bool(wanted.clauses) and all(any(term.among(found) for term in clause) for clause in wanted.clauses)
    by_phone = wanted.phone is not None and wanted.phone in {one.caller_number, one.applicant_phone}
    return by_terms or by_phone or one.registration_number in wanted.numbers


def _fits(one: Appeal, query: AppealQuery) -> bool:
    under_way = one.status in OPEN - {Status.NEW}
    deadline = _deadline(one)
    exact = ("kind", "channel", "service", "district", "operator", "line")
    return all(
        (
            all(getattr(query, name) in {None, getattr(one, name)} for name in exact),
            not query.statuses or one.status in query.statuses,
            query.category is None
            or one.category == query.category
            or ("." not in query.category and (one.category or "").startswith(f"{query.category}.")),
            query.call_id is None or query.call_id in one.calls,
            query.incident is None or one.incident_id == query.incident,
            not query.escalated or one.escalated_at is not None,
            not query.overdue or (under_way and deadline is not None and deadline < NOW),
            not query.created or one.created_at in query.created,
            not query.registered or one.registered_at in query.registered,
            not query.due or deadline in query.due,
            query.in_order is Order.NEWEST or (under_way and deadline is not None),
            query.number is None or _means(one, number_wanted(query.number, NOW)),
            query.phone is None or _means(one, phone_wanted(query.phone)),
            not (query.text or "").strip() or _means(one, text_wanted(query.text or "", persons=True, now=NOW)),
        )
    )


_LINK = insert(appeal_calls).values({name: bindparam(name) for name in ("appeal_id", "call_id", "at")})


def _keep(tx: Tx, index: SqliteSearch | PostgresSearch, known: dict[str, Appeal], appeals: Sequence[Appeal]) -> None:
    for one in appeals:
        before = known.get(one.appeal_id)
        if before is None:
            register_store.insert_appeal(tx, one)
        else:
            register_store.update_appeal(tx, before, one)
        for call_id in one.calls if before is None else ():
            row = {"appeal_id": one.appeal_id, "call_id": call_id, "at": store.to_text(one.created_at)}
            tx.execute(_LINK, row)
        if one.status is not Status.NEW:
            index.put(tx, one)
        known[one.appeal_id] = replace(one)


class Sqlite:
    """A database file with the schema that migrations make."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{path}", poolclass=NullPool)
        self._known: dict[str, Appeal] = {}
        self._index = SqliteSearch()

    async def keep(self, *appeals: Appeal) -> None:
        with closing(connect(self.path)) as connection, transaction(connection) as tx:
            _keep(tx, self._index, self._known, appeals)

    async def page(self, query: AppealQuery, actor: Actor = OPERATOR) -> Found:
        async with self._engine.connect() as connection:
            return await self._index.find(connection, query, actor, NOW)

    def check(self) -> None:
        """FTS5's own check: it raises unless the index has exactly what the table says."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("INSERT INTO appeal_search (appeal_search, rank) VALUES ('integrity-check', 1)")


class _CoreTx:
    """A ``Tx`` on SQLAlchemy's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> int:
        return self._connection.execute(statement, parameters or {}).rowcount

    def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, object]]) -> None:
        self._connection.execute(statement, list(parameters))

    def fetch_all(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.execute(statement, parameters or {})]


class Postgres:
    """A database of its own on a real PostgreSQL server."""

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self._name = name
        self._engine = create_async_engine(make_url(server).set(database=name), poolclass=NullPool)
        self._known: dict[str, Appeal] = {}
        self._index = PostgresSearch()

    async def create(self) -> None:
        engine = create_async_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {self._name}"))

        def make(connection: Connection) -> None:
            for metadata in (search_postgres.metadata, tables.metadata):
                metadata.create_all(connection)

        await self._write(make)

    async def keep(self, *appeals: Appeal) -> None:
        await self._write(lambda connection: _keep(_CoreTx(connection), self._index, self._known, appeals))

    async def page(self, query: AppealQuery, actor: Actor = OPERATOR) -> Found:
        async with self._engine.connect() as connection:
            return await self._index.find(connection, query, actor, NOW)

    async def _write(self, job: Callable[[Connection], None]) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(job)


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, on a socket in a folder that only it needs."""
    from pgserver.postgres_server import get_server  # noqa: PLC0415 - there are no wheels for the newest Pythons

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder)
    try:
        yield server.get_uri().replace("postgresql:", "postgresql+asyncpg:", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
