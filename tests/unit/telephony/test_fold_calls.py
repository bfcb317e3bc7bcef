"""What a group's facts say of its calls: one small ledger for each rule."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from telephony.core.call import Call, Direction, QueueOutcome, Role, TransferKind
from telephony.core.facts import Fact
from telephony.core.fold import Ending, fold

Ledger = Callable[[str], list[Fact]]
Folded = Callable[[str], Call]

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

ARRIVES = """
    0.0 CHAN_START trunk-a#1 exten=588888
    0.0 LINE trunk-a#1 | 588-888
    0.0 CALLER trunk-a#1 | 0501234567 %D0%87%D0%B6%D0%B0%D0%BA
"""
QUEUES = ARRIVES + "1.0 APP_START trunk-a#1 app=Queue data=contact-centre,tc,,,60"
ANSWERED = (
    QUEUES
    + """
    1.1 CHAN_START operator-olena#2~1
    3.0 BRIDGE_ENTER operator-olena#2~1 app=AppQueue bridge=b1
    3.0 BRIDGE_ENTER trunk-a#1 app=Queue bridge=b1
"""
)
HANGS_UP = """
    20.0 BRIDGE_EXIT trunk-a#1 app=Queue bridge=b1
    20.0 BRIDGE_EXIT operator-olena#2~1 app=AppQueue bridge=b1
    20.0 CHAN_END operator-olena#2~1 app=AppQueue
    20.0 APP_END trunk-a#1 app=Queue
    20.0 CHAN_END trunk-a#1
