"""Alembic's environment: one history over the tables of all packages, each upgrade in one transaction.

Python's sqlite3 would commit every CREATE TABLE by itself, and a program killed between two of them would leave a
database that no migration fits. So transactions are begun by hand (SQLAlchemy's recipe for SQLite), as writers at
once: of two programs that find the same old database, the second waits and then finds it new.
"""

from typing import Any

from alembic import context
from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import NullPool

from contact_centre.schema import METADATA

engine = create_engine(
    URL.create("sqlite", database=str(context.config.attributes["database"])),
    poolclass=NullPool,
    connect_args={"timeout": 30},
)


@event.listens_for(engine, "connect")
def _by_hand(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    connection.isolation_level = None


@event.listens_for(engine, "begin")
def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=list(METADATA), render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()
