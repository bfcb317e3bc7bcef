"""A database as the service finds it: migrated once in each process, and copied for each test."""

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from contact_centre import database


def new_database(path: Path) -> None:
    """Put an empty database of this program's schema there, its folder too; one that is there stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        shutil.copy(_template(), path)


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="contact-centre-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    database.migrate(path, datetime.now(UTC))
    if path.with_name("template.db-wal").exists():
        raise RuntimeError("the migrated database was left open")
    return path