"""


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def leg(call: Call, party: str) -> tuple[float, float]:
    (found,) = (one for one in call.legs if one.party == party)
    return found.talk_time, found.hold_time


def test_no_facts_are_no_calls() -> None:
    assert fold([]) == ()


def test_a_channel_without_a_line_is_no_call(ledger: Ledger) -> None:
    assert fold(ledger("0.0 CHAN_START operator-olena#1 exten=*11\n2.0 CHAN_END operator-olena#1")) == ()


def test_an_answered_call(folded: Folded) -> None:
    call = folded(ANSWERED + HANGS_UP)

    assert (call.line, call.direction, call.dialled_number) == ("588-888", Direction.INBOUND, "588888")
    assert (call.caller_number_raw, call.caller_name) == ("0501234567", "Їжак")
    assert (call.started_at, call.answered_at, call.ended_at) == (at(0), at(3), at(20))
    assert (call.queue, call.queue_outcome, call.operator) == ("contact-centre", QueueOutcome.ANSWERED, "olena")
    assert (call.wait_time, call.talk_time, call.hold_time) == (2.0, 17.0, 0.0)
    assert [(one.role, one.party) for one in call.legs] == [(Role.CITIZEN, "0501234567"), (Role.OPERATOR, "olena")]
    assert call.anomalies == ()


def test_a_call_that_goes_on_says_what_is_known_so_far(folded: Folded) -> None:
    call = folded(ANSWERED)

    assert (call.ended_at, call.talk_time, call.wait_time) == (None, 0.0, 2.0)
    assert call.legs[1].talks[0].end is None


def test_a_citizen_who_waits_has_no_outcome_yet(folded: Folded) -> None:
    call = folded(QUEUES)

    assert (call.queue, call.queue_outcome, call.wait_time) == ("contact-centre", QueueOutcome.NOT_QUEUED, None)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("TIMEOUT", QueueOutcome.TIMED_OUT),
        ("FULL", QueueOutcome.EXITED_EMPTY),
        ("JOINEMPTY", QueueOutcome.EXITED_EMPTY),
        ("LEAVEUNAVAIL", QueueOutcome.EXITED_EMPTY),
        ("WITHDRAW", QueueOutcome.WITHDRAWN),
        ("EXITWITHKEY", QueueOutcome.EXITED_BY_KEY),
        ("", QueueOutcome.ABANDONED),
        ("SOMETHING NEW", QueueOutcome.ABANDONED),
    ],
)
def test_the_status_of_the_queue_is_the_outcome(folded: Folded, status: str, outcome: QueueOutcome) -> None:
    call = folded(QUEUES + f"\n9.0 QUEUE_LEAVE trunk-a#1 | {status}\n12.0 CHAN_END trunk-a#1")

    assert (call.queue_outcome, call.wait_time) == (outcome, 8.0)


def test_a_hang_up_in_the_queue_is_an_abandonment(folded: Folded) -> None:
    call = folded(QUEUES + "\n9.0 CHAN_END trunk-a#1")

    assert (call.queue_outcome, call.wait_time) == (QueueOutcome.ABANDONED, 8.0)


def test_a_key_pressed_after_the_queue_is_a_way_out_of_it(folded: Folded) -> None:
    call = folded(QUEUES + "\n9.0 APP_END trunk-a#1 app=Queue\n9.0 MENU trunk-a#1 | 1\n12.0 CHAN_END trunk-a#1")

    assert call.queue_outcome is QueueOutcome.EXITED_BY_KEY


def test_a_key_pressed_before_the_queue_is_none(folded: Folded) -> None:
    call = folded(
        ARRIVES + "\n0.5 MENU trunk-a#1 | 2\n1.0 APP_START trunk-a#1 app=Queue data=q\n9.0 CHAN_END trunk-a#1"
    )

    assert call.queue_outcome is QueueOutcome.ABANDONED


def test_the_wait_counts_from_the_first_queue_to_the_answer(folded: Folded) -> None:
    call = folded(
        QUEUES
        + """
        9.0 QUEUE_LEAVE trunk-a#1 | TIMEOUT
        12.0 APP_START trunk-a#1 app=Queue data=second
        14.0 BRIDGE_ENTER operator-taras#2~1 app=AppQueue bridge=b1
        14.0 BRIDGE_ENTER trunk-a#1 bridge=b1
        """
    )

    assert (call.queue, call.queue_outcome, call.wait_time) == ("contact-centre", QueueOutcome.ANSWERED, 13.0)


def test_an_operator_who_lets_it_ring_is_counted(folded: Folded) -> None:
    call = folded(
        QUEUES
        + """
        1.1 CHAN_START operator-olena#2~1
        9.0 CHAN_END operator-olena#2~1 app=AppQueue
        10.0 CHAN_START operator-taras#3~1
        12.0 BRIDGE_ENTER operator-taras#3~1 app=AppQueue bridge=b1
        12.0 BRIDGE_ENTER trunk-a#1 app=Queue bridge=b1
        """
    )

    assert (call.ring_no_answers, call.operator) == (1, "taras")


def test_a_specialist_who_lets_it_ring_is_not_counted(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        9.0 BLINDTRANSFER operator-olena#2~1 extension=301 transferee_channel=1
        9.0 BRIDGE_EXIT trunk-a#1 bridge=b1
        9.0 CHAN_END operator-olena#2~1
        9.1 CHAN_START specialist-water#3~1
        30.0 CHAN_END specialist-water#3~1 app=AppDial
        """
    )

    assert call.ring_no_answers == 0
    (transfer,) = call.transfers
    assert (transfer.by, transfer.to, transfer.answered) == ("olena", "water", False)


def test_a_transfer_to_nobody_names_the_extension(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        9.0 BLINDTRANSFER operator-olena#2~1 extension=999 transferee_channel=N/A
        9.0 BRIDGE_EXIT trunk-a#1 bridge=b1
        9.0 CHAN_END operator-olena#2~1
        """
    )

    (transfer,) = call.transfers
    assert (transfer.kind, transfer.at, transfer.to, transfer.answered) == (TransferKind.BLIND, at(9), "999", False)


def test_a_blind_transfer_ends_the_operators_talk_and_begins_the_specialists(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        8.9 CHAN_START specialist-water#3~1
        9.0 BLINDTRANSFER operator-olena#2~1 extension=301 transferee_channel=1
        9.0 BRIDGE_EXIT trunk-a#1 bridge=b1
        9.0 BRIDGE_EXIT operator-olena#2~1 bridge=b1
        9.0 CHAN_END operator-olena#2~1
        12.0 BRIDGE_ENTER specialist-water#3~1 app=AppDial bridge=b2
        12.0 BRIDGE_ENTER trunk-a#1 app=Dial bridge=b2
        20.0 CHAN_END specialist-water#3~1
        20.0 CHAN_END trunk-a#1
        """
    )

    assert leg(call, "olena") == (6.0, 0.0)
    assert leg(call, "water") == (8.0, 0.0)
    assert (call.talk_time, call.hold_time, call.operator) == (14.0, 0.0, "olena")
    (transfer,) = call.transfers
    assert (transfer.to, transfer.answered) == ("water", True)


