"""The life of an appeal: one table of transitions, and the pure function that takes one.

``TRANSITIONS`` is the whole of it: from where, to where, who, and which rules stand against it. ``decide`` applies a
command to an appeal and says what follows; it reads no clock, writes nothing and raises only for commands that are
illegal. Sources: the Law of Ukraine "On citizens' appeals" (articles at the rules), and rules of the city (proposals).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from appeals import clocks, commands, places, routing
from appeals.commands import Command
from appeals.deadlines import Deadline
from appeals.duties import DutyKind
from appeals.errors import GuardError, IllegalTransitionError, RoleError
from appeals.model import ENDED, OPEN, Actor, Appeal, Channel, HistoryEntry, Kind, Pause, Result, Role, Status
from appeals.numbers import parse_number
from appeals.reference import Category, Reference, Span

LONGEST_TEXT: Final = 4000
"""Characters of a text that people write; Open311's limit for a description."""
SECOND: Final = 2
"""The second decline, and the second time that it was not done, go to a supervisor."""
INFORM_WITHIN: Final = timedelta(hours=24)
"""How soon the applicant is told (proposal)."""
CONTROL_WITHIN: Final = timedelta(hours=24)
"""How soon it is asked whether a contact to which the applicant was referred took place (proposal)."""
RETURN_WITHIN: Final = timedelta(days=10)
"""Art. 5. Later it is still returned, and the history says that it was late."""
FORWARD_WITHIN: Final = timedelta(days=5)
"""Art. 7. Later it is still forwarded, and the history says that it was late."""

EDITABLE: Final = frozenset(
    {
        "category",
        "address",
        "district",
        "description",
        "applicant",
        "applicant_phone",
        "applicant_email",
        "language",
        "privileged",
        "complained_of",
    }
)
_PERSONAL: Final = frozenset({"applicant", "applicant_phone", "applicant_email", "address", "description"})
"""The history says that these were changed, not from what to what: it is shown to more people than they are."""

_EMAIL: Final = re.compile(r"[^@\s<>\"(),:;]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}")
"""Narrower than RFC 5321: what a clerk takes down by ear, and nothing that could mean something to a mail server."""

