"""One outage, many callers: proposed, opened, joined, ended; every caller is told once."""

from datetime import timedelta
from typing import Any

import pytest

from appeals import commands, incident_store
from appeals.duties import DutyKind
from appeals.errors import ChangedMeanwhileError, GuardError, NoSuchAppealError, RoleError, UnknownReferenceError
from appeals.incident_desk import IncidentDesk
from appeals.incidents import Incident, IncidentStatus, IncidentStatusError, NoSuchIncidentError
from appeals.model import Appeal, Status
from tests.contract.appeals.conftest import Register
from tests.contract.appeals.test_register import Office
from tests.town import OPERATOR, SUPERVISOR, WATER


class Shift(Office):
    """An office that looks out for incidents."""

    @property
    def incidents(self) -> IncidentDesk:
        return IncidentDesk(self.desk)

    def reports(self, call_id: str, number: str | None = "+380501234567", category: str = "water.leak") -> Appeal:
        done = self.registered(category, call_id=call_id, number=number)
        self.register.write(lambda tx: self.incidents.consider(tx, done))
        return done

    def storm(self, callers: int = 5) -> list[Appeal]:
        return [self.reports(f"call-{one}", f"+38050000000{one}") for one in range(callers)]

    def alive(self) -> list[Incident]:
        return self.register.write(incident_store.alive)

    def open(self, **more: Any) -> Incident:  # noqa: ANN401 - any argument
        told: dict[str, Any] = {"category": "water.leak", "text": "Авария на Головній", **more}
        return self.register.write(lambda tx: self.incidents.open(tx, SUPERVISOR, **told))


@pytest.fixture
def shift(register: Register) -> Shift:
    return Shift(register)


def test_five_alike_within_a_quarter_of_an_hour_propose_one_incident(shift: Shift) -> None:
    shift.storm(4)
    assert shift.alive() == []
    shift.reports("call-4")
    shift.reports("call-5")
    [proposal] = shift.alive()
    assert (proposal.status, proposal.category, proposal.callers) == (IncidentStatus.PROPOSED, "water.leak", 0)


def test_what_comes_slowly_or_is_restricted_is_no_incident(shift: Shift) -> None:
    for one in range(8):
        shift.clock.at += timedelta(minutes=4)
        shift.reports(f"slow-{one}")
    for one in range(8):
        shift.reports(f"secret-{one}", category="education.bullying")
    assert shift.alive() == []


def test_opening_takes_in_those_who_called_and_the_first_leads(shift: Shift) -> None:
    first, *others = shift.storm()
    [proposal] = shift.alive()
    incident = shift.open(incident_id=proposal.incident_id)
    assert (incident.status, incident.lead, incident.callers) == (IncidentStatus.OPEN, first.appeal_id, 5)
    for one in others:
        kept = shift.do(first.appeal_id, commands.Edit(changes={}))
        assert kept.status is Status.REGISTERED
        with pytest.raises(GuardError):
            shift.do(first.appeal_id, commands.Merge(into=one.appeal_id))


def test_a_drafts_caller_is_added_with_one_step(shift: Shift) -> None:
    shift.storm()
    incident = shift.open(incident_id=shift.alive()[0].incident_id)
    draft = shift.draft("late", number="+380509999999")
    joined = shift.register.write(lambda tx: shift.incidents.attach(tx, incident.incident_id, draft, OPERATOR))
    assert (joined.status, joined.merged_into, joined.category) == (Status.MERGED, incident.lead, "water.leak")
    assert joined.registration_number is not None
    again = shift.register.write(lambda tx: shift.incidents.attach(tx, incident.incident_id, draft, OPERATOR))
    assert again.version == joined.version
    assert shift.alive()[0].callers == 6


def test_when_it_ends_every_caller_is_owed_the_word_once_for_a_number(shift: Shift) -> None:
    shift.storm()
    incident = shift.open(incident_id=shift.alive()[0].incident_id)
    same, key = "+380500000001", "+380507777777"
    attach = shift.draft("again", number=same)

    def more(tx: Any) -> None:  # noqa: ANN401 - a transaction
        shift.incidents.attach(tx, incident.incident_id, attach, OPERATOR)
        for _ in range(2):
            shift.incidents.join(tx, incident.incident_id, call_id="key-1", number=key, at=shift.clock.at)
        shift.incidents.join(tx, incident.incident_id, call_id="key-2", number=None, at=shift.clock.at)

    shift.register.write(more)
    assert shift.alive()[0].callers == 8
    shift.owed.clear()
    ended = shift.register.write(lambda tx: shift.incidents.end(tx, incident.incident_id, OPERATOR, text="Воду подано"))
    assert ended.status is IncidentStatus.ENDED
    told = [(duty.number, duty.reason) for duty in shift.owed]
    assert told == [(f"+38050000000{one}", "incident_ended") for one in range(5)] + [(key, "incident_ended")]
    assert {duty.kind for duty in shift.owed} == {DutyKind.INFORM}
    news = shift.register.write(lambda tx: incident_store.news_of(tx, shift.owed[-1].duty_id))
    assert news == ("Воду подано", "water.leak")


