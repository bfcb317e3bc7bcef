"""What this package needs from outside. Adapters: ``recordings.disk`` and ``recordings.encoder``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from sqlalchemy.sql.expression import Executable


class Tx(Protocol):
    """An open write transaction, used in the writer's thread."""

    def execute(self, statement: "Executable", parameters: Mapping[str, object] = ...) -> int:
        """Run one statement; the number of rows that it touched."""
        ...

    def execute_many(self, statement: "Executable", parameters: Sequence[Mapping[str, object]]) -> None:
        """Run one statement once per row of parameters."""
        ...

    def fetch_all(self, statement: "Executable", parameters: Mapping[str, object] = ...) -> list[tuple[Any, ...]]:
        """Run one query; plain tuples in the order of its columns."""
        ...


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """An aware datetime."""
        ...


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file in Asterisk's spool folder: its size in bytes and when it was last written (seconds since 1970)."""

    name: str
    size: int
    modified: float


class Spool(Protocol):
    """Asterisk's spool folder of raw audio."""

    def files(self) -> list[RawFile]:
        """All raw files whose names are ours."""
        ...

    def files_of(self, call_id: str) -> list[RawFile]:
        """Those of one call, by name."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Read a raw file."""
        ...

    def remove(self, name: str) -> None:
        """Delete a raw file; no error if it is gone already."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What lies in the store: the hash of its bytes as they were read back, and how many."""

    sha256: str
    size: int


class AudioStore(Protocol):
    """Where finished recordings live. Paths are relative, with forward slashes (``recordings.naming``)."""

    def incoming(self, name: str) -> Path:
        """A local path to write a new file to before ``put``; nobody else sees it, ``sweep`` removes it."""
        ...

    def put(self, source: Path, path: str) -> StoredFile:
        """Store a file from ``incoming`` under ``path``, durably, and read its bytes back.

        When this returns, the file survives a power cut. At any moment ``path`` is either absent or whole.

        Raises:
            FileExistsError: ``path`` is taken; nothing was changed.
            RecordingStoreFull: no space.
        """
        ...

    def exists(self, path: str) -> bool:
        """Whether ``path`` is stored."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Read a stored file. Raises FileNotFoundError."""
        ...

    def digest(self, path: str) -> StoredFile:
        """Read a stored file and hash it. Raises FileNotFoundError."""
        ...

    def paths(self) -> Iterator[str]:
        """All stored paths."""
        ...

    def sweep(self) -> int:
        """Remove what an interrupted run left in ``incoming``; how many files. Only while nothing is being stored."""
        ...


class Encoder(Protocol):
    """Turns samples into a FLAC file."""

    def encode(self, samples: Iterable[bytes], target: Path, tags: Mapping[str, str]) -> None:
        """Write interleaved 16-bit little-endian stereo at 8 kHz as FLAC to ``target``.

        Raises:
            RecordingStoreFull: no space at ``target``.
            EncoderMissing: no encoder can be started.
            EncoderFailed: it ended with an error.
        """
        ...
