"""What codes are called: statuses, kinds, duties, outcomes, roles. English here, other languages in catalogues."""

from enum import Enum
from typing import Final

from appeals.commands import DismissReason, Ground
from appeals.duties import DutyKind, EvidenceKind, Excuse, MissedReason
from appeals.model import Channel, Kind, Result, Status
from appeals.search import Order
from contact_centre.access_log import Event
from contact_centre.bookmarks import Kind as MarkKind
from contact_centre.console.calls.timeline import Phase
from contact_centre.console.languages import N_
from contact_centre.playbacks import How
from recordings.model import Status as Recorded
from telephony.core.call import Direction, QueueOutcome, TransferKind
from telephony.core.call import Role as Party

_ENUMS: Final[tuple[tuple[Enum, str], ...]] = (
    (Status.NEW, N_("Draft")),
    (Status.DISMISSED, N_("No appeal")),
    (Status.REGISTERED, N_("Registered")),
    (Status.CLARIFICATION, N_("Being clarified")),
    (Status.ROUTED, N_("Sent to a service")),
    (Status.ACCEPTED, N_("Accepted")),
    (Status.IN_PROGRESS, N_("In work")),
    (Status.SCHEDULED, N_("Work planned")),
    (Status.FORWARDED_OUT, N_("Forwarded")),
    (Status.DONE_REPORTED, N_("Reported done")),
    (Status.VERIFYING, N_("Being checked")),
    (Status.REWORK, N_("Not done, again")),
    (Status.CLOSED, N_("Closed")),
    (Status.REOPEN_REQUESTED, N_("Asked to reopen")),
    (Status.MERGED, N_("Merged")),
    (Status.RETURNED, N_("Returned")),
    (Status.NOT_CONSIDERED, N_("Not considered")),
    (Kind.CONSULTATION, N_("Consultation")),
    (Kind.OPERATIONAL, N_("Operational")),
    (Kind.FORMAL, N_("Formal")),
    (Channel.PHONE, N_("By telephone")),
    (Channel.WEB, N_("By web")),
    (Channel.WRITTEN, N_("By letter")),
    (Channel.VISIT, N_("In person")),
    (Result.RESOLVED, N_("Resolved")),
    (Result.EXPLAINED, N_("Explained")),
    (Result.REFUSED, N_("Refused")),
    (Result.FORWARDED, N_("Forwarded elsewhere")),
    (Result.NOT_CONSIDERED, N_("Left without consideration")),
    (Result.WITHDRAWN, N_("Withdrawn")),
    (DismissReason.MISDIAL, N_("Wrong number")),
    (DismissReason.SILENCE, N_("Silence")),
    (DismissReason.PRANK, N_("Prank")),
    (DismissReason.ABOUT_ANOTHER, N_("About an appeal that exists")),
    (Ground.ANONYMOUS, N_("Anonymous letter")),
    (Ground.REPEAT, N_("Repeats what was resolved")),
    (DutyKind.INFORM, N_("Tell the applicant")),
    (DutyKind.FORWARDING_CONTROL, N_("Ask whether the referral helped")),
    (DutyKind.ACCEPT, N_("The service must accept")),
    (DutyKind.CALLBACK, N_("Call back")),
    (EvidenceKind.CALL, N_("a call")),
    (EvidenceKind.MESSAGE, N_("a delivered message")),
    (EvidenceKind.STEP, N_("a step in the register")),
    (Excuse.NO_CONTACT, N_("there is nothing to reach them by")),
    (Excuse.UNREACHABLE, N_("could not be reached")),
    (Excuse.CALLBACK, N_("a callback is owed instead")),
    (Excuse.ACCEPTED, N_("accepted")),
    (Excuse.DECLINED, N_("declined")),
    (Excuse.ROUTED_AGAIN, N_("sent to another service")),
    (Excuse.MERGED, N_("merged with another")),
    (Excuse.NOT_DONE, N_("it was not done")),
    (Excuse.WITHDRAWN, N_("withdrawn by the applicant")),
    (Excuse.TOLD_IN_THE_CALL, N_("told in the call")),
    (MissedReason.ABANDONED, N_("hung up while waiting")),
    (MissedReason.TIMED_OUT, N_("waited in vain")),
    (MissedReason.EXITED_EMPTY, N_("no operator was there")),
    (MissedReason.EXITED_BY_KEY, N_("asked for it by key")),
    (MissedReason.PROMISED, N_("was promised a call")),
    (MissedReason.REFUSED, N_("was turned away")),
    (MissedReason.SPECIALIST, N_("the specialist did not answer")),
    (Order.NEWEST, N_("Newest first")),
    (Order.DUE, N_("Due first")),
    (Direction.INBOUND, N_("Incoming")),
    (Direction.OUTBOUND, N_("Outgoing")),
    (Direction.INTERNAL, N_("Internal")),
    (QueueOutcome.ANSWERED, N_("Answered")),
    (QueueOutcome.ABANDONED, N_("Hung up while waiting")),
    (QueueOutcome.TIMED_OUT, N_("Waited in vain")),
    (QueueOutcome.EXITED_EMPTY, N_("No operator was there")),
    (QueueOutcome.EXITED_BY_KEY, N_("Left by key")),
    (QueueOutcome.WITHDRAWN, N_("Taken out of the queue")),
    (QueueOutcome.NOT_QUEUED, N_("Not queued")),
    (Event.SIGNED_IN, N_("Signed in")),
    (Event.REFUSED, N_("Wrong password")),
    (Event.CODE_REFUSED, N_("Wrong code")),
    (Event.SIGNED_OUT, N_("Signed out")),
    (Event.SIGNED_OUT_EVERYWHERE, N_("Signed out everywhere")),
    (Event.PASSWORD_CHANGED, N_("Password changed")),
    (Event.PASSWORD_GIVEN, N_("Password given by the administrator")),
    (Event.SECOND_FACTOR_ON, N_("Second factor switched on")),
    (Event.SECOND_FACTOR_OFF, N_("Second factor switched off")),
    (Event.RECOVERY_CODE_USED, N_("Recovery code used")),
    (Event.CALLS_EXPORTED, N_("Call log exported")),
    (Phase.GREETING, N_("greeting")),
    (Phase.RINGING, N_("ringing")),
    (Phase.QUEUE, N_("queue")),
    (Phase.OPERATOR, N_("operator")),
    (Phase.SPECIALIST, N_("specialist")),
    (Phase.OTHER, N_("another party")),
    (Phase.HOLD, N_("hold")),
    (Phase.HANDOVER, N_("being put through")),
    (Phase.AFTER, N_("after the talk")),
    (Party.CITIZEN, N_("Citizen")),
    (Party.OPERATOR, N_("Operator")),
    (Party.SPECIALIST, N_("Specialist")),
    (Party.OTHER, N_("Another party")),
    (MarkKind.ADDRESS, N_("Address")),
    (MarkKind.PROMISE, N_("Promise")),
    (MarkKind.THREAT, N_("Threat")),
    (MarkKind.OWN, N_("Own mark")),
    (How.LISTENED, N_("listened")),
    (How.DOWNLOADED, N_("downloaded")),
    (Recorded.OK, N_("whole")),
    (Recorded.SHORT, N_("shorter than the call")),
    (Recorded.EMPTY, N_("nothing but silence")),
    (Recorded.MISSING, N_("there is none")),
    (TransferKind.BLIND, N_("put through unannounced")),
    (TransferKind.ATTENDED, N_("put through after a word")),
)
_NAMES: Final = {(type(one), one.value): text for one, text in _ENUMS}
"""By type too: an accepted appeal and an excuse that is ``accepted`` are the same text, and not the same thing."""

