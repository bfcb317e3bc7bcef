"""The database as a whole: its schema, its backup before a migration, and its readers."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import appeals.store
import contact_centre.accounts
import contact_centre.jobs
import recordings.store
import telephony.store
from contact_centre import tables

METADATA: Final[tuple[MetaData, ...]] = (
    telephony.store.metadata,
    recordings.store.metadata,
    appeals.store.metadata,
    tables.metadata,
)
"""Everything that one Alembic history covers."""

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_OWNERS: Final = (contact_centre.accounts, contact_centre.jobs)  # importing them fills tables.metadata


class SchemaError(Exception):
    """The database does not fit this version of the program; the message says what to do."""


def migrate(path: Path, now: datetime) -> Path | None:
    """Bring the database to this program's schema, after a backup; creates it when there is none.

    Returns the backup, if one was made.

    Raises:
        SchemaError: The database is newer than the program, or is not ours.
        OSError: No room or no right for database or backup.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    script = ScriptDirectory(str(_MIGRATIONS))
    revision = _revision(path)
    if revision == script.get_current_head():
        return None
    problem = foreign_schema(path)
    if problem is not None:
        raise SchemaError(f"{problem}; install the newer program, or restore a backup from {path.parent / 'backups'}")
    backup = None
    if revision is not None:
        backup = path.parent / "backups" / f"{path.stem}-{revision}-{now:%Y%m%dT%H%M%S}.db"
        backup.parent.mkdir(exist_ok=True)
        _copy(path, backup)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["database"] = path
    command.upgrade(config, "head")
    return backup


def foreign_schema(path: Path) -> str | None:
    """Why this program cannot use the database, or None if it can, perhaps after a migration."""
    revision = _revision(path)
    known = {one.revision for one in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
    if revision is None or revision in known:
        return None
    return f"{path}: its schema ({revision}) is newer than this program knows"


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _copy(path: Path, backup: Path) -> None:
    part = backup.with_suffix(".part")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    shutil.move(part, backup)


def readers(path: Path) -> AsyncEngine:
    """Connections that only read."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    @event.listens_for(engine.sync_engine, "connect")
    def read_only(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.execute("PRAGMA busy_timeout = 30000")
        cursor.close()

    return engine
