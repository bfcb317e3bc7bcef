"""The register on SQLite: in a file, with the service's own connection, and in memory."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from appeals.tables import metadata
from contact_centre.writer import SqliteTx, connect, transaction

T = TypeVar("T")
_names = count()


class Register:
    """A database of the register: what is written has committed, what is read comes over another connection."""

    def __init__(self, writing: sqlite3.Connection, url: str) -> None:
        self._writing = writing
        self._url = url

    def write(self, job: Callable[[SqliteTx], T]) -> T:
        with transaction(self._writing) as tx:
            return job(tx)

    async def read(self, query: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        engine = create_async_engine(self._url, poolclass=NullPool)
        async with engine.connect() as connection:
            return await query(connection)

    def statements(self, job: Callable[[SqliteTx], Any]) -> list[str]:
        """The statements that a job runs."""
        seen: list[str] = []
        with transaction(self._writing) as tx:
            self._writing.set_trace_callback(seen.append)
            job(tx)
            self._writing.set_trace_callback(None)
        return seen


def in_file(path: Path) -> tuple[sqlite3.Connection, str]:
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return connect(path), f"sqlite+aiosqlite:///{path}"


def in_memory() -> tuple[sqlite3.Connection, str]:
    uri = f"file:register-{next(_names)}?mode=memory&cache=shared"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool)
    metadata.create_all(engine)
    return connection, f"sqlite+aiosqlite:///{uri}&uri=true"


@pytest.fixture(params=["file", "memory"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    connection, url = in_file(tmp_path / "register.sqlite") if request.param == "file" else in_memory()
    with closing(connection):
        yield Register(connection, url)


@pytest.fixture(scope="session")
def new_register() -> Callable[[], Any]:
    """Fresh registers in memory, for tests that need many."""

    @contextmanager
    def make() -> Iterator[Register]:
        connection, url = in_memory()
        with closing(connection):
            yield Register(connection, url)

    return make
