"""What the worklist's answers, calls and rules are called, and what a refusal says to whoever asked."""

from collections.abc import Callable, Mapping
from typing import Final

from appeals.duties import DutyKind
from appeals.errors import RegisterError
from appeals.evidence import ContactResult, Shortfall
from contact_centre.console.languages import N_
from contact_centre.console.register import words as register
from contact_centre.outbound import CallRefusedError, Refusal
from contact_centre.outbound_results import Made, Stage
from telephony.outbound import Result

TITLES: Final[Mapping[DutyKind, str]] = {
    DutyKind.CALLBACK: N_("To call back"),
    DutyKind.INFORM: N_("To tell"),
    DutyKind.FORWARDING_CONTROL: N_("To ask"),
    DutyKind.ACCEPT: N_("Services to accept"),
}
"""In the order in which they stand over the list; shorter than an entry's own word."""

ANSWERS: Final[Mapping[DutyKind, Mapping[ContactResult, str]]] = {
    DutyKind.INFORM: {
        ContactResult.TOLD: N_("Told"),
        ContactResult.NOT_TOLD: N_("A bad moment, again later"),
        ContactResult.VOICEMAIL: N_("Answering machine"),
        ContactResult.WRONG_PERSON: N_("Somebody else answered"),
        ContactResult.REFUSED_TO_LISTEN: N_("Would not listen"),
    },
    DutyKind.CALLBACK: {
        ContactResult.TOLD: N_("We talked"),
        ContactResult.NOT_TOLD: N_("A bad moment, again later"),
        ContactResult.VOICEMAIL: N_("Answering machine"),
        ContactResult.WRONG_PERSON: N_("Somebody else answered"),
    },
    DutyKind.ACCEPT: {
        ContactResult.TOLD: N_("The service knows"),
        ContactResult.NOT_TOLD: N_("Nobody could take it"),
        ContactResult.VOICEMAIL: N_("Answering machine"),
    },
}
"""What may have come of a call that was answered; that nobody answered, the ledger says."""

STAGES: Final[Mapping[Stage | Result, str]] = {
    Stage.ASKED: N_("Your telephone rings now."),
    Stage.RINGS: N_("It rings there."),
    Stage.TALKS: N_("You are connected."),
    Stage.TALKED: N_("You talked for %(length)s."),
    Stage.NO_ANSWER: N_("Nobody answered."),
    Stage.BUSY: N_("The line was busy."),
    Stage.GIVEN_UP: N_("Hung up here before anybody answered: it does not count as an attempt."),
    Stage.NOT_CONNECTED: N_("Not connected: no such number, or no way out to it. It does not count as an attempt."),
    Result.NOT_PICKED_UP: N_("Your telephone was not picked up: nobody was called."),
    Result.BUSY: N_("Your telephone was in use: nobody was called."),
    Result.ABSENT: N_("Your telephone is not connected: nobody was called."),
    Result.NOT_REACHED: N_("Asterisk does not answer: nobody was called. Calls of citizens may go on; try again."),
    Result.REFUSED: N_("Asterisk refused the call: nobody was called."),
    Result.NO_RECORD: N_("The call never began: the service was interrupted. Try again."),
}
"""What became of a call that was asked for."""

REFUSALS: Final[Mapping[Refusal, str]] = {
    Refusal.NUMBER_INVALID: N_("This is no number that can be called: correct it in the appeal."),
    Refusal.NUMBER_NOT_ALLOWED: N_("Numbers like this may not be called from here; the administrator sets which."),
    Refusal.OWN_NUMBER: N_("This number is the contact centre's own."),
    Refusal.NO_SUCH_OPERATOR: N_("Only operators and supervisors call from here."),
    Refusal.NO_TELEPHONE: N_("You have no telephone here: the administrator gives one."),
    Refusal.NO_SUCH_PURPOSE: N_("What this call was for is gone: load the page again."),
    Refusal.HOURLY_LIMIT: N_("You have called as often within the hour as is allowed. Wait a little."),
}

GUARDS: Final[Mapping[str, str]] = {
    "answer_missing": N_("An answer is missing."),
    "before": N_("This call was over before there was anything to tell."),
    "claimed": N_("%(owner)s is at it already. A supervisor may take it over."),
    "contact_given": N_("The applicant can be reached, so this cannot be excused as such."),
    "duty_closed": N_("It is done already."),
    "in_the_past": N_("A call is promised for a time to come."),
    "no_forwarding": N_("Nobody was referred to a specialist here."),
    "not_answered": N_("Nobody answered this call, so nobody was told."),
    "not_excusable": N_("Only that the applicant was not told can be excused."),
    "not_unreachable": N_(
        "Not yet. Calls at other hours of the day still missing: %(attempts_missing)s. A letter is missing: %(letter)s."
    ),
    "other_number": N_("This call went to another number than the applicant's."),
    "service_duty": N_("The service itself accepts it; you can call the service."),
    "supervisor_corrects": N_("Somebody else said what came of this call: a supervisor may correct it."),
    "text_missing": N_("Say why, in your own words."),
    "text_too_long": N_("This is too long: 1000 characters are kept."),
    "too_short": N_("You were connected too shortly for that."),
    "took_place": N_("The recording shows that they spoke."),
}

LACKS: Final[Mapping[Shortfall, str]] = {
    Shortfall.NO_CALL: N_("Noted. It closes by itself as soon as the call is over."),
    Shortfall.NOT_TOLD: N_("Noted. It stays open."),
}

NO_SUCH: Final = N_("There is no such duty, or none that you may know of.")
NO_NUMBER: Final = N_("There is no number to call.")
NO_CALL: Final = N_("There is no such call.")


def refused(error: RegisterError | CallRefusedError, words: Callable[..., str], who: Callable[[str], str]) -> str:
    """What a refusal says; ``words`` translates, ``who`` names a login."""
    if isinstance(error, CallRefusedError):
        return words(REFUSALS[error.code])
    if error.code == "no_such_duty":
        return words(NO_SUCH)
    text = GUARDS.get(str(error.parameters.get("guard")))
    if text is None:
        return register.told(error, words)
    told = dict(error.parameters)
    if "owner" in told:
        told["owner"] = who(str(told["owner"]))
    told["letter"] = words(N_("yes") if told.get("letter_missing") else N_("no"))
    return words(text, **told)


def became(made: Made, words: Callable[..., str], length: str) -> str:
    """What became of a call that was asked for; ``length`` is how long they talked, as people read it."""
    return words(STAGES[made.stage], length=length)
