"""Why a service is proposed, and what the desk says when something is done."""

from collections.abc import Callable, Mapping
from typing import Final

from appeals.reference import Reference, Urgency
from appeals.routing import Reason, ReasonCode
from appeals.similar import Likeness
from contact_centre.console.languages import N_

REASONS: Final[Mapping[ReasonCode, str]] = {
    ReasonCode.RULE: N_("by a rule of the city for this category"),
    ReasonCode.USUAL: N_("usually gets this category"),
    ReasonCode.OFF_DUTY: N_("stands in for %(service)s, which is off duty"),
    ReasonCode.WAITS: N_("off duty now: finds it when it comes"),
    ReasonCode.ART_7: N_("considers complaints about %(service)s (Art. 7)"),
    ReasonCode.EXTERNAL: N_("not the city's: registering forwards it there"),
    ReasonCode.ANSWERED_IN_CALL: N_("You answer this in the call."),
    ReasonCode.NO_SUPERIOR: N_("Nobody is above %(service)s: choose who considers the complaint."),
}

LIKENESS: Final[Mapping[Likeness, str]] = {
    Likeness.SAME_PLACE: N_("same place"),
    Likeness.SAME_CALLER: N_("same caller"),
    Likeness.SAME_STREET: N_("same street"),
}

URGENCY: Final[Mapping[Urgency, str]] = {
    Urgency.E1: N_("Emergency: react at once"),
    Urgency.E2: N_("Urgent: within a day"),
    Urgency.N: N_("Ordinary"),
    Urgency.L: N_("By the law alone"),
    Urgency.C: N_("Answered in the call"),
}


def reason(told: Reason, reference: Reference, language: str, words: Callable[..., str]) -> str:
    """A reason in words."""
    service = reference.services.get(told.parameters.get("service", ""))
    name = "" if service is None else getattr(service.name, language)
    return words(REASONS[told.code], service=name)
