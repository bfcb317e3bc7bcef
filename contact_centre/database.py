"""The database as a whole: is its schema ours, and how it is read."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

HEAD: Final = "0005"
"""The newest revision of the schema (``migrations/versions``)."""


class SchemaError(Exception):
    """The database does not fit this version of the program; the message says what to do."""


def migrate(path: Path, now: datetime) -> Path | None:
    """Bring the database to this program's schema, after a backup; creates it when there is none.

    Returns the backup, if one was made.

    Raises:
        SchemaError: The database is newer than the program, or is not ours.
        OSError, sqlite3.Error: No room or no right for database or backup.
    """
    revision = _revision(path)
    if revision == HEAD:
        return None
    problem = foreign_schema(path)
    if problem is not None:
        raise SchemaError(problem)
    from contact_centre import schema  # noqa: PLC0415 - see its docstring

    path.parent.mkdir(parents=True, exist_ok=True)
    backup = None if revision is None else schema.back_up(path, revision, now)
    schema.upgrade(path)
    return backup


def foreign_schema(path: Path) -> str | None:
    """Why this program cannot use the database and what to do, or None if it can, perhaps after a migration.

    Raises:
        sqlite3.Error: The file is damaged, or no database.
    """
    revision = _revision(path)
    if revision == HEAD:
        return None
    if revision is None:
        if not _tables(path) - {"alembic_version"}:
            return None
        return f"{path}: a database of another program; move it away, or set another state directory"
    from contact_centre import schema  # noqa: PLC0415 - see its docstring

    if revision in schema.revisions():
        return None
    return (
        f"{path}: its schema ({revision}) is newer than this program knows; install the newer program, "
        f"or restore a backup from {path.parent / 'backups'}"
    )


def _revision(path: Path) -> str | None:
    """The schema's revision as Alembic notes it; None when there is no database or nothing in it."""
    if "alembic_version" not in _tables(path):
        return None
    with closing(_look(path)) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _tables(path: Path) -> set[str]:
    if not path.exists():
        return set()
    with closing(_look(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _look(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30)


@asynccontextmanager
async def reading(path: Path, now: datetime) -> AsyncIterator[AsyncEngine]:
    """The database for queries, brought to the present schema first.

    Raises:
        SchemaError: See ``migrate``.
    """
    migrate(path, now)
    engine = readers(path)
    try:
        yield engine
    finally:
        await engine.dispose()


def readers(path: Path) -> AsyncEngine:
    """Connections that only read. Their errors do not show the values of a query: they are citizens' data."""
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def read_only(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.execute("PRAGMA busy_timeout = 30000")
        cursor.close()

    return engine