CONSULTS = (
    ANSWERED
    + """
    9.0 CHAN_START Local/301@transfer#3~1 name=3 half=1 exten=301
    9.0 CHAN_START Local/301@transfer#4~1 name=3 half=2 exten=301
    9.0 BRIDGE_ENTER Local/301@transfer#3~1 name=3 half=1 bridge=b2
    9.0 BRIDGE_EXIT operator-olena#2~1 bridge=b1
    9.1 BRIDGE_ENTER operator-olena#2~1 bridge=b2
    9.1 CHAN_START specialist-water#5~1
"""
)
WATER_ANSWERS = """
    11.0 BRIDGE_ENTER specialist-water#5~1 app=AppDial bridge=b3
    11.0 BRIDGE_ENTER Local/301@transfer#4~1 name=3 half=2 bridge=b3
"""


def test_a_consultation_is_hold_from_the_moment_the_citizen_is_alone(folded: Folded) -> None:
    call = folded(
        CONSULTS
        + WATER_ANSWERS
        + """
        15.0 BRIDGE_EXIT operator-olena#2~1 bridge=b2
        15.0 BRIDGE_ENTER operator-olena#2~1 bridge=b1
        18.0 CHAN_END operator-olena#2~1
        """
    )

    assert (call.talk_time, call.hold_time) == (9.0, 6.0)
    assert leg(call, "olena") == (9.0, 6.0)
    assert leg(call, "water") == (0.0, 0.0)
    assert call.legs[2].answered_at == at(11)


def test_an_attended_transfer_is_heard_through_the_local_channel(folded: Folded) -> None:
    call = folded(
        CONSULTS
        + WATER_ANSWERS
        + """
        15.0 BRIDGE_EXIT operator-olena#2~1 bridge=b2
        15.0 BRIDGE_EXIT Local/301@transfer#3~1 name=3 half=1 bridge=b2
        15.0 BRIDGE_ENTER Local/301@transfer#3~1 name=3 half=1 bridge=b1
        15.0 ATTENDEDTRANSFER operator-olena#2~1 bridge1=b1 bridge2=b2 transferee_channel=1
        15.0 CHAN_END operator-olena#2~1
        20.0 CHAN_END specialist-water#5~1
        20.0 CHAN_END trunk-a#1
        """
    )

    assert (call.talk_time, call.hold_time) == (11.0, 6.0)
    assert leg(call, "water") == (5.0, 0.0)
    (transfer,) = call.transfers
    assert (transfer.kind, transfer.by, transfer.to) == (TransferKind.ATTENDED, "olena", "water")
    assert transfer.answered
    assert [one.party for one in call.legs] == ["0501234567", "olena", "water"]


def test_a_transfer_let_go_while_it_rings_is_neither_talk_nor_hold_until_somebody_answers(folded: Folded) -> None:
    call = folded(
        CONSULTS
        + """
        12.0 BRIDGE_EXIT operator-olena#2~1 bridge=b2
        12.0 BRIDGE_EXIT Local/301@transfer#3~1 name=3 half=1 bridge=b2
        12.0 BRIDGE_ENTER Local/301@transfer#3~1 name=3 half=1 bridge=b1
        12.0 ATTENDEDTRANSFER operator-olena#2~1 bridge1=b1 bridge2=b2 transferee_channel=1
        12.0 CHAN_END operator-olena#2~1
        """
    )

    (transfer,) = call.transfers
    assert (transfer.to, transfer.answered) == ("301", False)
    assert (call.talk_time, call.hold_time) == (6.0, 3.0)


