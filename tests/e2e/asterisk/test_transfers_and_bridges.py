"""Whoever talks to the citizen stays on the record: transfers after thirty seconds, citizens bridged together.

SIPp's RTP begins at sequence number 0: the very case in which Asterisk loses the new party on the citizen's side
(asterisk#507). So these tests hear what a specialist said in the specialist's own file.
"""

from dataclasses import dataclass
from datetime import datetime

import pytest

from contact_centre.demo.sipp import Keys, Refer
from tests.e2e.asterisk.stage import MakeStage, Stage, ami_bridge, decode, events, heard, seconds, share

CITIZEN = "0501234567"
SECOND = "0671234567"
TALK = 30.0


@dataclass
class Transfers:
    blind: Stage
    attended: Stage
    nobody: Stage
    together: Stage


@pytest.fixture(scope="module")
def transfers(make_stage: MakeStage) -> Transfers:
    """Four cities at the same time: each waits for its citizen's half minute."""
    blind, attended, nobody, together = (make_stage(name) for name in ("blind", "attended", "nobody", "together"))
    for stage in (blind, attended, nobody):
        specialist = stage.telephones.specialist("water", "301")
        stage.telephones.phone(specialist, tone=1320, answer_after=2.0, busy=stage is nobody)
    blind.operator("olena", "201", steps=(Refer("301", TALK),))
    attended.operator("olena", "201", steps=(Keys("*2", TALK), Keys("301", 2.0)), talk=5)
    nobody.operator("olena", "201", steps=(Refer("301", 2.0),))
    together.operator("olena", "201", tone=880)
    together.operator("taras", "202", tone=880)
    runs = [
        blind.telephones.citizen(caller=CITIZEN, talk=52),
        attended.telephones.citizen(caller=CITIZEN, talk=60),
        nobody.telephones.citizen(caller=CITIZEN),
        together.telephones.citizen(caller=CITIZEN, tone=440, talk=32),
        together.telephones.citizen(caller=SECOND, tone=550, talk=34),
    ]
    nobody_run = runs.pop(2)
    nobody_run.succeed(60)
    _bridge_citizens(together)
    for run in runs:
        run.succeed(90)
    for stage in (blind, attended, nobody, together):
        stage.asterisk.wait_idle()
    return Transfers(blind, attended, nobody, together)


def _bridge_citizens(stage: Stage) -> None:
    channels = [line.split("!")[0] for line in stage.asterisk.cli("core show channels concise").splitlines()]
    citizens = [channel for channel in channels if channel.startswith("PJSIP/trunk")]
    assert len(citizens) == 2
    ami_bridge(stage, citizens[0], citizens[1])


def _leg(stage: Stage) -> tuple[str, str]:
    """The specialist's channel: its uniqueid, and the call id."""
    facts = stage.call(CITIZEN)
    leg = next(fact for fact in events(facts, "CHAN_START") if fact["channame"].startswith("PJSIP/specialist-water"))
    return leg["uniqueid"], facts[0]["uniqueid"]


def _time(fact: dict[str, str]) -> float:
    return datetime.strptime(fact["eventtime"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_a_specialist_is_heard_in_the_file_of_the_own_leg(transfers: Transfers, kind: str) -> None:
    stage: Stage = getattr(transfers, kind)
    uniqueid, call_id = _leg(stage)
    leg = stage.asterisk.audio / f"{call_id}-leg-{uniqueid}.raw"
    facts = [fact for fact in stage.call(CITIZEN) if fact["uniqueid"] == uniqueid]
    talked = _time(events(facts, "CHAN_END")[0]) - _time(events(facts, "ANSWER")[0])
    assert talked > 5
    assert share(heard(leg, seconds(leg) - talked + 0.5), 1320) > 0.95


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_the_citizens_own_side_goes_on_through_a_transfer(transfers: Transfers, kind: str) -> None:
    stage: Stage = getattr(transfers, kind)
    caller, other = stage.audio(CITIZEN, "caller"), stage.audio(CITIZEN, "other")
    assert seconds(caller) == seconds(other)
    assert share(heard(caller), 440) > 0.95
    assert share(heard(other, 1.0, TALK - 1.0), 880) > 0.95


def test_a_blind_transfer_is_in_the_ledger(transfers: Transfers) -> None:
    facts = transfers.blind.call(CITIZEN)
    moved = events(facts, "BLINDTRANSFER")[0]
    assert decode(moved)["extension"] == "301"
    assert decode(moved)["context"] == "transfer"
    assert moved["channame"].startswith("PJSIP/operator-olena-")


def test_an_attended_transfer_by_keys_is_in_the_ledger(transfers: Transfers) -> None:
    facts = transfers.attended.call(CITIZEN)
    moved = events(facts, "ATTENDEDTRANSFER")[0]
    assert moved["channame"].startswith("PJSIP/operator-olena-")
    after = facts[facts.index(moved) :]
    assert [fact for fact in events(after, "BRIDGE_ENTER") if fact["channame"].startswith("PJSIP/specialist-water")]


def test_a_specialist_who_does_not_answer_costs_the_citizen_a_promise_not_the_call(transfers: Transfers) -> None:
    facts = transfers.nobody.call(CITIZEN)
    assert decode(events(facts, "CALLBACK")[0])["extra"] == "promised"
    played = [decode(fact)["sound"] for fact in facts if fact["userdeftype"] == "FILE_STREAM_BEGIN"]
    assert played[-1] == "callback-promise"


def test_two_citizens_bridged_together_keep_two_calls_with_a_recording_each(transfers: Transfers) -> None:
    stage = transfers.together
    facts = stage.asterisk.facts()
    ids = {decode(fact)["extra"].split(" ")[0]: fact["uniqueid"] for fact in events(facts, "CALLER")}
    assert set(ids) == {CITIZEN, SECOND}
    together = {
        fact["uniqueid"]: decode(fact)["bridge_id"]
        for fact in events(facts, "BRIDGE_ENTER")
        if fact["uniqueid"] in ids.values()
    }
    assert len(set(together.values())) == 1
    for number, own in ((CITIZEN, 440), (SECOND, 550)):
        caller = stage.asterisk.audio / f"{ids[number]}-caller.raw"
        assert seconds(caller) == seconds(stage.asterisk.audio / f"{ids[number]}-other.raw")
        assert share(heard(caller), own) > 0.95
    ended = events(facts, "LINKEDID_END")
    assert len([fact for fact in ended if fact["linkedid"] in ids.values()]) == 2


def test_only_our_own_sounds_are_played_in_transfers(transfers: Transfers) -> None:
    for stage in (transfers.blind, transfers.attended, transfers.nobody, transfers.together):
        stage.assert_only_our_sounds()
