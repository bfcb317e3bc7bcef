"""What an operation of the API is, what it is asked, and what it answers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from appeals.duty_desk import DutyDesk
from appeals.incident_desk import IncidentDesk
from appeals.model import Actor
from appeals.ports import Clock
from appeals.reference import Reference
from appeals.register import Desk
from appeals.search import SearchIndex
from contact_centre.api.tokens import Scope
from contact_centre.writer import SqliteTx, Writer
from telephony.ingest import ToE164


@dataclass(frozen=True, slots=True)
class Site:
    """What the operations work with."""

    desk: Desk
    duties: DutyDesk
    incidents: IncidentDesk
    search: SearchIndex
    reference: Callable[[AsyncConnection], Awaitable[Reference]]
    writer: Writer
    engine: AsyncEngine
    clock: Clock
    to_e164: ToE164

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which all queries see the same moment."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            yield connection


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood. ``query`` and ``body`` are of the operation's types.

    ``expected`` is the version that the program has seen, of operations that need one.
    """

    site: Site
    actor: Actor
    path: Mapping[str, str]
    query: Any = None
    body: Any = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: ``body`` None says that it is done and there is nothing to show.

    ``version`` becomes part of the ETag, ``location`` the path below the API of what was made. ``following`` is the
    cursor of the next page, for the header ``Link``.
    """

    body: object = None
    version: int | None = None
    location: str | None = None
    following: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that programs can ask. ``problems`` are codes beyond those that every request may meet.

    ``path`` is below the API's; ``scope`` None: open to everybody. ``gives`` is the type of the answer, None when there
    is none to show. ``versioned``: the request must say which version it has seen.
    """

    name: str
    method: str
    path: str
    scope: Scope | None
    summary: str
    gives: Any
    status: int = 200
    query: type[Struct] | None = None
    takes: type[Struct] | None = None
    versioned: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Operation):
    """An operation that changes nothing."""

    method: str = "GET"
    do: Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing(Operation):
    """An operation that changes something: all of it in one transaction, the kept answer too."""

    method: str = "POST"
    do: Callable[[Asked, SqliteTx], Answer]
