"""The database's schema: one Alembic history over the tables of all packages.

Loaded only when there is something to migrate: Alembic costs a command more time than the command itself.
"""

import fcntl
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

import appeals.search_sqlite
import appeals.tables
import contact_centre.access_log
import contact_centre.accounts
import contact_centre.api.idempotency
import contact_centre.api.tokens
import contact_centre.bookmarks
import contact_centre.console.credentials
import contact_centre.console.sessions
import contact_centre.console.throttle
import contact_centre.jobs
import contact_centre.outbound
import contact_centre.outbox
import contact_centre.playbacks
import contact_centre.wrap_ups
import recordings.store
import telephony.gaps
import telephony.store
from contact_centre import tables
from contact_centre.writer import connect

METADATA: Final[tuple[MetaData, ...]] = (
    telephony.store.metadata,
    recordings.store.metadata,
    appeals.tables.metadata,
    appeals.search_sqlite.metadata,
    tables.metadata,
)
"""Everything that one Alembic history covers."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_OWNERS: Final = (
    contact_centre.access_log,
    contact_centre.accounts,
    contact_centre.api.idempotency,
    contact_centre.api.tokens,
    contact_centre.bookmarks,
    contact_centre.console.credentials,
    contact_centre.console.sessions,
    contact_centre.console.throttle,
    contact_centre.jobs,
    contact_centre.outbound,
    contact_centre.outbox,
    contact_centre.playbacks,
    contact_centre.wrap_ups,
    telephony.gaps,
)
"""Importing them fills the metadata."""


def revisions() -> list[str]:
    """All revisions that this program knows, the newest first."""
    return [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


def upgrade(path: Path) -> None:
    """Bring a database, or a new one, to the newest revision, in one transaction; one program at a time.

    It is opened as writers open it first: what turns a file into WAL mode must be alone with it.
    """
    with (path.parent / "schema.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connect(path).close()
        _upgrade(path)


def _upgrade(path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database"] = path
    command.upgrade(config, "head")


def back_up(path: Path, revision: str, now: datetime) -> Path:
    """A copy of the database as it is, whoever writes to it meanwhile."""
    backup = path.parent / "backups" / f"{path.stem}-{revision}-{now:%Y%m%dT%H%M%S}.db"
    backup.parent.mkdir(exist_ok=True)
    part = backup.with_suffix(".part")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    shutil.move(part, backup)
    return backup
