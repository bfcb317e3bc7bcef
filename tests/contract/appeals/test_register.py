"""The register's desk on a database: numbers, versions, duties, history, and who may act on what."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from appeals import commands, queries, service
from appeals.duties import Duty, DutyKind, Excuse
from appeals.errors import ChangedMeanwhileError, GuardError, NoSuchAppealError
from appeals.model import Actor, Appeal, Channel, Kind, Status
from appeals.ports import Tx
from appeals.register import Desk
from appeals.tables import appeal_history, metadata
from contact_centre.writer import SqliteTx, connect, transaction
from tests import town
from tests.contract.appeals.conftest import Register
from tests.town import OPERATOR, REFERENCE, REGISTERED_AT, SUPERVISOR, WATER


@dataclass
class Clock:
    at: datetime = REGISTERED_AT

    def now(self) -> datetime:
        return self.at


@dataclass
class Office:
    """A register with its desk, and what the desk told."""

    register: Register
    clock: Clock = field(default_factory=Clock)
    told: list[tuple[str, str]] = field(default_factory=list)
    owed: list[Duty] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        def changed(_: Tx, before: Appeal | None, after: Appeal, entries: Any) -> None:  # noqa: ANN401 - history
            assert before is None or before.version < after.version
            self.told += [(after.appeal_id, entry.event) for entry in entries]

        return Desk(self.clock, lambda _: REFERENCE, changed, lambda _, __, duty: self.owed.append(duty))

    def draft(self, call_id: str = "call-1", number: str | None = "+380501234567") -> str:
        return self.register.write(
            lambda tx: service.draft_for_call(
                tx,
                call_id=call_id,
                number_raw=number,
                number=number,
                line="15-80",
                operator="olena",
                caller_name=None,
                at=self.clock.at,
            )
        )

    def do(self, appeal_id: str, command: commands.Command, actor: Actor = OPERATOR, **more: Any) -> Appeal:  # noqa: ANN401
        return self.register.write(lambda tx: self.desk.perform(tx, appeal_id, command, actor, **more))

    def registered(self, category: str = "water.leak", call_id: str = "call-1", **more: Any) -> Appeal:  # noqa: ANN401
        changes = {"category": category, "description": "тече труба", "address": "Головна, 45"}
        return self.do(self.draft(call_id, **more), commands.Register(changes=changes))

    def verifying(self, call_id: str = "call-1") -> Appeal:
        of = self.registered(call_id=call_id)
        for command, actor in (
            (commands.RouteTo(service="water"), OPERATOR),
            (commands.Accept(), WATER),
            (commands.ReportDone(text="замінено трубу"), WATER),
        ):
            of = self.do(of.appeal_id, command, actor)
        return of


@pytest.fixture
def office(register: Register) -> Office:
    return Office(register)


def owed(of: Appeal) -> list[tuple[DutyKind, str]]:
    return [(duty.kind, duty.reason) for duty in of.duties if duty.closed_at is None]


async def test_a_draft_is_registered_and_reads_back_as_it_was_returned(office: Office) -> None:
    done = office.registered()
    assert (done.registration_number, done.status, done.kind) == ("2026-000001", Status.REGISTERED, Kind.OPERATIONAL)
    kept = await office.register.read(lambda connection: queries.get_appeal(connection, done.appeal_id))
    assert kept is not None
    assert [entry.event for entry in kept.history] == ["created", "edited", "registered"]
    assert kept.history[-1].actor == "olena"
    for name in ("registration_number", "due_at", "legal_due_at", "version", "applicant_phone", "reference_version"):
        assert getattr(kept, name) == getattr(done, name)


def test_numbers_follow_the_citys_year_and_each_begins_at_one(office: Office) -> None:
    assert office.registered(call_id="a").registration_number == "2026-000001"
    office.clock.at = datetime(2026, 12, 31, 21, 59, tzinfo=UTC)
    assert office.registered(call_id="b").registration_number == "2026-000002"
    office.clock.at = datetime(2026, 12, 31, 22, 1, tzinfo=UTC)
    assert office.registered(call_id="c").registration_number == "2027-000001"


def test_a_registration_that_fails_uses_no_number(office: Office) -> None:
    def fails(tx: SqliteTx) -> None:
        office.desk.perform(
            tx, draft, commands.Register(changes={"category": "water.leak", "description": "x"}), OPERATOR
        )
        raise OSError

    draft = office.draft("a")
    with suppress(OSError):
        office.register.write(fails)
    assert office.registered(call_id="b").registration_number == "2026-000001"


def test_many_operators_at_the_same_instant_get_numbers_without_gaps_or_doubles(tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    desk = Desk(Clock(), lambda _: REFERENCE, lambda *_: None, lambda *_: None)
    register_it = commands.Register(changes={"category": "water.leak", "description": "тече"})

    def clerk(name: int) -> list[str | None]:
        connection = connect(path)
        got = []
        for one in range(10):
            with transaction(connection) as tx:
                appeal_id = service.draft_for_call(
                    tx,
                    call_id=f"{name}-{one}",
                    number_raw=None,
                    number=None,
                    line="15-80",
                    operator="olena",
                    caller_name=None,
                    at=REGISTERED_AT,
                )
            with suppress(ZeroDivisionError), transaction(connection) as tx:
                done = desk.perform(tx, appeal_id, register_it, OPERATOR)
                if one % 3 == 2:
                    raise ZeroDivisionError
                got.append(done.registration_number)
        connection.close()
        return got

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(number or "" for got in pool.map(clerk, range(4)) for number in got)
    assert numbers == [f"2026-{one:06d}" for one in range(1, len(numbers) + 1)]
    assert len(numbers) == 28


def test_the_second_of_two_clerks_is_told_that_it_has_changed(office: Office) -> None:
    of = office.registered()
    office.do(of.appeal_id, commands.RouteTo(service="water"), expected=of.version)
    with pytest.raises(ChangedMeanwhileError, match="read it again"):
        office.do(of.appeal_id, commands.RouteTo(service="roads", reason="інша"), expected=of.version)
    assert office.do(of.appeal_id, commands.Accept(), WATER).service == "water"


def test_routing_owes_acceptance_which_accepting_fulfils(office: Office) -> None:
    routed = office.do(office.registered().appeal_id, commands.RouteTo(service="water"))
    assert owed(routed) == [(DutyKind.ACCEPT, "routed")]
    accepted = office.do(routed.appeal_id, commands.Accept(), WATER)
    assert owed(accepted) == []
    assert accepted.duties[0].excuse is Excuse.ACCEPTED


def test_declined_and_routed_again_the_trail_stays_whole(office: Office) -> None:
    of = office.registered()
    for command, actor in (
        (commands.RouteTo(service="water"), OPERATOR),
        (commands.Decline(reason="не наша мережа"), WATER),
        (commands.RouteTo(service="roads"), OPERATOR),
        (commands.Decline(reason="і не наша"), town.ROADS),
    ):
        of = office.do(of.appeal_id, command, actor)
    assert (of.status, of.routings, of.declines) == (Status.REGISTERED, 2, 2)
    with pytest.raises(GuardError, match="supervisor"):
        office.do(of.appeal_id, commands.RouteTo(service="water"))
    assert office.do(of.appeal_id, commands.RouteTo(service="water"), SUPERVISOR).service == "water"
    assert [(one.kind, one.excuse) for one in of.duties] == [(DutyKind.ACCEPT, Excuse.DECLINED)] * 2


def test_a_report_leads_to_the_applicant_and_closing_waits_for_it(office: Office) -> None:
    of = office.verifying()
    assert of.status is Status.VERIFYING
    assert owed(of) == [(DutyKind.INFORM, "result")]
    assert of.duties[-1].number == "+380501234567"
    with pytest.raises(GuardError, match="inform"):
        office.do(of.appeal_id, commands.Close())
    assert [event for _, event in office.told][-2:] == ["done_reported", "verifying"]


def test_who_left_nothing_to_be_reached_by_is_counted_and_holds_nothing_up(office: Office) -> None:
    of = office.registered(number=None)
    for command, actor in (
        (commands.RouteTo(service="water"), OPERATOR),
        (commands.Accept(), WATER),
        (commands.ReportDone(text="зроблено"), WATER),
        (commands.Close(), OPERATOR),
    ):
        of = office.do(of.appeal_id, command, actor)
    assert of.status is Status.CLOSED
    assert of.duties[-1].excuse is Excuse.NO_CONTACT


def test_merged_callers_each_hear_of_the_result(office: Office) -> None:
    main = office.registered(call_id="a")
    other = office.registered(call_id="b", number="+380671112233")
    third = office.registered(call_id="c", number="+380671112244")
    office.do(third.appeal_id, commands.Merge(into=other.appeal_id))
    merged = office.do(other.appeal_id, commands.Merge(into=main.appeal_id))
    assert merged.status is Status.MERGED
    with pytest.raises(GuardError, match="1 others with the same matter"):
        office.do(main.appeal_id, commands.Withdraw(reason="сам полагодив"))
    main = office.do(main.appeal_id, commands.Return(explanation="не зрозуміло, про що йдеться"), SUPERVISOR)
    assert main.status is Status.RETURNED
    informed = [(duty.appeal_id, duty.number, duty.reason) for duty in office.owed if duty.appeal_id != main.appeal_id]
    assert informed == [
        (other.appeal_id, "+380671112233", "result"),
        (third.appeal_id, "+380671112244", "result"),
    ]


def test_a_restricted_appeal_is_nobodys_but_its_desks(office: Office) -> None:
    of = office.registered("counselling.session")
    for stranger in (OPERATOR, SUPERVISOR, town.HEAD):
        with pytest.raises(NoSuchAppealError):
            office.do(of.appeal_id, commands.Answer(text="x"), stranger)
    assert office.do(of.appeal_id, commands.Answer(text="x"), town.PSYCHOLOGIST).status is Status.CLOSED


def test_a_service_knows_nothing_of_what_is_with_another(office: Office) -> None:
    of = office.do(office.registered().appeal_id, commands.RouteTo(service="water"))
    with pytest.raises(NoSuchAppealError):
        office.do(of.appeal_id, commands.Accept(), town.ROADS)
    with pytest.raises(NoSuchAppealError):
        office.do("no-such", commands.Accept(), WATER)


def test_an_appeal_from_the_web_is_written_registered_by_the_program_and_owes_its_number(office: Office) -> None:
    changes = {"category": "roads.hole", "description": "яма", "applicant_email": "a@example.org"}
    made = office.register.write(
        lambda tx: office.desk.create(tx, town.SYSTEM, Channel.WEB, commands.Edit(changes=changes), external_id="17")
    )
    assert (made.status, made.channel, made.external_id, made.proposed_service) == (
        Status.NEW,
        Channel.WEB,
        "17",
        "roads",
    )
    done = office.do(made.appeal_id, commands.Register(), town.SYSTEM)
    assert owed(done) == [(DutyKind.INFORM, "registered")]


def test_history_has_no_statement_that_changes_or_deletes_it(office: Office) -> None:
    of = office.registered()

    def everything(tx: SqliteTx) -> None:
        office.desk.perform(tx, of.appeal_id, commands.RouteTo(service="water"), OPERATOR)
        office.desk.perform(tx, of.appeal_id, commands.Decline(reason="ні"), WATER)

    touching = [sql for sql in office.register.statements(everything) if appeal_history.name in sql]
    assert touching
    assert all(sql.startswith("INSERT INTO") for sql in touching)


@pytest.mark.parametrize("weeks", [0, 3])
def test_an_applicant_who_is_not_content_reopens_within_a_fortnight(office: Office, weeks: int) -> None:
    of = office.do(office.registered().appeal_id, commands.Withdraw(reason="помилка"))
    office.clock.at += timedelta(weeks=weeks)
    ask = commands.RequestReopen(reason="все ж тече")
    if weeks:
        with pytest.raises(GuardError, match="14 days"):
            office.do(of.appeal_id, ask)
    else:
        assert office.do(of.appeal_id, ask).status is Status.REOPEN_REQUESTED
