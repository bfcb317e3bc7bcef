"""Folding many ledgers on all processors: pieces to processes, their records put together in the order of the ledger.

The processes are plain children with a connection each, not a pool of Python's own: that would load in each of them
the program that asked, which takes longer than a night shift's ledger.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

from telephony import ingest
from telephony.core.call import CallChanged
from telephony.core.call_ids import CallIds
from telephony.core.grouping import Grouping
from telephony.ingest import CALLS_AT_ONCE, Folded
from telephony.pieces import PIECE_BYTES, FoldedPiece, Piece, cut, fold_piece

MANY_PIECES: Final = 3
"""With fewer, starting processes takes longer than they save."""

_SERVE: Final = "import sys; from telephony.pieces import serve; serve(int(sys.argv[1]))"


def processors() -> int:
    """How many processors are free for this process now, its own included: calls come before a rebuild.

    The fourth field of ``/proc/loadavg`` is how many threads run at this moment, of how many.
    """
    running = int(Path("/proc/loadavg").read_text("ascii").split()[3].partition("/")[0])
    return max(1, len(os.sched_getaffinity(0)) - max(0, running - 1))


def fold_files(
    paths: Sequence[Path], folded: Folded | None = None, stops: Mapping[Path, int] | None = None
) -> Iterator[list[CallChanged]]:
    """``ingest.fold_files`` on all processors, where there are several and much to fold: the same records.

    Raises:
        OSError: A file cannot be read, or a process was killed.
    """
    count = processors()
    size = sum((stops or {}).get(path, path.stat().st_size) for path in paths)
    if count == 1 or size < MANY_PIECES * PIECE_BYTES:
        yield from ingest.fold_files(paths, folded, stops)
        return
    with Workers(count) as workers:
        yield from put_together(cut(paths, stops or {}), workers, folded or Folded())


def put_together(
    pieces: Sequence[Piece], workers: "Workers | Alone", counts: Folded, at_once: int = CALLS_AT_ONCE
) -> Iterator[list[CallChanged]]:
    """The records of all pieces, as folding them one after the other gives them."""
    ids = CallIds()
    state = Grouping(distinct_ids=False)
    over: list[CallChanged] = []
    for piece, result in zip(pieces, _in_order(pieces, workers), strict=True):
        stood = state.likeness()
        right = result
        if not right.before.stands_for(stood, right.after.likeness()):
            right = workers.fold(piece, state).result()
        right.after.inherit(state)
        state = right.after
        counts.lines += right.lines
        counts.bad += right.bad
        for change in right.changes():
            call = ids.distinct(change.call)
            over.append(change if call is change.call else replace(change, call=call))
            if len(over) == at_once:
                counts.calls += len(over)
                yield over
                over = []
    counts.calls += len(over)
    yield over


def _in_order(pieces: Sequence[Piece], workers: "Workers | Alone") -> Iterator[FoldedPiece]:
    """What each piece gave, a few of them folded ahead."""
    ahead: deque[Future[FoldedPiece]] = deque()
    for piece in pieces:
        ahead.append(workers.fold(piece))
        if len(ahead) > workers.ahead:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


class Alone:
    """Folds pieces in this process, one at a time."""

    ahead: Final = 0

    def fold(self, piece: Piece, state: Grouping | None = None) -> Future[FoldedPiece]:
        """See ``pieces.fold_piece``."""
        future: Future[FoldedPiece] = Future()
        future.set_result(fold_piece(piece, state))
        return future


@dataclass(frozen=True, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection

    @classmethod
    def start(cls) -> Self:
        ours, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-c", _SERVE, str(theirs.fileno())]
            return cls(subprocess.Popen(command, pass_fds=[theirs.fileno()]), ours)  # noqa: S603 - our own interpreter

    def fold(self, piece: Piece, state: Grouping | None) -> FoldedPiece:
        try:
            self.connection.send((piece, state))
            result: FoldedPiece | OSError = self.connection.recv()
        except (EOFError, ConnectionError) as error:
            raise ChildProcessError("a process that folds ledgers has died") from error
        if isinstance(result, OSError):
            raise result
        return result

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Workers:
    """So many processes that fold pieces, and a thread for each to talk with it."""

    def __init__(self, count: int) -> None:
        self.ahead: Final = 3 * count
        self._workers = [_Worker.start() for _ in range(count)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.connection.close()

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes."""
        return [worker.process.pid for worker in self._workers]

    def fold(self, piece: Piece, state: Grouping | None = None) -> Future[FoldedPiece]:
        """See ``pieces.fold_piece``; who waits for the result gets also its errors."""
        return self._threads.submit(self._fold, piece, state)

    def _fold(self, piece: Piece, state: Grouping | None) -> FoldedPiece:
        worker = self._idle.get()
        try:
            return worker.fold(piece, state)
        finally:
            self._idle.put(worker)