def test_an_attended_transfer_between_bridges_names_whom_the_operator_consulted(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        9.0 HOLD operator-olena#2~1
        10.0 CHAN_START operator-olena#6 exten=301
        10.0 CHAN_START specialist-water#7~6
        12.0 BRIDGE_ENTER specialist-water#7~6 app=AppDial bridge=b2
        12.0 BRIDGE_ENTER operator-olena#6 bridge=b2
        15.0 ATTENDEDTRANSFER operator-olena#2~1 bridge1=b1 bridge2=b2 transferee_channel=1
        15.0 BRIDGE_EXIT operator-olena#6 bridge=b2
        15.0 BRIDGE_EXIT operator-olena#2~1 bridge=b1
        15.1 BRIDGE_EXIT specialist-water#7~1 bridge=b2
        15.1 BRIDGE_ENTER specialist-water#7~1 bridge=b1
        """
    )

    (transfer,) = call.transfers
    assert (transfer.to, transfer.answered) == ("water", True)
    assert (call.talk_time, call.hold_time) == (6.0, 6.0)
    assert [one.party for one in call.legs] == ["0501234567", "olena", "olena", "water"]


def test_a_transfer_by_somebody_whom_no_citizen_met_is_an_anomaly(folded: Folded) -> None:
    call = folded(QUEUES + "\n2.0 BLINDTRANSFER operator-olena#9~1 extension=301 transferee_channel=N/A")

    assert "transfer_of_nobody" in call.anomalies
    assert call.transfers == ()


@pytest.mark.parametrize("holder", ["operator-olena#2~1", "trunk-a#1"])
def test_hold_by_either_side_is_hold_and_no_talk(folded: Folded, holder: str) -> None:
    call = folded(ANSWERED + f"5.0 HOLD {holder}\n9.0 UNHOLD {holder}" + HANGS_UP)

    assert (call.talk_time, call.hold_time) == (13.0, 4.0)
    assert leg(call, "olena") == (13.0, 4.0)


def test_music_where_people_talked_is_hold_and_no_talk(folded: Folded) -> None:
    call = folded(ANSWERED + "5.0 STREAM_BEGIN trunk-a#1 class=default\n9.0 STREAM_END trunk-a#1" + HANGS_UP)

    assert (call.talk_time, call.hold_time) == (13.0, 4.0)
    assert leg(call, "olena") == (13.0, 4.0)


def test_a_sound_played_into_a_talk_is_no_hold_and_nor_is_the_music_of_the_wait(folded: Folded) -> None:
    call = folded(
        QUEUES
        + "\n1.0 STREAM_BEGIN trunk-a#1 class=default"
        + ANSWERED.removeprefix(QUEUES)
        + "5.0 STREAM_BEGIN operator-olena#2~1 sound=beep\n6.0 STREAM_END operator-olena#2~1"
        + HANGS_UP
    )

    assert (call.talk_time, call.hold_time) == (17.0, 0.0)


def test_the_citizen_was_promised_a_call_or_refused_with_a_reason(folded: Folded) -> None:
    promised = folded(QUEUES + "\n61.0 QUEUE_LEAVE trunk-a#1 | TIMEOUT\n61.0 CALLBACK trunk-a#1 | promised")
    refused = folded(ARRIVES + "0.0 REFUSED trunk-a#1 | call-limit")

    assert (promised.promised_at, promised.refused) == (at(61.0), None)
    assert (refused.promised_at, refused.refused) == (None, "call-limit")


def test_a_promise_or_a_refusal_on_a_channel_that_is_nobodys_call_says_nothing(ledger: Ledger) -> None:
    assert fold(ledger("0.0 CALLBACK operator-olena#1 | promised\n0.0 REFUSED operator-olena#1 | call-limit")) == ()


def test_hold_by_one_of_two_is_no_hold_of_the_call(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        5.0 BRIDGE_ENTER operator-taras#3~1 bridge=b1
        6.0 HOLD operator-olena#2~1
        8.0 CHAN_END operator-taras#3~1
        10.0 UNHOLD operator-olena#2~1
        """
        + HANGS_UP
    )

    assert leg(call, "olena") == (13.0, 4.0)
    assert leg(call, "taras") == (3.0, 0.0)
    assert (call.talk_time, call.hold_time) == (15.0, 2.0)


