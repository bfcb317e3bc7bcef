"""Thirty citizens at once on five operators: nobody is lost, doubled, or served out of turn."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit
from tests.hearing import CITIZEN, STALL_S, heard_for, listen

CITIZENS, OPERATORS = 30, 5
TALK = 4.0
OPERATOR = 880
TURN = timedelta(seconds=1.0)
"""Two who were next at the same time may be answered in either order: telephones ring at their own pace."""


@dataclass
class Evening:
    """What is left of it: all calls, all recordings by call, and the audio of each as a WAV file."""

    city: City
    calls: list[dict[str, Any]]
    recordings: dict[str, dict[str, Any]]
    folder: Path


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    folder = tmp_path_factory.mktemp("evening")
    with City.build(brief_kit(), folder) as city:
        city.start()
        for number in range(OPERATORS):
            phone = city.account(f"operator{number}", f"Оператор {number}")
            city.telephones.phone(phone, tone=OPERATOR, answer_after=0.3, talk=TALK)
            city.asterisk.cli(f"queue add member {phone.phone.interface} to contact-centre")
        city.telephones.crowd(CITIZENS, rate=15, caller="38050123[call_number]", tone=CITIZEN).succeed(150)
        calls = city.service.wait_for_calls(CITIZENS, 60)
        recordings = {one["call_id"]: one for one in city.service.json("recordings", "list")}
        yield Evening(city, calls, recordings, folder)


def test_each_citizen_has_exactly_one_record_one_recording_and_one_draft(evening: Evening) -> None:
    numbers = Counter(call["caller_number_raw"] for call in evening.calls)
    appeals = Counter(one["calls"][0] for one in evening.city.service.json("appeals", "list"))
    assert len(evening.calls) == CITIZENS
    assert set(numbers.values()) == {1}
    assert len(numbers) == CITIZENS
    assert appeals == Counter(call["call_id"] for call in evening.calls)
    assert [len(call["recordings"]) for call in evening.calls] == [1] * CITIZENS
    assert {call["queue_outcome"] for call in evening.calls} == {"answered"}
    assert [call["anomalies"] for call in evening.calls] == [[]] * CITIZENS


def test_citizens_are_served_in_the_order_in_which_they_came(evening: Evening) -> None:
    def entered(call: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(call["answered_at"]) - timedelta(seconds=call["wait_time"])

    in_turn = [datetime.fromisoformat(call["answered_at"]) for call in sorted(evening.calls, key=entered)]
    latest = in_turn[0]
    for answered in in_turn:
        assert answered >= latest - TURN
        latest = max(latest, answered)


def test_all_operators_share_the_work(evening: Evening) -> None:
    by_operator = Counter(call["operator"] for call in evening.calls)
    assert len(by_operator) == OPERATORS
    assert min(by_operator.values()) >= CITIZENS // OPERATORS - 2


def test_each_recording_has_the_right_length_the_citizen_left_and_the_operator_right(evening: Evening) -> None:
    for call in evening.calls:
        recording = evening.recordings[call["call_id"]]
        audio = evening.folder / f"{call['call_id']}.wav"
        evening.city.service.command("recordings", "export", recording["recording_id"], str(audio))
        sound = listen(audio)
        assert recording["status"] == "ok"
        assert recording["duration"] == pytest.approx(recording["call_duration"], abs=STALL_S)
        assert sound.seconds == pytest.approx(recording["duration"], abs=0.01)
        assert heard_for(sound.left, sound.rate, CITIZEN) == pytest.approx(sound.seconds, abs=1.5)
        assert heard_for(sound.right, sound.rate, OPERATOR) == pytest.approx(call["talk_time"], abs=STALL_S)
        assert heard_for(sound.left, sound.rate, OPERATOR) == 0
        assert heard_for(sound.right, sound.rate, CITIZEN) == 0
