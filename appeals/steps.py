"""What each command does to an appeal once the table allows it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from appeals import clocks, commands
from appeals.commands import LONGEST_TEXT, Command
from appeals.decision import CONTROL_WITHIN, INFORM_WITHIN, Decision, Owed, Situation, written
from appeals.due import dated
from appeals.duties import DutyKind
from appeals.editing import edited, proposed
from appeals.errors import GuardError
from appeals.model import OPEN, Channel, HistoryEntry, Kind, Pause, Result, Role, Status

SECOND: Final = 2
"""The second decline, and the second time that it was not done, go to a supervisor."""
RETURN_WITHIN: Final = timedelta(days=10)
"""Art. 5. Later it is still returned, and the history says that it was late."""
FORWARD_WITHIN: Final = timedelta(days=5)
"""Art. 7. Later it is still forwarded, and the history says that it was late."""

_UNDER_WAY: Final = OPEN - {Status.NEW}


def _note(at: Situation, event: str, /, **details: str | None) -> HistoryEntry:
    return HistoryEntry(at.now, at.actor.login, event, details)


def _step(at: Situation, event: str, changes: Mapping[str, Any], /, **details: str | None) -> Decision:
    return Decision(replace(at.appeal, **changes), (_note(at, event, **details),))


def _edit(at: Situation, command: commands.Edit) -> Decision:
    return Decision(*edited(at, command.changes))


def _dismiss(at: Situation, command: commands.Dismiss) -> Decision:
    return _step(at, "dismissed", {}, reason=command.reason.value)


def _register(at: Situation, command: commands.Register) -> Decision:
    appeal, entries = edited(at, command.changes)
    at = replace(at, appeal=appeal)
    category = at.category
    kind = command.kind or category.kind
    if kind is not Kind.CONSULTATION and not category.no_text:
        written(appeal.description, "description")
    appeal = replace(
        appeal,
        kind=kind,
        study=command.study,
        registered_at=at.now,
        applicant_phone=appeal.applicant_phone or (None if category.no_text else appeal.caller_number),
        reference_version=at.reference.version,
        operator=appeal.operator or (None if Role.SYSTEM in at.actor.roles else at.actor.login),
        desk=category.desk,
        sla=None if category.sla is None else str(category.sla),
        proposed_service=proposed(appeal, at),
    )
    appeal = dated(appeal, at.reference)
    told_in_the_call = appeal.channel in {Channel.PHONE, Channel.VISIT}
    owed = () if told_in_the_call else (Owed(DutyKind.INFORM, "registered", at.now + INFORM_WITHIN),)
    note = _note(at, "registered", kind=kind.value, category=category.code)
    return Decision(appeal, (*entries, note), owed, numbered=True)


def _answer(at: Situation, command: commands.Answer) -> Decision:
    text = command.text.strip()[:LONGEST_TEXT] if command.text else None
    changes = {"result": Result.EXPLAINED, "report": text}
    decision = _step(at, "answered", changes)
    return replace(decision, settles={DutyKind.INFORM: "told_in_the_call"} if at.appeal.calls else {})


def _ask(at: Situation, command: commands.AskClarification) -> Decision:
    question = written(command.question, "question")
    asked = replace(at.appeal, pauses=(*at.appeal.pauses, Pause(at.now, None)))
    return Decision(dated(asked, at.reference), (_note(at, "clarification_asked", question=question),))


def _clarify(at: Situation, command: commands.Clarify) -> Decision:
    answer = written(command.answer, "answer")
    pauses = tuple(pause._replace(end=pause.end or at.now) for pause in at.appeal.pauses)
    clarified = dated(replace(at.appeal, pauses=pauses), at.reference)
    return Decision(clarified, (_note(at, "clarified", answer=answer),))


def _route(at: Situation, command: commands.RouteTo) -> Decision:
    code = command.service or at.appeal.proposed_service
    if code is None:
        raise GuardError("service_missing", "no service is proposed for it: choose one")
    service = at.reference.service(code)
    if code == at.appeal.complained_of:
        raise GuardError("art_7", f"the complaint is about {service.name.uk}: by Art. 7 it cannot go there")
    if service.external:
        raise GuardError("external", f"{service.name.uk} is not the city's: forward it there instead")
    again = at.appeal.routings > 0
    reason = (
        written(command.reason, "reason") if again and at.appeal.status is not Status.REGISTERED else command.reason
    )
    accept_by = clocks.accept_by(at.category.accept_within, at.now, at.reference.calendar).at
    changes = {
        "service": code,
        "accept_by": accept_by,
        "routings": at.appeal.routings + 1,
        "escalated_at": None if at.supervises else at.appeal.escalated_at,
        "scheduled_for": None,
    }
    decision = _step(at, "routed", changes, service=code, before=at.appeal.service, reason=reason)
    owed = (Owed(DutyKind.ACCEPT, "routed", accept_by, owner=code),)
    return replace(decision, owed=owed, settles={DutyKind.ACCEPT: "routed_again"})


def _accept(at: Situation, _: commands.Accept) -> Decision:
    decision = _step(at, "accepted", {"accept_by": None}, service=at.appeal.service)
    return replace(decision, settles={DutyKind.ACCEPT: "accepted"})


def _decline(at: Situation, command: commands.Decline) -> Decision:
    reason = written(command.reason, "reason")
    declines = at.appeal.declines + 1
    changes: dict[str, Any] = {"service": None, "accept_by": None, "declines": declines}
    if declines >= SECOND:
        changes["escalated_at"] = at.now
    decision = _step(at, "declined", changes, service=at.appeal.service, reason=reason)
    return replace(decision, settles={DutyKind.ACCEPT: "declined"})


def _start(at: Situation, _: commands.Start) -> Decision:
    return _step(at, "started", {"scheduled_for": None})


def _schedule(at: Situation, command: commands.Schedule) -> Decision:
    reason = written(command.reason, "reason")
    if command.at <= at.now:
        raise GuardError("in_the_past", "work is planned for a time to come")
    return _step(at, "scheduled", {"scheduled_for": command.at}, at=command.at.isoformat(), reason=reason)


def _report(at: Situation, command: commands.ReportDone) -> Decision:
    text = written(command.text, "text")
    if command.result not in {Result.RESOLVED, Result.EXPLAINED, Result.REFUSED}:
        raise GuardError("result", "a service reports resolved, explained or refused")
    legal = command.legal_reference
    if command.result is Result.REFUSED:
        legal = written(legal, "legal_reference")
    if command.result is Result.RESOLVED and at.category.photo and not command.photos:
        raise GuardError("photo_missing", "this category asks for a photo of what was done")
    changes = {
        "report": text,
        "result": command.result,
        "legal_reference": legal,
        "photos": command.photos,
        "scheduled_for": None,
    }
    decision = _step(at, "done_reported", changes, result=command.result.value)
    return replace(decision, then=commands.Verify())


def _verify(at: Situation, _: commands.Verify) -> Decision:
    told = "refused" if at.appeal.result is Result.REFUSED else "result"
    owed = (Owed(DutyKind.INFORM, told, at.now + INFORM_WITHIN),)
    return replace(_step(at, "verifying", {}), owed=owed)


def _not_done(at: Situation, command: commands.NotDone) -> Decision:
    reason = written(command.reason, "reason")
    reworks = at.appeal.reworks + 1
    changes: dict[str, Any] = {"reworks": reworks, "result": None}
    if reworks >= SECOND:
        changes["escalated_at"] = at.now
    decision = _step(at, "not_done", changes, reason=reason)
    return replace(decision, settles={DutyKind.INFORM: "not_done"})


def _close(at: Situation, command: commands.Close) -> Decision:
    reported = Result.FORWARDED if at.appeal.status is Status.FORWARDED_OUT else at.appeal.result
    result = command.result or reported
    if result is None or result not in _AT_MOST.get(reported, frozenset()):
        given = "nothing" if reported is None else reported.value
        raise GuardError("result", f"reported was {given}: it cannot end as {result.value if result else 'nothing'}")
    return _step(at, "closed", {"result": result, "escalated_at": None}, result=result.value)


_AT_MOST: Final[Mapping[Result | None, frozenset[Result]]] = {
    Result.RESOLVED: frozenset({Result.RESOLVED, Result.EXPLAINED}),
    Result.EXPLAINED: frozenset({Result.EXPLAINED}),
    Result.REFUSED: frozenset({Result.REFUSED}),
    Result.FORWARDED: frozenset({Result.FORWARDED}),
}
"""What was not repaired is never shown as repaired."""


def _request_reopen(at: Situation, command: commands.RequestReopen) -> Decision:
    return _step(at, "reopen_requested", {}, reason=written(command.reason, "reason"))


def _reopen(at: Situation, command: commands.Reopen) -> Decision:
    if at.appeal.service is None:
        raise GuardError("no_service", "no service ever had it: register a new appeal")
    changes = {"closed_at": None, "result": None, "reworks": at.appeal.reworks + 1}
    return _step(at, "reopened", changes, reason=written(command.reason, "reason"))


def _keep_closed(at: Situation, command: commands.KeepClosed) -> Decision:
    reason = written(command.reason, "reason")
    owed = Owed(DutyKind.INFORM, "kept_closed", at.now + INFORM_WITHIN, words=reason)
    return replace(_step(at, "kept_closed", {}, reason=reason), owed=(owed,))


def _merge(at: Situation, command: commands.Merge) -> Decision:
    into = at.into
    if into is None or into.appeal_id == at.appeal.appeal_id:
        raise GuardError("merge_target", "merge it into another appeal")
    if into.status not in _UNDER_WAY:
        raise GuardError("merge_target", f"the other appeal is {into.status.value}")
    if into.desk != at.appeal.desk:
        raise GuardError("merge_target", "restricted appeals are not merged with others")
    decision = _step(
        at, "merged", {"merged_into": into.appeal_id, "accept_by": None}, into=into.registration_number or command.into
    )
    return replace(decision, settles={DutyKind.ACCEPT: "merged"})


def _return(at: Situation, command: commands.Return) -> Decision:
    return _without_service(at, "returned", command.explanation, Result.NOT_CONSIDERED, RETURN_WITHIN)


def _not_consider(at: Situation, command: commands.NotConsider) -> Decision:
    if command.ground is commands.Ground.ANONYMOUS and at.appeal.channel is Channel.PHONE:
        raise GuardError("anonymous_written", "Art. 8 is about anonymous letters: a call is considered")
    if command.ground is commands.Ground.ANONYMOUS and at.appeal.applicant is not None:
        raise GuardError("not_anonymous", "the applicant is named")
    return _without_service(
        at, "not_considered", command.explanation, Result.NOT_CONSIDERED, None, ground=command.ground.value
    )


def _forward_out(at: Situation, command: commands.ForwardOut) -> Decision:
    to = at.reference.service(command.to)
    decision = _without_service(
        at, "forwarded", command.explanation, Result.FORWARDED, FORWARD_WITHIN, to=to.code, forwarded_to=to.code
    )
    control = Owed(DutyKind.FORWARDING_CONTROL, "forwarded", at.now + CONTROL_WITHIN, owner=None)
    return replace(decision, owed=(*decision.owed, control))


def _without_service(
    at: Situation,
    event: str,
    explanation: str,
    result: Result,
    within: timedelta | None,
    forwarded_to: str | None = None,
    **details: str,
) -> Decision:
    """The city's services do not deal with it, and the applicant is told why."""
    start = at.appeal.registered_at or at.now
    late = None if within is None or at.now <= start + within else str((at.now - start - within).days + 1)
    changes = {"result": result, "report": written(explanation, "explanation"), "forwarded_to": forwarded_to}
    decision = _step(at, event, changes, late_days=late, **details)
    return replace(decision, owed=(Owed(DutyKind.INFORM, event, at.now + INFORM_WITHIN),))


