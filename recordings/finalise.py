"""From the raw files of one call to one stored, checked recording.

The order is what makes it safe to kill at any point: the raw files are only read here; the stored file appears by one
rename, after its audio was compared with what was read and its bytes were synced and read back; the caller then
commits the record; only after that ``discard_raw`` removes the raw files, once more comparing the stored bytes with
the record. Doing any of it again gives the same recording.
"""

import contextlib
import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uuid_utils

from recordings.alignment import place_leg, sample_at
from recordings.audio import LegTrack, Repair, Tally, Track, join, longest_silence, plan_repairs, silent_md5
from recordings.errors import AudioMismatch, NotAFlacFile, NotYet
from recordings.flac import FlacHead, read_head
from recordings.model import (
    CHANNELS,
    SAMPLE_RATE,
    SAMPLE_WIDTH,
    Recording,
    RecordingDue,
    Segment,
    Side,
    Status,
)
from recordings.naming import parse_raw_name, raw_name, stored_path
from recordings.ports import AudioStore, Encoder, RawFile, Spool, StoredFile

SHORT_SECONDS = 1.0
SHORT_SHARE = 0.01
"""Audio is ``short`` when it lacks more of the call than a second and one hundredth of it: what start, hang-up and
an ordinary line lose stays below, lost packets and a torn file do not."""

TAG_CALL, TAG_START, TAG_SEGMENTS = "CALL_ID", "STARTED_AT", "SEGMENTS"
"""Tags in the stored file, so that the folder alone can give the records back. Nothing of the citizen is in them."""


@dataclass(frozen=True, slots=True)
class _Sources:
    """The raw files of a call, opened up: both sides, the legs on the call's time line, and their names."""

    left: Track
    right: Track
    legs: tuple[LegTrack, ...]
    leg_files: tuple[RawFile, ...]

    @property
    def samples(self) -> int:
        return max(self.left.samples, self.right.samples)


def finalise(due: RecordingDue, spool: Spool, store: AudioStore, encoder: Encoder) -> Recording:
    """Make and store the recording of one call whose raw files no longer grow. The raw files stay.

    Raises:
        NotYet: a raw file grew while it was read.
        RecordingStoreFull: no space; free some, then do it again.
        EncoderMissing, EncoderFailed: no ffmpeg, or it gave up.
        AudioMismatch: the file that came out does not hold the samples that went in.
    """
    files = spool.files_of(due.call_id)
    stored_before = _from_store(due, store)
    if stored_before is not None and _made_of(stored_before, files):
        return stored_before
    if not files:
        return _nothing(due, (), Status.MISSING)
    sources = _sources(due, spool, files)
    if sources.samples == 0:
        return _nothing(due, _segments(files, sources, ()), Status.EMPTY)
    repairs = plan_repairs(sources.right, sources.legs, sources.samples)
    segments = _segments(files, sources, repairs)
    tally = Tally()
    target = store.incoming(f"{due.call_id}.{uuid.uuid4().hex}.flac")
    try:
        samples = join(sources.left, sources.right, sources.legs, repairs, tally)
        encoder.encode(samples, target, _tags(due, segments))
        with target.open("rb") as file:
            _check(read_head(file), tally)
        if [(file.name, file.size) for file in spool.files_of(due.call_id)] != [
            (file.name, file.size) for file in files
        ]:
            raise NotYet(due.call_id, 1.0)
        path, stored = _put(due, store, target)
    finally:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
    shortest = min(sources.left.samples, sources.right.samples)
    return _recording(due, (path, stored), segments, tally.samples, status_of(due, shortest, silent=tally.silent))


