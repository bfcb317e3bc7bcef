"""What only SQLite knows how to say: the index of search terms, and indexes on the earlier of an appeal's deadlines."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DEADLINE = "CASE WHEN (due_at <= legal_due_at) THEN due_at ELSE coalesce(legal_due_at, due_at) END"
UNDER_WAY = """status IN ('accepted', 'clarification', 'done_reported', 'forwarded_out', 'in_progress', 'registered',
    'reopen_requested', 'rework', 'routed', 'scheduled', 'verifying')"""


def upgrade() -> None:
    """Add a virtual table and two indexes.

    Of the tokenizers ``ascii`` alone takes letters that are not ASCII as they are: terms are made by ``appeals.terms``.
    Ranking and phrases are not asked for, hence neither positions (``detail``) nor lengths (``columnsize``).
    """
    op.execute(
        "CREATE VIRTUAL TABLE appeal_search USING fts5("
        "terms, content='appeal_terms', content_rowid='place', detail=none, columnsize=0, "
        "tokenize=\"ascii tokenchars '@#'\")"
    )
    op.execute(f"CREATE INDEX appeals_deadline ON appeals ({DEADLINE}, appeal_id) WHERE {UNDER_WAY}")
    op.execute(f"CREATE INDEX appeals_service_deadline ON appeals (service, {DEADLINE}, appeal_id) WHERE {UNDER_WAY}")
