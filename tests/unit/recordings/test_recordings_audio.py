import hashlib
import io
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.audio import (
    CHUNK,
    FRAME,
    SHORTEST_REPAIR,
    LegTrack,
    Repair,
    Tally,
    Track,
    interleave,
    join,
    longest_silence,
    loudness,
    plan_repairs,
    silent_md5,
)
from tests.unit.recordings.calls import RATE
from tests.unit.recordings.rig import Samples, noise, silence, tone

NEAR_CHUNK = st.sampled_from([0, 1, 2, 159, 160, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])


def track(samples: Samples) -> Track:
    return Track(lambda: io.BytesIO(samples.tobytes()), len(samples))


def joined(
    left: Track, right: Track, legs: Sequence[LegTrack] = (), repairs: Sequence[Repair] = ()
) -> tuple[Samples, Samples, Tally]:
    tally = Tally()
    data = b"".join(join(left, right, legs, repairs, tally))
    stereo = np.frombuffer(data, dtype="<i2").reshape(-1, 2)
    assert tally.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert tally.samples == len(stereo)
    return stereo[:, 0], stereo[:, 1], tally


def random_samples(count: int, seed: int) -> Samples:
    return np.random.default_rng(seed).integers(-32768, 32768, count).astype("<i2")


@given(left=NEAR_CHUNK, right=NEAR_CHUNK, seed=st.integers(0, 2**32 - 1))
def test_each_side_comes_out_whole_and_the_shorter_is_filled_up(left: int, right: int, seed: int) -> None:
    one, two = random_samples(left, seed), random_samples(right, seed + 1)
    got_left, got_right, _ = joined(track(one), track(two))
    length = max(left, right)
    assert np.array_equal(got_left, np.pad(one, (0, length - left)))
    assert np.array_equal(got_right, np.pad(two, (0, length - right)))


@given(
    length=st.integers(1, 3 * CHUNK),
    begin=st.integers(0, 3 * CHUNK),
    size=st.integers(1, 2 * CHUNK),
    offset=st.integers(0, 1000),
)
def test_a_repair_puts_the_legs_samples_where_it_says(length: int, begin: int, size: int, offset: int) -> None:
    end = min(begin + size, length)
    begin = min(begin, end)
    own = random_samples(2 * CHUNK + 1000, 3)
    repair = Repair(0, begin, end, offset)
    leg = LegTrack(track(own), begin - offset, ())
    _, right, _ = joined(track(random_samples(length, 4)), track(np.zeros(length, "<i2")), [leg], [repair])
    expected = np.zeros(length, "<i2")
    expected[begin:end] = own[offset : offset + end - begin]
    assert np.array_equal(right, expected)


@given(length=st.integers(1, 2 * CHUNK + 9), gap_at=st.integers(0, 2 * CHUNK + 9), gap=st.integers(0, 2 * CHUNK))
def test_a_gap_is_silence_put_in(length: int, gap_at: int, gap: int) -> None:
    own = random_samples(length, 5)
    padded = track(own).with_gap(gap_at, gap)
    left, _, _ = joined(padded, track(np.zeros(0, "<i2")))
    expected = np.concatenate([own[:gap_at], np.zeros(gap, "<i2"), own[gap_at:]]) if gap_at < length else own
    assert np.array_equal(left, expected)


def test_two_legs_heard_at_once_are_both_kept() -> None:
    legs = [LegTrack(track(tone(frequency, 2)), 0, ((0, 2 * RATE),)) for frequency in (500, 900)]
    other = track(silence(2))
    repairs = plan_repairs(other, legs, 2 * RATE)
    _, right, _ = joined(track(silence(2)), other, legs, repairs)
    assert np.array_equal(right, tone(500, 2) + tone(900, 2))


def test_where_the_other_side_is_heard_nothing_is_put_in() -> None:
    own = LegTrack(track(noise(10)), 0, ((0, 10 * RATE),))
    assert plan_repairs(track(tone(880, 10)), [own], 10 * RATE) == []


def test_no_legs_no_repairs_and_the_other_file_is_not_even_opened() -> None:
    def refuse() -> io.BytesIO:
        raise AssertionError

    assert plan_repairs(Track(refuse, RATE), [], RATE) == []


def test_silence_in_the_talk_is_repaired_from_the_leg() -> None:
    other = np.concatenate([tone(880, 10), silence(8), noise(12, seed=2)])
    own = LegTrack(track(noise(20, seed=9)), 10 * RATE, ((10 * RATE, 30 * RATE),))
    assert plan_repairs(track(other), [own], 30 * RATE) == [Repair(0, 10 * RATE, 18 * RATE, 0)]


def test_silence_outside_the_talk_stays() -> None:
    other = np.concatenate([tone(880, 5), silence(5), tone(880, 10)])
    own = LegTrack(track(noise(20)), 0, ((12 * RATE, 20 * RATE),))
    assert plan_repairs(track(other), [own], 20 * RATE) == []


def test_a_lost_packet_is_no_reason_to_repair() -> None:
    other = noise(10)
    other[4 * RATE : 4 * RATE + SHORTEST_REPAIR - FRAME] = 0
    own = LegTrack(track(noise(10)), 0, ((0, 10 * RATE),))
    assert plan_repairs(track(other), [own], 10 * RATE) == []


def test_a_leg_that_is_silent_too_has_nothing_to_give() -> None:
    own = LegTrack(track(np.full(10 * RATE, 8, "<i2")), 0, ((0, 10 * RATE),))
    assert loudness(np.full(RATE, 8, "<i2").tobytes()) < -60
    assert plan_repairs(track(silence(10)), [own], 10 * RATE) == []


def test_a_leg_shorter_than_its_talk_gives_what_it_has() -> None:
    own = LegTrack(track(noise(3)), 2 * RATE, ((0, 10 * RATE),))
    assert plan_repairs(track(silence(10)), [own], 10 * RATE) == [Repair(0, 2 * RATE, 5 * RATE, 0)]


def test_silence_over_many_chunks_is_one_run() -> None:
    other = np.concatenate([tone(880, 3.1), silence(20), tone(880, 1), silence(2)])
    assert longest_silence(track(other), 0, len(other)) == (round(3.1 * RATE), round(23.1 * RATE))
    assert longest_silence(track(tone(880, 3)), 0, 3 * RATE) is None


def test_silence_is_told_from_sound() -> None:
    assert joined(track(silence(3)), track(silence(3)))[2].silent
    quiet = silence(3)
    quiet[-1] = 1
    assert not joined(track(silence(3)), track(quiet))[2].silent
    assert joined(track(silence(3)), track(silence(3)))[2].md5 == silent_md5(3 * RATE)


def test_a_file_that_lost_its_end_since_it_was_measured_is_filled_up() -> None:
    shrunk = Track(lambda: io.BytesIO(b"\1\0" * 10), 100)
    left, _, _ = joined(shrunk, track(np.zeros(0, "<i2")))
    assert left.tolist() == [1] * 10 + [0] * 90


@pytest.mark.parametrize("samples", [0, 1, 2, 1000])
def test_interleaving_is_what_numpy_says(samples: int) -> None:
    one, two = random_samples(samples, 6), random_samples(samples, 7)
    assert interleave(one.tobytes(), two.tobytes()) == np.stack([one, two], axis=1).tobytes()
