"""The ledger's lines: what ``cel_custom`` writes with ``format = json``, one CEL event in a line.

Asterisk escapes nothing but quotes, so what a line holds is not always JSON: whatever the bytes are, ``decode`` gives
a fact or raises ``CelError``. Every line is decoded, also those of which the call record needs nothing: what is no
fact is to be found in the quarantine, and the time of a dead Asterisk's last line is the time of its death.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

import msgspec

from telephony.core.facts import Fact, RawCallerFact

MAX_LINE: Final = 1 << 16
"""A fact is at most this long, in bytes; the longest that Asterisk was seen to write has about 900."""

_HEAD: Final = b'{"eventtype":"'
"""How every line begins. Quotes inside a line are escaped, so within a whole fact these bytes stand nowhere else."""

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Times outside cannot be converted between zones; a clock never set writes 1970."""

_RAW_CALLER: Final = b',"name":"'
"""Stands in every line of a ledger with the raw fields, and in no other: inside of texts quotes are escaped."""

_safe: Final = msgspec.json.Decoder(Fact)
_raw: Final = msgspec.json.Decoder(RawCallerFact)


class CelError(Exception):
    """The bytes are no fact. ``reason`` says why and quotes nothing of them: they may hold a citizen's data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Bad:
    """Bytes of the ledger that are no fact, for the quarantine. ``offset`` counts from the beginning of the data."""

    offset: int
    line: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Lines:
    """What a piece of the ledger holds. ``facts`` have the offset of their first byte; ``consumed`` bytes are done."""

    facts: list[tuple[int, Fact]]
    bad: list[Bad]
    consumed: int


def decode(line: bytes) -> Fact:
    """One line, without its line end, as a fact. Fields that a fact does not have are ignored.

    Raises:
        CelError: The bytes are no fact; nothing else is raised, whatever they are.
    """
    if len(line) > MAX_LINE:
        raise CelError(f"longer than {MAX_LINE} bytes")
    try:
        fact = (_raw if _RAW_CALLER in line else _safe).decode(line)
        in_range = _EARLIEST <= fact.eventtime < _LATEST
    except msgspec.DecodeError as error:
        raise CelError(str(error)) from None
    except UnicodeDecodeError:
        raise CelError("not UTF-8") from None
    except RecursionError:
        raise CelError("nested too deeply") from None
    except TypeError:  # a naive time does not compare with an aware one
        raise CelError("the time has no offset") from None
    if not in_range:
        raise CelError("the time is out of range")
    if not fact.uniqueid:
        raise CelError("no uniqueid")
    return fact


def split_glued(line: bytes) -> tuple[bytes, bytes]:
    """A bad line as (torn head, what may be a whole fact after it); the second is empty when nothing was glued on.

    When the disk was full, the first fact that fits again is written right behind the torn half of an earlier one.
    """
    at = line.rfind(_HEAD)
    return (line[:at], line[at:]) if at > 0 else (line, b"")


def read_lines(data: bytes) -> Lines:
    """All complete lines of the data; what follows the last line end stays unconsumed. Empty lines are passed over."""
    lines = data.split(b"\n")
    consumed = len(data) - len(lines.pop())
    offsets = accumulate([len(line) + 1 for line in lines], initial=0)
    facts = _all_good(lines, data[:consumed])
    if facts is not None:
        return Lines(list(zip(offsets, facts, strict=False)), [], consumed)
    found = Lines([], [], consumed)
    for offset, line in zip(offsets, lines, strict=False):
        if line:
            try:
                found.facts.append((offset, decode(line)))
            except CelError as error:
                _recover(line, offset, error.reason, found.facts, found.bad)
    return found


def _all_good(lines: list[bytes], data: bytes) -> Sequence[Fact] | None:
    """The facts of all lines at once, or None if one of them needs to be looked at: three times as fast as singly.

    Asterisk's field list changes by a reload, so any line may be the first, or the last, with the raw fields.
    """
    if {line[: len(_HEAD)] for line in lines} != {_HEAD}:
        return None
    decoder = _raw if _RAW_CALLER in data else _safe
    try:
        facts: Sequence[Fact] = decoder.decode_lines(data)
        times = [fact.eventtime for fact in facts]
        in_range = _EARLIEST <= min(times) <= max(times) < _LATEST
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        return None
    whole = len(facts) == len(lines) and "" not in {fact.uniqueid for fact in facts}
    return facts if in_range and whole and max(map(len, lines)) <= MAX_LINE else None


def _recover(line: bytes, offset: int, reason: str, facts: list[tuple[int, Fact]], bad: list[Bad]) -> None:
    head, tail = split_glued(line)
    try:
        if tail:
            facts.append((offset + len(head), decode(tail)))
    except CelError:
        head = line
    bad.append(Bad(offset, head, reason))
