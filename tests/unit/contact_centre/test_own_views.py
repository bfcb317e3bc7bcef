"""What an operator's page shows of them, as the live view goes on."""

from datetime import UTC, datetime

from contact_centre.console.shift.own import OwnViews
from contact_centre.live_feed import Update
from telephony.live import Change, Ongoing, Operator, OperatorState, Stage, Table

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def operator(login: str, state: OperatorState, call_id: str | None = None) -> Change:
    return Change(Table.OPERATORS, login, Operator(login, state, None, AT, call_id))


def call(call_id: str, *parties: str) -> Change:
    stage = Stage.TALKING if parties else Stage.WAITING
    return Change(Table.CALLS, call_id, Ongoing(call_id, "15-80", "+380501112233", None, AT, stage, parties))


def told(*changes: Change, fresh: bool = False) -> Update:
    return Update(up=True, fresh=fresh, changes=changes)


def test_a_call_is_the_operator_s_from_its_ringing_and_its_id_stays_when_it_is_over() -> None:
    views = OwnViews()
    both = views.take(told(operator("olena", OperatorState.FREE), operator("taras", OperatorState.FREE)))
    assert sorted(both) == ["olena", "taras"]
    assert views.take(told(call("c1"))) == []
    assert views.take(told(operator("olena", OperatorState.RINGING, "c1"))) == ["olena"]
    own = views.of("olena")
    assert own.call is not None
    assert (own.call.number, own.call_id) == ("+380501112233", "c1")
    assert views.without_appeal() == {"c1"}
    assert views.about("c1", "a1") == ["olena"]
    views.take(told(operator("olena", OperatorState.TALKING, "c1"), call("c1", "olena")))
    views.take(told(operator("olena", OperatorState.FREE), Change(Table.CALLS, "c1", None)))
    own = views.of("olena")
    assert (own.call, own.call_id, own.appeal_id) == (None, "c1", "a1")
    views.take(told(call("c2"), operator("olena", OperatorState.RINGING, "c2")))
    own = views.of("olena")
    assert (own.call_id, own.appeal_id) == ("c2", None)
    assert views.of("taras").call_id is None


def test_a_call_that_was_missed_is_no_more_of_whom_it_rang_at() -> None:
    views = OwnViews()
    views.take(told(call("c1"), operator("olena", OperatorState.RINGING, "c1")))
    views.about("c1", "a1")
    changed = views.take(told(operator("olena", OperatorState.FREE), call("c1", "taras")))
    assert sorted(changed) == ["olena", "taras"]
    assert (views.of("olena").call, views.of("olena").call_id, views.of("olena").appeal_id) == (None, None, None)
    assert views.of("taras").call_id == "c1"


def test_a_wrap_up_proves_that_the_call_was_taken_though_nobody_saw_the_talk() -> None:
    views = OwnViews()
    views.take(told(call("c1"), operator("olena", OperatorState.RINGING, "c1")))
    views.take(told(operator("olena", OperatorState.WRAP_UP), fresh=True))
    assert views.of("olena").call_id == "c1"


def test_who_talks_without_being_in_the_queue_has_the_call_too() -> None:
    views = OwnViews()
    assert sorted(views.take(told(call("c1", "olena", "water")))) == ["olena", "water"]
    assert views.of("olena").operator is None
    assert views.of("olena").call_id == views.of("water").call_id == "c1"


def test_a_call_that_changes_changes_the_view_of_whom_it_rings_at() -> None:
    views = OwnViews()
    views.take(told(operator("olena", OperatorState.RINGING, "c1")))
    assert views.of("olena").call is None
    assert views.take(told(call("c1"))) == ["olena"]
    assert views.take(told(call("c1"))) == []


def test_everything_anew_forgets_who_is_gone() -> None:
    views = OwnViews()
    views.take(told(operator("olena", OperatorState.TALKING, "c1"), call("c1", "olena")))
    views.about("c1", "a1")
    assert views.take(told(operator("taras", OperatorState.FREE), fresh=True)) != []
    own = views.of("olena")
    assert (own.operator, own.call, own.call_id, own.appeal_id) == (None, None, "c1", "a1")
    assert views.about("c9", "a9") == []
