"""Reads ledger files as Asterisk writes them: the live file and those that a rotation renamed.

A file is known by the hash of its first line, so a rename, a copy or a restored backup does not confuse it. Rotation is
a rename: Asterisk makes a new file with the next event, we read the old one to its end first.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

MAX_FIRST_LINE: Final = 1 << 20
"""A first line longer than this has no fingerprint of its own: its head serves."""


@dataclass(frozen=True, slots=True)
class Found:
    """A ledger file on the disk. ``first_line`` orders the files: every fact carries its time."""

    path: Path
    fingerprint: str
    first_line: bytes


def kept_files(ledger: Path) -> list[Found]:
    """The live ledger and its renamed predecessors (``<stem>*.jsonl*`` beside it), oldest first.

    A file without a complete first line is not listed: nothing can be said of it yet.

    Raises:
        OSError: The folder cannot be read.
    """
    found = []
    for path in ledger.parent.glob(f"{ledger.stem}*"):
        if not path.is_file() or path.suffix == ".gz":
            continue
        with path.open("rb") as file:
            first = _first_line(file.read(MAX_FIRST_LINE))
        if first is not None:
            found.append(Found(path, hashlib.sha256(first).hexdigest(), first))
    return sorted(found, key=lambda one: (_event_time(one.first_line), one.path != ledger, one.path.name))


def _first_line(head: bytes) -> bytes | None:
    end = head.find(b"\n")
    if end < 0:
        return head if len(head) == MAX_FIRST_LINE else None
    return head[:end]


def _event_time(line: bytes) -> bytes:
    """The event time as text: one ledger writes one form, so text order is time order."""
    _, _, rest = line.partition(b'"eventtime":"')
    return rest.partition(b'"')[0]


class OpenLedger:
    """One ledger file open for reading from a position; it goes on being the same file when it is renamed."""

    def __init__(self, found: Found, position: int) -> None:
        self.found = found
        self.position = position
        self._file = found.path.open("rb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes from the position; the caller says with ``advance`` how much of it was whole lines."""
        self._file.seek(self.position)
        return self._file.read(size)

    def advance(self, consumed: int) -> None:
        """Whole lines of this many bytes are done."""
        self.position += consumed

    def is_live(self, ledger: Path) -> bool:
        """Whether the ledger's name still leads to this file; False once it was renamed or replaced."""
        try:
            named = ledger.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._file.fileno()))

    def size(self) -> int:
        """How long the file is now."""
        return os.fstat(self._file.fileno()).st_size


def chunks(path: Path, size: int, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """A whole file in pieces that end with a line: (position, bytes); the last may lack its line end."""
    with path.open("rb") as file:
        file.seek(start)
        position, rest = start, b""
        while piece := file.read(size):
            data = rest + piece
            end = data.rfind(b"\n") + 1
            if end:
                yield position, data[:end]
                position += end
            rest = data[end:]
        if rest:
            yield position, rest
