"""Reads ledger files as Asterisk writes them: the live file and those that a rotation renamed.

A file is known by the hash of its first line, so a rename, a copy or a restored backup does not confuse it. Rotation is
a rename: Asterisk makes a new file with the next event, we read the old one to its end first.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from telephony.wire.cel import split_glued

MAX_FIRST_LINE: Final = 1 << 20
"""A first line longer than this has no fingerprint of its own: its head serves."""

_TIME: Final = b'"eventtime":"'


@dataclass(frozen=True, slots=True)
class Found:
    """A ledger file on the disk. ``began_at`` is the time of its first fact and orders the files."""

    path: Path
    fingerprint: str
    first_line: bytes
    began_at: datetime
    size: int


def kept_files(ledger: Path) -> list[Found]:
    """The live ledger and its renamed predecessors (``<stem>*`` beside it, not compressed), oldest first.

    A file without a complete first line is not listed: nothing can be said of it yet. Of two copies of one file the
    longer counts. No folder, no files.

    Raises:
        OSError: The folder or a file in it cannot be read.
    """
    try:
        paths = sorted(ledger.parent.iterdir())
    except FileNotFoundError:
        return []
    found: dict[str, Found] = {}
    for path in paths:
        if not path.name.startswith(ledger.stem) or path.suffix == ".gz":
            continue
        one = _look(path)
        if one is None:
            continue
        other = found.get(one.fingerprint)
        if other is None or (one.size, one.path == ledger) > (other.size, other.path == ledger):
            found[one.fingerprint] = one
    return sorted(found.values(), key=lambda one: (one.began_at, one.path == ledger, one.path.name))


def _look(path: Path) -> Found | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            head = file.read(MAX_FIRST_LINE)
            stat = os.fstat(file.fileno())
    except FileNotFoundError:  # renamed or archived since the folder was listed
        return None
    end = head.find(b"\n")
    if end < 0 and len(head) < MAX_FIRST_LINE:
        return None
    first = head[:end] if end >= 0 else head
    began_at = _first_time(head) or datetime.fromtimestamp(stat.st_mtime, UTC)
    return Found(path, hashlib.sha256(first).hexdigest(), first, began_at, stat.st_size)


def _first_time(head: bytes) -> datetime | None:
    """The time of the first fact that has one: the first line itself may be garbage."""
    at = head.find(_TIME)
    while at >= 0:
        text = head[at + len(_TIME) : at + len(_TIME) + 40].partition(b'"')[0]
        try:
            time = datetime.fromisoformat(text.decode("ascii", "replace"))
        except ValueError:
            time = None
        if time is not None and time.tzinfo is not None:
            return time
        at = head.find(_TIME, at + 1)
    return None


class OpenLedger:
    """One ledger file open for reading from a position; it goes on being the same file when it is renamed."""

    def __init__(self, found: Found, position: int) -> None:
        self.found = found
        self.position = position
        self._file = found.path.open("rb", buffering=0)
        self._identity = os.fstat(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes from the position; the caller says with ``advance`` how much of it was whole lines."""
        return os.pread(self._file.fileno(), size, self.position)

    def advance(self, consumed: int) -> None:
        """Whole lines of this many bytes are done."""
        self.position += consumed

    def is_live(self, ledger: Path) -> bool:
        """Whether the ledger's name still leads to this file; False once it was renamed or replaced."""
        try:
            named = ledger.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, self._identity)

    def is_rewritten(self) -> bool:
        """Whether the file was cut, or overwritten in place: what was read of it is not in it any more."""
        head = os.pread(self._file.fileno(), len(self.found.first_line), 0)
        return head != self.found.first_line or self.size() < self.position

    def size(self) -> int:
        """How long the file is now."""
        return os.fstat(self._file.fileno()).st_size


def whole_lines(data: bytes) -> int:
    """How much of the data can be taken: up to its last line end.

    Without any, the data is one endless line (a disk gave back zeros, say): then everything, up to where a fact may
    begin that the data cuts.
    """
    return data.rfind(b"\n") + 1 or len(split_glued(data)[0])


def chunks(path: Path, size: int, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
    """A file in pieces of ``size`` bytes, or less, that end with a line: (position, bytes); the last may lack its end.

    ``stop`` is where to stop, the end of the file by default.
    """
    with path.open("rb", buffering=0) as file:
        position = start
        while True:
            file.seek(position)
            data = file.read(size if stop is None else min(size, stop - position))
            if not data:
                return
            if len(data) == size:
                data = data[: whole_lines(data)]
            yield position, data
            position += len(data)
