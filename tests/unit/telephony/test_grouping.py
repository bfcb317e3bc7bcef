"""Which facts belong together, when a group is over, and that nothing but the ledger decides it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.core.call import Call, CallChanged, QueueOutcome
from telephony.core.call_ids import KNOWN_CALLS
from telephony.core.facts import Fact
from telephony.core.grouping import SEQ_SLACK, Grouping
from telephony.wire.cel import read_lines

Ledger = Callable[[str], list[Fact]]

CALL = """
    0.0 CHAN_START trunk-a#1 exten=588888
    0.0 LINE trunk-a#1 | 588-888
    1.0 APP_START trunk-a#1 app=Queue data=contact-centre
    1.1 CHAN_START operator-olena#2~1
    3.0 BRIDGE_ENTER operator-olena#2~1 app=AppQueue bridge=b1
    3.0 BRIDGE_ENTER trunk-a#1 app=Queue bridge=b1
"""
ENDS = """
    9.0 BRIDGE_EXIT trunk-a#1 bridge=b1
    9.0 BRIDGE_EXIT operator-olena#2~1 bridge=b1
    9.0 CHAN_END operator-olena#2~1
    9.0 CHAN_END trunk-a#1
"""


def feed(grouping: Grouping, facts: Sequence[Fact], first: int = 0) -> list[CallChanged]:
    grouping.feed_all(enumerate(facts, first))
    return grouping.changes()


def later(facts: list[Fact], seconds: float, old: str = "", new: str = "") -> list[Fact]:
    """The same facts later, with other ids."""
    return [
        replace(
            fact,
            eventtime=fact.eventtime + timedelta(seconds=seconds),
            uniqueid=fact.uniqueid.replace(old, new),
            linkedid=fact.linkedid.replace(old, new),
            eventextra=fact.eventextra.replace('"bridge_id":"b', f'"bridge_id":"{new}b'),
        )
        for fact in facts
    ]


def test_a_call_is_over_when_its_channels_have_ended(ledger: Ledger) -> None:
    grouping = Grouping()

    (first,) = feed(grouping, ledger(CALL))
    assert not first.over
    assert (grouping.resume_from, grouping.open_groups) == (0, 1)

    (last,) = feed(grouping, ledger(ENDS), 6)
    assert last.over
    assert last.call.talk_time == 6.0
    assert (grouping.resume_from, grouping.open_groups) == (None, 0)


def test_what_was_said_is_not_said_again(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL))

    assert grouping.changes() == []
    assert feed(grouping, ledger("4.0 STREAM_BEGIN trunk-a#1\n5.0 ANSWER trunk-a#1\n5.0 MENU trunk-a#1 |")) == []


def test_asked_for_closed_groups_only_the_others_wait(ledger: Ledger) -> None:
    grouping = Grouping()
    grouping.feed_all(enumerate(ledger(CALL)))

    assert grouping.changes(closed=True) == []
    assert len(grouping.changes()) == 1

    grouping.feed_all(enumerate(ledger(ENDS), 6))
    assert [change.over for change in grouping.changes(closed=True)] == [True]


def test_a_linkedid_that_ends_in_mid_call_is_no_end(ledger: Ledger) -> None:
    grouping = Grouping()

    (change,) = feed(grouping, ledger(CALL + "4.0 LINKEDID_END trunk-a#1"))

    assert not change.over
    assert grouping.open_groups == 1


def test_channels_without_a_call_leave_nothing_behind(ledger: Ledger) -> None:
    grouping = Grouping()

    changes = feed(grouping, ledger("0.0 CHAN_START operator-olena#1 exten=*11\n2.0 CHAN_END operator-olena#1"))

    assert changes == []
    assert grouping.open_groups == 0


def test_a_call_over_in_an_open_group_is_over(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL + "3.5 CHAN_START lift#7 exten=1\n3.6 APP_START lift#7~1 app=Queue"))

    (change,) = feed(grouping, ledger(ENDS), 8)

    assert not change.over  # the lift's channel serves the call by its linkedid
    (change,) = feed(grouping, ledger("10.0 CHAN_END lift#7"), 12)
    assert change.over


@pytest.mark.parametrize(
    "meeting",
    [
        "4.0 BRIDGE_ENTER trunk-a#8 bridge=b1",
        "4.0 MENU trunk-a#8~1 | 1",
        "4.0 MENU trunk-a#8~2 | 1",
        "4.0 ATTENDEDTRANSFER operator-olena#2~1 transferee_channel=8 transfer_target_channel=N/A",
        "4.0 LOCAL_OPTIMIZE trunk-a#8 local_two=2",
        "4.0 LOCAL_OPTIMIZE trunk-a#8 local_two=6\n4.0 CHAN_START Local/x#6~1",
    ],
)
def test_channels_that_meet_are_one_group(ledger: Ledger, meeting: str) -> None:
    grouping = Grouping()
    feed(grouping, ledger("0.0 CHAN_START trunk-a#8\n0.0 LINE trunk-a#8 | 15-80" + CALL))
    assert grouping.open_groups == 2

    feed(grouping, ledger(meeting), 8)

    assert (grouping.open_groups, grouping.resume_from) == (1, 0)
    changes = feed(grouping, ledger("8.0 CHAN_END trunk-a#8\n8.0 CHAN_END Local/x#6~1" + ENDS), 10)
    assert {change.call.group_id for change in changes} == {ledger("0.0 X trunk-a#8")[0].uniqueid}


def test_a_shared_holding_bridge_is_no_meeting(ledger: Ledger) -> None:
    grouping = Grouping()

    feed(
        grouping,
        ledger(
            """
            0.0 CHAN_START trunk-a#1
            0.0 CHAN_START trunk-a#2
            1.0 BRIDGE_ENTER trunk-a#1 bridge=b1 technology=holding_bridge
            1.0 BRIDGE_ENTER trunk-a#2 bridge=b1 technology=holding_bridge
            1.0 BRIDGE_ENTER trunk-a#2
            """
        ),
    )

    assert grouping.open_groups == 2


def test_a_lost_beginning_still_gives_the_call(ledger: Ledger) -> None:
    changes = feed(Grouping(), ledger(CALL + ENDS)[1:])

    assert [(change.over, change.call.anomalies) for change in changes] == [(True, ("chan_start_missing",))]


def test_the_tail_of_an_unknown_call_is_passed_over(ledger: Ledger) -> None:
    grouping = Grouping()

    assert feed(grouping, ledger("0.0 STREAM_END trunk-a#1" + ENDS)) == []
    assert grouping.open_groups == 0


def test_a_channel_known_by_name_only_may_end_without_ever_having_begun(ledger: Ledger) -> None:
    grouping = Grouping()

    feed(grouping, ledger("0.0 CHAN_START operator-olena#2~1\n1.0 CHAN_END trunk-a#1\n2.0 CHAN_END operator-olena#2~1"))

    assert grouping.open_groups == 0


def test_a_line_repeated_after_the_end_of_its_channel_begins_nothing(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL + "4.0 CHAN_END operator-olena#2~1"))

    (change,) = feed(grouping, ledger("1.1 CHAN_START operator-olena#2~1\n3.0 ANSWER operator-olena#2~1"), 10)

    assert set(change.call.anomalies) == {"chan_start_repeated", "fact_after_end"}
    assert grouping.open_groups == 1


# ---- a restart of Asterisk


def test_a_restart_closes_what_the_dead_asterisk_left_at_its_last_word(ledger: Ledger) -> None:
    grouping = Grouping()
    facts = ledger(CALL + "7.0 STREAM_BEGIN trunk-a#1")
    boot = replace(facts[0], uniqueid="cc1-1795338060.0", linkedid="cc1-1795338060.0")

    changes = feed(grouping, [*facts, boot])

    (change,) = changes
    assert change.over
    assert change.call.recovered
    assert change.call.ended_at == facts[-1].eventtime
    assert change.call.talk_time == 4.0
    assert grouping.resume_from == len(facts)


def test_what_another_asterisk_has_open_stays_open(ledger: Ledger) -> None:
    grouping = Grouping()
    facts = ledger(CALL)
    other = later(facts, 0, "cc1-", "cc2-")
    boot = replace(facts[0], uniqueid="cc1-1795338060.0", linkedid="cc1-1795338060.0")

    changes = feed(grouping, [*facts, *other, boot])

    assert {change.call.call_id[:3]: change.over for change in changes} == {"cc1": True, "cc2": False}


def test_an_outbound_call_under_a_chosen_id_dies_with_its_asterisk(ledger: Ledger) -> None:
    facts = ledger(
        "0.0 CHAN_START operator-olena#1\n0.0 OUT operator-olena#1 | cc1-out-7 050\n2.0 HOLD operator-olena#1"
    )
    chosen = later(facts, 0, facts[0].uniqueid, "cc1-out-7")
    other = later(ledger(CALL), 0)
    boot = replace(facts[0], uniqueid="cc1-1795338060.0", linkedid="cc1-1795338060.0")

    changes = feed(Grouping(), [*chosen, *other, boot])

    recovered = {change.call.call_id: (change.over, change.call.recovered) for change in changes}
    assert recovered == {"cc1-out-7": (True, True), other[0].uniqueid: (True, True)}


def test_an_outbound_call_belongs_to_the_asterisk_of_its_citizens_leg(ledger: Ledger) -> None:
    facts = ledger(
        """
        0.0 CHAN_START operator-olena#1
        0.0 OUT operator-olena#1 | chosen 050
        1.0 CHAN_START trunk-a#5~1
        1.0 CITIZENLEG trunk-a#5~1 | chosen
        """
    )
    chosen = later(facts, 0, facts[0].uniqueid, "chosen")
    boot = replace(facts[0], uniqueid="cc1-1795338060.0", linkedid="cc1-1795338060.0")

    (change,) = feed(Grouping(), [*chosen, boot])

    assert change.call.recovered


def test_a_group_of_chosen_ids_belongs_to_the_asterisk_of_whom_it_meets(ledger: Ledger) -> None:
    facts = ledger(
        """
        0.0 CHAN_START operator-olena#1
        0.0 OUT operator-olena#1 | chosen 050
        0.0 PURPOSE operator-olena#1 | duty:1
        2.0 BRIDGE_ENTER operator-olena#1 bridge=b1
        """
    )
    chosen = later(facts, 0, facts[0].uniqueid, "chosen")
    boot = replace(facts[0], uniqueid="cc1-1795338060.0", linkedid="cc1-1795338060.0")

    changes = feed(
        Grouping(), [*chosen, *ledger("1.0 CHAN_START trunk-a#5\n2.0 BRIDGE_ENTER trunk-a#5 bridge=chosenb1"), boot]
    )

    assert [change.call.recovered for change in changes] == [True]


def test_ids_out_of_order_are_no_restart(ledger: Ledger) -> None:
    grouping = Grouping()
    facts = ledger("0.0 CHAN_START trunk-a#9\n0.0 CHAN_START trunk-a#8\n0.0 CHAN_START trunk-a#7")
    second = int(facts[0].uniqueid[4:-2])
    crosswise = later(facts[2:], 0, f"-{second}.7", f"-{second + 1}.6")

    feed(grouping, [*facts, *crosswise])

    assert grouping.open_groups == 4


def test_a_number_far_behind_is_a_restart_within_the_same_second(ledger: Ledger) -> None:
    grouping = Grouping()
    facts = ledger(f"0.0 CHAN_START trunk-a#{SEQ_SLACK + 5}\n0.0 CHAN_START trunk-a#0")

    feed(grouping, facts)

    assert (grouping.open_groups, grouping.resume_from) == (1, 1)


def test_an_old_line_repeated_is_no_restart(ledger: Ledger) -> None:
    grouping = Grouping()
    old = replace(ledger("0.0 CHAN_START trunk-a#1")[0], uniqueid="cc1-1795000000.1", linkedid="cc1-1795000000.1")

    feed(grouping, [*ledger(f"0.0 CHAN_START trunk-a#{SEQ_SLACK + 5}"), old])

    assert grouping.open_groups == 2


# ---- silence, and ids used again


def test_a_group_silent_for_half_a_day_has_lost_its_end(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL))

    changes = feed(grouping, later(ledger("0.0 CHAN_START trunk-b#90"), 13 * 3600))

    (change,) = changes
    assert change.over
    assert (change.call.recovered, change.call.anomalies, change.call.talk_time) == (False, ("end_lost",), 0.0)
    assert grouping.open_groups == 1


def test_a_group_that_says_something_now_and_then_stays_open(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL))

    for hours in range(1, 30):
        assert feed(grouping, later(ledger("0.0 STREAM_BEGIN trunk-a#1"), hours * 3600)) == []

    assert grouping.open_groups == 1


def test_a_uniqueid_used_again_is_a_new_call(ledger: Ledger) -> None:
    grouping = Grouping()
    (first,) = feed(grouping, ledger(CALL + ENDS))

    (second,) = feed(grouping, later(ledger(CALL + ENDS), 60))

    assert second.call.call_id == f"{first.call.call_id}@{int(second.call.started_at.timestamp())}"
    assert second.call.anomalies == ("uniqueid_reused",)


def test_a_uniqueid_used_again_while_its_group_is_open_is_a_new_call(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL + "5.0 CHAN_END trunk-a#1"))

    (change,) = feed(grouping, ledger("60.0 CHAN_START trunk-a#1 exten=1580\n60.0 LINE trunk-a#1 | 15-80"), 10)

    assert (change.call.line, change.call.anomalies) == ("15-80", ("uniqueid_reused",))
    assert grouping.open_groups == 2


def test_the_old_owner_of_an_id_ends_without_the_new_one(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL + "5.0 CHAN_END trunk-a#1\n60.0 CHAN_START trunk-a#1\n61.0 CHAN_END operator-olena#2~1"))

    assert grouping.open_groups == 1
    feed(grouping, ledger("62.0 LINE trunk-a#1 | 15-80\n63.0 CHAN_END trunk-a#1"), 20)
    assert grouping.open_groups == 0


def test_the_old_and_the_new_owner_of_an_id_may_meet(ledger: Ledger) -> None:
    grouping = Grouping()
    again = "60.0 CHAN_START trunk-a#1\n" + "61.0 MENU trunk-a#1 | 1\n" * 9
    feed(grouping, ledger(CALL + "5.0 CHAN_END trunk-a#1\n" + again))

    feed(grouping, ledger("62.0 BRIDGE_ENTER operator-olena#2 bridge=b7\n62.0 BRIDGE_ENTER trunk-a#1 bridge=b7"), 30)

    assert grouping.open_groups == 1
    feed(grouping, ledger("63.0 CHAN_END operator-olena#2\n63.0 CHAN_END trunk-a#1"), 40)
    assert grouping.open_groups == 0


def test_calls_of_the_past_are_remembered_up_to_a_bound(ledger: Ledger) -> None:
    facts = ledger(CALL + ENDS)
    grouping = Grouping()
    grouping.remember([(facts[0].uniqueid, facts[0].eventtime - timedelta(days=1))])

    assert "@" in feed(grouping, facts)[0].call.call_id

    grouping.remember((f"cc1-1.{number}", facts[0].eventtime) for number in range(KNOWN_CALLS))
    assert "@" not in feed(grouping, later(facts, 60))[0].call.call_id


def test_a_ledger_read_twice_gives_no_new_calls(ledger: Ledger) -> None:
    grouping = Grouping()

    first = feed(grouping, ledger(CALL + ENDS))

    assert feed(grouping, ledger(CALL + ENDS)) == first


# ---- whatever the ledger holds, and however it is read

LEDGERS = [
    [Fact(*astuple(fact)[:9]) for _, fact in read_lines(path.read_bytes()).facts]
    for path in sorted(Path(__file__).parents[2].glob("scenarios/*/ledger.jsonl"))
]


def mixed(draw: st.DataObject) -> list[Fact]:
    """Captured ledgers of calls, in one, as one Asterisk would write them: ids of their own, at the same time."""
    chosen = draw.draw(st.lists(st.sampled_from(range(len(LEDGERS))), min_size=1, max_size=3))
    begin = LEDGERS[0][0].eventtime
    entries: list[Fact] = []
    for number, index in enumerate(chosen):
        facts = LEDGERS[index]
        shift = begin - facts[0].eventtime + timedelta(seconds=3 * number)
        entries += [
            replace(
                fact,
                eventtime=fact.eventtime + shift,
                uniqueid=fact.uniqueid.replace("cc1-", f"node{number}-"),
                linkedid=fact.linkedid.replace("cc1-", f"node{number}-"),
                eventextra=fact.eventextra.replace("cc1-", f"node{number}-"),
            )
            for fact in facts
        ]
    return sorted(entries, key=lambda fact: fact.eventtime)


def final(changes: list[CallChanged]) -> dict[str, Call]:
    return {change.call.call_id: change.call for change in changes}


@given(st.data())
def test_however_the_facts_are_batched_the_records_are_the_same(data: st.DataObject) -> None:
    facts = mixed(data)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(facts)), max_size=6)))
    grouping, said = Grouping(), dict[str, Call]()
    for begin, end in zip([0, *cuts], [*cuts, len(facts)], strict=True):
        said |= final(feed(grouping, facts[begin:end], begin))

    assert said == final(feed(Grouping(), facts))


@given(st.data())
def test_a_restart_of_ours_at_any_place_changes_nothing_that_is_said_later(data: st.DataObject) -> None:
    facts = mixed(data)
    cut = data.draw(st.integers(0, len(facts)))
    running = Grouping()
    feed(running, facts[:cut])

    begin = running.resume_from
    restarted = Grouping()
    first = cut if begin is None else begin
    restarted.feed_all(enumerate(facts[first:cut], first))
    restarted.settle()

    assert restarted.resume_from == begin
    for place in range(cut, len(facts)):
        assert feed(restarted, [facts[place]], place) == feed(running, [facts[place]], place)
        assert restarted.resume_from == running.resume_from


@given(st.data())
def test_lost_repeated_and_swapped_lines_never_raise_and_give_the_same_record_every_time(data: st.DataObject) -> None:
    facts = mixed(data)
    order = list(range(len(facts)))
    for _ in range(data.draw(st.integers(0, 12))):
        place = data.draw(st.integers(0, len(order) - 1))
        other = data.draw(st.integers(0, len(order) - 1))
        match data.draw(st.sampled_from(["lose", "repeat", "swap"])):
            case "lose" if len(order) > 1:
                del order[place]
            case "repeat":
                order.insert(place, order[other])
            case _:
                order[place], order[other] = order[other], order[place]
    damaged = [facts[index] for index in order]

    said = final(feed(Grouping(), damaged))

    assert said == final(feed(Grouping(), damaged))
    for call in said.values():
        assert call.talk_time >= 0
        assert call.hold_time >= 0
        assert call.wait_time is None or call.wait_time >= 0
        assert isinstance(call.queue_outcome, QueueOutcome)


@given(st.data())
def test_every_field_may_hold_anything(data: st.DataObject) -> None:
    facts = mixed(data)
    text = st.sampled_from(["", "{", "[]", '{"extra":1}', '{"bridge_id":7}', "Local/", "Queue", "\x00", "é;1", "N/A"])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(facts) - 1))
        field = data.draw(st.sampled_from(["linkedid", "channame", "exten", "appname", "appdata", "eventextra"]))
        facts[place] = Fact(**(asdict(facts[place]) | {field: data.draw(text)}))

    feed(Grouping(), facts)


def test_memory_is_flat_while_a_citizen_listens_to_music(ledger: Ledger) -> None:
    grouping = Grouping()
    feed(grouping, ledger(CALL))
    (group,) = grouping._open
    held = len(group.facts)

    for second in range(3600):
        feed(
            grouping, later(ledger("4.0 STREAM_BEGIN trunk-a#1 sound=queue-thankyou\n4.0 STREAM_END trunk-a#1"), second)
        )

    assert len(group.facts) == held