ROLES: Final = {
    "operator": N_("Operator"),
    "specialist": N_("Specialist"),
    "executor": N_("Executor"),
    "supervisor": N_("Supervisor"),
    "head": N_("Head"),
    "auditor": N_("Auditor"),
    "mayor": N_("Mayor"),
    "administrator": N_("Administrator"),
}

WHAT_ROLES_DO: Final = {
    "operator": N_(
        "You write appeals down, register them, send them to services and tell applicants what became of them."
    ),
    "specialist": N_(
        "You take calls that operators put through to your telephone. The register needs nothing from you."
    ),
    "executor": N_("You accept or decline what comes to your service, plan the work and report what was done."),
    "supervisor": N_("You decide what was declined or not done twice, what is returned, and what is opened again."),
    "head": N_("You may give a service more time, within the limits of the law."),
    "auditor": N_("You see every appeal with its history and change nothing."),
    "mayor": N_("You see every matter and where it stands, without the people behind it."),
    "administrator": N_("You add people and give passwords on the command line: contact-centre operators."),
}


def word(value: object) -> str:
    """What a code is called; a text that has no name is shown as it is."""
    if isinstance(value, Enum):
        return _NAMES.get((type(value), value.value), str(value.value))
    return ROLES.get(str(value), str(value))


def named(kind: type[Enum]) -> list[Enum]:
    """The members of an enumeration that have a name, in its order."""
    return [one for one in kind if (kind, one.value) in _NAMES]