_OPERATORS: Final = (Role.OPERATOR, Role.SUPERVISOR)
_SUPERVISORS: Final = (Role.SUPERVISOR,)
_EXECUTORS: Final = (Role.EXECUTOR,)
_WORKING: Final = frozenset({Status.ACCEPTED, Status.IN_PROGRESS, Status.SCHEDULED})
_UNDER_WAY: Final = OPEN - {Status.NEW}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision is made from. ``into`` is the appeal that a merge leads to.

    ``followers`` is how many appeals were merged into this one.
    """

    appeal: Appeal
    actor: Actor
    now: datetime
    reference: Reference
    into: Appeal | None = None
    followers: int = 0

    @property
    def category(self) -> Category:
        """The appeal's category.

        Raises:
            GuardError: It has none yet.
            UnknownReferenceError: The reference data no longer has it.
        """
        if self.appeal.category is None:
            raise GuardError("category_missing", "choose a category first")
        return self.reference.category(self.appeal.category)

    @property
    def supervises(self) -> bool:
        """Whether the actor may decide what was escalated."""
        return Role.SUPERVISOR in self.actor.roles


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty that a decision opens; ``reason`` is what the applicant is to be told, or why the duty exists.

    ``words`` is what is to be said besides, such as why more time is taken.
    """

    kind: DutyKind
    reason: str
    due_at: datetime
    owner: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a command. ``appeal`` is as it will be, without its new history, duties and number.

    ``settles`` are kinds of duties that this very step ends, for the reason beside them. ``numbered``: a registration
    number has to be issued. ``then`` is a step that the program itself takes next.
    """

    appeal: Appeal
    entries: tuple[HistoryEntry, ...]
    owed: tuple[Owed, ...] = ()
    settles: Mapping[DutyKind, str] = field(default_factory=dict)
    numbered: bool = False
    then: Command | None = None


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """What an actor may do now; ``blocked`` is the code of a rule that still stands against it."""

    action: str
    blocked: str | None = None


Rule = Callable[[Situation], None]
"""Raises GuardError when the appeal, the actor or the moment does not allow it, whatever the command says."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table. ``target`` None: the appeal stays where it is."""

    command: type[Command]
    sources: frozenset[Status]
    target: Status | None
    roles: tuple[Role, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def action(self) -> str:
        """The command's stable name."""
        return self.command.action


def _own_service(at: Situation) -> None:
    if at.appeal.service is None or at.appeal.service != at.actor.service:
        raise GuardError("other_service", f"the appeal is with {at.appeal.service or 'no service'}, not with yours")


def _escalated(at: Situation) -> None:
    if at.appeal.escalated_at is not None and not at.supervises:
        raise GuardError("escalated", "it was declined or not done twice: a supervisor decides")


def _informed(at: Situation) -> None:
    told = (DutyKind.INFORM, DutyKind.FORWARDING_CONTROL)
    owed = [duty for duty in at.appeal.duties if duty.kind in told and duty.closed_at is None]
    if owed:
        missing = ", ".join(f"{duty.kind.value} ({duty.reason})" for duty in owed)
        raise GuardError(
            "duties_open", f"the applicant must hear of it first: {missing}", duties=[duty.duty_id for duty in owed]
        )


def _formal_or_operational(at: Situation) -> None:
    if at.appeal.legal_due_at is None:
        raise GuardError("no_legal_deadline", "a consultation has no deadline to extend")
    if at.appeal.extended_until is not None:
        raise GuardError("extended_already", f"it was extended already, to {at.appeal.extended_until:%d.%m.%Y}")


def _consultation(at: Situation) -> None:
    if at.appeal.kind is not Kind.CONSULTATION:
        raise GuardError("no_consultation", "only a consultation ends with the answer; a service must do the rest")


def _in_time_to_reopen(at: Situation) -> None:
    ended = at.appeal.closed_at
    if ended is None or at.now > ended + at.reference.periods.reopen:
        days = at.reference.periods.reopen.days
        raise GuardError("too_late_to_reopen", f"it ended more than {days} days ago: register a new appeal", days=days)


def _never_registered_twice(at: Situation) -> None:
    if at.appeal.channel is Channel.PHONE and Role.SYSTEM in at.actor.roles:
        raise GuardError("operator_registers", "a call's draft is registered by an operator")


TRANSITIONS: Final = (
    Transition(commands.Edit, _UNDER_WAY | {Status.NEW}, None, _OPERATORS),
    Transition(commands.Dismiss, frozenset({Status.NEW}), Status.DISMISSED, _OPERATORS),
    Transition(
        commands.Register,
        frozenset({Status.NEW}),
        Status.REGISTERED,
        (*_OPERATORS, Role.SYSTEM),
        (_never_registered_twice,),
    ),
    Transition(commands.Answer, frozenset({Status.REGISTERED}), Status.CLOSED, _OPERATORS, (_consultation,)),
    Transition(commands.AskClarification, frozenset({Status.REGISTERED}), Status.CLARIFICATION, _OPERATORS),
    Transition(commands.Clarify, frozenset({Status.CLARIFICATION}), Status.REGISTERED, _OPERATORS),
    Transition(
        commands.RouteTo,
        frozenset({Status.REGISTERED, Status.ROUTED}),
        Status.ROUTED,
        (*_OPERATORS, Role.SYSTEM),
        (_escalated,),
    ),
    Transition(commands.RouteTo, _WORKING | {Status.REWORK}, Status.ROUTED, _SUPERVISORS),
    Transition(commands.Accept, frozenset({Status.ROUTED}), Status.ACCEPTED, _EXECUTORS, (_own_service,)),
    Transition(commands.Decline, frozenset({Status.ROUTED}), Status.REGISTERED, _EXECUTORS, (_own_service,)),
    Transition(
        commands.Start,
        frozenset({Status.ACCEPTED, Status.SCHEDULED, Status.REWORK}),
        Status.IN_PROGRESS,
        _EXECUTORS,
        (_own_service,),
    ),
    Transition(
        commands.Schedule,
        frozenset({Status.ACCEPTED, Status.IN_PROGRESS}),
        Status.SCHEDULED,
        _EXECUTORS,
        (_own_service,),
    ),
    Transition(commands.ReportDone, _WORKING, Status.DONE_REPORTED, _EXECUTORS, (_own_service,)),
    Transition(commands.Verify, frozenset({Status.DONE_REPORTED}), Status.VERIFYING, (Role.SYSTEM,)),
    Transition(commands.NotDone, frozenset({Status.VERIFYING}), Status.REWORK, _OPERATORS),
    Transition(
        commands.Close,
        frozenset({Status.VERIFYING, Status.FORWARDED_OUT}),
        Status.CLOSED,
        _OPERATORS,
        (_informed,),
    ),
    Transition(
        commands.RequestReopen,
        frozenset({Status.CLOSED}),
        Status.REOPEN_REQUESTED,
        (*_OPERATORS, Role.SYSTEM),
        (_in_time_to_reopen,),
    ),
    Transition(commands.Reopen, frozenset({Status.REOPEN_REQUESTED}), Status.IN_PROGRESS, _SUPERVISORS),
    Transition(commands.KeepClosed, frozenset({Status.REOPEN_REQUESTED}), Status.CLOSED, _SUPERVISORS),
    Transition(commands.Merge, _UNDER_WAY - {Status.REOPEN_REQUESTED}, Status.MERGED, _OPERATORS),
    Transition(commands.Return, frozenset({Status.REGISTERED}), Status.RETURNED, _SUPERVISORS),
    Transition(commands.NotConsider, frozenset({Status.REGISTERED}), Status.NOT_CONSIDERED, _SUPERVISORS),
    Transition(commands.ForwardOut, frozenset({Status.REGISTERED}), Status.FORWARDED_OUT, _OPERATORS, (_escalated,)),
    Transition(commands.Extend, _UNDER_WAY, None, (Role.HEAD,), (_formal_or_operational,)),
    Transition(commands.Withdraw, _UNDER_WAY, Status.CLOSED, _OPERATORS),
)
"""Who may move an appeal where. The same action may stand twice, for different states and roles."""

_FROM: Final = {status: tuple(row for row in TRANSITIONS if status in row.sources) for status in Status}


def allowed_actions(appeal: Appeal, actor: Actor, now: datetime, reference: Reference) -> tuple[AllowedAction, ...]:
    """What ``actor`` may do with the appeal now, in the order of the table."""
    at = Situation(appeal, actor, now, reference)
    allowed = []
    for row in _FROM[appeal.status]:
        if actor.roles.isdisjoint(row.roles):
            continue
        try:
            for rule in row.rules:
                rule(at)
        except GuardError as error:
            allowed.append(AllowedAction(row.action, error.guard))
        else:
            allowed.append(AllowedAction(row.action))
    return tuple(allowed)


def decide(
    appeal: Appeal,
    command: Command,
    actor: Actor,
    now: datetime,
    reference: Reference,
    into: Appeal | None = None,
    followers: int = 0,
) -> Decision:
    """Apply a command; pure.

    ``appeal`` comes with its duties; ``into`` is the appeal that a ``Merge`` names, ``followers`` is how many were
    merged into this one.

    Raises:
        IllegalTransitionError: Not from this state; the error names what is allowed, and for whom.
        RoleError: The actor's roles do not allow it.
        GuardError: A rule stands against it, or the command lacks something.
        UnknownReferenceError: A category or service does not exist.
    """
    row = _row(appeal, command, actor)
    at = Situation(appeal, actor, now, reference, into, followers)
    for rule in row.rules:
        rule(at)
    decision = _EFFECTS[type(command)](at, command)
    if not decision.entries:  # nothing to tell: nothing has changed
        return decision
    after = decision.appeal
    if row.target is not None:
        after = replace(after, status=row.target)
    if row.target in ENDED and after.closed_at is None:
        after = replace(after, closed_at=now)
    return replace(decision, appeal=replace(after, version=appeal.version + 1))


def _row(appeal: Appeal, command: Command, actor: Actor) -> Transition:
    rows = [row for row in _FROM[appeal.status] if row.command is type(command)]
    if not rows:
        allowed = [(row.action, [role.value for role in row.roles]) for row in _FROM[appeal.status]]
        raise IllegalTransitionError(command.action, appeal.status.value, allowed)
    for row in rows:
        if not actor.roles.isdisjoint(row.roles):
            return row
    raise RoleError(command.action, sorted({role.value for row in rows for role in row.roles}))


def _text(value: str | None, what: str) -> str:
    """A text that a person must write.

    Raises:
        GuardError: It is empty or too long.
    """
    text = (value or "").strip()
    if not text:
        raise GuardError("text_missing", f"{what} is missing", field=what)
    if len(text) > LONGEST_TEXT:
        raise GuardError("text_too_long", f"{what} has more than {LONGEST_TEXT} characters", field=what)
    return text


def _note(at: Situation, event: str, /, **details: str | None) -> HistoryEntry:
    return HistoryEntry(at.now, at.actor.login, event, details)


def _step(at: Situation, event: str, changes: Mapping[str, Any], /, **details: str | None) -> Decision:
    return Decision(replace(at.appeal, **changes), (_note(at, event, **details),))


def _edited(at: Situation, changes: Mapping[str, str | bool | None]) -> tuple[Appeal, tuple[HistoryEntry, ...]]:
    unknown = sorted(changes.keys() - EDITABLE)
    if unknown:
        raise GuardError("not_editable", f"cannot be edited: {', '.join(unknown)}", fields=unknown)
    clean = {name: _field(name, value) for name, value in changes.items()}
    changed = {name: value for name, value in clean.items() if value != getattr(at.appeal, name)}
    if not changed:
        return at.appeal, ()
    if changed.get("complained_of") is not None:
        at.reference.service(str(changed["complained_of"]))
    appeal = replace(at.appeal, **changed)  # type: ignore[arg-type]
    if "address" in changed:
        place = places.parse(appeal.address or "", at.reference.streets)
        street = None if place.street is None else place.street.code
        district = appeal.district if "district" in changed else place.district
        appeal = replace(appeal, street=street, house=place.house, district=district)
    if "category" in changed:
        appeal = _categorised(appeal, at)
    if appeal.category is not None and at.reference.category(appeal.category).no_text:
        if any(changed.get(name) for name in _PERSONAL):
            raise GuardError("no_text", "of such calls nothing is written down: they are only counted")
        appeal = replace(appeal, street=None, house=None, **dict.fromkeys(_PERSONAL))  # type: ignore[arg-type]
    if appeal.status is not Status.NEW and "category" in changed:
        sla = at.reference.category(str(appeal.category)).sla
        appeal = _dated(replace(appeal, sla=None if sla is None else str(sla)), at.reference)
    appeal = replace(appeal, proposed_service=_proposed(appeal, at))
    shown = {name: None if name in _PERSONAL else str(value) for name, value in sorted(changed.items())}
    return appeal, (HistoryEntry(at.now, at.actor.login, "edited", shown),)


def _proposed(appeal: Appeal, at: Situation) -> str | None:
    """The service that the city's rules propose."""
    if appeal.category is None:
        return None
    return routing.propose(at.reference, appeal.category, appeal.district, at.now, appeal.complained_of).service


def _field(name: str, value: str | bool | None) -> str | bool | None:
    if name == "privileged":
        return bool(value)
    if name == "language":
        if value not in {"uk", "en"}:
            raise GuardError("language", f"{value!r}: the languages are uk and en")
        return value
    if isinstance(value, bool):
        raise GuardError("not_text", f"{name} is a text", field=name)
    text = (value or "").strip()
    if len(text) > LONGEST_TEXT:
        raise GuardError("text_too_long", f"{name} has more than {LONGEST_TEXT} characters", field=name)
    if not text:
        return None
    if name == "applicant_phone":
        number = parse_number(text).e164
        if number is None:
            raise GuardError("phone", "no number that can be called; write it as +380 50 123 45 67", field=name)
        return number
    if name == "applicant_email" and _EMAIL.fullmatch(text) is None:
        raise GuardError("email", "no e-mail address", field=name)
    return text


def _categorised(appeal: Appeal, at: Situation) -> Appeal:
    if appeal.category is None:
        if appeal.status is not Status.NEW:
            raise GuardError("category_missing", "a registered appeal has a category")
        return replace(appeal, desk=None)
    category = at.reference.category(appeal.category)
    return replace(appeal, desk=category.desk, privileged=appeal.privileged or category.priority)


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


def _dated(appeal: Appeal, reference: Reference) -> Appeal:
    """With both deadlines as they are now."""
    found = deadlines(appeal, reference)
    rests = any(pause.end is None for pause in appeal.pauses)
    return replace(
        appeal,
        due_at=None if found.promised is None or rests else found.promised.at,
        legal_due_at=None if found.legal is None else found.legal.at,
    )


def _edit(at: Situation, command: commands.Edit) -> Decision:
    return Decision(*_edited(at, command.changes))


def _dismiss(at: Situation, command: commands.Dismiss) -> Decision:
    return _step(at, "dismissed", {}, reason=command.reason.value)


def _register(at: Situation, command: commands.Register) -> Decision:
    appeal, entries = _edited(at, command.changes)
    at = replace(at, appeal=appeal)
    category = at.category
    kind = command.kind or category.kind
    if kind is not Kind.CONSULTATION and not category.no_text:
        _text(appeal.description, "description")
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
        proposed_service=_proposed(appeal, at),
    )
    appeal = _dated(appeal, at.reference)
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
    question = _text(command.question, "question")
    asked = replace(at.appeal, pauses=(*at.appeal.pauses, Pause(at.now, None)))
    return Decision(_dated(asked, at.reference), (_note(at, "clarification_asked", question=question),))


