"""Copies of recordings for listening, and their outlines: a cache beside the state, made again when it is deleted.

A file is named by the hash of what it was made of, so it is never wrong, only missing; and by the version of how it
was made, so that a new way makes new ones. Everything here blocks: run it in a worker thread.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from recordings import derive
from recordings.encoder import DETAIL
from recordings.errors import AudioMismatch, EncoderFailed
from recordings.model import Recording
from recordings.ports import AudioStore

FOLDER: Final = "listening"
"""Below the state directory. Deleting it loses nothing."""
VERSION: Final = 1
MAKING: Final = ".making"
AT_LEAST_S: Final = 600.0
"""How long the making of one may take, besides the length of the recording itself: it has the lowest priority."""


class ListeningCopies:
    """The cache of one state directory."""

    def __init__(self, state: Path, store: AudioStore) -> None:
        self._folder = state / FOLDER
        self._store = store
        self._child: subprocess.Popen[bytes] | None = None

    def outline(self, recording: Recording) -> bytes | None:
        """The outline as JSON (``recordings.outline.Outline``); None: it is not made yet."""
        try:
            return self._outline(recording).read_bytes() if self._copy(recording).exists() else None
        except FileNotFoundError:
            return None

    def open_copy(self, recording: Recording) -> BinaryIO | None:
        """The copy for listening, Opus in Ogg; None: it is not made yet."""
        try:
            return self._copy(recording).open("rb")
        except FileNotFoundError:
            return None

    def open_stored(self, recording: Recording) -> BinaryIO:
        """The recording itself, FLAC.

        Raises:
            FileNotFoundError: It has no audio, or the file is gone.
        """
        if recording.path is None:
            raise FileNotFoundError(recording.status)
        return self._store.open(recording.path)

    def sweep(self) -> None:
        """Remove what a sudden stop left half made. Before anything is made."""
        shutil.rmtree(self._folder / MAKING, ignore_errors=True)

    def make(self, recording: Recording) -> None:
        """Make both, in a process of the lowest priority. They appear whole or not at all, the outline last.

        Raises:
            FileNotFoundError: The stored file is gone.
            AudioMismatch: It is not what was hashed when it was stored.
            EncoderFailed: It could not be read or written; ``detail`` says why.
        """
        making = self._folder / MAKING
        making.mkdir(parents=True, exist_ok=True)
        with self.open_stored(recording) as stored, tempfile.TemporaryDirectory(dir=making) as name:
            copy, outline = Path(name) / "copy", Path(name) / "outline"
            self._run(recording, stored, (copy, outline))
            self._copy(recording).parent.mkdir(parents=True, exist_ok=True)
            copy.replace(self._copy(recording))
            outline.replace(self._outline(recording))

    def stop(self) -> None:
        """End what is being made, from another thread: ``make`` fails then."""
        child = self._child
        if child is not None:
            child.kill()

    def _run(self, recording: Recording, stored: BinaryIO, made: tuple[Path, Path]) -> None:
        sha256 = str(recording.sha256)
        command = [*_idle_disk(), sys.executable, "-m", derive.__name__, sha256, *map(str, made)]
        with tempfile.TemporaryFile() as said:
            self._child = child = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                command, stdin=stored, stdout=subprocess.DEVNULL, stderr=said, cwd=os.sep
            )
            try:
                status = child.wait(AT_LEAST_S + recording.duration)
            except subprocess.TimeoutExpired as error:
                child.kill()
                raise EncoderFailed(-1, f"not done after {error.timeout:.0f} s") from error
            finally:
                child.wait()
                if self._child is child:
                    self._child = None
            if status == derive.ALTERED:
                raise AudioMismatch("the stored file", sha256, "another")
            if status != 0:
                said.seek(0)
                raise EncoderFailed(status, said.read().decode(errors="replace").strip()[-DETAIL:])

    def _copy(self, recording: Recording) -> Path:
        return self._named(recording, "ogg")

    def _outline(self, recording: Recording) -> Path:
        return self._named(recording, "json")

    def _named(self, recording: Recording, suffix: str) -> Path:
        sha256 = str(recording.sha256)
        return self._folder / sha256[:2] / f"{sha256}.{VERSION}.{suffix}"


def _idle_disk() -> tuple[str, ...]:
    """What lets a program use the disk only while nobody else does (util-linux), where it is installed."""
    ionice = shutil.which("ionice")
    return () if ionice is None else (ionice, "-c", "3")