def test_a_hold_at_the_beginning_of_which_the_other_still_talks_counts_from_when_they_stop(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        5.0 BRIDGE_ENTER operator-taras#3~1 bridge=b1
        6.0 HOLD operator-olena#2~1
        7.0 HOLD operator-taras#3~1
        8.0 UNHOLD operator-taras#3~1
        9.0 HOLD operator-taras#3~1
        11.0 UNHOLD operator-taras#3~1
        12.0 UNHOLD operator-olena#2~1
        """
        + HANGS_UP
    )

    assert leg(call, "olena") == (11.0, 6.0)
    assert call.hold_time == 3.0


def test_the_moments_between_the_operators_exit_and_the_citizens_are_no_hold(folded: Folded) -> None:
    call = folded(
        ANSWERED
        + """
        9.0 BRIDGE_EXIT operator-olena#2~1 bridge=b1
        9.2 BRIDGE_EXIT trunk-a#1 bridge=b1
        9.3 CHAN_END operator-olena#2~1
        9.3 CHAN_END trunk-a#1
        """
    )

    assert (call.talk_time, call.hold_time) == (6.0, 0.0)


def test_a_holding_bridge_is_nobody(folded: Folded) -> None:
    call = folded(
        QUEUES
        + """
        2.0 BRIDGE_ENTER operator-olena#2~1 bridge=b1 technology=holding_bridge
        2.0 BRIDGE_ENTER trunk-a#1 bridge=b1 technology=holding_bridge
        5.0 BRIDGE_EXIT trunk-a#1 bridge=b1 technology=holding_bridge
        """
    )

    assert call.answered_at is None
    assert "bridge_exit_unmatched" not in call.anomalies


def test_a_local_channel_is_nobody(folded: Folded) -> None:
    call = folded(
        QUEUES
        + """
        2.0 CHAN_START Local/x@y#2~1 half=1
        2.0 BRIDGE_ENTER Local/x@y#2~1 half=1 bridge=b1
        2.0 BRIDGE_ENTER trunk-a#1 bridge=b1
        """
    )

    assert call.answered_at is None
    assert len(call.legs) == 1


TWO = (
    ANSWERED
    + """
    0.5 CHAN_START trunk-a#8 exten=1580
    0.5 LINE trunk-a#8 | 15-80
    0.5 CALLER trunk-a#8 | 0671112233
    4.0 APP_START trunk-a#8 app=Queue data=contact-centre
    4.0 CHAN_START operator-taras#9~8
    5.0 BRIDGE_ENTER operator-taras#9~8 app=AppQueue bridge=b8
    5.0 BRIDGE_ENTER trunk-a#8 bridge=b8
    9.0 BRIDGE_EXIT trunk-a#8 bridge=b8
    9.0 CHAN_END operator-taras#9~8
    9.0 BRIDGE_ENTER trunk-a#8~1 bridge=b1
"""
)


def test_two_citizens_bridged_stay_two_calls_of_one_group(ledger: Ledger) -> None:
    first, second = fold(ledger(TWO + "12.0 CHAN_END trunk-a#8~1" + HANGS_UP))

    assert first.group_id == second.group_id == first.call_id != second.call_id
    assert (first.line, second.line) == ("588-888", "15-80")
    assert [(one.role, one.party, one.talk_time) for one in first.legs] == [
        (Role.CITIZEN, "0501234567", 17.0),
        (Role.OPERATOR, "olena", 17.0),
        (Role.CITIZEN, "0671112233", 3.0),
    ]
    assert [(one.role, one.party, one.talk_time) for one in second.legs] == [
        (Role.CITIZEN, "0671112233", 7.0),
        (Role.CITIZEN, "0501234567", 3.0),
        (Role.OPERATOR, "olena", 3.0),
        (Role.OPERATOR, "taras", 4.0),
    ]
    assert (first.operator, second.operator) == ("olena", "taras")


def test_the_recording_begins_with_the_first_mixmonitor_on_the_citizens_channel(folded: Folded) -> None:
    call = folded(
        ARRIVES
        + """
        0.7 APP_START trunk-a#1 app=MixMonitor data=x
        0.9 APP_START trunk-a#1 app=MixMonitor data=y
        1.0 APP_START trunk-a#1 app=Playback data=z
        """
    )

    assert call.recorded_from == at(0.7)


def test_the_raw_fields_of_older_ledgers_name_the_caller(folded: Folded) -> None:
    call = folded("0.0 CHAN_START citizen#1 num=0501234567 callername=Їжак\n0.0 LINE citizen#1 | 15-80")

    assert (call.caller_number_raw, call.caller_name) == ("0501234567", "Їжак")


def test_a_withheld_number_is_none(folded: Folded) -> None:
    call = folded("0.0 CHAN_START trunk-a#1\n0.0 LINE trunk-a#1 | 15-80\n0.0 CALLER trunk-a#1 |")

    assert (call.caller_number_raw, call.caller_name, call.dialled_number) == (None, None, None)


@pytest.mark.parametrize(
    ("channel", "app", "role", "party"),
    [
        ("operator-anna-maria", "AppDial", Role.OPERATOR, "anna-maria"),
        ("specialist-water", "AppDial", Role.SPECIALIST, "water"),
        ("trunk-a", "AppDial", Role.OTHER, "trunk-a"),
        ("desk7", "AppQueue", Role.OPERATOR, "desk7"),
        ("spec900", "AppDial", Role.SPECIALIST, "spec900"),
        ("lift", "", Role.OTHER, "lift"),
    ],
)
def test_the_endpoint_names_the_party(folded: Folded, channel: str, app: str, role: Role, party: str) -> None:
    call = folded(
        ARRIVES
        + f"""
        1.0 CHAN_START {channel}#2~1
        2.0 BRIDGE_ENTER {channel}#2~1 app={app} bridge=b1
        2.0 BRIDGE_ENTER trunk-a#1 bridge=b1
        """
    )

    assert (call.legs[1].role, call.legs[1].party) == (role, party)


def test_an_endpoint_of_another_form_that_the_queue_rings_is_an_operator_before_it_answers(folded: Folded) -> None:
    call = folded(QUEUES + "\n1.1 CHAN_START desk7#2~1")

    assert call.legs[1].role is Role.OPERATOR


def test_a_channel_name_without_a_suffix_is_the_party_as_it_stands(ledger: Ledger) -> None:
    facts = ledger(ARRIVES)
    short = Fact("CHAN_START", at(1), "cc1-1.2", facts[0].uniqueid, channame="PJSIP/lift")
    nameless = Fact("CHAN_START", at(1), "cc1-1.3", facts[0].uniqueid)

    (call,) = fold([*facts, short, nameless])

    assert [one.party for one in call.legs] == ["0501234567", "lift", None]


def test_a_died_asterisk_ends_what_was_open_and_marks_the_call(ledger: Ledger) -> None:
    (call,) = fold(ledger(ANSWERED), Ending(at(9), recovered=True))

    assert (call.recovered, call.ended_at, call.talk_time) == (True, at(9), 6.0)
    assert all(one.ended_at == at(9) for one in call.legs)
    assert call.ring_no_answers == 0


def test_a_citizen_who_waited_when_asterisk_died_was_lost(ledger: Ledger) -> None:
    (call,) = fold(ledger(QUEUES + "\n2.0 CHAN_START operator-olena#2~1"), Ending(at(9), recovered=True))

    assert (call.queue_outcome, call.wait_time, call.ring_no_answers) == (QueueOutcome.ABANDONED, 8.0, 0)


def test_a_lost_end_is_no_recovery(ledger: Ledger) -> None:
    (call,) = fold(ledger(ANSWERED), Ending(at(9), recovered=False))

    assert (call.recovered, call.ended_at, call.anomalies) == (False, at(9), ("end_lost",))


def test_a_call_that_was_over_when_asterisk_died_is_not_recovered(ledger: Ledger) -> None:
    first, second = fold(ledger(TWO + "12.0 CHAN_END trunk-a#8~1" + HANGS_UP), Ending(at(30), recovered=True))

    assert (first.recovered, second.recovered) == (False, False)


OUT = """
    0.0 CHAN_START operator-olena#1
    0.0 OUT operator-olena#1 | cc1-out-7 0501234567
    0.0 PURPOSE operator-olena#1 | duty:17
    1.0 CHAN_START trunk-a#2~1
    1.0 CITIZENLEG trunk-a#2~1 | cc1-out-7
    1.0 APP_START trunk-a#2~1 app=MixMonitor data=x
"""


def test_an_outbound_call_is_named_by_its_chosen_id_and_answered_by_the_citizen(folded: Folded) -> None:
    call = folded(
        OUT
        + """
        4.0 BRIDGE_ENTER trunk-a#2~1 app=AppDial bridge=b1
        4.0 BRIDGE_ENTER operator-olena#1 bridge=b1
        9.0 CHAN_END trunk-a#2~1
        9.5 CHAN_END operator-olena#1
        """
    )

    assert (call.call_id, call.direction, call.purpose) == ("cc1-out-7", Direction.OUTBOUND, "duty:17")
    assert (call.caller_number_raw, call.dialled_number, call.caller_name) == ("0501234567", "0501234567", None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(0), at(4), at(9))
    assert (call.operator, call.talk_time, call.queue_outcome) == ("olena", 5.0, QueueOutcome.NOT_QUEUED)
    assert [(one.role, one.party) for one in call.legs] == [(Role.CITIZEN, "0501234567"), (Role.OPERATOR, "olena")]
    assert call.recorded_from == at(1)


def test_an_outbound_call_without_a_citizens_channel_is_over_when_the_operator_is_gone(folded: Folded) -> None:
    call = folded("0.0 CHAN_START operator-olena#1\n0.0 OUT operator-olena#1 | x 050\n3.0 CHAN_END operator-olena#1")

    assert (call.call_id, call.answered_at, call.ended_at, call.recorded_from) == ("x", None, at(3), None)
    assert [one.role for one in call.legs] == [Role.OPERATOR]


def test_how_the_last_attempt_to_reach_the_citizen_ended_is_in_the_record(folded: Folded) -> None:
    tried = OUT + "2.0 OUTRESULT operator-olena#1 | CONGESTION\n"

    assert folded(OUT).dial_status is None
    assert folded(tried).dial_status == "CONGESTION"
    assert folded(tried + "9.0 OUTRESULT operator-olena#1 | NOANSWER").dial_status == "NOANSWER"
    assert folded(OUT + "2.0 OUTRESULT operator-taras#9 | BUSY").dial_status is None


def test_a_citizen_who_is_moved_to_a_phone_waits_until_somebody_answers_there(folded: Folded) -> None:
    moved = QUEUES + "\n5.0 APP_END trunk-a#1 app=Queue\n5.0 QUEUE_LEAVE trunk-a#1 | MOVED\n"
    answered = folded(
        moved
        + """
        5.0 CHAN_START operator-taras#3~1
        8.0 BRIDGE_ENTER operator-taras#3~1 bridge=b1 app=AppDial
        8.0 BRIDGE_ENTER trunk-a#1 bridge=b1
        9.0 CHAN_END trunk-a#1
        """
    )
    given_up = folded(moved + "9.0 CHAN_END trunk-a#1")

    assert (answered.queue_outcome, answered.operator, answered.wait_time) == (
        QueueOutcome.ANSWERED,
        "taras",
        7.0,
    )
    assert (given_up.queue_outcome, given_up.wait_time) == (QueueOutcome.ABANDONED, 8.0)


def test_moved_is_nothing_to_whom_an_operator_has_answered_or_who_never_waited(folded: Folded) -> None:
    call = folded("0.0 CHAN_START trunk-a#1\n0.0 LINE trunk-a#1 | 588-888\n1.0 QUEUE_LEAVE trunk-a#1 | MOVED")

    assert (call.queue_outcome, call.wait_time) == (QueueOutcome.NOT_QUEUED, None)


def test_a_trunk_that_failed_is_a_leg_and_the_next_is_the_citizen(folded: Folded) -> None:
    call = folded(
        OUT
        + """
        2.0 CHAN_END trunk-a#2~1 app=AppDial
        2.0 CHAN_START trunk-b#3~1
        2.0 CITIZENLEG trunk-b#3~1 | cc1-out-7
        4.0 BRIDGE_ENTER trunk-b#3~1 app=AppDial bridge=b1
        4.0 BRIDGE_ENTER operator-olena#1 bridge=b1
        5.0 CITIZENLEG trunk-c#4~1 | cc1-out-7
        9.0 CHAN_END trunk-b#3~1
        """
    )

    assert [(one.role, one.talk_time) for one in call.legs[:2]] == [(Role.CITIZEN, 0.0), (Role.CITIZEN, 5.0)]
    assert (call.talk_time, call.ended_at) == (5.0, None)


def test_a_citizens_leg_that_comes_before_its_call_is_not_lost(folded: Folded) -> None:
    call = folded(
        """
        1.0 CHAN_START trunk-a#2~1
        1.0 CITIZENLEG trunk-a#2~1 |
        1.0 CITIZENLEG trunk-a#2~1 |
        """
    )

    assert call.call_id.endswith(".1")
    assert (call.direction, call.caller_number_raw, call.operator) == (Direction.OUTBOUND, None, None)
    assert call.started_at == at(1)


def test_a_call_to_one_of_our_own_phones_is_internal(folded: Folded) -> None:
    call = folded(OUT.replace("trunk-a", "specialist-water"))

    assert call.direction is Direction.INTERNAL


def test_a_line_on_the_operators_channel_names_the_line_of_an_outbound_call(folded: Folded) -> None:
    call = folded(OUT + "0.0 LINE operator-olena#1 | 15-80")

    assert (call.line, call.direction) == ("15-80", Direction.OUTBOUND)


def test_facts_that_do_not_fit_are_anomalies(folded: Folded) -> None:
    call = folded(
        """
        0.0 LINE trunk-a#1 | 588-888
        0.0 CHAN_START trunk-a#1
        1.0 BRIDGE_ENTER trunk-a#1
        2.0 BRIDGE_EXIT trunk-a#1 bridge=b1
        3.0 CHAN_END trunk-a#1
        3.0 CHAN_END trunk-a#1
        4.0 MENU lift#2~1 | 1
        4.0 QUEUE_LEAVE lift#2~1 | TIMEOUT
        4.0 APP_START lift#2~1 app=Queue data=x
        4.0 APP_END lift#2~1 app=Playback
        5.0 APP_END lift#2~1 app=Queue
        """
    )

    assert set(call.anomalies) == {
        "chan_start_missing",
        "chan_start_repeated",
        "bridge_unnamed",
        "bridge_exit_unmatched",
        "fact_after_end",
    }


def test_a_bridge_entered_without_leaving_the_last_is_a_move(folded: Folded) -> None:
    call = folded(ANSWERED + "9.0 BRIDGE_ENTER trunk-a#1 bridge=b2\n12.0 CHAN_END trunk-a#1")

    assert (call.talk_time, call.hold_time) == (6.0, 0.0)


def test_a_clock_that_steps_back_gives_no_negative_times(folded: Folded) -> None:
    call = folded(
        QUEUES
        + """
        0.5 BRIDGE_ENTER operator-olena#2~1 app=AppQueue bridge=b1
        0.5 BRIDGE_ENTER trunk-a#1 bridge=b1
        0.2 CHAN_END operator-olena#2~1
        0.2 CHAN_END trunk-a#1
        """
    )

    assert (call.wait_time, call.talk_time, call.hold_time) == (0.0, 0.0, 0.0)
