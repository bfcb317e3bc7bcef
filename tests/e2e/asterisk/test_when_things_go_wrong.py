"""Limits, full queues, nobody there, a crash, a frozen service, a stalled disk: no call ends in silence."""

import os
import socket
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from contact_centre.demo.network import free_tcp_port
from contact_centre.demo.processes import ProcessError
from contact_centre.demo.sipp import Keys, SippRun
from telephony.provision import Limits
from tests.e2e.asterisk.stage import MakeStage, Stage, decode, events, heard, seconds, share

FIRST, SECOND, THIRD, FOURTH = "0501234567", "0671234567", "0931234567", "0991234567"


def _time(fact: dict[str, str]) -> float:
    return datetime.strptime(fact["eventtime"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def _sounds(facts: list[dict[str, str]]) -> list[str]:
    return [decode(fact)["sound"] for fact in facts if fact["userdeftype"] == "FILE_STREAM_BEGIN"]


def _texts(facts: list[dict[str, str]], event: str) -> list[str]:
    return [decode(fact)["extra"] for fact in events(facts, event)]


def _fill(stage: Stage) -> list[SippRun]:
    """Nobody answers: two wait (one of them presses 1), one finds the queue full, two are one too many."""
    citizen = stage.telephones.citizen
    waiting = citizen(caller=FIRST)
    time.sleep(0.5)
    pressing = citizen(caller=SECOND, keys=[Keys("1", 20)])
    time.sleep(0.5)
    citizen(caller=FIRST).succeed(30)
    third = citizen(caller=THIRD)
    time.sleep(0.5)
    return [waiting, pressing, third, citizen(caller=FOURTH)]


def _crash(stage: Stage) -> None:
    """An operator signs in by phone, talks to a citizen; Asterisk is killed, starts again, and the next one calls."""
    operator = stage.telephones.operator("olena", "201")
    stage.telephones.phone(operator)
    stage.telephones.dial(operator, "*11")
    citizen = stage.telephones.citizen(caller=FIRST, talk=60)
    deadline = time.monotonic() + 20
    while not any(fact["eventtype"] == "BRIDGE_ENTER" for fact in stage.asterisk.facts()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(6)
    stage.asterisk.kill()
    citizen.process.kill()
    stage.asterisk.start()
    stage.telephones.citizen(caller=SECOND, talk=22).succeed(40)
    stage.telephones.dial(operator, "*13")
    paused = stage.asterisk.cli("queue show contact-centre")
    stage.telephones.dial(operator, "*14")
    resumed = stage.asterisk.cli("queue show contact-centre")
    stage.telephones.dial(operator, "*12")
    assert "paused:break" in paused
    assert "paused" not in resumed


@pytest.fixture(scope="module")
def stages(make_stage: MakeStage) -> tuple[Stage, Stage]:
    """Two cities at the same time. In the first the queue holds two, speaks often and gives up soon."""

    def talkative(stage: Stage) -> None:
        stage.adjust_queue(
            maxlen=2,
            announce_frequency=4,
            min_announce_frequency=3,
            periodic_announce_frequency=6,
            periodic_announce_startdelay=2,
        )

    busy = make_stage("busy", Limits(calls=3, calls_per_caller=1, queue_seconds=22), talkative)
    crashed = make_stage("crash")
    runs = _fill(busy)
    _crash(crashed)
    for run in runs:
        run.succeed(60)
    busy.asterisk.wait_idle()
    return busy, crashed


@pytest.fixture
def busy(stages: tuple[Stage, Stage]) -> Stage:
    return stages[0]


@pytest.fixture
def crashed(stages: tuple[Stage, Stage]) -> Stage:
    return stages[1]


def test_a_wait_is_bounded_and_ends_in_a_promise_and_a_callback(busy: Stage) -> None:
    facts = busy.call(FIRST)
    assert _texts(facts, "QUEUE_LEAVE") == ["TIMEOUT"]
    assert _texts(facts, "CALLBACK") == ["promised"]
    assert _sounds(facts)[-1] == "callback-promise"
    entered = next(fact for fact in events(facts, "APP_START") if fact["appname"] == "Queue")
    assert 20 < _time(events(facts, "QUEUE_LEAVE")[0]) - _time(entered) < 40


def test_the_waiting_hear_their_place_in_grammar_free_ukrainian(busy: Stage) -> None:
    sounds = _sounds(busy.call(SECOND))
    place = sounds.index("queue-position")
    assert sounds[place + 1] == "digits/2"
    assert "queue-periodic-announce" in _sounds(busy.call(FIRST)) + sounds


def test_key_one_leaves_the_queue_for_a_callback(busy: Stage) -> None:
    facts = busy.call(SECOND)
    assert _texts(facts, "QUEUE_LEAVE") == ["EXITWITHKEY"]
    assert _texts(facts, "MENU") == ["1"]
    assert _texts(facts, "CALLBACK") == ["promised"]


def test_a_full_queue_ends_in_a_promise_too(busy: Stage) -> None:
    facts = busy.call(THIRD)
    assert _texts(facts, "QUEUE_LEAVE") == ["FULL"]
    assert _texts(facts, "REFUSED") == ["queue-full"]
    assert _texts(facts, "CALLBACK") == ["promised"]
    assert _sounds(facts)[-1] == "callback-promise"


def test_a_caller_beyond_the_limit_of_lines_hears_a_refusal(busy: Stage) -> None:
    facts = busy.call(FOURTH)
    assert _texts(facts, "REFUSED") == ["call-limit"]
    assert _sounds(facts) == ["lines-busy"]
    assert events(facts, "ANSWER")


def test_one_number_cannot_take_all_the_lines(busy: Stage) -> None:
    refused = [fact for fact in events(busy.asterisk.facts(), "REFUSED") if decode(fact)["extra"] == "call-limit"]
    assert len(refused) == 2


def test_only_our_own_sounds_are_played_by_the_queue(busy: Stage) -> None:
    busy.assert_only_our_sounds()


def test_after_a_crash_the_audio_is_there_but_for_the_last_two_seconds(crashed: Stage) -> None:
    caller = crashed.audio(FIRST, "caller")
    # Asterisk writes raw audio through a buffer of 32 KiB, which is 2.048 s
    assert seconds(caller) > 6 - 2.1 - 0.5
    assert share(heard(caller), 440) > 0.9


def test_a_start_leaves_a_mark_in_the_ledger(crashed: Stage) -> None:
    marks = [fact for fact in events(crashed.asterisk.facts(), "CHAN_START") if fact["context"] == "boot"]
    assert len(marks) == 4
    sequence = [int(fact["uniqueid"].rpartition(".")[2]) for fact in marks]
    assert sequence == [0, 1, 0, 1]


def test_the_dead_call_has_no_end_in_the_ledger(crashed: Stage) -> None:
    assert not events(crashed.call(FIRST), "CHAN_END")


def test_queue_and_registrations_outlive_a_crash(crashed: Stage) -> None:
    facts = crashed.call(SECOND)
    assert [fact["channame"].rpartition("-")[0] for fact in events(facts, "BRIDGE_ENTER")] == [
        "PJSIP/operator-olena",
        "PJSIP/trunk-primary",
    ]


def test_an_operator_signs_out_by_phone(crashed: Stage) -> None:
    assert "operator-olena" not in crashed.asterisk.cli("queue show contact-centre")


def test_codes_of_operators_speak_ukrainian(crashed: Stage) -> None:
    spoken = _sounds(crashed.asterisk.facts())
    assert {"signed-in", "paused", "unpaused", "signed-out"} <= set(spoken)
    crashed.assert_only_our_sounds()


@pytest.fixture
def frozen_service(make_stage: MakeStage) -> Iterator[Stage]:
    """Something accepts FastAGI connections and never says a word."""
    with socket.create_server(("127.0.0.1", free_tcp_port()), backlog=50) as server:

        def point(stage: Stage) -> None:
            ports = stage.asterisk.settings.ports
            stage.asterisk.configure(
                ports=type(ports)(
                    sip=ports.sip,
                    sip_address=ports.sip_address,
                    ami=ports.ami,
                    agi=server.getsockname()[1],
                    rtp_first=ports.rtp_first,
                    rtp_last=ports.rtp_last,
                )
            )

        yield make_stage("frozen", None, point)


def test_a_frozen_service_costs_the_citizen_two_seconds(frozen_service: Stage) -> None:
    frozen_service.telephones.citizen(caller=FIRST, talk=1).succeed(20)
    frozen_service.asterisk.wait_idle()
    facts = frozen_service.call(FIRST)
    waited = _time(events(facts, "ANSWER")[0]) - _time(events(facts, "LINE")[0])
    assert 1.9 < waited < 2.5


def test_a_stalled_ledger_disk_does_not_stop_the_calls(make_stage: MakeStage) -> None:
    def stall(stage: Stage) -> None:
        # Opening a FIFO that nobody reads blocks for ever, as a disk does that has stopped answering.
        os.mkfifo(stage.asterisk.ledger)

    stage = make_stage("stalled", Limits(calls=400), stall)
    crowd = stage.telephones.crowd(300, rate=20, tone=None, talk=1.0)
    try:
        outcome = crowd.succeed(60)
    finally:
        stage.asterisk.kill()
    assert outcome.successful == 300


def test_nobody_calls_in_without_an_account(make_stage: MakeStage) -> None:
    stage = make_stage("stranger")
    stage.telephones.citizen(peer="127.0.0.9", expect=401).succeed(20)
    stage.telephones.citizen(peer="127.0.0.9", caller="operator-olena", expect=401).succeed(20)
    assert not events(stage.asterisk.facts(), "LINE")


def test_a_wrong_password_does_not_register(make_stage: MakeStage) -> None:
    stage = make_stage("password")
    made = stage.telephones.operator("olena", "201")
    wrong = type(made)(made.phone, "wrong")
    with pytest.raises(ProcessError):
        stage.telephones.register(wrong, free_tcp_port())
