"""What the rest of the service and the CLI ask of recordings. Everything here blocks: run it in a worker thread.

The heavy part is in the encoder's own process, so a thread is enough. One call is finalised by one thread at a time.
"""

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from recordings import finalise as steps
from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.errors import ExportRefused, NotYet
from recordings.model import Recording, RecordingDue
from recordings.naming import parse_raw_name
from recordings.ports import AudioStore, Clock, Encoder, RawFile, Spool

QUIET_TIME = 2.0
"""Seconds for which no raw file of a call may have grown before it is finalised. MixMonitor writes every 20 ms and
closes its files at the hang-up; a stalled disk is what this waits for."""
READ_SIZE = 1 << 16
EXPORT_SUFFIXES = (".flac", ".wav", ".mp3")


class ProblemKind(StrEnum):
    """What is wrong with stored audio."""

    MISSING = "missing"
    ALTERED = "altered"
    ORPHAN = "orphan"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of ``verify``.

    ``missing``: the stored file of a record is gone. ``altered``: its bytes are not those that were hashed.
    ``orphan``: a stored file that no record names. ``unfinished``: raw audio of a call without a record yet.
    """

    kind: ProblemKind
    call_id: str | None
    recording_id: str | None
    path: str
    expected_sha256: str | None = None
    found_sha256: str | None = None


class RecordingService:
    """The recordings of one contact centre."""

    def __init__(self, spool: Spool, store: AudioStore, encoder: Encoder, clock: Clock) -> None:
        self._spool = spool
        self._store = store
        self._encoder = encoder
        self._clock = clock
        self._seen: dict[str, tuple[list[tuple[str, int]], float]] = {}

    @classmethod
    def on_disk(cls, spool: Path, state: Path, clock: Clock) -> "RecordingService":
        """On Asterisk's spool folder and the state directory, with the bundled ffmpeg."""
        return cls(DirectorySpool(spool), DirectoryStore(state), FfmpegEncoder(), clock)

    def start(self) -> int:
        """Remove half-written files of an earlier run; how many. Once, before anything is finalised."""
        return self._store.sweep()

    def waiting(self) -> list[str]:
        """Call ids that have raw files: running calls, calls to be finalised, and records whose raw files are left."""
        names = [parse_raw_name(file.name) for file in self._spool.files()]
        return sorted({name.call_id for name in names if name is not None})

    def finalise(self, due: RecordingDue) -> Recording:
        """Make, check and store the recording of a call that is over; the raw files stay until ``discard_raw``.

        Doing it again gives the same recording but for ``recording_id`` (``store.upsert_recording`` keeps the first).

        Raises:
            NotYet: the raw files may still grow; ask again after ``retry_after`` seconds.
            RecordingStoreFull, EncoderMissing, EncoderFailed, AudioMismatch: as ``recordings.finalise``; all may be
                retried, nothing is lost.
        """
        self._settle(due.call_id)
        return steps.finalise(due, self._spool, self._store, self._encoder)

    def discard_raw(self, recording: Recording) -> None:
        """Remove the raw files of a recording whose record is committed; see ``recordings.finalise.discard_raw``."""
        steps.discard_raw(recording, self._spool, self._store)

    def verify(self, recordings: Iterable[Recording], *, unfinished: bool = False) -> Iterator[Problem]:
        """Re-hash every stored file of ``recordings`` (all records there are) and find files that no record names.

        With ``unfinished``, raw audio of calls without a record is reported too; a running call is one of these.
        """
        paths, calls = set(), set()
        for recording in recordings:
            calls.add(recording.call_id)
            if recording.path is not None:
                paths.add(recording.path)
                yield from self._compare(recording, recording.path)
        for path in self._store.paths():
            if path not in paths:
                yield Problem(ProblemKind.ORPHAN, None, None, path)
        for file in self._spool.files() if unfinished else ():
            name = parse_raw_name(file.name)
            if name is not None and name.call_id not in calls:
                yield Problem(ProblemKind.UNFINISHED, name.call_id, None, file.name)

    def export(self, recording: Recording, target: Path) -> None:
        """Write a recording to a new file; its suffix says how: .flac (the stored bytes), .wav or .mp3.

        Raises:
            ExportRefused: the target exists, its suffix is none of these, or the recording has no audio.
            FileNotFoundError: the stored file is gone.
        """
        if recording.path is None:
            raise ExportRefused(f"the recording of call {recording.call_id} is {recording.status}: there is no audio")
        suffix = target.suffix.lower()
        if suffix not in EXPORT_SUFFIXES:
            raise ExportRefused(f"{target}: a recording can be exported to {', '.join(EXPORT_SUFFIXES)}")
        with self._store.open(recording.path) as source:
            try:
                reserved = target.open("xb")
            except FileExistsError as error:
                raise ExportRefused(f"{target} exists already; nothing is overwritten") from error
            try:
                with reserved:
                    if suffix == ".flac":
                        shutil.copyfileobj(source, reserved, READ_SIZE)
                if suffix != ".flac":
                    FfmpegEncoder().convert(iter(lambda: source.read(READ_SIZE), b""), target)
            except BaseException:
                with contextlib.suppress(OSError):
                    target.unlink()
                raise

    def _compare(self, recording: Recording, path: str) -> Iterator[Problem]:
        try:
            found = self._store.digest(path).sha256
        except FileNotFoundError:
            found = None
        if found != recording.sha256:
            kind = ProblemKind.MISSING if found is None else ProblemKind.ALTERED
            yield Problem(kind, recording.call_id, recording.recording_id, path, recording.sha256, found)

    def _settle(self, call_id: str) -> None:
        """Raise NotYet unless the raw files have been quiet: by their own times, or since they were last looked at."""
        files = self._spool.files_of(call_id)
        now = self._clock.now().timestamp()
        if all(now - file.modified >= QUIET_TIME for file in files):
            self._seen.pop(call_id, None)
            return
        sizes = _sizes(files)
        before, since = self._seen.get(call_id, (sizes, now))
        if before != sizes:
            since = now
        if now - since < QUIET_TIME:
            self._seen[call_id] = (sizes, since)
            raise NotYet(call_id, QUIET_TIME - (now - since))
        self._seen.pop(call_id, None)


def _sizes(files: Iterable[RawFile]) -> list[tuple[str, int]]:
    return [(file.name, file.size) for file in files]
