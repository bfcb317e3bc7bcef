"""Both deadlines of an appeal, with their reasons."""

from dataclasses import dataclass, replace

from appeals import clocks
from appeals.deadlines import Deadline
from appeals.model import Appeal, Kind
from appeals.reference import Reference, Span


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What the city promised and what the law demands, each with its reasons; None where there is none."""

    promised: Deadline | None
    legal: Deadline | None


def deadlines(appeal: Appeal, reference: Reference) -> Deadlines:
    """Both deadlines of a registered appeal, counted from its registration. While it is clarified the promise rests."""
    start = appeal.registered_at
    if start is None:
        return Deadlines(None, None)
    promised = (
        None if appeal.sla is None else clocks.sla(Span.parse(appeal.sla), start, appeal.pauses, reference.calendar)
    )
    legal = None
    if appeal.kind is not Kind.CONSULTATION:
        legal = clocks.legal(
            start,
            study=appeal.study,
            privileged=appeal.privileged,
            extended_until=appeal.extended_until,
            calendar=reference.calendar,
        )
    return Deadlines(promised, legal)


def dated(appeal: Appeal, reference: Reference) -> Appeal:
    """With both deadlines as they are now."""
    found = deadlines(appeal, reference)
    rests = any(pause.end is None for pause in appeal.pauses)
    return replace(
        appeal,
        due_at=None if found.promised is None or rests else found.promised.at,
        legal_due_at=None if found.legal is None else found.legal.at,
    )
