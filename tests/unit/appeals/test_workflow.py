"""The life of an appeal, without a database: what the table allows, what the rules forbid, what follows."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appeals import commands, workflow
from appeals.commands import Command, DismissReason, Ground
from appeals.decision import Decision
from appeals.duties import Duty, DutyKind
from appeals.errors import GuardError, IllegalTransitionError, RegisterError, RoleError, UnknownReferenceError
from appeals.model import ENDED, OPEN, Actor, Appeal, Channel, Kind, Result, Role, Status
from appeals.workflow import TRANSITIONS, allowed_actions, decide
from tests import town
from tests.town import OPERATOR, REFERENCE, REGISTERED_AT, ROADS, SUPERVISOR, WATER

NOW = REGISTERED_AT
EVERYTHING: tuple[Command, ...] = (
    commands.Edit(changes={"address": "Головна, 47"}),
    commands.Dismiss(reason=DismissReason.MISDIAL),
    commands.Register(),
    commands.Answer(text="до 18:00"),
    commands.AskClarification(question="Який під'їзд?"),
    commands.Clarify(answer="другий"),
    commands.RouteTo(service="water", reason="там авария"),
    commands.Accept(),
    commands.Decline(reason="не наша мережа"),
    commands.Start(),
    commands.Schedule(at=NOW + timedelta(days=400), reason="потрібна техніка"),
    commands.ReportDone(text="замінено трубу"),
    commands.Verify(),
    commands.NotDone(reason="тече далі"),
    commands.Close(),
    commands.RequestReopen(reason="знову тече"),
    commands.Reopen(reason="перевірено"),
    commands.KeepClosed(reason="інша причина"),
    commands.Merge(into="other"),
    commands.Return(explanation="нема підпису"),
    commands.NotConsider(ground=Ground.REPEAT, explanation="вирішено"),
    commands.ForwardOut(to="gas", explanation="газ"),
    commands.Extend(until=date(2026, 12, 30), reason="експертиза"),
    commands.Withdraw(reason="сам полагодив"),
)
BY_ACTION = {one.action: one for one in EVERYTHING}


def appeal(status: Status = Status.NEW, **different: Any) -> Appeal:  # noqa: ANN401 - any field
    told: dict[str, Any] = {
        "appeal_id": "a1",
        "registration_number": None if status is Status.NEW else "2026-000001",
        "kind": None if status is Status.NEW else Kind.OPERATIONAL,
        "status": status,
        "category": "water.leak",
        "service": "water",
        "operator": "olena",
        "line": "15-80",
        "caller_number": "+380501234567",
        "caller_number_raw": "0501234567",
        "caller_name": None,
        "applicant": "Марія Ковальчук",
        "address": "Головна, 45",
        "description": "тече труба",
        "channel": Channel.PHONE,
        "created_at": NOW,
        "registered_at": None if status is Status.NEW else NOW,
        "due_at": None,
        "legal_due_at": None if status is Status.NEW else NOW + timedelta(days=15),
        "calls": ("call-1",),
        "recordings": (),
        "duties": (),
        "history": (),
        "closed_at": NOW if status is Status.CLOSED else None,
        "result": Result.RESOLVED if status in {Status.VERIFYING, Status.DONE_REPORTED, Status.CLOSED} else None,
        "applicant_phone": "+380501234567",
    }
    return Appeal(**(told | different))


def duty(kind: DutyKind = DutyKind.INFORM, *, closed: bool = False) -> Duty:
    return Duty(
        duty_id="d1",
        kind=kind,
        appeal_id="a1",
        call_id=None,
        number="+380501234567",
        line=None,
        reason="result",
        owner=None,
        opened_at=NOW,
        due_at=NOW,
        attempts=0,
        evidence=None,
        excuse=None,
        closed_at=NOW if closed else None,
    )


OTHER = appeal(Status.IN_PROGRESS, appeal_id="other")


def run(
    of: Appeal, command: Command, actor: Actor = OPERATOR, now: datetime = NOW, into: Appeal | None = OTHER
) -> Decision:
    return decide(of, command, actor, now, REFERENCE, into)


def walk(of: Appeal, *steps: tuple[Command, Actor]) -> Appeal:
    for command, actor in steps:
        of = run(of, command, actor).appeal
    return of


def refused(of: Appeal, command: Command, actor: Actor = OPERATOR, now: datetime = NOW) -> str:
    with pytest.raises(GuardError) as error:
        run(of, command, actor, now)
    assert str(error.value)
    return error.value.guard


def test_every_command_stands_in_the_table_and_has_an_effect() -> None:
    in_table = {row.command for row in TRANSITIONS}
    declared = {one for one in vars(commands).values() if isinstance(one, type) and issubclass(one, Command)}
    assert in_table == declared - {Command} == {type(one) for one in EVERYTHING}
    assert len(BY_ACTION) == len(EVERYTHING)


def test_every_state_can_be_reached_and_left_or_is_an_end() -> None:
    reached = {row.target for row in TRANSITIONS} | {Status.NEW}
    assert reached >= set(Status)
    left = {source for row in TRANSITIONS if row.target is not None for source in row.sources}
    assert set(Status) - left == ENDED - {Status.CLOSED}
    assert set(Status) == OPEN | ENDED


ACTORS = (
    OPERATOR,
    SUPERVISOR,
    town.HEAD,
    town.AUDITOR,
    town.MAYOR,
    town.ADMINISTRATOR,
    WATER,
    town.SYSTEM,
)


@pytest.mark.parametrize("actor", ACTORS, ids=lambda one: one.login)
def test_only_what_the_table_allows_is_possible_from_each_state_to_each_role(actor: Actor) -> None:
    for status, command in product(Status, EVERYTHING):
        of = appeal(status)
        rows = [row for row in TRANSITIONS if row.command is type(command) and status in row.sources]
        mine = [row for row in rows if not actor.roles.isdisjoint(row.roles)]
        if not rows:
            with pytest.raises(IllegalTransitionError) as illegal:
                run(of, command, actor)
            told = [one["action"] for one in cast("list[dict[str, str]]", illegal.value.parameters["allowed"])]
            assert told == [row.action for row in TRANSITIONS if status in row.sources]
        elif not mine:
            with pytest.raises(RoleError):
                run(of, command, actor)
        else:
            try:
                after = run(of, command, actor).appeal
            except GuardError:
                continue
            assert after.status is (mine[0].target or status)
            assert after.version == of.version + 1


def test_auditor_mayor_and_administrator_change_nothing() -> None:
    for actor in (town.AUDITOR, town.MAYOR, town.ADMINISTRATOR):
        for status in Status:
            assert allowed_actions(appeal(status), actor, NOW, REFERENCE) == ()


def test_what_is_allowed_is_what_can_be_done() -> None:
    for status, actor in product(Status, ACTORS):
        of = appeal(status)
        for one in allowed_actions(of, actor, NOW, REFERENCE):
            command = BY_ACTION[one.action]
            if one.blocked is None:
                with suppress(GuardError):  # of this very command, not of the appeal
                    run(of, command, actor)
            else:
                assert refused(of, command, actor) == one.blocked


def test_an_illegal_step_says_what_is_allowed_and_for_whom() -> None:
    with pytest.raises(IllegalTransitionError, match=r"cannot accept an appeal that is new; allowed: edit \(operator/"):
        run(appeal(), commands.Accept(), WATER)


def test_registering_counts_both_deadlines_and_asks_for_a_number() -> None:
    done = run(appeal(service=None), commands.Register())
    after = done.appeal
    assert done.numbered
    assert (after.kind, after.status, after.registered_at) == (Kind.OPERATIONAL, Status.REGISTERED, NOW)
    assert after.due_at == NOW + timedelta(hours=2)
    assert after.legal_due_at is not None
    assert after.legal_due_at.astimezone(UTC).date() == date(2026, 12, 8)
    assert after.reference_version == "town-1"
    assert done.owed == ()
    assert [entry.event for entry in done.entries] == ["registered"]


def test_a_web_appeal_owes_the_applicant_a_notice_of_its_number() -> None:
    done = run(appeal(channel=Channel.WEB), commands.Register(), town.SYSTEM)
    assert [(one.kind, one.reason) for one in done.owed] == [(DutyKind.INFORM, "registered")]


def test_study_gives_a_month() -> None:
    after = run(appeal(category="health.complaint"), commands.Register(study=True)).appeal
    assert after.legal_due_at is not None
    assert after.legal_due_at.astimezone(UTC).date() == date(2026, 12, 23)
    assert after.due_at is None


def test_a_draft_without_category_or_words_is_not_registered() -> None:
    assert refused(appeal(category=None), commands.Register()) == "category_missing"
    assert refused(appeal(description=None), commands.Register()) == "text_missing"
    with pytest.raises(UnknownReferenceError):
        run(appeal(category="water"), commands.Register())
    assert run(appeal(category="info.contacts", description=None), commands.Register()).appeal.kind is Kind.CONSULTATION


def test_registering_writes_what_came_with_it() -> None:
    done = run(
        appeal(category=None, description=None),
        commands.Register(
            changes={"category": "water.leak", "description": " потоп у підвалі ", "applicant": "Ю. Їжак"}
        ),
    )
    assert done.appeal.description == "потоп у підвалі"
    assert [entry.event for entry in done.entries] == ["edited", "registered"]
    assert done.entries[0].details == {"applicant": None, "category": "water.leak", "description": None}


def test_of_a_crisis_nothing_is_kept_but_that_it_was() -> None:
    draft = appeal(description="слова", category=None)
    after = run(draft, commands.Edit(changes={"category": "counselling.crisis"})).appeal
    assert (after.description, after.applicant, after.address, after.applicant_phone) == (None, None, None, None)
    assert after.desk == "counselling"
    assert refused(after, commands.Edit(changes={"description": "слова"})) == "no_text"
    registered = run(after, commands.Register()).appeal
    assert registered.applicant_phone is None


def test_only_known_fields_are_edited_and_length_is_bounded() -> None:
    assert refused(appeal(), commands.Edit(changes={"status": "closed"})) == "not_editable"
    assert refused(appeal(), commands.Edit(changes={"description": "х" * 4001})) == "text_too_long"
    assert refused(appeal(), commands.Edit(changes={"language": "ru"})) == "language"
    assert refused(appeal(), commands.Edit(changes={"address": True})) == "not_text"
    assert refused(appeal(), commands.Edit(changes={"applicant_phone": "101"})) == "phone"
    for wrong in ("їжак", "a@b", "a@b.ua, c@d.ua", "a\n@b.ua", '"a b"@c.ua'):
        assert refused(appeal(), commands.Edit(changes={"applicant_email": wrong})) == "email"
    with pytest.raises(UnknownReferenceError):
        run(appeal(), commands.Edit(changes={"complained_of": "nobody"}))


def test_where_the_applicant_is_reached_is_kept_as_it_can_be_used() -> None:
    changes: dict[str, str | bool | None] = {
        "applicant_phone": "050 765 43 21",
        "applicant_email": "maria@example.org",
        "privileged": True,
    }
    after = run(appeal(), commands.Edit(changes=changes)).appeal
    assert (after.applicant_phone, after.applicant_email, after.privileged) == (
        "+380507654321",
        "maria@example.org",
        True,
    )


def test_the_usual_service_is_proposed_unless_the_complaint_is_about_it() -> None:
    after = run(appeal(category=None), commands.Edit(changes={"category": "water.pressure"})).appeal
    assert after.proposed_service == "water"
    assert run(after, commands.Edit(changes={"complained_of": "water"})).appeal.proposed_service is None
    assert run(after, commands.Edit(changes={"category": None})).appeal.proposed_service is None


def test_an_edit_that_changes_nothing_leaves_no_trace() -> None:
    assert run(appeal(), commands.Edit(changes={"address": "Головна, 45"})) == Decision(appeal(), ())


def test_another_category_moves_the_promise_not_the_law() -> None:
    registered = run(appeal(), commands.Register()).appeal
    later = run(registered, commands.Edit(changes={"category": "water.pressure"}), now=NOW + timedelta(hours=5)).appeal
    assert later.due_at is not None
    assert later.due_at - NOW == timedelta(days=3)
    assert later.legal_due_at == registered.legal_due_at
    assert refused(registered, commands.Edit(changes={"category": None})) == "category_missing"


def test_clarification_pauses_the_promise_only() -> None:
    registered = run(appeal(), commands.Register()).appeal
    asked = run(registered, commands.AskClarification(question="де?"), now=NOW + timedelta(minutes=30)).appeal
    answered = run(asked, commands.Clarify(answer="тут"), now=NOW + timedelta(hours=10)).appeal
    assert answered.due_at == NOW + timedelta(hours=2) + timedelta(hours=9, minutes=30)
    assert answered.legal_due_at == registered.legal_due_at
    assert answered.status is Status.REGISTERED


def test_a_complaint_never_goes_to_the_body_complained_of() -> None:
    of = appeal(Status.REGISTERED, complained_of="water", service=None)
    assert refused(of, commands.RouteTo(service="water")) == "art_7"
    assert refused(of, commands.RouteTo(service="gas")) == "external"
    assert refused(of, commands.RouteTo()) == "service_missing"
    done = run(replace(of, proposed_service="roads"), commands.RouteTo())
    assert (done.appeal.service, done.appeal.routings) == ("roads", 1)
    assert [(one.kind, one.owner) for one in done.owed] == [(DutyKind.ACCEPT, "roads")]


def test_the_second_decline_goes_to_a_supervisor_and_the_trail_stays() -> None:
    of = appeal(Status.REGISTERED, service=None)
    of = walk(
        of,
        (commands.RouteTo(service="water"), OPERATOR),
        (commands.Decline(reason="не наше"), WATER),
        (commands.RouteTo(service="roads"), OPERATOR),
        (commands.Decline(reason="і не наше"), ROADS),
    )
    assert (of.declines, of.routings, of.service) == (2, 2, None)
    assert refused(of, commands.RouteTo(service="water")) == "escalated"
    assert allowed_actions(of, OPERATOR, NOW, REFERENCE).count(workflow.AllowedAction("route", "escalated")) == 1
    again = run(of, commands.RouteTo(service="water"), SUPERVISOR).appeal
    assert (again.escalated_at, again.routings) == (None, 3)


def test_a_service_acts_on_its_own_appeals_alone() -> None:
    of = appeal(Status.ROUTED, service="roads")
    assert refused(of, commands.Accept(), WATER) == "other_service"
    assert run(of, commands.Accept(), ROADS).settles == {DutyKind.ACCEPT: "accepted"}


def test_taking_it_from_a_service_at_work_is_a_supervisors_and_needs_a_reason() -> None:
    of = appeal(Status.IN_PROGRESS, routings=1)
    with pytest.raises(RoleError):
        run(of, commands.RouteTo(service="roads", reason="помилка"))
    assert refused(of, commands.RouteTo(service="roads"), SUPERVISOR) == "text_missing"
    assert run(of, commands.RouteTo(service="roads", reason="помилка"), SUPERVISOR).appeal.service == "roads"


def test_a_report_is_followed_by_the_duty_to_inform() -> None:
    done = run(appeal(Status.IN_PROGRESS), commands.ReportDone(text="полагоджено"), WATER)
    assert isinstance(done.then, commands.Verify)
    after = run(done.appeal, done.then, town.SYSTEM)
    assert after.appeal.status is Status.VERIFYING
    assert [(one.kind, one.reason) for one in after.owed] == [(DutyKind.INFORM, "result")]


def test_a_report_needs_words_a_photo_where_asked_and_the_law_for_a_refusal() -> None:
    hole = appeal(Status.IN_PROGRESS, category="roads.hole", service="roads")
    assert refused(hole, commands.ReportDone(text=" "), ROADS) == "text_missing"
    assert refused(hole, commands.ReportDone(text="є"), ROADS) == "photo_missing"
    assert run(hole, commands.ReportDone(text="є", photos=("p1",)), ROADS).appeal.photos == ("p1",)
    refusal = commands.ReportDone(text="ні", result=Result.REFUSED)
    assert refused(hole, refusal, ROADS) == "text_missing"
    done = run(hole, replace(refusal, legal_reference="ст. 8"), ROADS).appeal
    owed = run(done, commands.Verify(), town.SYSTEM).owed
    assert [one.reason for one in owed] == ["refused"]
    assert refused(hole, commands.ReportDone(text="є", result=Result.WITHDRAWN), ROADS) == "result"


def test_nobody_closes_before_the_applicant_knows() -> None:
    of = appeal(Status.VERIFYING, duties=(duty(),))
    assert refused(of, commands.Close()) == "duties_open"
    assert refused(replace(of, duties=(duty(DutyKind.FORWARDING_CONTROL),)), commands.Close()) == "duties_open"
    after = run(replace(of, duties=(duty(closed=True),)), commands.Close()).appeal
    assert (after.status, after.result, after.closed_at) == (Status.CLOSED, Result.RESOLVED, NOW)


@pytest.mark.parametrize("reported", [Result.EXPLAINED, Result.REFUSED, Result.RESOLVED])
def test_what_was_not_repaired_is_never_shown_as_repaired(reported: Result) -> None:
    of = appeal(Status.VERIFYING, result=reported)
    for claimed in Result:
        if claimed is reported or (reported, claimed) == (Result.RESOLVED, Result.EXPLAINED):
            assert run(of, commands.Close(result=claimed)).appeal.result is claimed
        else:
            assert refused(of, commands.Close(result=claimed)) == "result"


def test_not_done_twice_goes_to_a_supervisor() -> None:
    of = appeal(Status.VERIFYING, duties=(duty(),))
    once = run(of, commands.NotDone(reason="тече"))
    assert once.settles == {DutyKind.INFORM: "not_done"}
    assert (once.appeal.reworks, once.appeal.result, once.appeal.escalated_at) == (1, None, None)
    again = walk(
        once.appeal,
        (commands.Start(), WATER),
        (commands.ReportDone(text="тепер так"), WATER),
        (commands.Verify(), town.SYSTEM),
        (commands.NotDone(reason="тече"), OPERATOR),
    )
    assert again.escalated_at == NOW


def test_reopening_is_asked_within_a_fortnight_and_granted_by_a_supervisor() -> None:
    of = appeal(Status.CLOSED)
    assert refused(of, commands.RequestReopen(reason="знову"), now=NOW + timedelta(days=14, seconds=1)) == (
        "too_late_to_reopen"
    )
    asked = run(of, commands.RequestReopen(reason="знову"), town.SYSTEM, NOW + timedelta(days=14)).appeal
    reopened = run(asked, commands.Reopen(reason="так"), SUPERVISOR).appeal
    assert (reopened.status, reopened.result, reopened.closed_at) == (Status.IN_PROGRESS, None, None)
    kept = run(asked, commands.KeepClosed(reason="ні"), SUPERVISOR)
    assert (kept.appeal.status, kept.appeal.closed_at) == (Status.CLOSED, NOW)
    assert [one.reason for one in kept.owed] == ["kept_closed"]
    assert refused(replace(asked, service=None), commands.Reopen(reason="так"), SUPERVISOR) == "no_service"


def test_merging_needs_another_open_appeal_of_the_same_desk() -> None:
    of = appeal(Status.REGISTERED)
    merged = run(of, commands.Merge(into="other"))
    assert (merged.appeal.status, merged.appeal.merged_into) == (Status.MERGED, "other")
    for wrong in (of, None, replace(OTHER, status=Status.CLOSED), replace(OTHER, desk="violence")):
        with pytest.raises(GuardError, match=r"merge|other appeal"):
            run(of, commands.Merge(into="other"), into=wrong)


def test_what_is_not_the_citys_is_forwarded_with_a_duty_to_tell_and_one_to_ask() -> None:
    done = run(appeal(Status.REGISTERED), commands.ForwardOut(to="gas", explanation="газова служба"))
    assert (done.appeal.status, done.appeal.forwarded_to) == (Status.FORWARDED_OUT, "gas")
    assert [one.kind for one in done.owed] == [DutyKind.INFORM, DutyKind.FORWARDING_CONTROL]
    assert done.entries[-1].details["late_days"] is None
    late = run(appeal(Status.REGISTERED), commands.ForwardOut(to="gas", explanation="газ"), now=NOW + timedelta(days=7))
    assert late.entries[-1].details["late_days"] == "3"
    assert run(done.appeal, commands.Close()).appeal.result is Result.FORWARDED


def test_a_call_is_never_put_aside_as_anonymous() -> None:
    anonymous = commands.NotConsider(ground=Ground.ANONYMOUS, explanation="без підпису")
    assert refused(appeal(Status.REGISTERED, applicant=None), anonymous, SUPERVISOR) == "anonymous_written"
    written = appeal(Status.REGISTERED, channel=Channel.WRITTEN)
    assert refused(written, anonymous, SUPERVISOR) == "not_anonymous"
    done = run(replace(written, applicant=None), anonymous, SUPERVISOR)
    assert (done.appeal.status, done.appeal.result) == (Status.NOT_CONSIDERED, Result.NOT_CONSIDERED)


def test_only_the_head_extends_once_and_within_45_days() -> None:
    of = run(appeal(category="health.complaint"), commands.Register()).appeal
    longer = commands.Extend(until=date(2026, 12, 30), reason="експертиза")
    done = run(of, longer, town.HEAD)
    assert done.appeal.legal_due_at is not None
    assert done.appeal.legal_due_at.astimezone(UTC).date() == date(2026, 12, 30)
    assert [one.reason for one in done.owed] == ["extended"]
    assert refused(done.appeal, longer, town.HEAD) == "extended_already"
    assert refused(of, replace(longer, until=date(2026, 12, 1)), town.HEAD) == "not_later"
    capped = run(of, replace(longer, until=date(2027, 6, 1)), town.HEAD).appeal
    assert capped.legal_due_at is not None
    assert capped.legal_due_at - NOW < timedelta(days=46)
    consultation = run(appeal(category="info.contacts"), commands.Register()).appeal
    assert refused(consultation, longer, town.HEAD) == "no_legal_deadline"


def test_a_consultation_ends_with_the_answer() -> None:
    of = run(appeal(category="info.contacts", description=None), commands.Register()).appeal
    done = run(of, commands.Answer(text="до 18:00"))
    assert (done.appeal.status, done.appeal.result, done.appeal.report) == (Status.CLOSED, Result.EXPLAINED, "до 18:00")
    assert refused(appeal(Status.REGISTERED), commands.Answer()) == "no_consultation"


def test_work_is_planned_for_a_time_to_come() -> None:
    of = appeal(Status.ACCEPTED)
    assert refused(of, commands.Schedule(at=NOW, reason="завтра"), WATER) == "in_the_past"
    planned = run(of, commands.Schedule(at=NOW + timedelta(days=1), reason="завтра"), WATER).appeal
    assert (planned.status, planned.scheduled_for) == (Status.SCHEDULED, NOW + timedelta(days=1))
    assert run(planned, commands.Start(), WATER).appeal.scheduled_for is None


def test_a_program_does_not_register_a_call() -> None:
    assert refused(appeal(), commands.Register(), town.SYSTEM) == "operator_registers"


steps = st.lists(st.tuples(st.sampled_from(EVERYTHING), st.sampled_from(ACTORS), st.integers(0, 40)), max_size=25)


@given(steps)
@settings(max_examples=300, deadline=None)
def test_whatever_people_do_the_appeal_stays_sound(taken: list[tuple[Command, Actor, int]]) -> None:
    of, now, history = appeal(service=None), NOW, 0
    for command, actor, hours in taken:
        now += timedelta(hours=hours)
        before = of
        try:
            done = run(of, command, actor, now)
        except RegisterError:
            assert of == before
            continue
        of = done.appeal
        history += len(done.entries)
        assert bool(done.entries) == (of.version == before.version + 1)
        assert done.entries or of == before
        assert all(entry.at == now and entry.actor == actor.login for entry in done.entries)
        assert (of.closed_at is not None) == (of.status in ENDED | {Status.REOPEN_REQUESTED})
        assert (of.kind is None) == (of.status in {Status.NEW, Status.DISMISSED})
        if of.status in {Status.ROUTED, Status.ACCEPTED, Status.IN_PROGRESS, Status.SCHEDULED, Status.VERIFYING}:
            assert of.service is not None
        if of.status is Status.CLOSED:
            assert of.result is not None
        assert sum(pause.end is None for pause in of.pauses) <= 1
        assert Role.SYSTEM not in actor.roles or of.status is not Status.DISMISSED
