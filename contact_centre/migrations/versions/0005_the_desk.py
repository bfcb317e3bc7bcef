"""The desk: wrap-ups, bookmarks, playbacks, the directory."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables and columns."""
    op.create_table(
        "bookmarks",
        sa.Column("bookmark_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("made_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("bookmark_id"),
    )
    op.create_index("bookmarks_call", "bookmarks", ["call_id", "at"], unique=False)
    op.create_table(
        "playbacks",
        sa.Column("playback_id", sa.String(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("second", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("playback_id"),
    )
    op.create_index("playbacks_call", "playbacks", ["call_id", "at"], unique=False)
    op.create_index("playbacks_login", "playbacks", ["login", "at"], unique=False)
    op.create_table(
        "wrap_ups",
        sa.Column("wrap_up_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("began", sa.String(), nullable=False),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("forced", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("wrap_up_id"),
    )
    op.create_index("wrap_ups_call", "wrap_ups", ["call_id"], unique=False)
    op.create_index("wrap_ups_login", "wrap_ups", ["login", "began"], unique=False)
    op.create_index(
        "wrap_ups_open",
        "wrap_ups",
        ["login"],
        unique=True,
        sqlite_where=sa.text("ended IS NULL"),
        postgresql_where=sa.text("ended IS NULL"),
    )
    op.add_column("access_log", sa.Column("about", sa.String(), nullable=True))
    op.add_column("accounts", sa.Column("hours", sa.String(), nullable=True))
    op.create_index("outbound_calls_purpose", "outbound_calls", ["purpose", "requested_at"], unique=False)
