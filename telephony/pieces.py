"""A month of ledgers cut into pieces that several processes can fold at the same time (ADR 11).

Who begins in the middle of a ledger does not know the calls that are going on there. So each piece comes with what was
written before it, the run-up: it is folded too, and its records are passed over. Whoever puts the pieces together
compares how the grouping stood where a piece begins with how the one before left it, and has the piece folded again,
from there, where the run-up was too short. This module is all that the processes load.
"""

import gc
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import msgspec

from telephony.core.call import CallChanged
from telephony.core.grouping import Grouping, Likeness
from telephony.links import ledger_tail
from telephony.wire import cel

PIECE_BYTES: Final = 1 << 23
"""How much a process folds at a time: some 750 calls, a tenth of a second."""

RUN_UP_BYTES: Final = 3 << 18
"""How much before a piece is read with it: some 70 calls, so that those still going on will have begun in it."""

FOLD_BYTES: Final = 1 << 16
"""How much of a ledger is folded at a time when there is much of it: what the processor's cache holds as facts."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[CallChanged]).decode


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a ledger file that begins with a line: from ``start`` up to ``stop``, in bytes."""

    path: Path
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Piece:
    """What one process folds at a time; what was written before it; and whether nothing comes after it."""

    run_up: tuple[Span, ...]
    own: tuple[Span, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class FoldedPiece:
    """What a piece gave: its records as JSON, and how the grouping stood before it and stands after it."""

    lines: int
    bad: int
    encoded: bytes
    before: Likeness
    after: Grouping

    def changes(self) -> list[CallChanged]:
        """The records of calls that ended in the piece, with the ids that Asterisk gave."""
        return _decode(self.encoded)


def cut(
    paths: Sequence[Path], stops: Mapping[Path, int], piece_bytes: int = PIECE_BYTES, run_up_bytes: int = RUN_UP_BYTES
) -> list[Piece]:
    """Ledger files, oldest first, in pieces of about this size; ``stops`` says where a file ends that still grows.

    Raises:
        OSError: A file cannot be read.
    """
    whole = [Span(path, 0, stops.get(path, path.stat().st_size)) for path in paths]
    owned: list[tuple[Span, ...]] = []
    spans: list[Span] = []
    for file in whole:
        at = file.start
        while at < file.stop:
            room = piece_bytes - sum(span.size for span in spans)
            then = _line_begin(file, at + room)
            spans.append(Span(file.path, at, then))
            at = then
            if sum(span.size for span in spans) >= piece_bytes:
                owned.append(tuple(spans))
                spans = []
    if spans:
        owned.append(tuple(spans))
    return [
        Piece(_run_up(owned[:number], run_up_bytes), own, number == len(owned) - 1) for number, own in enumerate(owned)
    ]


def _run_up(before: Sequence[Sequence[Span]], size: int) -> tuple[Span, ...]:
    """The last so many bytes of what comes before."""
    found: list[Span] = []
    for spans in reversed(before):
        for span in reversed(spans):
            if size <= 0:
                break
            found.append(Span(span.path, _line_begin(span, max(span.start, span.stop - size)), span.stop))
            size -= span.size
    return tuple(reversed(found))


def _line_begin(span: Span, at: int) -> int:
    """Where the first line begins at ``at`` or after it; the end of the span when none does."""
    if at <= span.start:
        return span.start
    with span.path.open("rb") as file:
        file.seek(at - 1)
        while (data := file.readline(FOLD_BYTES)) and not data.endswith(b"\n"):
            pass
        return min(file.tell(), span.stop)


def fold_piece(piece: Piece, state: Grouping | None = None) -> FoldedPiece:
    """The records of calls that end in a piece, after the last also of those still open, as they stand.

    ``state`` is how the grouping stands where the piece begins; without it the run-up says it, as far as it can.

    Raises:
        OSError: A file cannot be read.
    """
    grouping = state or Grouping(distinct_ids=False)
    if state is None:
        for _ in _feed(piece.run_up, grouping):
            grouping.pass_over()
    before = grouping.likeness()
    lines = bad = 0
    over: list[CallChanged] = []
    for read in _feed(piece.own, grouping):
        lines += len(read.facts)
        bad += len(read.bad)
        over += grouping.changes(closed=True)
    if piece.is_last:
        over += grouping.changes()
    return FoldedPiece(lines, bad, _encode(over), before, grouping)


def _feed(spans: Sequence[Span], grouping: Grouping) -> Iterator[cel.Lines]:
    for span in spans:
        for _, data in ledger_tail.chunks(span.path, FOLD_BYTES, span.start, span.stop):
            lines = cel.read_lines(data if data.endswith(b"\n") else data + b"\n")
            grouping.feed_all(zip(repeat(0), [fact for _, fact in lines.facts], strict=False))
            yield lines


def serve(descriptor: int) -> None:
    """A process's work: fold what comes through the connection, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asked; without them the connection ends
    gc.disable()  # there is next to none, and most of what there is goes with the piece
    gc.freeze()
    with Connection(descriptor) as connection, suppress(EOFError, BrokenPipeError):
        while True:
            piece, state = connection.recv()
            try:
                connection.send(fold_piece(piece, state))
            except OSError as error:
                connection.send(error)
            gc.collect()
