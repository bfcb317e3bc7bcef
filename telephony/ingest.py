"""From the ledger to call records: reads new lines, folds them, and keeps records and position in one transaction.

What is in memory (open groups) is only a cache of the ledger: after any stop or failed commit ``restore`` reads again
from the place where the facts of calls still open begin, and goes on from the committed position as if nothing had
happened.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from telephony import store
from telephony.core.call import CallChanged
from telephony.core.grouping import Grouping
from telephony.links import ledger_tail
from telephony.links.ledger_tail import Found, OpenLedger
from telephony.ports import Clock, Tx
from telephony.store import Difference, LedgerFile
from telephony.wire import cel

BATCH_BYTES: Final = 1 << 18
"""How much of the ledger one transaction takes: about 600 facts, a few milliseconds of work."""

ToE164 = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read brought: records that changed, lines that are no facts, and where the ledger stands after it."""

    file: LedgerFile
    is_new_file: bool
    changes: tuple[CallChanged, ...]
    bad: tuple[tuple[int, bytes, str], ...]
    facts: int


class Ingest:
    """The one reader of the ledger: ``restore``, then ``read``, ``apply`` and, after the commit, ``committed`` in turn."""

    def __init__(self, ledger: Path, clock: Clock, to_e164: ToE164) -> None:
        self._ledger = ledger
        self._clock = clock
        self._to_e164 = to_e164
        self._grouping = Grouping()
        self._files: dict[str, LedgerFile] = {}
        self._open: OpenLedger | None = None
        self._current: LedgerFile | None = None

    def close(self) -> None:
        """Give the open file back."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def restore(self, positions: Sequence[LedgerFile]) -> None:
        """Begin anew from what is committed: feed the facts of calls still open, emit nothing.

        Raises:
            OSError: A ledger file cannot be read.
        """
        self.close()
        self._grouping = Grouping()
        self._files = {file.fingerprint: file for file in positions}
        self._current = None
        if not positions:
            return
        newest = max(positions, key=lambda file: file.file_id)
        begin = (newest.resume_file, newest.resume_position)
        paths = {found.fingerprint: found.path for found in ledger_tail.kept_files(self._ledger)}
        for file in sorted(positions, key=lambda file: file.file_id):
            path = paths.get(file.fingerprint)
            start = begin[1] if file.file_id == begin[0] else 0
            if path is not None and file.file_id >= begin[0] and start < file.position:
                self._replay(path, file, start)
        self._grouping.settle()

    def _replay(self, path: Path, file: LedgerFile, start: int) -> None:
        for at, data in ledger_tail.chunks(path, BATCH_BYTES, start):
            for offset, fact in cel.read_lines(data[: file.position - at]).facts:
                self._grouping.feed((file.file_id, at + offset), fact)
            if at + len(data) >= file.position:
                return

    def read(self) -> Batch | None:
        """The next piece of the ledger, or None when nothing new has been written.

        Raises:
            OSError: The ledger cannot be read.
        """
        if self._open is None and not self._open_next():
            return None
        opened, file = self._open, self._current
        assert opened is not None and file is not None  # noqa: S101, PT018 - _open_next has set both
        was_live = opened.is_live(self._ledger)  # asked before reading: a rename in between costs one more round
        data = opened.read(BATCH_BYTES)
        lines = cel.read_lines(data)
        bad = [(file.position + one.offset, one.line, one.reason) for one in lines.bad]
        consumed = lines.consumed
        complete = not was_live and opened.position + len(data) >= opened.size()
        if complete and consumed < len(data):
            bad.append((file.position + consumed, data[consumed:], "the file ends within a line"))
            consumed = len(data)
        elif not consumed and len(data) == BATCH_BYTES:
            bad.append((file.position, data[: cel.MAX_LINE], f"no line end within {BATCH_BYTES} bytes"))
            consumed = len(data)
        if not consumed and not complete:
            return None
        for offset, fact in lines.facts:
            self._grouping.feed((file.file_id, file.position + offset), fact)
        changes = tuple(self._grouping.changes())
        position = file.position + consumed
        resume = self._grouping.resume_from or (file.file_id, position)
        return Batch(
            file=replace(file, position=position, complete=complete, resume_file=resume[0], resume_position=resume[1]),
            is_new_file=file.fingerprint not in self._files,
            changes=changes,
            bad=tuple(bad),
            facts=len(lines.facts),
        )

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
            self._open.advance(batch.file.position - self._open.position)
            if batch.file.complete:
                self.close()

    def lag_bytes(self) -> int:
        """How much of the open file is still unread."""
        return 0 if self._open is None else max(0, self._open.size() - self._open.position)

    def e164(self, change: CallChanged) -> str | None:
        """The citizen's number in E.164, or None."""
        raw = change.call.caller_number_raw
        return None if not raw else self._to_e164(raw)

    def _open_next(self) -> bool:
        for found in ledger_tail.kept_files(self._ledger):
            known = self._files.get(found.fingerprint)
            if known is None or not known.complete:
                self._current = known or self._new_file(found)
                self._open = OpenLedger(found, self._current.position)
                return True
        return False

    def _new_file(self, found: Found) -> LedgerFile:
        number = 1 + max((file.file_id for file in self._files.values()), default=0)
        return LedgerFile(
            number, found.fingerprint, found.path.name, 0, complete=False, resume_file=number, resume_position=0
        )


@dataclass(slots=True)
class Folded:
    """What folding whole ledger files brought so far."""

    lines: int = 0
    bad: int = 0
    calls: int = 0


def fold_files(paths: Sequence[Path], folded: Folded | None = None) -> Iterator[list[CallChanged]]:
    """Fold whole ledger files, oldest first, without a database: changes in the order in which calls end.

    Calls still open at the end come last, as they stand. Records are yielded once they are over, so that each call
    appears once unless facts came late.

    Raises:
        OSError: A file cannot be read.
    """
    counts = folded or Folded()
    grouping = Grouping()
    still_open: dict[str, CallChanged] = {}
    for number, path in enumerate(paths):
        for at, data in ledger_tail.chunks(path, BATCH_BYTES * 4):
            lines = cel.read_lines(data if data.endswith(b"\n") else data + b"\n")
            for offset, fact in lines.facts:
                grouping.feed((number, at + offset), fact)
            counts.lines += len(lines.facts)
            counts.bad += len(lines.bad)
            over = []
            for change in grouping.changes():
                if change.over:
                    still_open.pop(change.call.call_id, None)
                    over.append(change)
                else:
                    still_open[change.call.call_id] = change
            counts.calls += len(over)
            yield over
    counts.calls += len(still_open)
    yield list(still_open.values())


def rebuild(tx: Tx, changes: Sequence[CallChanged], to_e164: ToE164, clock: Clock) -> list[Difference]:
    """Keep records recomputed from the ledgers; what differs from a sealed record is returned and versioned."""
    at = clock.now()
    differences: list[Difference] = []
    for change in changes:
        raw = change.call.caller_number_raw
        number = to_e164(raw) if raw else None
        differences += store.save_call(tx, change, number, at=at, reason="rebuild")
    return differences
