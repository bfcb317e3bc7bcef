"""The first call: calls and legs, recordings, the register's first part, accounts and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "call_versions",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("superseded_at", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "version"),
    )
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=True),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("caller_number", sa.String(), nullable=True),
        sa.Column("caller_number_raw", sa.String(), nullable=True),
        sa.Column("caller_name", sa.String(), nullable=True),
        sa.Column("dialled_number", sa.String(), nullable=True),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("answered_at", sa.String(), nullable=True),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("queue_outcome", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=True),
        sa.Column("wait_time", sa.Float(), nullable=True),
        sa.Column("talk_time", sa.Float(), nullable=False),
        sa.Column("hold_time", sa.Float(), nullable=False),
        sa.Column("ring_no_answers", sa.Integer(), nullable=False),
        sa.Column("transfers", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("dial_status", sa.String(), nullable=True),
        sa.Column("recovered", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("recorded_from", sa.String(), nullable=True),
        sa.Column("promised_at", sa.String(), nullable=True),
        sa.Column("refused", sa.String(), nullable=True),
        sa.Column("anomalies", sa.String(), nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("calls_caller_number", "calls", ["caller_number", "started_at"], unique=False)
    op.create_index("calls_started_at", "calls", ["started_at"], unique=False)
    op.create_table(
        "ledger_files",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Integer(), nullable=False),
        sa.Column("resume_file", sa.Integer(), nullable=False),
        sa.Column("resume_position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("file_id"),
        sa.UniqueConstraint("fingerprint"),
    )
    op.create_table(
        "ledger_gaps",
        sa.Column("uniqueid", sa.String(), nullable=False),
        sa.Column("hangup_at", sa.String(), nullable=False),
        sa.Column("noted_at", sa.String(), nullable=False),
        sa.Column("appeared_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("uniqueid"),
    )
    op.create_table(
        "quarantine",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("found_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "position"),
    )
    op.create_table(
        "legs",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("uniqueid", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=True),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("answered_at", sa.String(), nullable=True),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.Column("talk_time", sa.Float(), nullable=False),
        sa.Column("hold_time", sa.Float(), nullable=False),
        sa.Column("talks", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.call_id"],
        ),
        sa.PrimaryKeyConstraint("call_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recordings",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("call_duration", sa.Float(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("recording_id"),
        sa.UniqueConstraint("call_id"),
    )
    op.create_index(op.f("ix_recordings_started_at"), "recordings", ["started_at"], unique=False)
    op.create_index(op.f("ix_recordings_status"), "recordings", ["status"], unique=False)
    op.create_table(
        "segments",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "position"),
    )
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.String(), nullable=False),
        sa.Column("drafted_from", sa.String(), nullable=True),
        sa.Column("registration_number", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("operator", sa.String(), nullable=True),
        sa.Column("line", sa.String(), nullable=True),
        sa.Column("caller_number", sa.String(), nullable=True),
        sa.Column("caller_number_raw", sa.String(), nullable=True),
        sa.Column("caller_name", sa.String(), nullable=True),
        sa.Column("applicant", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("registered_at", sa.String(), nullable=True),
        sa.Column("due_at", sa.String(), nullable=True),
        sa.Column("legal_due_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("appeal_id"),
        sa.UniqueConstraint("drafted_from"),
    )
    op.create_index("appeals_caller_number", "appeals", ["caller_number", "created_at"], unique=False)
    op.create_index("appeals_created_at", "appeals", ["created_at"], unique=False)
    op.create_index(
        "appeals_registration_number",
        "appeals",
        ["registration_number"],
        unique=True,
        sqlite_where=sa.text("registration_number IS NOT NULL"),
        postgresql_where=sa.text("registration_number IS NOT NULL"),
    )
    op.create_table(
        "call_recordings",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "recording_id"),
    )
    op.create_table(
        "contact_evidence",
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("connected_seconds", sa.Float(), nullable=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("contact_evidence_number", "contact_evidence", ["number", "at"], unique=False)
    op.create_table(
        "appeal_calls",
        sa.Column("appeal_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"],
            ["appeals.appeal_id"],
        ),
        sa.PrimaryKeyConstraint("appeal_id", "call_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("appeal_calls_call_id", "appeal_calls", ["call_id"], unique=False)
    op.create_table(
        "appeal_history",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"],
            ["appeals.appeal_id"],
        ),
        sa.PrimaryKeyConstraint("entry"),
    )
    op.create_index("appeal_history_appeal_id", "appeal_history", ["appeal_id"], unique=False)
    op.create_table(
        "duties",
        sa.Column("duty_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("appeal_id", sa.String(), nullable=True),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("line", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("opened_at", sa.String(), nullable=False),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("excuse", sa.String(), nullable=True),
        sa.Column("closed_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appeal_id"],
            ["appeals.appeal_id"],
        ),
        sa.PrimaryKeyConstraint("duty_id"),
    )
    op.create_index("duties_appeal_id", "duties", ["appeal_id"], unique=False)
    op.create_index(
        "duties_callback_call_id",
        "duties",
        ["call_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'callback'"),
        postgresql_where=sa.text("kind = 'callback'"),
    )
    op.create_index("duties_closed_at", "duties", ["closed_at"], unique=False)
    op.create_index("duties_evidence", "duties", ["evidence"], unique=False)
    op.create_index("duties_number", "duties", ["number", "closed_at"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("sip_account", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("login"),
        sa.UniqueConstraint("extension"),
        sa.UniqueConstraint("sip_account"),
    )
    op.create_table(
        "jobs",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("due_at", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("done_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_index(
        "jobs_due",
        "jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "outbound_calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("requested_at", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("outbound_calls_operator", "outbound_calls", ["operator", "requested_at"], unique=False)
