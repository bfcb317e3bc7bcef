"""The register's records: who acts, and what an appeal is. Times are aware."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from appeals.duties import Duty


class Kind(StrEnum):
    """What the law and the city's statistics count apart; a draft has none yet."""

    CONSULTATION = "consultation"
    OPERATIONAL = "operational"
    FORMAL = "formal"


class Status(StrEnum):
    """Where an appeal stands; who may move it where is ``appeals.workflow.TRANSITIONS``."""

    NEW = "new"
    DISMISSED = "dismissed"
    REGISTERED = "registered"
    CLARIFICATION = "clarification"
    ROUTED = "routed"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    SCHEDULED = "scheduled"
    FORWARDED_OUT = "forwarded_out"
    DONE_REPORTED = "done_reported"
    VERIFYING = "verifying"
    REWORK = "rework"
    CLOSED = "closed"
    REOPEN_REQUESTED = "reopen_requested"
    MERGED = "merged"
    RETURNED = "returned"
    NOT_CONSIDERED = "not_considered"


ENDED: Final = frozenset({Status.DISMISSED, Status.CLOSED, Status.MERGED, Status.RETURNED, Status.NOT_CONSIDERED})
"""Nothing more is to be done about the matter itself; duties towards the applicant may remain."""

OPEN: Final = frozenset(Status) - ENDED
"""Something is still to be done about the matter; drafts are among them."""


class Channel(StrEnum):
    """How an appeal reached the city."""

    PHONE = "phone"
    WEB = "web"
    WRITTEN = "written"
    VISIT = "visit"


class Result(StrEnum):
    """How an appeal ended. What was not repaired is never ``resolved``."""

    RESOLVED = "resolved"
    EXPLAINED = "explained"
    REFUSED = "refused"
    FORWARDED = "forwarded"
    NOT_CONSIDERED = "not_considered"
    WITHDRAWN = "withdrawn"


class Role(StrEnum):
    """What somebody may do. ``system`` is this program, when a rule or a web request acts."""

    OPERATOR = "operator"
    EXECUTOR = "executor"
    SUPERVISOR = "supervisor"
    HEAD = "head"
    AUDITOR = "auditor"
    MAYOR = "mayor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives a command or reads.

    ``service`` is the code of the service for which an executor acts; ``desks`` are the restricted desks
    (``counselling``, ``violence``) whose appeals this person may see.
    """

    login: str
    roles: frozenset[Role]
    service: str | None = None
    desks: frozenset[str] = frozenset()


class Pause(NamedTuple):
    """While the applicant is asked something the operational clock rests; ``end`` is None while it still does."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of an appeal's history, which only grows. ``event`` is a code, ``details`` its parameters."""

    at: datetime
    actor: str | None
    event: str
    details: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Appeal:
    """A citizen's appeal (звернення).

    A draft has status ``new`` and neither ``registration_number`` nor ``kind``. ``caller_number`` is E.164 or None,
    ``caller_number_raw`` what the network sent; ``caller_name`` is the network's word, ``applicant`` the operator's.
    ``calls`` and ``recordings`` are ids, oldest first.

    ``version`` grows with every change. ``applicant_phone`` (E.164) and ``applicant_email`` are where the applicant
    wants to hear from us. ``privileged`` applicants go first (Art. 20); ``complained_of`` is the service that a
    complaint is about, which never gets it (Art. 7). ``street`` (a code) and ``house``
    are what ``address`` was understood as. ``desk`` alone may see a restricted one. ``accept_by`` is until
    when the service must take it, ``due_at`` the operational and ``legal_due_at`` the legal deadline. ``routings``,
    ``declines`` and ``reworks`` count; ``escalated_at``: since then a supervisor decides. ``report`` is what the
    service says it has done, ``photos`` are ids. ``reference_version`` is the reference data that it was registered
    under.
    """

    appeal_id: str
    registration_number: str | None
    kind: Kind | None
    status: Status
    category: str | None
    service: str | None
    operator: str | None
    line: str | None
    caller_number: str | None
    caller_number_raw: str | None
    caller_name: str | None
    applicant: str | None
    address: str | None
    description: str | None
    channel: Channel
    created_at: datetime
    registered_at: datetime | None
    due_at: datetime | None
    legal_due_at: datetime | None
    calls: tuple[str, ...]
    recordings: tuple[str, ...]
    duties: tuple[Duty, ...]
    history: tuple[HistoryEntry, ...]
    version: int = 1
    applicant_phone: str | None = None
    applicant_email: str | None = None
    language: str = "uk"
    privileged: bool = False
    complained_of: str | None = None
    district: str | None = None
    street: str | None = None
    house: str | None = None
    desk: str | None = None
    proposed_service: str | None = None
    accept_by: datetime | None = None
    scheduled_for: datetime | None = None
    extended_until: date | None = None
    pauses: tuple[Pause, ...] = ()
    routings: int = 0
    declines: int = 0
    reworks: int = 0
    escalated_at: datetime | None = None
    report: str | None = None
    photos: tuple[str, ...] = ()
    result: Result | None = None
    legal_reference: str | None = None
    forwarded_to: str | None = None
    merged_into: str | None = None
    incident_id: str | None = None
    closed_at: datetime | None = None
    reference_version: str | None = None
    external_id: str | None = None
    study: bool = False
    sla: str | None = None
    masked: bool = False
