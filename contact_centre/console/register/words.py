"""What the register's actions, fields, events and rules are called, and what an error says to whoever typed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from typing import Final

from appeals.commands import DismissReason, Ground
from appeals.duties import DutyKind, MissedReason
from appeals.errors import RegisterError
from appeals.model import Channel, Kind, Result
from contact_centre.console.formats import day, moment
from contact_centre.console.languages import N_
from contact_centre.console.words import word

ACTIONS: Final[Mapping[str, str]] = {
    "edit": N_("Correct what is written"),
    "dismiss": N_("It is no appeal"),
    "register": N_("Register it"),
    "answer": N_("Answered in the call"),
    "ask_clarification": N_("Ask the applicant something"),
    "clarify": N_("The applicant has answered"),
    "route": N_("Send it to a service"),
    "accept": N_("Accept it"),
    "decline": N_("Decline it"),
    "start": N_("Begin the work"),
    "schedule": N_("Plan the work"),
    "report_done": N_("Report what was done"),
    "not_done": N_("The applicant says: not done"),
    "close": N_("Close it"),
    "request_reopen": N_("Ask to reopen it"),
    "reopen": N_("Reopen it"),
    "keep_closed": N_("Leave it closed"),
    "merge": N_("Merge it with another"),
    "return": N_("Return it to the applicant (Art. 5)"),
    "not_consider": N_("Leave it without consideration (Art. 8)"),
    "forward_out": N_("Forward it outside the city (Art. 7)"),
    "extend": N_("Extend the time (Art. 20)"),
    "withdraw": N_("The applicant withdraws it"),
}

FIELDS: Final[Mapping[str, str]] = {
    "channel": N_("How it came"),
    "category": N_("Category"),
    "address": N_("Address of the problem"),
    "district": N_("District"),
    "description": N_("What it is about"),
    "applicant": N_("Applicant"),
    "applicant_phone": N_("Telephone for news"),
    "applicant_email": N_("E-mail for news"),
    "language": N_("Language of news"),
    "privileged": N_("Privileged by law (Art. 20)"),
    "complained_of": N_("The service complained of (Art. 7)"),
    "kind": N_("Kind"),
    "study": N_("It needs study: a month instead of 15 days"),
    "text": N_("What was said or done"),
    "question": N_("Question"),
    "answer": N_("Answer"),
    "service": N_("Service"),
    "reason": N_("Reason"),
    "at": N_("When"),
    "result": N_("Result"),
    "legal_reference": N_("Article of law"),
    "photos": N_("Photos, one number a line"),
    "into": N_("The other appeal's number"),
    "explanation": N_("Explanation for the applicant"),
    "ground": N_("Ground"),
    "to": N_("Where to"),
    "until": N_("Until"),
    "before": N_("Before"),
    "late_days": N_("Days late"),
    "call_id": N_("Call"),
    "incident": N_("Incident"),
    "duty": N_("Duty"),
    "rung": N_("Who was told"),
}

EVENTS: Final[Mapping[str, str]] = {
    "created": N_("Written down"),
    "edited": N_("Corrected"),
    "dismissed": N_("No appeal"),
    "registered": N_("Registered"),
    "answered": N_("Answered in the call"),
    "clarification_asked": N_("The applicant was asked"),
    "clarified": N_("The applicant answered"),
    "routed": N_("Sent to a service"),
    "accepted": N_("Accepted"),
    "declined": N_("Declined"),
    "started": N_("Work began"),
    "scheduled": N_("Work planned"),
    "done_reported": N_("Reported done"),
    "verifying": N_("Goes to the applicant"),
    "not_done": N_("Not done, says the applicant"),
    "closed": N_("Closed"),
    "reopen_requested": N_("Asked to reopen"),
    "reopened": N_("Reopened"),
    "kept_closed": N_("Left closed"),
    "merged": N_("Merged"),
    "returned": N_("Returned"),
    "not_considered": N_("Not considered"),
    "forwarded": N_("Forwarded"),
    "extended": N_("Time extended"),
    "withdrawn": N_("Withdrawn"),
    "not_accepted": N_("Not accepted in time"),
    "informed": N_("The applicant knows"),
    "not_informed": N_("Not told after all"),
    "incident_joined": N_("Joined to an incident"),
}

REASONS: Final[Mapping[str, str]] = {
    "registered": N_("it was registered"),
    "result": N_("the result"),
    "refused": N_("it was refused"),
    "extended": N_("the time was extended"),
    "kept_closed": N_("it stays closed"),
    "forwarded": N_("it was forwarded"),
    "returned": N_("it was returned"),
    "not_considered": N_("it is not considered"),
    "routed": N_("it was sent to the service"),
    "put_through": N_("put through to a specialist"),
    "incident_ended": N_("the outage is over"),
}
"""Why a duty exists; those of callbacks are ``MissedReason``."""

GUARDS: Final[Mapping[str, str]] = {
    "anonymous_written": N_("Article 8 is about anonymous letters: a call is considered."),
    "art_7": N_("The complaint is about this service: by Article 7 it cannot go there."),
    "category_missing": N_("Choose a category first."),
    "duties_open": N_("The applicant must hear of it first: see what is owed."),
    "email": N_("This is no e-mail address."),
    "escalated": N_("It was declined or not done twice: a supervisor decides."),
    "extended_already": N_("It was extended already; the law allows that once."),
    "external": N_("This service is not the city's: forward it there instead."),
    "in_the_past": N_("Work is planned for a time to come."),
    "incident_open": N_("An incident goes on with it: end that first, its callers are told then."),
    "language": N_("News are written in Ukrainian or English."),
    "merge_target": N_("It cannot be merged with that one: choose another open appeal of the same kind of access."),
    "no_consultation": N_("Only a consultation ends with the answer; a service must do the rest."),
    "no_legal_deadline": N_("A consultation has no deadline to extend."),
    "no_service": N_("No service ever had it: register a new appeal."),
    "no_text": N_("Of such calls nothing is written down: they are only counted."),
    "not_anonymous": N_("The applicant is named, so it is not anonymous."),
    "not_editable": N_("This field cannot be corrected."),
    "not_later": N_("An extension ends later than the deadline that there is, within 45 days in all."),
    "not_text": N_("This field takes a text."),
    "operator_registers": N_("The draft of a call is registered by an operator."),
    "other_service": N_("The appeal is not with your service."),
    "others_wait": N_("Others with the same matter were merged into it and still wait."),
    "phone": N_("This number cannot be called; write it as +380 50 123 45 67."),
    "photo_missing": N_("This category asks for a photo of what was done."),
    "result": N_("It cannot end with this result: what was not repaired is never shown as repaired."),
    "service_missing": N_("No service is proposed for it: choose one."),
    "text_missing": N_("A text is missing: %(field)s."),
    "text_too_long": N_("A text is too long: %(field)s. 4000 characters are kept."),
    "too_late_to_reopen": N_("It ended more than %(days)s days ago: register a new appeal."),
}

CODES: Final[Mapping[str, str]] = {
    "no_such_appeal": N_("There is no such appeal, or none that you may know of."),
    "unknown_reference": N_("The city's lists have nothing of this name: choose from the list."),
    "illegal_transition": N_("The appeal has moved on, and where it stands now this cannot be done."),
    "not_your_role": N_("Your roles do not allow this."),
    "changed_meanwhile": N_(
        "Somebody changed the appeal while you were writing. Look at what is new, then send again."
    ),
    "bad_query": N_("The list cannot be asked for in this way."),
}

_KINDS: Final[Mapping[str, tuple[type[Enum], ...]]] = {
    "channel": (Channel,),
    "kind": (Kind,),
    "result": (Result,),
    "ground": (Ground,),
    "reason": (DismissReason,),
    "duty": (DutyKind,),
}
"""What the parameters of history are codes of."""


def told(error: RegisterError, words: Callable[..., str]) -> str:
    """What an error says to whoever typed; ``words`` translates."""
    text = GUARDS.get(str(error.parameters.get("guard"))) or CODES.get(error.code)
    if text is None:
        return str(error)
    parameters = {name: _parameter(name, value, words) for name, value in error.parameters.items()}
    return words(text, **parameters)


def reason(code: str) -> str:
    """Why a duty exists."""
    if code in REASONS:
        return REASONS[code]
    return word(MissedReason(code)) if code in set(MissedReason) else code


def _parameter(name: str, value: object, words: Callable[..., str]) -> object:
    return words(FIELDS[str(value)]) if name == "field" and value in FIELDS else value


def value(key: str, code: str) -> str:
    """A parameter of a line of history: what its code is called, or the time it names."""
    for kind in _KINDS.get(key, ()):
        with suppress(ValueError):
            return word(kind(code))
    if key in {"at", "until"}:
        with suppress(ValueError):
            return day(date.fromisoformat(code)) if key == "until" else moment(datetime.fromisoformat(code))
    return code