def _extend(at: Situation, command: commands.Extend) -> Decision:
    reason = written(command.reason, "reason")
    appeal = at.appeal
    extended = dated(replace(appeal, extended_until=command.until), at.reference)
    if appeal.legal_due_at is None or extended.legal_due_at is None or extended.legal_due_at <= appeal.legal_due_at:
        raise GuardError("not_later", "an extension ends later than the deadline that there is, within 45 days in all")
    changes = {"extended_until": command.until, "legal_due_at": extended.legal_due_at}
    decision = _step(at, "extended", changes, until=command.until.isoformat(), reason=reason)
    return replace(decision, owed=(Owed(DutyKind.INFORM, "extended", at.now + INFORM_WITHIN, words=reason),))


def _withdraw(at: Situation, command: commands.Withdraw) -> Decision:
    if at.followers:
        raise GuardError(
            "others_wait", f"{at.followers} others with the same matter were merged into it and still wait"
        )
    changes = {"result": Result.WITHDRAWN, "accept_by": None}
    decision = _step(at, "withdrawn", changes, reason=written(command.reason, "reason"))
    kinds = (DutyKind.INFORM, DutyKind.ACCEPT, DutyKind.FORWARDING_CONTROL)
    return replace(decision, settles=dict.fromkeys(kinds, "withdrawn"))


EFFECTS: Final[Mapping[type[Command], Callable[[Situation, Any], Decision]]] = {
    commands.Edit: _edit,
    commands.Dismiss: _dismiss,
    commands.Register: _register,
    commands.Answer: _answer,
    commands.AskClarification: _ask,
    commands.Clarify: _clarify,
    commands.RouteTo: _route,
    commands.Accept: _accept,
    commands.Decline: _decline,
    commands.Start: _start,
    commands.Schedule: _schedule,
    commands.ReportDone: _report,
    commands.Verify: _verify,
    commands.NotDone: _not_done,
    commands.Close: _close,
    commands.RequestReopen: _request_reopen,
    commands.Reopen: _reopen,
    commands.KeepClosed: _keep_closed,
    commands.Merge: _merge,
    commands.Return: _return,
    commands.NotConsider: _not_consider,
    commands.ForwardOut: _forward_out,
    commands.Extend: _extend,
    commands.Withdraw: _withdraw,
}
