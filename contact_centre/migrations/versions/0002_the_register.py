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
        "registration_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year"),
    )
    op.add_column("appeals", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("appeals", sa.Column("applicant_phone", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("applicant_email", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("language", sa.String(), server_default="uk", nullable=False))
    op.add_column("appeals", sa.Column("privileged", sa.Integer(), server_default="0", nullable=False))
    op.add_column("appeals", sa.Column("complained_of", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("district", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("desk", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("proposed_service", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("accept_by", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("scheduled_for", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("extended_until", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("pauses", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("routings", sa.Integer(), server_default="0", nullable=False))
    op.add_column("appeals", sa.Column("declines", sa.Integer(), server_default="0", nullable=False))
    op.add_column("appeals", sa.Column("reworks", sa.Integer(), server_default="0", nullable=False))
    op.add_column("appeals", sa.Column("escalated_at", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("report", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("photos", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("result", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("legal_reference", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("forwarded_to", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("merged_into", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("incident_id", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("closed_at", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("reference_version", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("external_id", sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("study", sa.Integer(), server_default="0", nullable=False))
    op.add_column("appeals", sa.Column("sla", sa.String(), nullable=True))
