"""The cases are those measured on Asterisk (``recordings.alignment``): lengths and times are what it gave."""

import pytest

from recordings.alignment import CRASH_SLACK, SLACK, Place, place_leg, sample_at
from recordings.model import LegAudio, RecordingDue
from tests.unit.recordings.calls import LEG, RATE, at, due


def measured(started: float, answered: float, ended: float) -> LegAudio:
    return LegAudio(LEG, (), at(answered), at(ended), at(started))


@pytest.mark.parametrize(
    ("call", "call_audio", "leg", "leg_audio", "true_origin"),
    [
        pytest.param(25.007, 25.02, measured(10.015, 10.025, 25.007), 15.0, 10.04, id="answered at once"),
        pytest.param(25.005, 25.02, measured(10.007, 14.015, 25.005), 14.98, 10.02, id="rang for 4 s"),
        pytest.param(70.006, 70.02, measured(32.008, 32.017, 70.007), 38.0, 32.02, id="after 30 s of talk"),
        pytest.param(
            28.006, 28.02, measured(10.007, 10.018, 28.006), 18.0, 10.02, id="specialist sent nothing for 3 s"
        ),
        pytest.param(31.016, 28.04, measured(10.01, 10.019, 31.016), 18.02, 10.02, id="nobody sent anything for 3 s"),
    ],
)
def test_a_leg_that_ends_with_the_call_is_placed_within_20_ms(
    call: float, call_audio: float, leg: LegAudio, leg_audio: float, true_origin: float
) -> None:
    place = place_leg(due(call), leg, round(leg_audio * RATE), round(call_audio * RATE))
    assert place.hole == 0
    assert abs(place.origin / RATE - true_origin) <= 0.0205


def test_a_citizen_who_sent_nothing_during_the_fault_leaves_a_hole_in_the_call() -> None:
    place = place_leg(due(28.013), measured(10.01, 10.024, 28.014), round(18.04 * RATE), round(25.04 * RATE))
    assert abs(place.origin / RATE - 10.0) < 0.04
    assert abs(place.hole / RATE - 3.0) < 0.04


def test_a_leg_that_ended_before_the_call_is_placed_by_its_own_times() -> None:
    place = place_leg(due(60), measured(10, 12, 30), 20 * RATE, 60 * RATE)
    assert place == Place(10 * RATE)


def test_a_file_that_begins_at_the_answer_is_placed_by_its_end() -> None:
    assert place_leg(due(60), measured(10, 14, 30), 16 * RATE, 60 * RATE) == Place(14 * RATE)


def test_a_file_with_a_hole_in_it_is_placed_by_its_start() -> None:
    assert place_leg(due(60), measured(10, 10.1, 30), 17 * RATE, 60 * RATE) == Place(10 * RATE)


def test_without_the_start_of_its_channel_a_leg_is_placed_by_its_end() -> None:
    own = LegAudio(LEG, (), at(12), at(30))
    assert place_leg(due(60), own, 18 * RATE, 60 * RATE) == Place(12 * RATE)


def test_without_any_time_files_are_taken_to_end_together() -> None:
    assert place_leg(due(60), LegAudio(LEG, ()), 20 * RATE, 60 * RATE) == Place(40 * RATE)


def test_with_its_answer_alone_a_leg_is_placed_close_to_it() -> None:
    own = LegAudio(LEG, (), answered_at=at(40.1))
    assert place_leg(due(60), own, 20 * RATE, 60 * RATE) == Place(40 * RATE)


def recovered(ended: float) -> RecordingDue:
    return due(ended, recovered=True)


def test_after_a_crash_the_ends_in_the_ledger_are_not_believed() -> None:
    last_fact = 12.0
    own = LegAudio(LEG, (), at(10.1), at(last_fact), at(10))
    assert place_leg(recovered(last_fact), own, round(49.6 * RATE), 60 * RATE) == Place(10 * RATE)


def test_after_a_crash_more_than_a_lost_buffer_is_a_hole() -> None:
    own = LegAudio(LEG, (), at(10.1), None, at(10))
    length = 50 * RATE
    assert place_leg(recovered(12), own, length, 60 * RATE - CRASH_SLACK - 1).hole == CRASH_SLACK + 1
    assert place_leg(recovered(12), own, length, 60 * RATE - CRASH_SLACK).hole == 0


def test_a_leg_of_a_recovered_call_without_its_start_ends_with_the_files() -> None:
    assert place_leg(recovered(12), LegAudio(LEG, ()), 50 * RATE, 60 * RATE) == Place(10 * RATE)


def test_a_hole_in_the_legs_file_is_none_in_the_calls() -> None:
    place = place_leg(due(60), measured(10, 20, 60), 45 * RATE, 60 * RATE)
    assert place == Place(10 * RATE)


def test_a_small_difference_is_decided_by_the_files() -> None:
    assert place_leg(due(60), measured(10, 10, 60), 50 * RATE, 60 * RATE - SLACK) == Place(10 * RATE - SLACK)


def test_a_moment_before_the_audio_has_a_negative_sample() -> None:
    assert sample_at(due(60), at(-1)) == -RATE