def test_the_lead_ends_only_after_the_incident_and_tells_its_callers_nothing_twice(shift: Shift) -> None:
    first, second, *_ = shift.storm()
    incident = shift.open(incident_id=shift.alive()[0].incident_id)
    with pytest.raises(GuardError, match="end that first"):
        shift.do(first.appeal_id, commands.Return(explanation="не місто"), SUPERVISOR)
    shift.register.write(lambda tx: shift.incidents.end(tx, incident.incident_id, SUPERVISOR, text="Воду подано"))
    shift.owed.clear()
    shift.do(first.appeal_id, commands.RouteTo(service="water"))
    shift.do(first.appeal_id, commands.Accept(), WATER)
    shift.do(first.appeal_id, commands.ReportDone(text="полагоджено"), WATER)
    assert second.appeal_id not in {duty.appeal_id for duty in shift.owed}


def test_an_incident_can_be_opened_before_anybody_calls(shift: Shift) -> None:
    incident = shift.open(expected_end=shift.clock.at + timedelta(hours=3))
    assert (incident.lead, incident.callers) == (None, 0)
    draft = shift.draft()
    joined = shift.register.write(lambda tx: shift.incidents.attach(tx, incident.incident_id, draft, OPERATOR))
    assert (joined.status, shift.alive()[0].lead) == (Status.REGISTERED, draft)


def test_text_and_end_are_changed_by_whoever_saw_the_last_version(shift: Shift) -> None:
    incident = shift.open()
    later = shift.clock.at + timedelta(hours=5)

    def update(version: int) -> Incident:
        return shift.register.write(
            lambda tx: shift.incidents.update(
                tx, incident.incident_id, OPERATOR, text="Ще чекаємо", expected_end=later, expected=version
            )
        )

    changed = update(incident.version)
    assert (changed.text, changed.expected_end) == ("Ще чекаємо", later)
    with pytest.raises(ChangedMeanwhileError):
        update(incident.version)
    with pytest.raises(ChangedMeanwhileError):
        shift.register.write(
            lambda tx: shift.incidents.end(tx, incident.incident_id, OPERATOR, text="x", expected=incident.version)
        )


def test_a_proposal_that_was_none_is_dismissed_and_not_proposed_again_from_the_same_calls(shift: Shift) -> None:
    shift.storm()
    [proposal] = shift.alive()
    done = shift.register.write(lambda tx: shift.incidents.dismiss(tx, proposal.incident_id, SUPERVISOR))
    assert done.status is IncidentStatus.DISMISSED
    shift.clock.at += timedelta(minutes=1)
    for one in range(4):
        shift.reports(f"more-{one}")
    assert shift.alive() == []
    shift.reports("enough")
    assert len(shift.alive()) == 1


def test_what_is_wrong_is_refused_with_its_reason(shift: Shift) -> None:
    incident = shift.open()
    other = shift.registered("counselling.session", call_id="x")

    def do(step: str, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - any command
        return shift.register.write(lambda tx: getattr(shift.incidents, step)(tx, *given, **named))

    with pytest.raises(RoleError):
        do("open", WATER, category="water.leak", text="x")
    with pytest.raises(UnknownReferenceError):
        do("open", SUPERVISOR, category="nothing.such", text="x")
    for wrong in ({"text": " "}, {"district": "moon"}, {"street": "moon"}, {"category": "education.bullying"}):
        with pytest.raises(GuardError):
            do("open", SUPERVISOR, **({"category": "water.pressure", "text": "x"} | wrong))
    with pytest.raises(NoSuchIncidentError):
        do("end", "none", SUPERVISOR, text="x")
    with pytest.raises(IncidentStatusError, match="cannot dismiss an incident that is open"):
        do("dismiss", incident.incident_id, SUPERVISOR)
    with pytest.raises(NoSuchAppealError):
        do("attach", incident.incident_id, other.appeal_id, OPERATOR)
    with pytest.raises(GuardError):
        do("open", SUPERVISOR, category="water.pressure", text="x", incident_id=proposal(shift).incident_id)


def proposal(shift: Shift) -> Incident:
    for one in range(5):
        shift.reports(f"hole-{one}", category="roads.hole")
    return next(one for one in shift.alive() if one.status is IncidentStatus.PROPOSED)
