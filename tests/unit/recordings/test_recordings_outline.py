"""Outlines: what is heard on each side and when, however the samples are cut; an hour is as many points as a window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import outline as outlines
from recordings.outline import FRAME_S, HEARD_DBFS, LOUDEST, MOST_PEAKS, outline, silences, spans_heard
from tests.unit.recordings.rig import Samples, noise, silence, tone

LOUD, QUIET = HEARD_DBFS + 10, HEARD_DBFS - 10


def stereo(left: Samples, right: Samples) -> bytes:
    joined = np.empty(2 * len(left), "<i2")
    joined[0::2], joined[1::2] = left, right
    return joined.tobytes()


def levels(*runs: tuple[float, float]) -> list[float]:
    """Levels of frames: (seconds, level) each."""
    return [level for seconds, level in runs for _ in range(round(seconds / FRAME_S))]


def test_each_side_is_measured_by_itself() -> None:
    left = np.concatenate([tone(440, 2), silence(8)])
    right = np.concatenate([silence(6), tone(200, 4, level=2000)])
    made = outline([stereo(left, right)])
    citizen, others = made.sides
    assert made.duration == 10.0
    assert [citizen.heard, others.heard] == pytest.approx([2, 4], abs=0.1)
    [late], [early] = citizen.silences, others.silences
    assert [*late, *early] == pytest.approx([2, 10, 0, 6], abs=0.1)
    assert max(citizen.peaks) == round(8000 / 32768 * LOUDEST)
    assert max(others.peaks) == round(2000 / 32768 * LOUDEST)
    assert citizen.peaks[len(citizen.peaks) // 2] == 0


def test_line_noise_is_silence() -> None:
    [side, _] = outline([stereo(noise(10, level=40), silence(10))]).sides
    assert side.heard == 0.0
    assert side.silences == ((0.0, 10.0),)


def test_a_recording_without_a_sample_has_an_outline() -> None:
    made = outline([])
    assert (made.duration, [side.peaks for side in made.sides]) == (0.0, [(), ()])


def test_a_torn_last_sample_does_not_count() -> None:
    assert outline([stereo(tone(440, 1), tone(440, 1)) + b"\1\2\3"]).duration == 1.0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9000), max_size=12))
def test_how_the_samples_are_cut_changes_nothing(cuts: list[int]) -> None:
    whole = stereo(np.concatenate([tone(440, 0.7), silence(0.4)]), noise(1.1))
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(whole[at : at + cut])
        at += cut
    assert outline([*pieces, whole[at:]]) == outline([whole])


def test_a_long_recording_has_no_more_points_than_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "MOST_PEAKS", 100)
    sound = stereo(np.concatenate([silence(20), tone(440, 10)]), silence(30))
    made = outline([sound])
    [citizen, _] = made.sides
    assert len(citizen.peaks) <= 100 < MOST_PEAKS
    assert made.step * len(citizen.peaks) == pytest.approx(30, abs=made.step)
    assert [peak > 0 for peak in citizen.peaks] == [(at + 1) * made.step > 20 for at in range(100)]


def test_a_pause_for_breath_belongs_to_what_is_said_and_a_click_is_no_voice() -> None:
    told = levels((1, QUIET), (1, LOUD), (0.5, QUIET), (1, LOUD), (8, QUIET), (0.1, LOUD), (2, QUIET))
    heard = spans_heard(told, 13.6)
    assert heard == [(1.0, 3.5)]
    assert silences(heard, 13.6) == [(3.5, 13.6)]


@given(st.lists(st.tuples(st.floats(0.05, 20), st.sampled_from([LOUD, QUIET])), max_size=30))
def test_what_is_heard_is_in_order_apart_and_within_the_recording(runs: list[tuple[float, float]]) -> None:
    told = levels(*runs)
    duration = round(len(told) * FRAME_S, 3)
    heard = spans_heard(told, duration)
    edges = [edge for span in heard for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= duration for edge in edges)
    assert all(start < end for start, end in heard)
