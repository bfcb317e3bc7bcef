"""Commands on incidents; everything in the caller's transaction."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from appeals import commands, duty_store, incident_store, register_store
from appeals.decision import INFORM_WITHIN, Owed
from appeals.duties import Duty, DutyKind
from appeals.errors import ChangedMeanwhileError, GuardError, NoSuchAppealError, RoleError
from appeals.incidents import ROLES, Incident, IncidentStatus, IncidentStatusError, NoSuchIncidentError, Report
from appeals.model import Actor, Appeal, HistoryEntry, Status
from appeals.ports import Tx
from appeals.register import Desk
from appeals.visibility import Sight, sight

ENDED_REASON: Final = "incident_ended"
"""Why callers are owed a word when an incident is over; also the code of the template."""
_MOMENT: Final = timedelta(milliseconds=1)
"""The shortest time that the tables tell apart."""


@dataclass(frozen=True, slots=True)
class IncidentDesk:
    """Where incidents are proposed, opened, joined and ended, beside the desk of the appeals."""

    desk: Desk

    def consider(self, tx: Tx, appeal: Appeal) -> Incident | None:
        """An appeal was registered: propose an incident when so many alike came within so short a time.

        Returns the proposal, None if there is none, or one for the same is alive already.
        """
        periods = self.desk.reference(tx).periods
        now = self.desk.clock.now()
        if appeal.category is None or appeal.desk is not None or appeal.incident_id is not None:
            return None
        dismissed = incident_store.last_dismissed(tx, appeal.category)
        since = now - periods.incident
        if dismissed is not None:
            since = max(since, dismissed + _MOMENT)
        alike = incident_store.cluster(tx, appeal.category, since)
        if len(alike) < periods.incident_size:
            return None
        if any(one.category == appeal.category for one in incident_store.alive(tx)):
            return None
        proposal = _new(
            self.desk.ids(),
            appeal.category,
            IncidentStatus.PROPOSED,
            district=_common([district for _, district, _ in alike]),
            street=_common([street for _, _, street in alike]),
            proposed_at=now,
        )
        incident_store.put(tx, proposal)
        return proposal

    def open(
        self,
        tx: Tx,
        actor: Actor,
        *,
        category: str,
        text: str,
        district: str | None = None,
        street: str | None = None,
        expected_end: datetime | None = None,
        incident_id: str | None = None,
    ) -> Incident:
        """Open an incident: a proposed one (``incident_id``), or one that nobody has called about yet.

        What was reported of its category and place within the last minutes joins it, the first as its lead.

        Raises:
            RoleError, GuardError, NoSuchIncidentError, IncidentStatusError, UnknownReferenceError: Nothing has changed.
        """
        _allow(actor, "open_incident")
        now = self.desk.clock.now()
        reference = self.desk.reference(tx)
        topic = reference.category(category)
        if topic.desk is not None:
            raise GuardError("restricted", "restricted categories have no incidents")
        if district is not None and district not in reference.districts:
            raise GuardError("district", f"there is no district {district!r}", field="district")
        if street is not None and street not in reference.streets:
            raise GuardError("street", f"there is no street {street!r}", field="street")
        told = _text(text)
        if incident_id is None:
            incident = _new(self.desk.ids(), category, IncidentStatus.PROPOSED)
            incident_store.put(tx, incident)
        else:
            incident = self._load(tx, incident_id, IncidentStatus.PROPOSED, "open")
        if incident.category != category:
            raise GuardError("category", f"the proposal is about {incident.category}", field="category")
        incident = replace(
            incident,
            status=IncidentStatus.OPEN,
            district=district,
            street=street,
            text=told,
            expected_end=expected_end,
            opened_at=now,
            opened_by=actor.login,
            version=incident.version + 1,
        )
        incident_store.change(tx, incident)
        for appeal_id, of_district, of_street in incident_store.cluster(tx, category, now - reference.periods.incident):
            if incident.covers(category, of_district, of_street):
                self._attach(tx, incident.incident_id, appeal_id, actor)
        return self._load(tx, incident.incident_id, IncidentStatus.OPEN, "open")

    def update(
        self,
        tx: Tx,
        incident_id: str,
        actor: Actor,
        *,
        text: str | None = None,
        expected_end: datetime | None = None,
        expected: int | None = None,
    ) -> Incident:
        """Change what callers are told, and when it is expected to end.

        Raises:
            RoleError, GuardError, NoSuchIncidentError, IncidentStatusError, ChangedMeanwhileError: Nothing has changed.
        """
        _allow(actor, "update_incident")
        incident = self._load(tx, incident_id, IncidentStatus.OPEN, "update")
        if expected is not None and expected != incident.version:
            raise ChangedMeanwhileError(expected, incident.version)
        incident = replace(
            incident,
            text=incident.text if text is None else _text(text),
            expected_end=expected_end or incident.expected_end,
            version=incident.version + 1,
        )
        incident_store.change(tx, incident)
        return incident

    def dismiss(self, tx: Tx, incident_id: str, actor: Actor) -> Incident:
        """A proposal was no incident.

        Raises:
            RoleError, NoSuchIncidentError, IncidentStatusError: Nothing has changed.
        """
        _allow(actor, "dismiss_incident")
        incident = self._load(tx, incident_id, IncidentStatus.PROPOSED, "dismiss")
        ended = replace(
            incident,
            status=IncidentStatus.DISMISSED,
            ended_at=self.desk.clock.now(),
            ended_by=actor.login,
            version=incident.version + 1,
        )
        incident_store.change(tx, ended)
        return ended

    def attach(self, tx: Tx, incident_id: str, appeal_id: str, actor: Actor) -> Appeal:
        """A caller's draft or appeal belongs to the incident: registered if it is not yet, and merged into the lead.

        Raises:
            RegisterError: See ``workflow.decide``; nothing has changed.
        """
        _allow(actor, "attach")
        self._load(tx, incident_id, IncidentStatus.OPEN, "join")
        return self._attach(tx, incident_id, appeal_id, actor)

    def join(self, tx: Tx, incident_id: str, *, call_id: str, number: str | None, at: datetime) -> None:
        """A caller pressed the key that adds them to the incident, without waiting; again changes nothing.

        Raises:
            NoSuchIncidentError, IncidentStatusError: There is none that is open.
        """
        self._load(tx, incident_id, IncidentStatus.OPEN, "join")
        incident_store.join(tx, incident_id, appeal_id=None, call_id=call_id, number=number, at=at, by=None)

    def end(self, tx: Tx, incident_id: str, actor: Actor, *, text: str, expected: int | None = None) -> Incident:
        """It is over: everybody who reported it is owed that word, once for a telephone number.

        Raises:
            RoleError, GuardError, NoSuchIncidentError, IncidentStatusError, ChangedMeanwhileError: Nothing has changed.
        """
        _allow(actor, "end_incident")
        incident = self._load(tx, incident_id, IncidentStatus.OPEN, "end")
        if expected is not None and expected != incident.version:
            raise ChangedMeanwhileError(expected, incident.version)
        now = self.desk.clock.now()
        ended = replace(
            incident,
            status=IncidentStatus.ENDED,
            ended_at=now,
            ended_by=actor.login,
            end_text=_text(text),
            version=incident.version + 1,
        )
        incident_store.change(tx, ended)
        numbers: set[str] = set()
        for report in incident_store.reports(tx, incident_id):
            self._tell(tx, report, numbers, now)
        return ended

    def _attach(self, tx: Tx, incident_id: str, appeal_id: str, actor: Actor) -> Appeal:
        incident = self._load(tx, incident_id, IncidentStatus.OPEN, "join")
        appeal = register_store.load(tx, appeal_id)
        if appeal is None or sight(actor, desk=appeal.desk, service=appeal.service) is not Sight.WHOLE:
            raise NoSuchAppealError(appeal_id)
        if appeal.incident_id == incident_id:
            return appeal
        if appeal.status is Status.NEW:
            description = appeal.description or incident.text
            changes = {"category": incident.category, "description": description}
            appeal = self.desk.perform(tx, appeal_id, commands.Register(changes=changes), actor)
        joined = replace(appeal, incident_id=incident_id, version=appeal.version + 1)
        note = HistoryEntry(self.desk.clock.now(), actor.login, "incident_joined", {"incident": incident_id})
        register_store.update_appeal(tx, appeal, joined)
        register_store.append(tx, appeal_id, note)
        self.desk.changed(tx, appeal, joined, (note,))
        incident_store.join(
            tx,
            incident_id,
            appeal_id=appeal_id,
            call_id=next(iter(appeal.calls), None),
            number=appeal.applicant_phone,
            at=self.desk.clock.now(),
            by=actor.login,
        )
        if incident.lead is None:
            incident_store.change(tx, replace(incident, lead=appeal_id, version=incident.version + 1))
            return joined
        return self.desk.perform(tx, appeal_id, commands.Merge(into=incident.lead), actor)

    def _tell(self, tx: Tx, report: Report, numbers: set[str], now: datetime) -> None:
        if report.number is not None and report.number in numbers:
            return
        if report.number is not None:
            numbers.add(report.number)
        appeal = None if report.appeal_id is None else register_store.load(tx, report.appeal_id)
        due_at = now + INFORM_WITHIN
        if appeal is not None:
            duty = self.desk.owe(tx, appeal, Owed(DutyKind.INFORM, ENDED_REASON, due_at), now)
        elif report.number is not None:
            duty = self._owe_caller(tx, report, now, due_at)
        else:
            return
        incident_store.told(tx, report, duty.duty_id)
        self.desk.owed(tx, appeal, duty)

    def _owe_caller(self, tx: Tx, report: Report, now: datetime, due_at: datetime) -> Duty:
        duty = Duty(
            duty_id=self.desk.ids(),
            kind=DutyKind.INFORM,
            appeal_id=None,
            call_id=report.call_id,
            number=report.number,
            line=None,
            reason=ENDED_REASON,
            owner=None,
            opened_at=now,
            due_at=due_at,
            attempts=0,
            evidence=None,
            excuse=None,
            closed_at=None,
        )
        duty_store.open_duty(tx, duty)
        return duty

    def _load(self, tx: Tx, incident_id: str, status: IncidentStatus, action: str) -> Incident:
        incident = incident_store.load(tx, incident_id)
        if incident is None:
            raise NoSuchIncidentError(incident_id)
        if incident.status is not status:
            raise IncidentStatusError(incident_id, action, incident.status)
        return incident


def _new(
    incident_id: str,
    category: str,
    status: IncidentStatus,
    *,
    district: str | None = None,
    street: str | None = None,
    proposed_at: datetime | None = None,
) -> Incident:
    return Incident(
        incident_id=incident_id,
        status=status,
        category=category,
        district=district,
        street=street,
        text=None,
        expected_end=None,
        lead=None,
        proposed_at=proposed_at,
        opened_at=None,
        opened_by=None,
        ended_at=None,
        ended_by=None,
        end_text=None,
        callers=0,
        version=1,
    )


def _allow(actor: Actor, action: str) -> None:
    if actor.roles.isdisjoint(ROLES):
        raise RoleError(action, [role.value for role in ROLES])


def _text(text: str) -> str:
    told = text.strip()
    if not told or len(told) > commands.LONGEST_TEXT:
        raise GuardError("text_missing", "say what callers are to be told", field="text")
    return told


def _common(values: list[str | None]) -> str | None:
    """What nearly all have in common: four of five, so that one wrong address does not widen the area."""
    known = Counter(value for value in values if value is not None)
    if not known:
        return None
    value, times = known.most_common(1)[0]
    return value if times * 5 >= len(values) * 4 else None
