"""The live view: what events lead to, and that a snapshot in the middle leads to the same."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.live import (
    Change,
    LiveState,
    Ongoing,
    Operator,
    OperatorState,
    Snapshot,
    Stage,
    Table,
    snapshot_of,
)
from telephony.wire.ami import Decoder, Message

CAPTURED = Path(__file__).parents[2] / "captures" / "service.ami.gz"
CITIZEN, PHONE, LEG = "cc1-1795383430.11", "cc1-1795383440.12", "cc1-1795383450.13"
BEGAN = datetime.fromtimestamp(1795383430, UTC)


def event(name: str, uniqueid: str = CITIZEN, **values: str) -> Message:
    channel = {CITIZEN: "PJSIP/trunk-primary-00000001", PHONE: "PJSIP/operator-olena-00000002"}.get(uniqueid, "")
    given = {
        "Timestamp": "1795383500.5",
        "Channel": channel,
        "CallerIDNum": "0501234567",
        "CallerIDName": "<unknown>",
        "AccountCode": "588-888" if uniqueid == CITIZEN else "",
        "Uniqueid": uniqueid,
        "Linkedid": CITIZEN,
        **values,
    }
    return Message.of(("Event", name), *given.items())


def member(name: str = "QueueMemberStatus", status: str = "1", login: str = "olena", **values: str) -> Message:
    given = {
        "Timestamp": "1795383500.5",
        "Queue": "contact-centre",
        "Interface": f"PJSIP/operator-{login}",
        "Status": status,
        "Paused": "0",
        "PausedReason": "",
        **values,
    }
    return Message.of(("Event", name), *given.items())


def bridge(name: str, uniqueid: str, bridge_id: str = "b1", **values: str) -> Message:
    given = {"BridgeUniqueid": bridge_id, "BridgeTechnology": "simple_bridge", **values}
    return event(f"Bridge{name}", uniqueid, **given)


def queued(uniqueid: str = CITIZEN, position: str = "1", **values: str) -> Message:
    return event("QueueCallerJoin", uniqueid, **{"Queue": "contact-centre", "Position": position, **values})


def left(uniqueid: str = CITIZEN, queue: str = "contact-centre") -> Message:
    return event("QueueCallerLeave", uniqueid, Queue=queue)


def live(*events: Message) -> LiveState:
    state = LiveState()
    for one in events:
        state.apply(one)
    return state


def stages(state: LiveState) -> list[tuple[Stage, tuple[str, ...]]]:
    return [(call.stage, call.parties) for call in state.calls()]


def test_a_citizen_who_calls_is_shown_with_line_and_number() -> None:
    state = LiveState()
    [change] = state.apply(event("Newchannel", AccountCode="", Context="from-trunk", Exten="0372588888"))
    expected = Ongoing(CITIZEN, "588-888", "0501234567", None, BEGAN, Stage.ANNOUNCEMENT, ())
    assert change == Change(Table.CALLS, CITIZEN, expected)
    assert state.calls() == [expected]
    assert state.rows() == [change]
    assert state.apply(event("Newstate")) == []


def test_a_name_is_shown_as_it_was_sent() -> None:
    state = live(event("Newchannel", CallerIDName=r"a\"b\\c"), queued(CallerIDName=r"a\"b\\c"))
    assert state.calls()[0].name == 'a"b\\c'
    assert state.waiting()[0].name == 'a"b\\c'


def test_what_the_dialplan_learns_later_is_taken_over() -> None:
    state = live(event("Newchannel", AccountCode=""))
    assert state.calls()[0].line is None
    [change] = state.apply(event("Newstate", AccountCode="15-80"))
    assert isinstance(change.row, Ongoing)
    assert change.row.line == "15-80"


def test_citizens_wait_in_order_and_move_up() -> None:
    second, third = "cc1-1795383431.12", "cc1-1795383432.13"
    state = LiveState()
    for uniqueid in (CITIZEN, second, third):
        state.apply(event("Newchannel", uniqueid, Channel="PJSIP/trunk-primary-0000000a", AccountCode="15-80"))
    state.apply(queued())
    state.apply(queued(third, "2"))
    changes = state.apply(queued(second, "1", AccountCode="15-80"))
    assert [(row.call_id, row.position) for row in state.waiting()] == [(second, 1), (CITIZEN, 2), (third, 3)]
    assert [change.key for change in changes if change.table is Table.WAITING] == [second, CITIZEN, third]
    assert state.waiting()[0].since == datetime.fromtimestamp(1795383500.5, UTC)
    state.apply(left(second))
    assert [(row.call_id, row.position) for row in state.waiting()] == [(CITIZEN, 1), (third, 2)]
    state.apply(event("Hangup"))
    assert [(row.call_id, row.position) for row in state.waiting()] == [(third, 1)]


def test_a_call_rings_talks_and_ends() -> None:
    state = live(event("Newchannel"), queued(), member())
    assert stages(state) == [(Stage.WAITING, ())]
    state.apply(event("Newchannel", PHONE))
    state.apply(member(status="6"))
    [operator] = state.operators()
    assert (operator.state, operator.call_id) == (OperatorState.RINGING, CITIZEN)
    state.apply(left())
    for uniqueid in (PHONE, CITIZEN):
        state.apply(bridge("Enter", uniqueid))
    state.apply(member(status="2"))
    assert stages(state) == [(Stage.TALKING, ("olena",))]
    assert (state.operators()[0].state, state.operators()[0].call_id) == (OperatorState.TALKING, CITIZEN)
    changes = state.apply(bridge("Leave", PHONE)) + state.apply(event("Hangup", PHONE)) + state.apply(event("Hangup"))
    assert state.calls() == []
    assert state.operators()[0].call_id is None
    assert changes[-1] == Change(Table.CALLS, CITIZEN, None)


def test_a_telephone_that_asterisk_calls_busy_rings_until_it_is_picked_up() -> None:
    state = live(event("Newchannel"), queued(), member(), event("Newchannel", PHONE, ChannelState="0"))
    state.apply(member(status="3"))
    assert state.operators()[0].state is OperatorState.RINGING
    assert state.apply(event("Newstate", PHONE, ChannelState="5")) == []
    [change] = state.apply(event("Newstate", PHONE, ChannelState="6"))
    assert isinstance(change.row, Operator)
    assert change.row.state is OperatorState.TALKING
    own = live(member(status="3"), event("Newchannel", PHONE, ChannelState="4"))
    assert own.operators()[0].state is OperatorState.TALKING


def test_a_screen_pop_is_one_change_for_the_operator_who_is_rung() -> None:
    state = live(event("Newchannel"), queued(), member(), member(login="taras"), member(status="6"))
    changes = state.apply(event("Newchannel", PHONE))
    assert [(change.table, change.key) for change in changes] == [(Table.OPERATORS, "olena")]
    assert isinstance(changes[0].row, Operator)
    assert changes[0].row.call_id == CITIZEN


@pytest.mark.parametrize(
    ("status", "paused", "reason", "state"),
    [
        ("1", "0", "", OperatorState.FREE),
        ("2", "0", "", OperatorState.TALKING),
        ("6", "0", "", OperatorState.RINGING),
        ("1", "1", "wrapup", OperatorState.WRAP_UP),
        ("1", "1", "break", OperatorState.PAUSED),
        ("1", "1", "", OperatorState.PAUSED),
        ("2", "1", "wrapup", OperatorState.TALKING),
        ("5", "1", "break", OperatorState.OFFLINE),
        ("5", "0", "", OperatorState.OFFLINE),
        ("x", "0", "", OperatorState.OFFLINE),
    ],
)
def test_an_operators_state(status: str, paused: str, reason: str, state: OperatorState) -> None:
    view = live(member(status=status, Paused=paused, PausedReason=reason))
    assert view.operators()[0].state is state
    assert view.operators()[0].reason == (reason or None)


def test_an_operators_state_keeps_its_beginning() -> None:
    state = live(member(), member(Timestamp="1795383600.0"))
    assert state.operators()[0].since == datetime.fromtimestamp(1795383500.5, UTC)
    state.apply(member(status="2", Timestamp="1795383700.0"))
    assert state.operators()[0].since == datetime.fromtimestamp(1795383700, UTC)


PAUSED = {"Paused": "1", "PausedReason": "lunch", "LoginTime": "1795380000"}


def paused_at(state: LiveState) -> int:
    [operator] = state.operators()
    assert operator.paused_at is not None
    return int(operator.paused_at.timestamp())


def test_a_pause_lasts_since_asterisk_says_whatever_the_telephone_does_meanwhile() -> None:
    state = live(member(LastPause="0"))
    assert state.operators()[0].paused_at is None
    for status in ("2", "1", "5", "1"):
        state.apply(member(status=status, LastPause="1795383400", **PAUSED))
        assert paused_at(state) == 1795383400
    state.apply(member(LastPause="1795383400"))
    assert state.operators()[0].paused_at is None


def test_a_restart_of_asterisk_in_a_pause_does_not_make_it_shorter() -> None:
    state = live(member(LastPause="1795383400", **PAUSED))
    restarted = {"LastPause": "1795383450", "LoginTime": "1795383450", "Location": "PJSIP/operator-olena"}
    back = member("QueueMember", **PAUSED | restarted)
    state.resync(Snapshot(BEGAN + timedelta(minutes=1), (back,), ()))
    assert paused_at(state) == 1795383400
    state.apply(member(**PAUSED | restarted | {"PausedReason": "break", "LastPause": "1795383460"}))
    assert paused_at(state) == 1795383460
    assert paused_at(LiveState.from_snapshot(Snapshot(BEGAN + timedelta(minutes=1), (back,), ()))) == 1795383450


def test_where_asterisk_does_not_say_since_when_a_pause_lasts_it_is_since_we_know() -> None:
    state = live(member(LastPause="0", **PAUSED), member(LastPause="0", status="5", Timestamp="1795383600.0", **PAUSED))
    assert paused_at(state) == 1795383500


def test_who_signs_out_is_gone() -> None:
    state = live(member("QueueMemberAdded"))
    assert state.apply(member("QueueMemberRemoved")) == [Change(Table.OPERATORS, "olena", None)]
    assert state.apply(member("QueueMemberRemoved")) == []
    assert state.operators() == []


def test_a_transfer_leaves_the_citizen_with_the_specialist() -> None:
    state = live(event("Newchannel"), event("Newchannel", PHONE), member(status="2"))
    state.apply(event("Newchannel", LEG, Channel="PJSIP/specialist-water-00000003"))
    for uniqueid in (CITIZEN, PHONE, LEG):
        state.apply(bridge("Enter", uniqueid))
    assert stages(state) == [(Stage.TALKING, ("olena", "water"))]
    state.apply(event("Hangup", PHONE))
    assert stages(state) == [(Stage.TALKING, ("water",))]
    state.apply(bridge("Enter", CITIZEN, "b2"))
    assert stages(state) == [(Stage.ANNOUNCEMENT, ())]
    state.apply(bridge("Leave", CITIZEN, "b1"))
    state.apply(bridge("Enter", LEG, "b2"))
    assert stages(state) == [(Stage.TALKING, ("water",))]


def test_two_citizens_who_hear_each_other_talk() -> None:
    state = live(event("Newchannel"))
    state.apply(event("Newchannel", LEG, Channel="PJSIP/trunk-backup-00000003", AccountCode="15-80"))
    for uniqueid in (CITIZEN, LEG):
        state.apply(bridge("Enter", uniqueid))
    assert stages(state) == [(Stage.TALKING, ()), (Stage.TALKING, ())]


def test_nobody_talks_with_local_channels_or_in_holding_bridges() -> None:
    state = live(event("Newchannel"), event("Newchannel", PHONE))
    state.apply(event("Newchannel", LEG, Channel="Local/301@transfer-00000001;1"))
    state.apply(bridge("Enter", CITIZEN))
    state.apply(bridge("Enter", LEG))
    state.apply(bridge("Enter", PHONE, BridgeTechnology="holding_bridge"))
    assert stages(state) == [(Stage.ANNOUNCEMENT, ())]


def test_a_call_out_is_known_by_the_operators_channel() -> None:
    out = "cc1-0199f0a2-call"
    state = live(member(status="2"))
    state.apply(event("Newchannel", out, Channel="PJSIP/operator-olena-00000004", Linkedid=out))
    assert state.calls() == []
    state.apply(event("Newchannel", LEG, Channel="PJSIP/trunk-primary-00000005", Linkedid=out))
    assert [(call.call_id, call.line, call.number) for call in state.calls()] == [(out, None, "0501234567")]
    assert state.operators()[0].call_id == out
    for uniqueid in (out, LEG):
        state.apply(bridge("Enter", uniqueid, Linkedid=out))
    assert stages(state) == [(Stage.TALKING, ("olena",))]
    assert state.operators()[0].call_id == out
    state.apply(event("Hangup", LEG, Linkedid=out))
    assert state.calls() == []
    assert state.operators()[0].call_id is None


def test_a_citizen_forwarded_to_the_city_has_one_call() -> None:
    state = live(event("Newchannel"))
    assert state.apply(event("Newchannel", LEG, Channel="PJSIP/trunk-backup-00000003", AccountCode="")) == []
    assert [call.call_id for call in state.calls()] == [CITIZEN]


@pytest.mark.parametrize(
    "odd",
    [
        event("Newchannel", ""),
        event("Newstate", "never seen"),
        event("Hangup", "never seen"),
        bridge("Enter", "never seen"),
        bridge("Leave", "never seen"),
        bridge("Leave", CITIZEN, "another"),
        queued("never seen"),
        queued(Queue="another"),
        queued(position="999999999999999999999"),
        left("never seen"),
        left(queue="another"),
        member("QueueMemberStatus", Queue="another"),
        member("QueueMemberRemoved", Queue="another"),
        event("Newchannel"),
        event("Newstate", Timestamp="nan"),
        event("Newstate", Timestamp="1e400"),
        event("Newstate", Timestamp="soon"),
        event("VarSet"),
        Message.of(("Response", "Success")),
        Message.of(("Event", "Newchannel"), ("Uniqueid", "x"), ("Channel", "PJSIP/trunk")),
        Message.of(("Event", "QueueMemberAdded")),
    ],
)
def test_no_observation_raises_or_shows_what_is_not_there(odd: Message) -> None:
    state = live(event("Newchannel"), queued(), member())
    before = (state.waiting(), state.operators(), state.calls())
    assert state.apply(odd) == []
    assert (state.waiting(), state.operators(), state.calls()) == before


def test_events_told_twice_change_nothing() -> None:
    events = [event("Newchannel"), queued(), member(), event("Newchannel", PHONE), bridge("Enter", PHONE)]
    state = live(*events)
    assert [change for one in events for change in state.apply(one)] == []


def test_a_snapshot_replaces_all_and_only_differences_are_told() -> None:
    state = live(event("Newchannel"), queued(), member(), member(login="taras"))
    at = datetime.fromtimestamp(1795383503, UTC)
    channel = event("CoreShowChannel", Context="waiting", Exten="s", BridgeId="")
    entry = event("QueueEntry", Queue="contact-centre", Position="1", Wait="2")
    other = event("QueueEntry", "x", Queue="another", Position="1", Wait="2")
    same = member("QueueMember", Location="PJSIP/operator-olena")
    snapshot = snapshot_of(at, [entry, other, same, channel, Message.of(("Event", "QueueStatusComplete"))])
    assert snapshot == Snapshot(at, (entry, other, same), (channel,))
    assert state.resync(snapshot) == [Change(Table.OPERATORS, "taras", None)]
    assert state.waiting()[0].since == datetime.fromtimestamp(1795383500.5, UTC)
    assert LiveState.from_snapshot(snapshot).waiting()[0].since == at - timedelta(seconds=2)
    gone = state.resync(Snapshot(at, (), ()))
    assert {change.row for change in gone} == {None}
    assert len(gone) == 3


def test_a_waiting_citizen_whose_channel_is_not_listed_is_shown_by_what_the_queue_says() -> None:
    entry = event("QueueEntry", Queue="contact-centre", Position="1", Wait="x")
    [row] = LiveState.from_snapshot(Snapshot(BEGAN, (entry,), ())).waiting()
    assert (row.number, row.line, row.since) == ("0501234567", None, BEGAN)


# ---- a real stream, cut anywhere

View = tuple[object, ...]


def view(state: LiveState) -> View:
    """What must be equal: everything but the times that Asterisk does not tell exactly again."""
    waiting = [(one.call_id, one.line, one.number, one.name, one.position) for one in state.waiting()]
    operators = [(one.login, one.state, one.reason, one.call_id) for one in state.operators()]
    return waiting, operators, state.calls()


@dataclass
class Asked:
    """One snapshot in the stream: what was answered, and between which events."""

    begins: int
    ends: int = 0
    answers: list[Message] = field(default_factory=list)


@cache
def captured() -> tuple[list[Message], list[Asked]]:
    events: list[Message] = []
    asked: dict[str, Asked] = {}
    for one in Decoder().feed(gzip.decompress(CAPTURED.read_bytes())):
        assert isinstance(one, Message)
        if one.action_id:
            question = asked.setdefault(one.action_id.split("-")[1], Asked(len(events)))
            question.answers.append(one)
            question.ends = len(events)
        else:
            events.append(one)
    return events, list(asked.values())


@cache
def uninterrupted() -> list[View]:
    """The view after each event."""
    state, views = LiveState(), []
    for one in captured()[0]:
        state.apply(one)
        views.append(view(state))
    return views


def test_the_captured_stream_has_calls_of_every_kind() -> None:
    events, asked = captured()
    names = {one.event for one in events}
    assert {"BlindTransfer", "AttendedTransfer", "AgentRingNoAnswer", "QueueCallerAbandon", "Hold"} <= names
    assert len(asked) > 500
    everything = [row for state in uninterrupted() for row in _rows(state)]
    assert {row.stage for row in everything} == set(Stage)
    assert {party for row in everything for party in row.parties} >= {
        "olena",
        "taras",
        "petro",
        "maria",
        "water",
        "roads",
    }


def _rows(state: View) -> Iterable[Ongoing]:
    calls = state[2]
    assert isinstance(calls, list)
    return calls


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_cut_anywhere_and_resynced_the_state_is_that_of_the_uninterrupted_run(data: st.DataObject) -> None:
    """The events from the cut to the question are lost; those that came while Asterisk answered are told after it.

    Asterisk's answer may be ahead of its events by one device state, so views are compared from the next event on
    at which Asterisk was asked again.
    """
    events, asked = captured()
    cut = data.draw(st.integers(0, len(events)))
    later = [one for one in asked if one.begins >= cut]
    if not later:
        return
    question = data.draw(st.sampled_from(later))
    at = events[max(0, question.begins - 1)].get("Timestamp", "0")
    state = LiveState()
    for one in events[:cut]:
        state.apply(one)
    state.resync(snapshot_of(datetime.fromtimestamp(float(at or 0), UTC), question.answers))
    compare_at = {one.begins for one in asked if one.begins > question.ends}
    for index in range(question.begins, len(events)):
        if index in compare_at:
            assert view(state) == uninterrupted()[index - 1]
        state.apply(events[index])
    assert view(state) == uninterrupted()[-1]


def test_each_of_asterisks_own_answers_is_what_the_events_had_led_to() -> None:
    events, asked = captured()
    ahead = 0
    for question in asked:
        state = LiveState.from_snapshot(snapshot_of(BEGAN, question.answers))
        for one in events[question.begins : question.ends]:
            state.apply(one)
        if question.ends and view(state) != uninterrupted()[question.ends - 1]:
            ahead += 1
    assert ahead <= 3
