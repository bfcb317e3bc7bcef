"""Alembic's environment: one history over the tables of all packages."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from contact_centre.database import METADATA

engine = create_engine(f"sqlite:///{context.config.attributes['database']}", poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=list(METADATA), render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
