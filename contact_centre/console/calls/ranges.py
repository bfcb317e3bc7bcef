"""Ranges of a file's bytes as HTTP asks for them (RFC 9110, section 14). Pure.

One range at a time: who asks for several gets the whole, which the RFC allows and no player does.
"""

import re
from dataclasses import dataclass
from typing import Final

_ONE: Final = re.compile(r"bytes=(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})", re.ASCII | re.IGNORECASE)


class UnsatisfiableError(Exception):
    """Nothing of the file lies in the range: 416, with the file's size."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes ``first`` to ``last``, both included, of ``size``."""

    first: int
    last: int
    size: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        """The header of a 206."""
        return f"bytes {self.first}-{self.last}/{self.size}"


def piece(asked: str | None, size: int) -> Piece | None:
    """What ``Range`` asks for of ``size`` bytes; None: the whole, also when it is not understood (14.2).

    Raises:
        UnsatisfiableError: It begins behind the end, or asks for the last 0 bytes.
    """
    found = None if asked is None else _ONE.fullmatch(asked.strip())
    if found is None or not (found["first"] or found["last"]):
        return None
    if not found["first"]:
        wanted = min(int(found["last"]), size)
        if wanted == 0:
            raise UnsatisfiableError
        return Piece(size - wanted, size - 1, size)
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else size - 1
    if last < first and found["last"]:
        return None  # not valid, so not there (14.1.1)
    if first >= size:
        raise UnsatisfiableError
    return Piece(first, min(last, size - 1), size)


def unchanged(if_range: str | None, etag: str) -> bool:
    """Whether the file is still the one that ``If-Range`` names; a date or a weak tag never is (13.1.5)."""
    return if_range is None or if_range.strip() == etag
