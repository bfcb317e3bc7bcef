"""Joining the raw files of a call to two channels, in bounded memory: left the citizen, right whom they heard.

Asterisk can lose one direction of the recording for a while after a transfer, though the citizen hears the new party
(asterisk#507, ADR 7). The ``other`` file then holds digital silence: samples of exactly 0, which A-law
cannot even express, so no voice and no room gives it. Each specialist's leg is therefore recorded on its own channel
too, and ``plan_repairs`` finds where that audio has to be put in. The plan comes first, so that what a recording is
made of is known before the first sample is encoded.

No loop here runs once per sample: bytes are moved by strided slices, compared as blocks and added by ``audioop``.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from recordings.model import SAMPLE_RATE, SAMPLE_WIDTH

with warnings.catch_warnings():
    # audioop left the standard library in 3.13, where the package audioop-lts is it; pydub looks for an ffmpeg on PATH,
    # which loudness does not need.
    warnings.simplefilter("ignore")
    import audioop

    from pydub import AudioSegment

CHUNK = 1 << 14
"""Samples of one channel that are in memory at a time (2 s, 32 KiB)."""
FRAME = SAMPLE_RATE // 50
"""Samples of one RTP packet: 20 ms."""
SHORTEST_REPAIR = SAMPLE_RATE // 5
"""Silence shorter than this (0.2 s) is a lost packet or a pause of a silence-suppressing phone, not the fault."""
PIECE = SAMPLE_RATE
"""A leg's audio is judged and put in by pieces of at most a second."""
VOICE_FLOOR = -60.0
"""dBFS above which a piece of a leg's audio has something to hear; comfort noise and line noise lie below."""

SILENT_FRAME = bytes(FRAME * SAMPLE_WIDTH)

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Track:
    """A raw file: how to open it, and its whole samples (a torn last byte does not count).

    ``gap`` samples of silence stand at sample ``gap_at`` of the track; ``samples`` counts them too.
    """

    open: Opener
    samples: int
    gap_at: int = 0
    gap: int = 0

    def with_gap(self, at: int, length: int) -> "Track":
        """The same file with silence put in."""
        return Track(self.open, self.samples + length, at, length) if at < self.samples else self


@dataclass(frozen=True, slots=True)
class LegTrack:
    """A leg's raw file on the call's time line.

    ``origin`` is the call's sample at which the leg's first sample lies (negative if before the call's audio);
    ``spans`` are the stretches of the call, in samples, in which the citizen heard this leg.
    """

    track: Track
    origin: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Repair:
    """Samples ``start`` to ``end`` of the call's right channel come from leg number ``leg``, from its ``offset`` on."""

    leg: int
    start: int
    end: int
    offset: int


def plan_repairs(other: Track, legs: Sequence[LegTrack], samples: int) -> list[Repair]:
    """Where a leg's own audio has to stand in for a silent right channel of ``samples`` samples; in order of time."""
    repairs: list[Repair] = []
    if not legs:
        return repairs
    with other.open() as right:
        for number, leg in enumerate(legs):
            silences = [run for span in leg.spans for run in _silent_runs(right, other, _clip(span, leg, samples))]
            if silences:
                with leg.track.open() as voice:
                    for start, end in silences:
                        repairs += _audible(voice, leg.track, Repair(number, start, end, start - leg.origin))
    return sorted(_merged(repairs), key=lambda repair: (repair.start, repair.leg))


def longest_silence(other: Track, start: int, end: int) -> tuple[int, int] | None:
    """The longest digitally silent run between two samples of the right channel, as start and end."""
    with other.open() as right:
        runs = list(_silent_runs(right, other, (max(0, start), min(end, other.samples))))
    return max(runs, key=lambda run: run[1] - run[0], default=None)


@dataclass(slots=True)
class Tally:
    """What went through ``join``: samples of one channel, the MD5 of the interleaved bytes, whether all were 0."""

    samples: int = 0
    silent: bool = True
    _md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def add(self, stereo: bytes | bytearray) -> None:
        """Count one interleaved chunk."""
        self.samples += len(stereo) // (2 * SAMPLE_WIDTH)
        self._md5.update(stereo)
        if self.silent and stereo.strip(b"\0"):
            self.silent = False

    @property
    def md5(self) -> str:
        """In hex, as FLAC stores it for 16-bit samples."""
        return self._md5.hexdigest()


def join(
    left: Track, right: Track, legs: Sequence[LegTrack], repairs: Sequence[Repair], tally: Tally
) -> Iterator[bytes]:
    """Interleave the two sides chunk by chunk; the shorter one is filled up with silence.

    A repair is added to what is there (which is silence), so that two legs heard at once are both kept.
    """
    samples = max(left.samples, right.samples)
    needed = {repair.leg for repair in repairs}
    opened = {number: legs[number].track.open() for number in needed}
    try:
        with left.open() as left_file, right.open() as right_file:
            for start in range(0, samples, CHUNK):
                end = min(start + CHUNK, samples)
                one = _read(left_file, left, start, end)
                two = _read(right_file, right, start, end)
                for repair in repairs:
                    if repair.start < end and repair.end > start:
                        two = _repaired(two, start, repair, (opened[repair.leg], legs[repair.leg].track))
                stereo = interleave(one, two)
                tally.add(stereo)
                yield stereo
    finally:
        for file in opened.values():
            file.close()


