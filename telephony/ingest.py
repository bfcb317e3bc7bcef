"""From the ledger to call records: reads new lines, folds them, and keeps records and position in one transaction.

What is in memory (open groups) is only a cache of the ledger: after any stop or failed commit ``restore`` reads again
from the place where the facts of calls still open begin, and goes on from the committed position as if nothing had
happened.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Final

from telephony import store
from telephony.core.call import CallChanged
from telephony.core.call_ids import KNOWN_CALLS
from telephony.core.grouping import Grouping
from telephony.links import ledger_tail
from telephony.links.ledger_tail import Found, OpenLedger
from telephony.pieces import FOLD_BYTES
from telephony.ports import Clock, Tx
from telephony.store import Difference, LedgerFile
from telephony.wire import cel

BATCH_BYTES: Final = 1 << 18
"""How much of the ledger one transaction takes: about 600 facts, a few milliseconds of work."""

CALLS_AT_ONCE: Final = 1000
"""How many calls one transaction of a rebuild takes: some 100 ms for which a running service waits."""

ToE164 = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought: records that changed, lines that are no facts, and where the ledger stands after it."""

    file: LedgerFile
    is_new_file: bool
    changes: tuple[CallChanged, ...]
    bad: tuple[tuple[int, bytes, str], ...]
    facts: int


@dataclass(frozen=True, slots=True)
class Committed:
    """What the database knows of the ledger: how far each file is kept, and which calls exist, oldest first."""

    files: tuple[LedgerFile, ...]
    calls: tuple[tuple[str, datetime], ...]


def committed(tx: Tx) -> Committed:
    """What ``Ingest.restore`` needs."""
    return Committed(tuple(store.ledger_positions(tx)), tuple(store.newest_calls(tx, KNOWN_CALLS)))


class Ingest:
    """The one reader of the ledger: ``restore``, then ``read``, ``apply`` and, after the commit, ``committed``."""

    def __init__(self, ledger: Path, clock: Clock, to_e164: ToE164) -> None:
        self._ledger = ledger
        self._clock = clock
        self._to_e164 = to_e164
        self._grouping = Grouping()
        self._files: dict[str, LedgerFile] = {}
        self._open: OpenLedger | None = None
        self._current: LedgerFile | None = None
        self._lag = 0

    def close(self) -> None:
        """Give the open file back."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def restore(self, known: Committed) -> list[LedgerFile]:
        """Begin anew from what is committed: feed the facts of calls still open, emit nothing.

        Returns the files that were not read to their end and are gone.

        Raises:
            OSError: A ledger file cannot be read.
        """
        self.close()
        self._grouping = Grouping()
        self._grouping.remember(known.calls)
        self._files = {file.fingerprint: file for file in known.files}
        self._current = None
        if not known.files:
            return []
        newest = max(known.files, key=_id)
        begin = (newest.resume_file, newest.resume_position)
        paths = {found.fingerprint: found.path for found in ledger_tail.kept_files(self._ledger)}
        for file in sorted(known.files, key=_id):
            path = paths.get(file.fingerprint)
            start = begin[1] if file.file_id == begin[0] else 0
            if path is not None and file.file_id >= begin[0]:
                for at, data in ledger_tail.chunks(path, BATCH_BYTES, start, file.position):
                    facts = cel.read_lines(data).facts
                    self._grouping.feed_all(((file.file_id, at + offset), fact) for offset, fact in facts)
        self._grouping.settle()
        return [file for file in known.files if not file.complete and file.fingerprint not in paths]

    def read(self) -> Batch | None:
        """The next piece of the ledger, or None when nothing new has been written.

        Raises:
            OSError: The ledger cannot be read.
        """
        if self._open is not None and self._open.is_rewritten():
            self.close()
        if self._open is None and not self._open_next():
            self._lag = 0
            return None
        opened, file = self._open, self._current
        assert opened is not None and file is not None  # noqa: S101, PT018 - _open_next has set both
        size = opened.size()
        if size < file.position:
            return self._cut(file, size)
        # Asked before reading: what is written to the old file in between is read in one more round.
        left = not opened.is_live(self._ledger) and self._has_successor(file)
        data = opened.read(min(BATCH_BYTES, size - opened.position))
        self._lag = max(0, size - file.position)
        lines = cel.read_lines(data)
        bad = [(file.position + one.offset, one.line, one.reason) for one in lines.bad]
        consumed = lines.consumed
        complete = left and opened.position + len(data) >= opened.size()
        if complete and consumed < len(data):
            bad.append((file.position + consumed, data[consumed:], "the file ends within a line"))
            consumed = len(data)
        elif not consumed and len(data) == BATCH_BYTES:
            consumed = ledger_tail.whole_lines(data)
            bad.append((file.position, data[: cel.MAX_LINE], f"no line end within {BATCH_BYTES} bytes"))
        if not consumed and not complete:
            return None
        self._grouping.feed_all(((file.file_id, file.position + offset), fact) for offset, fact in lines.facts)
        changes = tuple(self._grouping.changes())
        moved = replace(file, position=file.position + consumed, complete=complete)
        return self._batch(moved, changes, bad, len(lines.facts))

    def apply(self, tx: Tx, batch: Batch) -> list[CallChanged]:
        """Keep the batch: records, quarantine and position, within the caller's transaction.

        Returns the changes, for what follows from them in the same transaction.
        """
        at = self._clock.now()
        if batch.is_new_file:
            store.add_ledger_file(tx, batch.file)
        for change in batch.changes:
            store.save_call(tx, change, self.e164(change), at=at, reason="late facts")
        store.add_quarantine(tx, batch.file.file_id, batch.bad, at)
        if not batch.is_new_file:
            store.advance(tx, batch.file)
        return list(batch.changes)

    def committed(self, batch: Batch) -> None:
        """The batch is on the disk: go on behind it."""
        self._files[batch.file.fingerprint] = self._current = batch.file
        if self._open is not None:
            self._open.position = batch.file.position
            if batch.file.complete:
                self.close()

    def lag_bytes(self) -> int:
        """How much of the open file was unread when it was last looked at."""
        return self._lag

    def e164(self, change: CallChanged) -> str | None:
        """The citizen's number in E.164, or None."""
        raw = change.call.caller_number_raw
        return None if not raw else self._to_e164(raw)

    def _batch(
        self, file: LedgerFile, changes: tuple[CallChanged, ...], bad: Iterable[tuple[int, bytes, str]], facts: int
    ) -> Batch:
        resume = self._grouping.resume_from or (file.file_id, file.position)
        return Batch(
            file=replace(file, resume_file=resume[0], resume_position=resume[1]),
            is_new_file=file.fingerprint not in self._files,
            changes=changes,
            bad=tuple(bad),
            facts=facts,
        )

    def _cut(self, file: LedgerFile, size: int) -> Batch:
        """The disk lost the end of the file, after a power failure say: what was read is kept, and reading goes on."""
        lost = f"the file has lost {file.position - size} bytes that were read before"
        return self._batch(replace(file, position=size), (), [(size, b"", lost)], 0)

    def _has_successor(self, file: LedgerFile) -> bool:
        """Whether Asterisk, or a rotation, has gone on to another file: only then nothing more is written here."""
        return self._ledger.exists() or any(
            found.fingerprint != file.fingerprint and not self._is_complete(found.fingerprint)
            for found in ledger_tail.kept_files(self._ledger)
        )

    def _is_complete(self, fingerprint: str) -> bool:
        known = self._files.get(fingerprint)
        return known is not None and known.complete

    def _open_next(self) -> bool:
        for found in ledger_tail.kept_files(self._ledger):
            if not self._is_complete(found.fingerprint):
                known = self._files.get(found.fingerprint)
                self._current = self._new_file(found) if known is None else replace(known, name=found.path.name)
                self._open = OpenLedger(found, self._current.position)
                return True
        return False

    def _new_file(self, found: Found) -> LedgerFile:
        number = 1 + max((file.file_id for file in self._files.values()), default=0)
        return LedgerFile(
            number, found.fingerprint, found.path.name, 0, complete=False, resume_file=number, resume_position=0
        )