def _clarify(at: Situation, command: commands.Clarify) -> Decision:
    answer = _text(command.answer, "answer")
    pauses = tuple(pause._replace(end=pause.end or at.now) for pause in at.appeal.pauses)
    clarified = _dated(replace(at.appeal, pauses=pauses), at.reference)
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
    reason = _text(command.reason, "reason") if again and at.appeal.status is not Status.REGISTERED else command.reason
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
    reason = _text(command.reason, "reason")
    declines = at.appeal.declines + 1
    changes: dict[str, Any] = {"service": None, "accept_by": None, "declines": declines}
    if declines >= SECOND:
        changes["escalated_at"] = at.now
    decision = _step(at, "declined", changes, service=at.appeal.service, reason=reason)
    return replace(decision, settles={DutyKind.ACCEPT: "declined"})


def _start(at: Situation, _: commands.Start) -> Decision:
    return _step(at, "started", {"scheduled_for": None})


def _schedule(at: Situation, command: commands.Schedule) -> Decision:
    reason = _text(command.reason, "reason")
    if command.at <= at.now:
        raise GuardError("in_the_past", "work is planned for a time to come")
    return _step(at, "scheduled", {"scheduled_for": command.at}, at=command.at.isoformat(), reason=reason)


def _report(at: Situation, command: commands.ReportDone) -> Decision:
    text = _text(command.text, "text")
    if command.result not in {Result.RESOLVED, Result.EXPLAINED, Result.REFUSED}:
        raise GuardError("result", "a service reports resolved, explained or refused")
    legal = command.legal_reference
    if command.result is Result.REFUSED:
        legal = _text(legal, "legal_reference")
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
    reason = _text(command.reason, "reason")
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
    return _step(at, "reopen_requested", {}, reason=_text(command.reason, "reason"))