def silent_md5(samples: int) -> str:
    """The MD5 of ``samples`` samples of stereo silence, in hex."""
    tally = Tally()
    for start in range(0, samples, CHUNK):
        tally.add(bytes(2 * SAMPLE_WIDTH * min(CHUNK, samples - start)))
    return tally.md5


def interleave(left: bytes, right: bytes) -> bytes:
    """Two mono blocks of equal length to one stereo block, 16 bits a sample."""
    stereo = bytearray(2 * len(left))
    stereo[0::4], stereo[1::4] = left[0::2], left[1::2]
    stereo[2::4], stereo[3::4] = right[0::2], right[1::2]
    return bytes(stereo)


def loudness(samples: bytes) -> float:
    """The level of 16-bit mono audio in dBFS; minus infinity for silence."""
    return float(AudioSegment(samples, sample_width=SAMPLE_WIDTH, frame_rate=SAMPLE_RATE, channels=1).dBFS)


def _read(file: BinaryIO, track: Track, start: int, end: int) -> bytes:
    """Samples ``start`` to ``end`` of a track; what it does not have is silence."""
    if not track.gap or end <= track.gap_at:
        return _read_file(file, track.samples, start, end)
    resume = track.gap_at + track.gap
    before = _read_file(file, track.gap_at, start, track.gap_at) if start < track.gap_at else b""
    silent = bytes(max(0, min(end, resume) - max(start, track.gap_at)) * SAMPLE_WIDTH)
    length = track.samples - track.gap
    after = _read_file(file, length, max(start, resume) - track.gap, end - track.gap) if end > resume else b""
    return before + silent + after


def _read_file(file: BinaryIO, samples: int, start: int, end: int) -> bytes:
    """Samples ``start`` to ``end`` of a file that has ``samples``; beyond its end is silence."""
    wanted = (end - start) * SAMPLE_WIDTH
    there = max(0, min(end, samples) - start) * SAMPLE_WIDTH
    data = b""
    if there:
        file.seek(start * SAMPLE_WIDTH)
        while len(data) < there and (more := file.read(there - len(data))):
            data += more
    return data if len(data) == wanted else data + bytes(wanted - len(data))


def _clip(span: tuple[int, int], leg: LegTrack, samples: int) -> tuple[int, int]:
    """The part of a span that the call's audio and the leg's audio both cover."""
    start, end = span
    return max(start, leg.origin, 0), min(end, leg.origin + leg.track.samples, samples)


def _silent_runs(right: BinaryIO, track: Track, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Runs of digitally silent frames of at least ``SHORTEST_REPAIR`` within a span."""
    begin: int | None = None
    start, stop = span
    for chunk_start in range(start, stop, CHUNK - CHUNK % FRAME):
        chunk_stop = min(stop, chunk_start + CHUNK - CHUNK % FRAME)
        chunk = _read(right, track, chunk_start, chunk_stop)
        for offset in range(0, len(chunk), len(SILENT_FRAME)):
            position = chunk_start + offset // SAMPLE_WIDTH
            if SILENT_FRAME.startswith(chunk[offset : offset + len(SILENT_FRAME)]):
                begin = position if begin is None else begin
            elif begin is not None:
                if position - begin >= SHORTEST_REPAIR:
                    yield begin, position
                begin = None
    if begin is not None and stop - begin >= SHORTEST_REPAIR:
        yield begin, stop


def _audible(voice: BinaryIO, track: Track, whole: Repair) -> Iterator[Repair]:
    """The pieces of a repair in which the leg has something to hear."""
    for start in range(whole.start, whole.end, PIECE):
        end = min(start + PIECE, whole.end)
        offset = whole.offset + start - whole.start
        if loudness(_read(voice, track, offset, offset + end - start)) > VOICE_FLOOR:
            yield Repair(whole.leg, start, end, offset)


def _merged(repairs: Sequence[Repair]) -> list[Repair]:
    merged: list[Repair] = []
    for repair in repairs:
        if merged and merged[-1].leg == repair.leg and merged[-1].end == repair.start:
            last = merged.pop()
            merged.append(Repair(last.leg, last.start, repair.end, last.offset))
        else:
            merged.append(repair)
    return merged


def _repaired(right: bytes, start: int, repair: Repair, voice: tuple[BinaryIO, Track]) -> bytes:
    """One chunk of the right channel, beginning at sample ``start``, with a repair added to it."""
    first, last = max(start, repair.start), min(start + len(right) // SAMPLE_WIDTH, repair.end)
    offset = repair.offset + first - repair.start
    piece = _read(*voice, offset, offset + last - first)
    head, tail = (first - start) * SAMPLE_WIDTH, (last - start) * SAMPLE_WIDTH
    return right[:head] + audioop.add(right[head:tail], piece, SAMPLE_WIDTH) + right[tail:]