def _id(file: LedgerFile) -> int:
    return file.file_id


@dataclass(slots=True)
class Folded:
    """What folding whole ledger files brought so far."""

    lines: int = 0
    bad: int = 0
    calls: int = 0


def fold_files(
    paths: Sequence[Path], folded: Folded | None = None, stops: Mapping[Path, int] | None = None
) -> Iterator[list[CallChanged]]:
    """Fold ledger files, oldest first, without a database: changes in the order in which calls end.

    Records are yielded once they are over, so that each call appears once unless facts came late. Calls still open at
    the end come last, as they stand, with ``over`` False. ``stops`` says where to end in a file that is not to be
    read whole.

    Raises:
        OSError: A file cannot be read.
    """
    counts = folded or Folded()
    grouping = Grouping()
    over: list[CallChanged] = []
    for number, path in enumerate(paths):
        for at, data in ledger_tail.chunks(path, FOLD_BYTES, 0, (stops or {}).get(path)):
            lines = cel.read_lines(data if data.endswith(b"\n") else data + b"\n")
            grouping.feed_all(zip(repeat((number, at)), [fact for _, fact in lines.facts], strict=False))
            counts.lines += len(lines.facts)
            counts.bad += len(lines.bad)
            over += grouping.changes(closed=True)
            if len(over) >= CALLS_AT_ONCE:
                counts.calls += len(over)
                yield over
                over = []
    over += grouping.changes()
    counts.calls += len(over)
    yield over


@dataclass(frozen=True, slots=True)
class Extent:
    """The ledgers that a rebuild recomputes from, oldest first, and where to stop in each that is still read."""

    paths: tuple[Path, ...]
    stops: Mapping[Path, int]


def ingested(ledger: Path, positions: Sequence[LedgerFile]) -> Extent:
    """What of the kept ledgers has been ingested; all of them when nothing has, because the database is new.

    What the service has not read yet is not there to be compared, and is left to it: so a rebuild is safe beside it.

    Raises:
        OSError: The folder cannot be read.
    """
    kept = ledger_tail.kept_files(ledger)
    if not positions:
        return Extent(tuple(found.path for found in kept), {})
    known = {file.fingerprint: file.position for file in positions}
    read = {found.path: known[found.fingerprint] for found in kept if found.fingerprint in known}
    return Extent(tuple(read), read)


def rebuild(tx: Tx, changes: Sequence[CallChanged], to_e164: ToE164, clock: Clock) -> list[Difference]:
    """Keep records recomputed from the ledgers; what differs is returned, and a record that differs is versioned.

    Calls that are not over are left to the service: it may know more of them already.
    """
    ended = [change.call for change in changes if change.over]
    numbers = [to_e164(call.caller_number_raw) if call.caller_number_raw else None for call in ended]
    return store.correct_calls(tx, list(zip(ended, numbers, strict=True)), at=clock.now(), reason="rebuild")