def discard_raw(recording: Recording, spool: Spool, store: AudioStore) -> None:
    """Remove the raw files that a recording was made of. Call it after the record is committed; again is harmless.

    Raises:
        NotYet: a raw file has grown since; finalise the call again.
        AudioMismatch: the stored bytes are not those of the record; the raw files stay.
        FileNotFoundError: the stored file is gone; the raw files stay.
    """
    known = {segment.file: segment for segment in recording.segments}
    files = [file for file in spool.files_of(recording.call_id) if file.name in known]
    if not files:
        return
    if any(_seconds(file.size // SAMPLE_WIDTH) != known[file.name].duration for file in files):
        raise NotYet(recording.call_id, 0.0)
    if recording.path is not None:
        found = store.digest(recording.path).sha256
        if found != recording.sha256:
            raise AudioMismatch(f"the stored file {recording.path}", f"sha256 {recording.sha256}", found)
    for file in files:
        if recording.path is not None or file.size < SAMPLE_WIDTH:
            spool.remove(file.name)


def status_of(due: RecordingDue, samples: int, *, silent: bool) -> Status:
    """How much of the call there is. ``samples`` are those of the shorter side.

    More audio than the call lasted is never wrong: a recovered call has only a lower bound of its end.
    """
    if silent:
        return Status.EMPTY
    tolerated = SHORT_SECONDS + SHORT_SHARE * due.call_duration
    return Status.SHORT if samples / SAMPLE_RATE < due.call_duration - tolerated else Status.OK


def _sources(due: RecordingDue, spool: Spool, files: Sequence[RawFile]) -> _Sources:
    def track(file: RawFile | None) -> Track:
        if file is None:
            return Track(io.BytesIO, 0)
        return Track(lambda: spool.open(file.name), file.size // SAMPLE_WIDTH)

    by_name = {file.name: file for file in files}
    left = track(by_name.get(raw_name(due.call_id, Side.CALLER)))
    right = track(by_name.get(raw_name(due.call_id, Side.OTHER)))
    legs, leg_files = [], []
    for leg in due.legs:
        file = by_name.get(raw_name(due.call_id, Side.LEG, leg.uniqueid))
        if file is None or file.size < SAMPLE_WIDTH or not leg.talks:
            continue
        own = track(file)
        place = place_leg(due, leg, own.samples, max(left.samples, right.samples))
        spans = tuple((sample_at(due, talk.start), sample_at(due, talk.end)) for talk in leg.talks)
        if place.hole and (silence := longest_silence(right, place.origin, right.samples)):
            left, right = (side.with_gap(silence[1], place.hole) for side in (left, right))
        legs.append(LegTrack(own, place.origin, spans))
        leg_files.append(file)
    return _Sources(left, right, tuple(legs), tuple(leg_files))


def _seconds(samples: int) -> float:
    return samples / SAMPLE_RATE


def _segments(files: Sequence[RawFile], sources: _Sources, repairs: Sequence[Repair]) -> tuple[Segment, ...]:
    used = dict.fromkeys((file.name for file in sources.leg_files), 0)
    for repair in repairs:
        used[sources.leg_files[repair.leg].name] += repair.end - repair.start
    segments = []
    for file in files:
        name = parse_raw_name(file.name)
        if name is not None:
            samples = file.size // SAMPLE_WIDTH
            part = used.get(file.name, 0) if name.side is Side.LEG else samples
            segments.append(Segment(file.name, name.side, name.uniqueid, _seconds(samples), _seconds(part)))
    return tuple(segments)


def _tags(due: RecordingDue, segments: Sequence[Segment]) -> dict[str, str]:
    parts = [[part.file, part.side, part.uniqueid, part.duration, part.used] for part in segments]
    return {
        TAG_CALL: due.call_id,
        TAG_START: due.started_at.isoformat(timespec="milliseconds"),
        TAG_SEGMENTS: json.dumps(parts, separators=(",", ":")),
    }


def _check(head: FlacHead, tally: Tally) -> None:
    sent = (SAMPLE_RATE, CHANNELS, tally.samples, tally.md5)
    found = (head.sample_rate, head.channels, head.samples, head.md5)
    if found != sent:
        raise AudioMismatch("the encoded file", str(sent), str(found))


def _put(due: RecordingDue, store: AudioStore, target: Path) -> tuple[str, StoredFile]:
    """Store the file under the first free version of its path: other audio of the call is never overwritten."""
    version = 1
    while True:
        path = stored_path(due.call_id, due.started_at, version)
        with contextlib.suppress(FileExistsError):
            return path, store.put(target, path)
        version += 1


def _made_of(recording: Recording, files: Sequence[RawFile]) -> bool:
    """Whether these raw files are what is left of those that a stored recording was made of: it needs no second one."""
    known = {part.file: part.duration for part in recording.segments}
    return all(known.get(file.name) == _seconds(file.size // SAMPLE_WIDTH) for file in files)


def _from_store(due: RecordingDue, store: AudioStore) -> Recording | None:
    """The recording of a call that an earlier run stored: from the stored file itself, newest version first."""
    version = 1
    while store.exists(stored_path(due.call_id, due.started_at, version)):
        version += 1
    for earlier in range(version - 1, 0, -1):
        path = stored_path(due.call_id, due.started_at, earlier)
        with store.open(path) as file, contextlib.suppress(NotAFlacFile, LookupError, ValueError):
            head = read_head(file)
            segments = tuple(
                Segment(name, Side(side), uniqueid, duration, used)
                for name, side, uniqueid, duration, used in json.loads(head.tags[TAG_SEGMENTS])
            )
            sides = [part.duration for part in segments if part.side is not Side.LEG]
            lacking = round((max(sides) - min(sides)) * SAMPLE_RATE) if len(sides) == CHANNELS else head.samples
            silent = head.md5 == silent_md5(head.samples)
            status = status_of(due, head.samples - lacking, silent=silent)
            return _recording(due, (path, store.digest(path)), segments, head.samples, status)
    return None


def _nothing(due: RecordingDue, segments: tuple[Segment, ...], status: Status) -> Recording:
    return _recording(due, None, segments, 0, status)


def _recording(
    due: RecordingDue,
    stored: tuple[str, StoredFile] | None,
    segments: tuple[Segment, ...],
    samples: int,
    status: Status,
) -> Recording:
    return Recording(
        recording_id=str(uuid_utils.uuid7()),
        call_id=due.call_id,
        path=stored[0] if stored else None,
        sha256=stored[1].sha256 if stored else None,
        duration=round(_seconds(samples), 3),
        call_duration=due.call_duration,
        channels=CHANNELS,
        sample_rate=SAMPLE_RATE,
        started_at=_whole_milliseconds(due.started_at),
        segments=segments,
        status=status,
    )


def _whole_milliseconds(moment: datetime) -> datetime:
    """As it is stored and shown."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
