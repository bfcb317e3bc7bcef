"""The register's tables. Times are text, ISO 8601 in UTC with milliseconds, so that text order is time order."""

from typing import Final

from sqlalchemy import Column, ColumnElement, Float, ForeignKey, Index, Integer, MetaData, String, Table, literal_column

from appeals.duties import DutyKind
from appeals.model import Status

metadata: Final = MetaData()

appeals: Final = Table(
    "appeals",
    metadata,
    Column("appeal_id", String, primary_key=True),
    Column("drafted_from", String, unique=True),
    Column("registration_number", String),
    Column("kind", String),
    Column("status", String, nullable=False),
    Column("category", String),
    Column("service", String),
    Column("operator", String),
    Column("line", String),
    Column("caller_number", String),
    Column("caller_number_raw", String),
    Column("caller_name", String),
    Column("applicant", String),
    Column("address", String),
    Column("description", String),
    Column("channel", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("registered_at", String),
    Column("due_at", String),
    Column("legal_due_at", String),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("applicant_phone", String),
    Column("applicant_email", String),
    Column("language", String, nullable=False, server_default="uk"),
    Column("privileged", Integer, nullable=False, server_default="0"),
    Column("complained_of", String),
    Column("district", String),
    Column("street", String),
    Column("house", String),
    Column("desk", String),
    Column("proposed_service", String),
    Column("accept_by", String),
    Column("scheduled_for", String),
    Column("extended_until", String),
    Column("pauses", String),
    Column("routings", Integer, nullable=False, server_default="0"),
    Column("declines", Integer, nullable=False, server_default="0"),
    Column("reworks", Integer, nullable=False, server_default="0"),
    Column("escalated_at", String),
    Column("report", String),
    Column("photos", String),
    Column("result", String),
    Column("legal_reference", String),
    Column("forwarded_to", String),
    Column("merged_into", String),
    Column("incident_id", String),
    Column("closed_at", String),
    Column("reference_version", String),
    Column("external_id", String),
    Column("study", Integer, nullable=False, server_default="0"),
    Column("sla", String),
    Index("appeals_created_at", "created_at"),
    Index("appeals_caller_number", "caller_number", "created_at"),
)
"""``drafted_from`` is the call that the draft was made from: one call makes one draft, however often it is told.

Names and meanings are those of ``model.Appeal``; ``pauses`` and ``photos`` are JSON, None when there are none.
"""

registration_counters: Final = Table(
    "registration_counters",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("issued", Integer, nullable=False),
)
"""How many numbers were issued in a year (Europe/Kyiv); raised in the transaction that registers, so without gaps."""

reference_versions: Final = Table(
    "reference_versions",
    metadata,
    Column("version", String, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("content", String, nullable=False),
)
"""Reference data that was ever in force, as JSON; ``sha256`` is of version and content."""

reference_loads: Final = Table(
    "reference_loads",
    metadata,
    Column("load", Integer, primary_key=True),
    Column("version", ForeignKey("reference_versions.version"), nullable=False),
    Column("at", String),
    Column("actor", String),
)
"""Which version came into force, in order; the last one is. ``at`` is None for what came with the program."""

appeal_calls: Final = Table(
    "appeal_calls",
    metadata,
    Column("appeal_id", ForeignKey("appeals.appeal_id"), primary_key=True),
    Column("call_id", String, primary_key=True),
    Column("at", String, nullable=False),
    Index("appeal_calls_call_id", "call_id"),
    sqlite_with_rowid=False,
)
"""Many to many: a citizen may report two things in one call, and call twice about one."""

call_recordings: Final = Table(
    "call_recordings",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("recording_id", String, primary_key=True),
)
"""Recordings hang on the call: they may arrive before the draft, and follow the call wherever it is linked."""

appeal_history: Final = Table(
    "appeal_history",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("appeal_id", ForeignKey("appeals.appeal_id"), nullable=False),
    Column("at", String, nullable=False),
    Column("actor", String),
    Column("event", String, nullable=False),
    Column("details", String, nullable=False),
    Index("appeal_history_appeal_id", "appeal_id"),
)

duties: Final = Table(
    "duties",
    metadata,
    Column("duty_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("appeal_id", ForeignKey("appeals.appeal_id")),
    Column("call_id", String),
    Column("number", String),
    Column("line", String),
    Column("reason", String, nullable=False),
    Column("owner", String),
    Column("opened_at", String, nullable=False),
    Column("due_at", String, nullable=False),
    Column("evidence", String),
    Column("excuse", String),
    Column("closed_at", String),
    Column("evidence_kind", String),
    Column("email", String),
    Column("excuse_reason", String),
    Column("excused_by", String),
    Column("letter", String),
    Column("claimed_at", String),
    Column("promised_for", String),
    Column("words", String),
    Column("specialist", String),
    Column("talked_seconds", Float),
    Column("took_place", Integer),
    Column("replied", Integer),
    Column("prompt", Integer),
    Column("answered_by", String),
    Column("answered_at", String),
    Index("duties_appeal_id", "appeal_id"),
    Index("duties_number", "number", "closed_at"),
    Index("duties_evidence", "evidence"),
    Index("duties_closed_at", "closed_at"),
)
"""Every duty, callbacks too: one row for each missed call. The worklist's entry is a view, ``duties.callbacks``.

From ``specialist`` on, the columns are those of ``duties.Forwarding``.
"""

contact_evidence: Final = Table(
    "contact_evidence",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("connected_seconds", Float),
    Column("at", String, nullable=False),
    Column("ended_at", String),
    Index("contact_evidence_number", "number", "at"),
    sqlite_with_rowid=False,
)

contact_results: Final = Table(
    "contact_results",
    metadata,
    Column("duty_id", String, primary_key=True),
    Column("contact_id", String, primary_key=True),
    Column("result", String, nullable=False),
    Column("number", String),
    Column("at_least", Float, nullable=False),
    Column("given_by", String, nullable=False),
    Column("given_at", String, nullable=False),
    Column("note", String),
    Index("contact_results_contact_id", "contact_id"),
    sqlite_with_rowid=False,
)
"""What an operator says came of a call for a duty; it may be there before the ledger knows that the call is over.

``number`` and ``at_least`` (seconds) are what an outbound call must have reached, and for how long, to count: as they
were when the result was given, so that no later setting changes what was proven.
"""

message_evidence: Final = Table(
    "message_evidence",
    metadata,
    Column("message_id", String, primary_key=True),
    Column("duty_id", String, nullable=False),
    Column("at", String, nullable=False),
    Index("message_evidence_duty_id", "duty_id"),
    sqlite_with_rowid=False,
)
"""Messages that were delivered and told the applicant what a duty is about."""

duty_alerts: Final = Table(
    "duty_alerts",
    metadata,
    Column("duty_id", String, primary_key=True),
    Column("rung", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("way", String, nullable=False),
    Column("role", String, nullable=False),
    Column("address", String),
    sqlite_with_rowid=False,
)
"""Who was told that a service has not accepted an appeal: a row for each rung of the ladder that was climbed."""

_registered: Final[ColumnElement[bool]] = appeals.c.registration_number.is_not(None)

Index(
    "appeals_registration_number",
    appeals.c.registration_number,
    unique=True,
    sqlite_where=_registered,
    postgresql_where=_registered,
)
"""Drafts, which are most of what is written while telephones ring, are not in it."""

_not_draft: Final[ColumnElement[bool]] = appeals.c.status != literal_column(f"'{Status.NEW}'")

Index(
    "appeals_status",
    appeals.c.status,
    appeals.c.created_at,
    sqlite_where=_not_draft,
    postgresql_where=_not_draft,
)
"""Ways to a page of the newest appeals; drafts are not in them either."""

for _column in (
    appeals.c.service,
    appeals.c.category,
    appeals.c.applicant_phone,
    appeals.c.incident_id,
    appeals.c.merged_into,
):
    _given = _column.is_not(None)
    Index(
        f"appeals_{_column.name}",
        _column,
        appeals.c.created_at,
        sqlite_where=_given,
        postgresql_where=_given,
    )

is_callback: Final[ColumnElement[bool]] = duties.c.kind == literal_column(f"'{DutyKind.CALLBACK}'")

Index("duties_callback_call_id", duties.c.call_id, unique=True, sqlite_where=is_callback, postgresql_where=is_callback)
"""One call makes one callback duty."""

is_control: Final[ColumnElement[bool]] = duties.c.kind == literal_column(f"'{DutyKind.FORWARDING_CONTROL}'")

Index("duties_control_call_id", duties.c.call_id, unique=True, sqlite_where=is_control, postgresql_where=is_control)
"""One call makes one forwarding control, however many specialists were tried."""

incidents: Final = Table(
    "incidents",
    metadata,
    Column("incident_id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("category", String, nullable=False),
    Column("district", String),
    Column("street", String),
    Column("text", String),
    Column("expected_end", String),
    Column("lead", ForeignKey("appeals.appeal_id")),
    Column("proposed_at", String),
    Column("opened_at", String),
    Column("opened_by", String),
    Column("ended_at", String),
    Column("ended_by", String),
    Column("end_text", String),
    Column("version", Integer, nullable=False),
    Index("incidents_status", "status"),
)
"""``lead`` is the appeal that the service works on; the others are merged into it."""

incident_callers: Final = Table(
    "incident_callers",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("incident_id", ForeignKey("incidents.incident_id"), nullable=False),
    Column("appeal_id", ForeignKey("appeals.appeal_id"), unique=True),
    Column("call_id", String),
    Column("number", String),
    Column("joined_at", String, nullable=False),
    Column("joined_by", String),
    Column("duty_id", String),
    Index("incident_callers_incident_id", "incident_id"),
    Index("incident_callers_call_id", "call_id"),
)
"""Who reported an incident: an appeal each, or a call of somebody who joined by a key (``joined_by`` is None then)."""

_placed: Final[ColumnElement[bool]] = appeals.c.street.is_not(None)

Index(
    "appeals_place",
    appeals.c.street,
    appeals.c.created_at,
    sqlite_where=_placed,
    postgresql_where=_placed,
)
