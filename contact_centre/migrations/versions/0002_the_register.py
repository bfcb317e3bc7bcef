"""The register: what an appeal has beyond its draft, duties, incidents, reference data, messages, tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables and columns."""
    op.create_table(
        "contact_results",
        sa.Column("duty_id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("at_least", sa.Float(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("given_at", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("duty_id", "contact_id"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("contact_results", schema=None) as batch_op:
        batch_op.create_index("contact_results_contact_id", ["contact_id"], unique=False)

    op.create_table(
        "duty_alerts",
        sa.Column("duty_id", sa.String(), nullable=False),
        sa.Column("rung", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("duty_id", "rung"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message_evidence",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("duty_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("message_evidence", schema=None) as batch_op:
        batch_op.create_index("message_evidence_duty_id", ["duty_id"], unique=False)

    op.create_table(
        "reference_versions",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "registration_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=True),
        sa.Column("street", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("expected_end", sa.String(), nullable=True),
        sa.Column("lead", sa.String(), nullable=True),
        sa.Column("proposed_at", sa.String(), nullable=True),
        sa.Column("opened_at", sa.String(), nullable=True),
        sa.Column("opened_by", sa.String(), nullable=True),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("end_text", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lead"], ["appeals.appeal_id"]),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index("incidents_status", ["status"], unique=False)

    op.create_table(
        "reference_loads",
        sa.Column("load", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["version"], ["reference_versions.version"]),
        sa.PrimaryKeyConstraint("load"),
    )
    op.create_table(
        "incident_callers",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("appeal_id", sa.String(), nullable=True),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("joined_at", sa.String(), nullable=False),
        sa.Column("joined_by", sa.String(), nullable=True),
        sa.Column("duty_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.appeal_id"]),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"]),
        sa.PrimaryKeyConstraint("entry"),
        sa.UniqueConstraint("appeal_id"),
    )
    with op.batch_alter_table("incident_callers", schema=None) as batch_op:
        batch_op.create_index("incident_callers_call_id", ["call_id"], unique=False)
        batch_op.create_index("incident_callers_incident_id", ["incident_id"], unique=False)

    op.create_table(
        "appeal_terms",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("appeal_id", sa.String(), nullable=False),
        sa.Column("terms", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
        sa.UniqueConstraint("appeal_id"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("desks", sa.String(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=True),
        sa.Column("revoked_at", sa.String(), nullable=True),
        sa.Column("last_used", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.String(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("token_id", "key"),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index("idempotency_keys_created_at", ["created_at"], unique=False)

    op.create_table(
        "message_attempts",
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("attempt"),
    )
    with op.batch_alter_table("message_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_attempts_message_id"), ["message_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("appeal_id", sa.String(), nullable=True),
        sa.Column("duty_id", sa.String(), nullable=True),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("peer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(), nullable=False),
        sa.Column("queued_at", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("delivered_at", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("event_id", "channel", "address"),
        sa.UniqueConstraint("message_id"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("outbox_appeal_id", ["appeal_id"], unique=False)
        batch_op.create_index(
            "outbox_dead",
            ["position"],
            unique=False,
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        )
        batch_op.create_index(
            "outbox_waiting",
            ["peer", "position"],
            unique=False,
            sqlite_where=sa.text("state = 'queued' OR state = 'sending'"),
            postgresql_where=sa.text("state = 'queued' OR state = 'sending'"),
        )

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("service", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("desks", sa.String(), nullable=True))
        batch_op.alter_column("extension", nullable=True)
        batch_op.alter_column("sip_account", nullable=True)

    with op.batch_alter_table("appeals", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("applicant_phone", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("applicant_email", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("language", sa.String(), server_default="uk", nullable=False))
        batch_op.add_column(sa.Column("privileged", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("complained_of", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("district", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("street", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("house", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("desk", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("proposed_service", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("accept_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("scheduled_for", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("extended_until", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("pauses", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("routings", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("declines", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("reworks", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("escalated_at", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("report", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("photos", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("result", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("legal_reference", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("forwarded_to", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("merged_into", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("incident_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("reference_version", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("external_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("study", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("sla", sa.String(), nullable=True))
        batch_op.create_index(
            "appeals_applicant_phone",
            ["applicant_phone", "created_at"],
            unique=False,
            sqlite_where=sa.text("applicant_phone IS NOT NULL"),
            postgresql_where=sa.text("applicant_phone IS NOT NULL"),
        )
        batch_op.create_index(
            "appeals_category",
            ["category", "created_at"],
            unique=False,
            sqlite_where=sa.text("category IS NOT NULL"),
            postgresql_where=sa.text("category IS NOT NULL"),
        )
        batch_op.create_index(
            "appeals_incident_id",
            ["incident_id", "created_at"],
            unique=False,
            sqlite_where=sa.text("incident_id IS NOT NULL"),
            postgresql_where=sa.text("incident_id IS NOT NULL"),
        )
        batch_op.create_index(
            "appeals_merged_into",
            ["merged_into", "created_at"],
            unique=False,
            sqlite_where=sa.text("merged_into IS NOT NULL"),
            postgresql_where=sa.text("merged_into IS NOT NULL"),
        )
        batch_op.create_index(
            "appeals_place",
            ["street", "created_at"],
            unique=False,
            sqlite_where=sa.text("street IS NOT NULL"),
            postgresql_where=sa.text("street IS NOT NULL"),
        )
        batch_op.create_index(
            "appeals_service",
            ["service", "created_at"],
            unique=False,
            sqlite_where=sa.text("service IS NOT NULL"),
            postgresql_where=sa.text("service IS NOT NULL"),
        )
        batch_op.create_index(
            "appeals_status",
            ["status", "created_at"],
            unique=False,
            sqlite_where=sa.text("status != 'new'"),
            postgresql_where=sa.text("status != 'new'"),
        )

    with op.batch_alter_table("contact_evidence", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_at", sa.String(), nullable=True))

    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.add_column(sa.Column("evidence_kind", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("email", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("excuse_reason", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("excused_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("letter", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("claimed_at", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("promised_for", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("words", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("specialist", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("talked_seconds", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("took_place", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("replied", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("prompt", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("answered_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("answered_at", sa.String(), nullable=True))
        batch_op.create_index(
            "duties_control_call_id",
            ["call_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'forwarding_control'"),
            postgresql_where=sa.text("kind = 'forwarding_control'"),
        )

    with op.batch_alter_table("outbound_calls", schema=None) as batch_op:
        batch_op.create_index(
            "outbound_calls_open",
            ["requested_at"],
            unique=False,
            sqlite_where=sa.text("result IS NULL OR result = 'no_call_record'"),
            postgresql_where=sa.text("result IS NULL OR result = 'no_call_record'"),
        )
