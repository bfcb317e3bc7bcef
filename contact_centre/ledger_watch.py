"""Holds the ledger against AMI: a hang-up that AMI tells and the ledger does not hold within 5 s is a recorded gap.

A full ledger disk is silent: Asterisk goes on and says nothing. This is what notices. The ledger's end is read here a
second time, apart from ``follow``, which may be waiting for the database.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from contact_centre.probes import Finding
from contact_centre.writer import Writer
from telephony import gaps
from telephony.links.ami import Item
from telephony.ports import Clock
from telephony.wire.ami import Message

WITHIN_S: Final = 5.0
POLL_S: Final = 0.5
REMEMBER_S: Final = 60.0
"""AMI may be so much behind the ledger."""
ALARM: Final = timedelta(hours=1)
"""A gap is an alarm for so long."""
OVERLAP: Final = 1 << 16
"""How much of a ledger is looked at again at the start."""
CHUNK: Final = 1 << 20
MAX_LINE: Final = 1 << 16

_END: Final = re.compile(rb'"eventtype":"(?:CHAN_END|HANGUP)"[^\n]*?"uniqueid":"([^"\n]{1,150})"')

_log = structlog.get_logger()


class LedgerEnds:
    """Reads which channels' ends are new in the live ledger, over every rotation."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._file: int | None = None
        self._rest = b""

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def read(self) -> set[str]:
        """The uniqueids of all channels whose end was written since the last time; blocks while the disk does.

        Raises:
            OSError: The ledger cannot be read.
        """
        found: set[str] = set()
        first = self._file is None and not self._rest
        while True:
            if self._file is None and not self._open(OVERLAP if first else None):
                return found
            left = self._is_renamed()
            try:
                found |= self._new()
            except OSError:
                self.close()
                self._rest = b""
                raise
            if not left:
                return found
            self.close()
            self._rest = b"\n"
            first = False

    def _open(self, overlap: int | None) -> bool:
        try:
            self._file = os.open(self._ledger, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._rest = self._rest or b"\n"  # what appears from now on is read from its beginning
            return False
        if overlap is not None:
            os.lseek(self._file, max(0, os.fstat(self._file).st_size - overlap), os.SEEK_SET)
        return True

    def _is_renamed(self) -> bool:
        try:
            return not os.path.samestat(self._ledger.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False  # Asterisk makes the new one with its next event

    @property
    def _descriptor(self) -> int:
        assert self._file is not None  # noqa: S101 - opened before
        return self._file

    def _new(self) -> set[str]:
        found: set[str] = set()
        if os.fstat(self._descriptor).st_size < os.lseek(self._descriptor, 0, os.SEEK_CUR):
            os.lseek(self._descriptor, 0, os.SEEK_SET)  # cut
        while data := os.read(self._descriptor, CHUNK):
            data = self._rest + data
            end = data.rfind(b"\n") + 1
            found.update(one.decode(errors="replace") for one in _END.findall(data, 0, end))
            self._rest = data[end:][-MAX_LINE:]
        return found


class LedgerWatch:
    """Listens to AMI, reads the ledger, and records what is missing there."""

    def __init__(
        self,
        ledger: Path,
        writer: Writer,
        clock: Clock,
        count: Callable[[int], None],
        within_s: float = WITHIN_S,
    ) -> None:
        """``count`` is told how many gaps are new."""
        self._ends = LedgerEnds(ledger)
        self._writer = writer
        self._clock = clock
        self._count = count
        self._within = within_s
        self._due: dict[str, tuple[float, datetime]] = {}
        self._seen: dict[str, float] = {}
        self._open: dict[str, datetime] = {}
        self._reading_since: float | None = None
        self._trouble: str | None = None

    def hear(self, item: Item) -> None:
        """An item of AMI's stream: a hang-up is to be looked for."""
        if isinstance(item, Message) and item.event == "Hangup":
            uniqueid = item.get("Uniqueid")
            if uniqueid and uniqueid not in self._seen and uniqueid not in self._open:
                self._due.setdefault(uniqueid, (time.monotonic() + self._within, self._time(item)))

    def finding(self) -> Finding:
        """Whether the ledger holds what AMI tells."""
        if self._reading_since is not None and time.monotonic() - self._reading_since > self._within:
            seen = f"the ledger's disk has not answered for {time.monotonic() - self._reading_since:.0f} s"
            return Finding("ledger_watch", ok=False, seen=seen, remedy="look for a stalled disk: `dmesg`, `df`")
        if self._trouble is not None:
            return Finding("ledger_watch", ok=False, seen=self._trouble, remedy="let the service read the ledger")
        recent = [at for at in self._open.values() if self._clock.now() - at < ALARM]
        if recent:
            return Finding(
                "ledger_watch",
                ok=False,
                seen=f"{len(recent)} channels hung up in the last hour are not in the ledger, "
                f"the last at {max(recent):%Y-%m-%d %H:%M:%S} UTC",
                remedy="facts about calls are being lost: look at the ledger's disk (`df`, `dmesg`), and at "
                "`asterisk -rx 'cel show status'`; which: `contact-centre ledger gaps`",
            )
        return Finding("ledger_watch", ok=True, seen="every hang-up told by AMI is in the ledger")

    async def run(self) -> None:
        """Watch for ever."""
        with closing(self._ends):
            while True:
                try:
                    await self._watch()
                except Exception as error:  # noqa: BLE001 - the watch outlives whatever ails the disk or the database
                    self._trouble = f"{type(error).__name__}: {error}"
                    _log.error("ledger not watched, will try again", error=self._trouble)
                    await asyncio.sleep(self._within)

    async def _watch(self) -> None:
        self._open = await self._writer.run(gaps.still_open)
        while True:
            await self._look()
            self._trouble = None
            await asyncio.sleep(POLL_S)

    async def _look(self) -> None:
        began = self._reading_since = time.monotonic()
        try:
            ended = await asyncio.to_thread(self._ends.read)
        finally:
            self._reading_since = None
        for uniqueid in ended:
            self._seen[uniqueid] = began
            self._due.pop(uniqueid, None)
        late = [uniqueid for uniqueid in ended if uniqueid in self._open]
        missing = [(uniqueid, at) for uniqueid, (due, at) in self._due.items() if due <= began]
        now = self._clock.now()
        if late:
            await self._writer.run(lambda tx: gaps.appeared(tx, late, now))
            _log.info("hang-ups appeared in the ledger after all", uniqueids=late[:10], count=len(late))
        if missing:
            await self._writer.run(lambda tx: gaps.add(tx, missing, now))
            self._count(len(missing))
            _log.error(
                "hang-ups are missing in the ledger", uniqueids=[one for one, _ in missing[:10]], count=len(missing)
            )
        for uniqueid in late:
            self._open.pop(uniqueid, None)
        for uniqueid, at in missing:
            self._open[uniqueid] = at
            self._due.pop(uniqueid, None)
        for uniqueid in [one for one, at in self._seen.items() if began - at > REMEMBER_S]:
            del self._seen[uniqueid]

    def _time(self, event: Message) -> datetime:
        try:
            return datetime.fromtimestamp(float(event.get("Timestamp")), UTC)
        except (ValueError, OverflowError, OSError):
            return self._clock.now()
