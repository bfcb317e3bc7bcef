"""The main job on the real thing: citizens call, operators answer, calls become recordings and drafts."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit
from tests.hearing import CITIZEN, STALL_S, heard_for, listen

OPERATOR = 880


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One city for all tests here; each test has citizens of its own, and looks only at their calls."""
    with City.build(brief_kit(), tmp_path_factory.mktemp("city")) as built:
        built.start()
        built.hire("olena", "Олена Ткачук", tone=OPERATOR, talk=4.0)
        yield built


def calls_of(city: City, *numbers: str) -> list[dict[str, Any]]:
    """The calls of these citizens, in this order, as soon as each has ended and has its recording."""

    def found() -> list[dict[str, Any]]:
        calls = city.service.json("calls", "list")
        mine = [[one for one in calls if one["caller_number"] == number] for number in numbers]
        return [one for of_number in mine for one in of_number if one["ended_at"] and one["recordings"]]

    wait_until(lambda: len(found()) >= len(numbers))
    return found()


def story_of(city: City, call: dict[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """The recording and the appeal of a call, of which there must be exactly one each, and the audio as WAV."""
    [recording_id] = call["recordings"]
    [appeal_id] = call["appeal_ids"]
    recording = city.service.json("recordings", "show", recording_id)
    appeal = city.service.json("appeals", "show", appeal_id)
    audio = folder / f"{call['call_id']}.wav"
    city.service.command("recordings", "export", recording_id, str(audio))
    assert recording["call_id"] == call["call_id"]
    assert appeal["calls"] == [call["call_id"]]
    assert appeal["recordings"] == [recording_id]
    return recording, appeal, audio


def test_a_call_is_queued_answered_recorded_and_becomes_a_draft(city: City, tmp_path: Path) -> None:
    city.telephones.citizen("0372588888", "0501234567", name="Жанна Їжак", tone=CITIZEN).succeed()

    [call] = calls_of(city, "+380501234567")

    assert call["line"] == "588-888"
    assert call["direction"] == "inbound"
    assert call["dialled_number"] == "0372588888"
    assert call["caller_number_raw"] == "0501234567"
    assert call["caller_name"] == "Жанна Їжак"
    assert call["queue"] == "contact-centre"
    assert call["queue_outcome"] == "answered"
    assert call["operator"] == "olena"
    assert call["talk_time"] == pytest.approx(4.0, abs=STALL_S)
    assert [leg["role"] for leg in call["legs"]] == ["citizen", "operator"]
    assert not call["recovered"]
    assert call["anomalies"] == []
    recording, appeal, audio = story_of(city, call, tmp_path)
    assert recording["status"] == "ok"
    assert recording["duration"] == pytest.approx(recording["call_duration"], abs=STALL_S)
    assert (appeal["status"], appeal["registration_number"], appeal["kind"]) == ("new", None, None)
    assert (appeal["line"], appeal["operator"], appeal["caller_number"]) == ("588-888", "olena", "+380501234567")
    sound = listen(audio)
    assert heard_for(sound.left, sound.rate, CITIZEN) == pytest.approx(sound.seconds, abs=1.0)
    assert heard_for(sound.right, sound.rate, OPERATOR) == pytest.approx(4.0, abs=STALL_S)
    assert heard_for(sound.left, sound.rate, OPERATOR) == 0
    assert heard_for(sound.right, sound.rate, CITIZEN) == 0
    assert not list(city.asterisk.audio.glob(f"{call['call_id']}*"))
    outlines = city.service.state / "listening"
    wait_until(lambda: any(outlines.rglob(f"{recording['sha256']}.*.json")))
    [outline] = outlines.rglob(f"{recording['sha256']}.*.json")
    citizen, others = json.loads(outline.read_bytes())["sides"]
    assert citizen["heard"] == pytest.approx(sound.seconds, abs=1.0)
    assert others["heard"] >= 3.5


def test_killed_in_mid_call_and_down_for_the_next_the_service_has_every_call_once(city: City, tmp_path: Path) -> None:
    bridges = count_of(city, "BRIDGE_ENTER")
    first = city.telephones.citizen("588888", "0501110001", tone=CITIZEN)
    wait_until(lambda: count_of(city, "BRIDGE_ENTER") > bridges)
    city.service.kill()
    first.succeed()
    city.telephones.citizen("1580", "0372511002", tone=CITIZEN).succeed()
    city.service.start()

    calls = calls_of(city, "+380501110001", "+380372511002")

    assert [call["caller_number"] for call in calls] == ["+380501110001", "+380372511002"]
    assert [call["line"] for call in calls] == ["588-888", "15-80"]
    for call in calls:
        recording, _, audio = story_of(city, call, tmp_path)
        assert recording["status"] == "ok"
        sound = listen(audio)
        assert heard_for(sound.right, sound.rate, OPERATOR) == pytest.approx(4.0, abs=STALL_S)
    assert city.service.command("ledger", "rebuild").returncode == 0
    assert city.service.command("recordings", "verify").returncode == 0


def test_a_frozen_service_holds_no_caller_longer_than_two_seconds_and_catches_up_when_thawed(city: City) -> None:
    city.service.freeze()
    city.telephones.citizen("588888", "0501110005").succeed()
    city.service.thaw()

    [call] = calls_of(city, "+380501110005")

    assert call["queue_outcome"] == "answered"
    assert len(call["appeal_ids"]) == 1
    mine = [fact for fact in city.asterisk.facts() if fact["uniqueid"] == call["call_id"]]
    began = at(next(fact for fact in mine if fact["eventtype"] == "CHAN_START"))
    assert at(next(fact for fact in mine if fact["eventtype"] == "ANSWER")) - began <= 2.5


def test_a_caller_who_gives_up_becomes_a_callback_that_a_later_talk_clears(city: City) -> None:
    signed_in = city.operators[0].phone
    city.telephones.dial(signed_in, "*12")
    city.telephones.citizen("588888", "0501110004", tone=None, talk=14.0).succeed()
    [missed] = calls_of(city, "+380501110004")
    assert missed["queue_outcome"] == "abandoned"
    assert missed["operator"] is None
    assert missed["appeal_ids"] == []
    [callback] = city.service.json("callbacks", "list")
    assert (callback["number"], callback["reason"]) == ("+380501110004", "abandoned")
    assert callback["call_ids"] == [missed["call_id"]]

    city.telephones.dial(signed_in, "*11")
    city.telephones.citizen("1580", "+380501110004").succeed()
    calls_of(city, "+380501110004", "+380501110004")

    assert city.service.json("callbacks", "list") == []
    [cleared] = city.service.json("callbacks", "list", "--all")
    assert cleared["state"] == "cleared"


def test_when_asterisk_dies_in_mid_call_the_call_is_closed_recovered_and_its_audio_kept(
    city: City, tmp_path: Path
) -> None:
    patient = city.account("taras", "Тарас Мельник")
    city.telephones.phone(patient, tone=OPERATOR)
    city.telephones.dial(city.operators[0].phone, "*12")
    city.telephones.dial(patient, "*11")
    bridges = count_of(city, "BRIDGE_ENTER")
    city.telephones.citizen("588888", "0501110003", tone=CITIZEN)
    wait_until(lambda: count_of(city, "BRIDGE_ENTER") > bridges)
    time.sleep(5)  # Asterisk writes audio in pieces of 32 KiB: what is lost is at most the last 2.05 s
    city.asterisk.kill()
    city.asterisk.start()

    [call] = calls_of(city, "+380501110003")

    assert call["recovered"] is True
    assert call["queue_outcome"] == "answered"
    assert call["operator"] == "taras"
    recording, _, audio = story_of(city, call, tmp_path)
    assert recording["status"] == "ok"
    sound = listen(audio)
    assert heard_for(sound.right, sound.rate, OPERATOR) >= 2.5
    assert heard_for(sound.left, sound.rate, CITIZEN) >= 2.5


def count_of(city: City, kind: str) -> int:
    return sum(fact["eventtype"] == kind for fact in city.asterisk.facts())


def at(fact: dict[str, str]) -> float:
    return datetime.fromisoformat(fact["eventtime"]).timestamp()


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
