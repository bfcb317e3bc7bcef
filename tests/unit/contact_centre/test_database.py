"""The schema: what migrations make is what the tables say; backups; readers that only read."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from contact_centre import database, schema

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OLDER = '''"""An older schema, for the test."""

import sqlalchemy as sa
from alembic import op

revision = "0000"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what a later migration does not touch."""
    op.create_table("notes", sa.Column("note", sa.String()))
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "contact-centre.db"


@pytest.fixture
def an_older_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history in which the first revision has a predecessor."""
    copy = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    first = next((copy / "versions").glob("0001*.py"))
    first.write_text(first.read_text("utf-8").replace("down_revision = None", 'down_revision = "0000"'), "utf-8")
    (copy / "versions" / "0000_older.py").write_text(OLDER, "utf-8")
    monkeypatch.setattr(schema, "MIGRATIONS", copy)


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def declared(name: str | None, kind: str, _parents: object) -> bool:
    """Not the tables in which FTS5 keeps its index."""
    return kind != "table" or not str(name).startswith("appeal_search")


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_what_the_migrations_make_is_what_the_packages_declare(path: Path) -> None:
    assert database.migrate(path, NOW) is None
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": declared})
        assert compare_metadata(context, schema.METADATA) == []  # type: ignore[arg-type]  # several are allowed
    engine.dispose()


def test_the_newest_revision_is_the_one_that_is_compared_with() -> None:
    assert schema.revisions()[0] == database.HEAD


def test_a_database_that_is_up_to_date_is_left_alone(path: Path) -> None:
    database.migrate(path, NOW)
    before = path.read_bytes()
    assert database.migrate(path, NOW) is None
    assert path.read_bytes() == before
    assert not (path.parent / "backups").exists()


@pytest.mark.usefixtures("an_older_schema")
def test_an_older_database_is_backed_up_and_then_migrated(path: Path) -> None:
    older(path)
    backup = database.migrate(path, NOW)
    assert backup == path.parent / "backups" / "contact-centre-0000-20261122T080000.db"
    assert "calls" in tables(path)
    assert tables(backup) == {"alembic_version", "notes"}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT note FROM notes").fetchall() == [("kept",)]
    assert [one.name for one in backup.parent.iterdir()] == [backup.name]


@pytest.mark.usefixtures("an_older_schema")
def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(path: Path) -> None:
    older(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE legs (it TEXT)")
    with pytest.raises(OperationalError, match="table legs already exists"):
        database.migrate(path, NOW)
    assert tables(path) == {"alembic_version", "notes", "legs"}
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE legs")
    database.migrate(path, NOW)
    assert "calls" in tables(path)


def older(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('0000')")
        connection.execute("CREATE TABLE notes (note VARCHAR)")
        connection.execute("INSERT INTO notes VALUES ('kept')")


def test_a_newer_database_is_refused_with_what_to_do(path: Path) -> None:
    database.migrate(path, NOW)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(database.SchemaError, match="newer than this program knows; install the newer program"):
        database.migrate(path, NOW)


async def test_readers_cannot_write_and_their_errors_tell_no_values(path: Path) -> None:
    async with database.reading(path, NOW) as engine, engine.connect() as connection:
        with pytest.raises(OperationalError, match="readonly") as caught:
            await connection.execute(text("DELETE FROM calls WHERE caller_number = :number"), {"number": "0501234567"})
    assert "0501234567" not in str(caught.value)


async def test_a_path_with_odd_characters_is_only_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "м?сто #1 100%" / "contact-centre.db"
    async with database.reading(odd, NOW) as engine, engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM calls"))).scalar_one() == 0
    assert odd.is_file()
