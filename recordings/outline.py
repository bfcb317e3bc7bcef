"""What a recording looks like: the outline of both sides, and when each of them is heard. Pure but for pydub.

The samples come in pieces and are judged frame by frame, so an hour needs no more memory than a minute.
"""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from recordings.model import CHANNELS, SAMPLE_RATE, SAMPLE_WIDTH

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub looks for an ffmpeg on PATH, which measuring does not need
    from pydub import AudioSegment

FRAME_S: Final = 0.05
"""Seconds of a frame: shorter than a syllable, longer than a wave of the deepest voice."""
MOST_PEAKS: Final = 4000
"""Points of an outline: more than a wide window has pixels."""
LOUDEST: Final = 100
"""What a peak of full scale is told as."""

HEARD_DBFS: Final = -45.0
"""Above this a frame is heard. Line noise and comfort noise lie below -50, a quiet voice on A-law above -40."""
PAUSE_S: Final = 0.6
"""A pause shorter than this belongs to what is said; people stop that long for breath."""
CLICK_S: Final = 0.1
"""What is shorter than this between pauses is a click."""
SILENCE_S: Final = 5.0
"""From this on a silence is listed: shorter ones are the other side's turn."""

_FRAME_BYTES: Final = round(FRAME_S * SAMPLE_RATE) * CHANNELS * SAMPLE_WIDTH
_FULL_SCALE: Final = 1 << 15

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Side:
    """One channel. ``heard`` seconds in all; ``silences`` are those of ``SILENCE_S`` and longer, from and to."""

    peaks: tuple[int, ...]
    heard: float
    silences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """Both sides on one axis: a peak for every ``step`` seconds."""

    duration: float
    step: float
    sides: tuple[Side, ...]


@dataclass(slots=True)
class _Heard:
    """The frames of one side: the greatest sample of each, and its level in dBFS."""

    peaks: list[int] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)

    def add(self, frame: AudioSegment) -> None:
        self.peaks.append(min(LOUDEST, round(frame.max * LOUDEST / _FULL_SCALE)))
        self.levels.append(frame.dBFS)


def outline(samples: Iterable[bytes]) -> Outline:
    """Measure interleaved 16-bit stereo at 8 kHz, however it is cut."""
    sides, count = tuple(_Heard() for _ in range(CHANNELS)), 0
    for frame in _frames(samples):
        stereo = AudioSegment(frame, sample_width=SAMPLE_WIDTH, frame_rate=SAMPLE_RATE, channels=CHANNELS)
        count += len(frame)
        for side, mono in zip(sides, stereo.split_to_mono(), strict=True):
            side.add(mono)
    duration = round(count / (CHANNELS * SAMPLE_WIDTH * SAMPLE_RATE), 3)
    together = max(1, -(-len(sides[0].peaks) // MOST_PEAKS))
    return Outline(duration, round(FRAME_S * together, 3), tuple(_side(one, duration, together) for one in sides))


def spans_heard(levels: Sequence[float], duration: float) -> list[Span]:
    """When a side is heard, by the levels of its frames: pauses for breath are no silence, clicks are no voice."""
    spans: list[list[float]] = []
    at = 0
    for loud, frames in itertools.groupby(levels, lambda level: level > HEARD_DBFS):
        length = sum(1 for _ in frames)
        if loud:
            start, end = at * FRAME_S, min(duration, (at + length) * FRAME_S)
            if spans and start - spans[-1][1] < PAUSE_S:
                spans[-1][1] = end
            else:
                spans.append([start, end])
        at += length
    return [(round(start, 3), round(end, 3)) for start, end in spans if end - start > CLICK_S + FRAME_S / 2]


def silences(heard: Sequence[Span], duration: float) -> list[Span]:
    """What lies between, where it is long enough to be listed."""
    edges = [0.0, *(edge for span in heard for edge in span), duration]
    between = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in between if end - start >= SILENCE_S]


def _side(one: _Heard, duration: float, together: int) -> Side:
    heard = spans_heard(one.levels, duration)
    peaks = tuple(max(one.peaks[at : at + together]) for at in range(0, len(one.peaks), together))
    return Side(peaks, round(sum(end - start for start, end in heard), 3), tuple(silences(heard, duration)))


def _frames(samples: Iterable[bytes]) -> Iterator[bytes]:
    """Whole frames, and at the end what is left of whole samples."""
    rest = b""
    for piece in samples:
        rest += piece
        for at in range(0, len(rest) - _FRAME_BYTES + 1, _FRAME_BYTES):
            yield rest[at : at + _FRAME_BYTES]
        rest = rest[len(rest) - len(rest) % _FRAME_BYTES :]
    whole = len(rest) - len(rest) % (CHANNELS * SAMPLE_WIDTH)
    if whole:
        yield rest[:whole]
