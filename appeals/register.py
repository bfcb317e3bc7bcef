"""People's commands: load the appeal, decide, keep what follows. All of it in the caller's transaction.

Pages, API and command line call these functions and render what they return; who may do what is decided here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from appeals import duty_store, incident_store, register_store, workflow
from appeals.commands import Command, Edit, Merge, Withdraw
from appeals.decision import INFORM_WITHIN, Decision, Owed
from appeals.duties import Duty, DutyKind, Excuse
from appeals.errors import ChangedMeanwhileError, GuardError, NoSuchAppealError
from appeals.model import ENDED, Actor, Appeal, Channel, HistoryEntry, Role, Status
from appeals.ports import Clock, IdFactory, Tx
from appeals.reference import Reference
from appeals.service import new_id
from appeals.visibility import Sight, sight, writes

SYSTEM: Final = Actor("contact-centre", frozenset({Role.SYSTEM}))
"""This program, when a rule acts."""

_KYIV: Final = ZoneInfo("Europe/Kyiv")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where commands are carried out: the clock, the ids, the reference data of the moment.

    ``changed`` is told, in the same transaction, of every appeal as it was (None: it is new) and as it now is, with the
    lines of history that say why: search terms and messages follow from it. ``owed`` is told of every new duty,
    and the appeal that it is about, if any.
    """

    clock: Clock
    reference: Callable[[Tx], Reference]
    changed: Callable[[Tx, Appeal | None, Appeal, tuple[HistoryEntry, ...]], None]
    owed: Callable[[Tx, Appeal | None, Duty], None]
    ids: IdFactory = new_id

    def perform(self, tx: Tx, appeal_id: str, command: Command, actor: Actor, *, expected: int | None = None) -> Appeal:
        """Carry a command out. ``expected`` is the version that the actor has seen; None takes whatever there is.

        Returns the appeal as it now is, with its duties.

        Raises:
            NoSuchAppealError: There is none, or the actor may not know of it.
            ChangedMeanwhileError: Its version is another.
            RegisterError: See ``workflow.decide``. Nothing has changed.
        """
        appeal = self._known(tx, appeal_id, actor)
        if expected is not None and appeal.version != expected:
            raise ChangedMeanwhileError(expected, appeal.version)
        return self._carry_out(tx, appeal, command, actor)

    def create(
        self,
        tx: Tx,
        actor: Actor,
        channel: Channel,
        command: Edit,
        *,
        external_id: str | None = None,
    ) -> Appeal:
        """A new appeal that no call made: a draft with what ``command`` says."""
        now = self.clock.now()
        draft = Appeal(
            appeal_id=self.ids(),
            registration_number=None,
            kind=None,
            status=Status.NEW,
            category=None,
            service=None,
            operator=None if Role.SYSTEM in actor.roles else actor.login,
            line=None,
            caller_number=None,
            caller_number_raw=None,
            caller_name=None,
            applicant=None,
            address=None,
            description=None,
            channel=channel,
            created_at=now,
            registered_at=None,
            due_at=None,
            legal_due_at=None,
            calls=(),
            recordings=(),
            duties=(),
            history=(),
            external_id=external_id,
        )
        register_store.insert_appeal(tx, draft)
        created = HistoryEntry(now, actor.login, "created", {"channel": channel.value})
        register_store.append(tx, draft.appeal_id, created)
        editor = replace(actor, roles=actor.roles | {Role.OPERATOR}) if Role.SYSTEM in actor.roles else actor
        return self._carry_out(tx, draft, command, editor)

    def _known(self, tx: Tx, appeal_id: str, actor: Actor) -> Appeal:
        """An appeal that the actor may act on: one that they see masked, or not at all, is none of theirs."""
        appeal = register_store.load(tx, appeal_id)
        if appeal is None:
            raise NoSuchAppealError(appeal_id)
        hidden = sight(actor, desk=appeal.desk, service=appeal.service) in {Sight.MASKED, Sight.NOTHING}
        if hidden and not writes(actor, status=appeal.status, operator=appeal.operator):
            raise NoSuchAppealError(appeal_id)
        return appeal

    def _carry_out(self, tx: Tx, appeal: Appeal, command: Command, actor: Actor) -> Appeal:
        now, reference = self.clock.now(), self.reference(tx)
        into = self._known(tx, command.into, actor) if isinstance(command, Merge) else None
        followers = register_store.merged_into(tx, appeal.appeal_id) if isinstance(command, Withdraw) else ()
        decision = workflow.decide(appeal, command, actor, now, reference, into, len(followers))
        ends = decision.appeal.status in ENDED and appeal.status not in ENDED
        if ends and appeal.incident_id is not None and incident_store.leads_open(tx, appeal.appeal_id):
            raise GuardError("incident_open", "an incident goes on with it: end that first, its callers are told then")
        after = self._keep(tx, appeal, decision, now)
        if ends and after.status is not Status.MERGED:
            self._tell_merged(tx, after, after, now)
        if decision.then is not None:
            after = self._carry_out(tx, after, decision.then, SYSTEM)
        return after

    def _keep(self, tx: Tx, before: Appeal, decision: Decision, now: datetime) -> Appeal:
        after = decision.appeal
        if not decision.entries:
            return before
        if decision.numbered:
            after = replace(after, registration_number=self._number(tx, now))
        register_store.update_appeal(tx, before, after)
        for entry in decision.entries:
            register_store.append(tx, after.appeal_id, entry)
        if _reach(before) != _reach(after):
            duty_store.follow_contact(tx, after)
        for kind, why in decision.settles.items():
            duty_store.settle(tx, after.appeal_id, kind, Excuse(why), now)
        for owed in decision.owed:
            self.owed(tx, after, self.owe(tx, after, owed, now))
        after = replace(after, duties=register_store.duties_of(tx, after.appeal_id))
        self.changed(tx, before, after, decision.entries)
        return after

    def _number(self, tx: Tx, now: datetime) -> str:
        year = now.astimezone(_KYIV).year
        return f"{year}-{register_store.next_number(tx, year):06d}"

    def owe(self, tx: Tx, appeal: Appeal, owed: Owed, now: datetime) -> Duty:
        """Open a duty; towards an applicant who left nothing to reach them by it ends at once, and is counted.

        ``owed`` is not told of it yet.
        """
        unreachable = owed.kind is DutyKind.INFORM and appeal.applicant_phone is None and appeal.applicant_email is None
        duty = Duty(
            duty_id=self.ids(),
            kind=owed.kind,
            appeal_id=appeal.appeal_id,
            call_id=None,
            number=appeal.applicant_phone if owed.kind is not DutyKind.ACCEPT else None,
            line=appeal.line,
            reason=owed.reason,
            owner=owed.owner,
            opened_at=now,
            due_at=owed.due_at,
            attempts=0,
            evidence=None,
            excuse=Excuse.NO_CONTACT if unreachable else None,
            closed_at=now if unreachable else None,
            words=owed.words,
            email=appeal.applicant_email if owed.kind is DutyKind.INFORM else None,
        )
        duty_store.open_duty(tx, duty)
        return duty

    def _tell_merged(self, tx: Tx, ended: Appeal, appeal: Appeal, now: datetime) -> None:
        """Everyone whose appeal was merged into the one that ended, or into one of those, hears of its result too.

        Not so who reported an incident: they were told when that ended.
        """
        for appeal_id in register_store.merged_into(tx, appeal.appeal_id):
            merged = register_store.load(tx, appeal_id)
            if merged is None:
                continue
            if merged.incident_id is None:
                owed = Owed(DutyKind.INFORM, "result", now + INFORM_WITHIN)
                told = replace(
                    merged,
                    result=ended.result,
                    report=ended.report,
                    legal_reference=ended.legal_reference,
                    service=ended.service,
                    forwarded_to=ended.forwarded_to,
                )
                self.owed(tx, told, self.owe(tx, merged, owed, now))
            self._tell_merged(tx, ended, merged, now)


def _reach(appeal: Appeal) -> tuple[str | None, str | None]:
    """Where the applicant wants to hear from us."""
    return appeal.applicant_phone, appeal.applicant_email