def _reopen(at: Situation, command: commands.Reopen) -> Decision:
    if at.appeal.service is None:
        raise GuardError("no_service", "no service ever had it: register a new appeal")
    changes = {"closed_at": None, "result": None, "reworks": at.appeal.reworks + 1}
    return _step(at, "reopened", changes, reason=_text(command.reason, "reason"))


def _keep_closed(at: Situation, command: commands.KeepClosed) -> Decision:
    reason = _text(command.reason, "reason")
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
    changes = {"result": result, "report": _text(explanation, "explanation"), "forwarded_to": forwarded_to}
    decision = _step(at, event, changes, late_days=late, **details)
    return replace(decision, owed=(Owed(DutyKind.INFORM, event, at.now + INFORM_WITHIN),))


def _extend(at: Situation, command: commands.Extend) -> Decision:
    reason = _text(command.reason, "reason")
    appeal = at.appeal
    extended = _dated(replace(appeal, extended_until=command.until), at.reference)
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
    decision = _step(at, "withdrawn", changes, reason=_text(command.reason, "reason"))
    kinds = (DutyKind.INFORM, DutyKind.ACCEPT, DutyKind.FORWARDING_CONTROL)
    return replace(decision, settles=dict.fromkeys(kinds, "withdrawn"))


_EFFECTS: Final[Mapping[type[Command], Callable[[Situation, Any], Decision]]] = {
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
