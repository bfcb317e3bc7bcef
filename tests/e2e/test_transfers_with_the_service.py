"""A transfer keeps one call record and one recording in which everyone is heard, whether the service runs or not.

SIPp's RTP begins at sequence number 0: the case in which Asterisk loses the new party on the citizen's side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contact_centre.demo.city import City
from contact_centre.demo.sipp import Keys, Refer, SippRun, Step
from tests.e2e.kits import brief_kit
from tests.hearing import STALL_S, Sound, heard_for, listen

CITIZEN, OPERATOR, SPECIALIST = 440, 880, 1320
TALK = 30.0
AFTER = 10.0


@dataclass
class Handed:
    """A call that was handed over, and what is heard in its recording."""

    call: dict[str, Any]
    recording: dict[str, Any]
    sound: Sound


def _ring(city: City, steps: tuple[Step, ...], talk: float | None) -> SippRun:
    specialist = city.account("water", "Водоканал, диспетчер", "specialist")
    city.telephones.phone(specialist, tone=SPECIALIST, answer_after=1.0)
    city.hire("olena", "Олена Ткачук", tone=OPERATOR, steps=steps, talk=talk)
    return city.telephones.citizen("588888", "0501234567", tone=CITIZEN, talk=TALK + AFTER + 22)


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Handed]]:
    """Two cities at once: a blind transfer with the service stopped, and an attended one with it running."""
    kit = brief_kit()
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("blind", "attended")}
    with City.build(kit, folders["blind"]) as blind, City.build(kit, folders["attended"]) as attended:
        blind.start()
        attended.start()
        runs = [_ring(blind, (Refer("201", TALK),), None)]
        blind.service.stop()
        runs.append(_ring(attended, (Keys("*2", TALK), Keys("201", 1.0)), 4.0))
        for run in runs:
            run.succeed(TALK + AFTER + 60)
        blind.service.start()
        cities = {"blind": blind, "attended": attended}
        yield {kind: _look(city, folders[kind]) for kind, city in cities.items()}


def _look(city: City, folder: Path) -> Handed:
    [call] = city.service.wait_for_calls(1)
    [recording_id] = call["recordings"]
    assert len(call["appeal_ids"]) == 1
    audio = folder / "call.wav"
    city.service.command("recordings", "export", recording_id, str(audio))
    return Handed(call, city.service.json("recordings", "show", recording_id), listen(audio))


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_one_record_has_all_legs_and_the_talk_time_of_each_person(handed: dict[str, Handed], kind: str) -> None:
    call = handed[kind].call
    [transfer] = call["transfers"]
    by_role = {leg["role"]: leg for leg in call["legs"]}
    assert call["operator"] == "olena"
    assert (transfer["kind"], transfer["by"], transfer["to"], transfer["answered"]) == (kind, "olena", "water", True)
    assert set(by_role) == {"citizen", "operator", "specialist"}
    assert by_role["operator"]["talk_time"] == pytest.approx(TALK, abs=1.5)
    assert by_role["specialist"]["talk_time"] > AFTER
    whole = by_role["operator"]["talk_time"] + by_role["specialist"]["talk_time"]
    assert call["talk_time"] == pytest.approx(whole, abs=0.1)
    assert call["anomalies"] == []


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_everyone_is_heard_in_the_one_recording(handed: dict[str, Handed], kind: str) -> None:
    one = handed[kind]
    by_role = {leg["role"]: leg for leg in one.call["legs"]}
    sound = one.sound
    assert one.recording["status"] == "ok"
    assert heard_for(sound.left, sound.rate, CITIZEN) == pytest.approx(sound.seconds, abs=1.5)
    assert heard_for(sound.right, sound.rate, OPERATOR) == pytest.approx(TALK, abs=1.5)
    talked = by_role["specialist"]["talk_time"]
    assert heard_for(sound.right, sound.rate, SPECIALIST) == pytest.approx(talked, abs=1.0)
    assert heard_for(sound.left, sound.rate, SPECIALIST) == 0


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_the_specialist_is_heard_when_the_ledger_says_so(handed: dict[str, Handed], kind: str) -> None:
    """The specialist's own file lies at the right place: nobody is heard before or after the own leg."""
    sound = handed[kind].sound
    last = sound.right[-int(sound.rate * 5) : -int(sound.rate * 1)]
    before = sound.right[: int(sound.rate * TALK)]
    assert heard_for(last, sound.rate, SPECIALIST) == pytest.approx(4.0, abs=STALL_S)
    assert heard_for(before, sound.rate, SPECIALIST) == 0
