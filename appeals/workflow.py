"""The life of an appeal: one table of transitions, and the pure function that takes one.

``TRANSITIONS`` is the whole of it: from where, to where, who, and which rules stand against it. ``decide`` applies a
command to an appeal and says what follows; it reads no clock, writes nothing and raises only for commands that are
illegal. Sources: the Law of Ukraine "On citizens' appeals" (articles at the rules), and rules of the city (proposals).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from appeals import commands
from appeals.commands import Command
from appeals.decision import Decision, Situation
from appeals.duties import DutyKind
from appeals.errors import GuardError, IllegalTransitionError, RoleError
from appeals.model import ENDED, OPEN, Actor, Appeal, Channel, Kind, Role, Status
from appeals.reference import Reference
from appeals.steps import EFFECTS

_OPERATORS: Final = (Role.OPERATOR, Role.SUPERVISOR)
_SUPERVISORS: Final = (Role.SUPERVISOR,)
_EXECUTORS: Final = (Role.EXECUTOR,)
_WORKING: Final = frozenset({Status.ACCEPTED, Status.IN_PROGRESS, Status.SCHEDULED})
_UNDER_WAY: Final = OPEN - {Status.NEW}


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
    decision = EFFECTS[type(command)](at, command)
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
