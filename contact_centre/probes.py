"""What can be wrong with an installation, each with its remedy: for ``doctor``, ``/healthz`` and ``/metrics`` alike."""

import errno
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from contact_centre.config import Settings
from telephony import certificates
from telephony.certificates import CertificateError
from telephony.provision import CERTIFICATE
from telephony.wire import cel

MB: Final = 1 << 20
DISK_ANSWERS_WITHIN_S: Final = 2.0
CERTIFICATE_ENDS_SOON: Final = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one probe: what was looked at, whether it is in order, what was seen, and what to do."""

    probe: str
    ok: bool
    seen: str
    remedy: str | None = None


def write_through(folder: Path) -> None:
    """A small file written to the disk and taken away again: what ``statvfs`` promises is not always kept."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-") as file:
        file.write(b"\0" * 4096)
        file.flush()
        os.fsync(file.fileno())


class DiskProbe:
    """Is there room on a disk, and does a write come through? Asked in a thread of its own: a disk may hang.

    While one question hangs no other is put to that disk, and nothing else waits for it.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        min_free_mb: int,
        remedy: str,
        *,
        made_by_us: bool = False,
        write: Callable[[Path], None] = write_through,
    ) -> None:
        self.name = name
        self._write = write
        self._folder = folder
        self._min_free_mb = min_free_mb
        self._remedy = remedy
        self._made_by_us = made_by_us
        self._thread: threading.Thread | None = None
        self._answer: Finding | None = None
        self._asked_at = 0.0

    def start(self) -> None:
        """Put the question, unless the last one is still unanswered."""
        if self._thread is None or not self._thread.is_alive():
            self._answer, self._asked_at = None, time.monotonic()
            self._thread = threading.Thread(target=self._ask, name=self.name, daemon=True)
            self._thread.start()

    def answer(self, deadline: float) -> Finding:
        """The answer to the last question; when there is none by ``deadline`` (monotonic), that is the answer."""
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._answer is not None:
            return self._answer
        seen = f"{self._folder}: the disk has not answered for {time.monotonic() - self._asked_at:.0f} s"
        return Finding(self.name, ok=False, seen=seen, remedy="look for a stalled disk or network share: `dmesg`, `df`")

    def _ask(self) -> None:
        folder = self._folder
        if self._made_by_us:  # made at the first start: until then its disk is that of the folder around it
            folder = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), folder)
        self._answer = self._look(folder)

    def _look(self, folder: Path) -> Finding:
        try:
            free = shutil.disk_usage(folder).free
            self._write(folder)
        except (FileNotFoundError, NotADirectoryError):
            remedy = f"create {folder}, writable for Asterisk and the service"
            return Finding(self.name, ok=False, seen=f"{folder} does not exist", remedy=remedy)
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            seen = f"{folder}: {'the disk is full' if full else error.strerror}"
            remedy = self._remedy if full else f"let the service write in {folder}"
            return Finding(self.name, ok=False, seen=seen, remedy=remedy)
        if free < self._min_free_mb * MB:
            return Finding(self.name, ok=False, seen=f"{folder}: only {free / MB:.1f} MB free", remedy=self._remedy)
        return Finding(self.name, ok=True, seen=f"{folder}: {free / MB:,.0f} MB free")


def disk_probes(settings: Settings) -> list[DiskProbe]:
    """One for each disk that must take what the calls bring."""
    least = settings.health.min_free_mb
    return [
        DiskProbe(
            "ledger_disk",
            settings.asterisk.ledger.parent,
            least,
            "facts about calls are being lost: free space now, by archiving old ledgers that are read to their end",
        ),
        DiskProbe(
            "audio_disk",
            settings.asterisk.audio_dir,
            least,
            "calls go on but are not recorded: free space now; finalised recordings leave this disk by themselves",
        ),
        DiskProbe(
            "state_disk",
            settings.state,
            least,
            "records wait in the ledger and are caught up later: free space on the disk of the state directory",
            made_by_us=True,
        ),
    ]


def ask_disks(probes: Sequence[DiskProbe], within_s: float = DISK_ANSWERS_WITHIN_S) -> list[Finding]:
    """Ask all at once; takes ``within_s`` at most, whatever hangs."""
    deadline = time.monotonic() + within_s
    for probe in probes:
        probe.start()
    return [probe.answer(deadline) for probe in probes]


def permissions(settings: Settings) -> Iterator[Finding]:
    """The folders that Asterisk and the service share: setgid, so that both groups' files stay shared."""
    for name, folder in (("ledger", settings.asterisk.ledger.parent), ("audio", settings.asterisk.audio_dir)):
        try:
            mode = folder.stat().st_mode
        except OSError:
            continue  # the disk probe has said so
        shared = bool(mode & stat.S_ISGID) and bool(mode & stat.S_IWGRP) and not mode & stat.S_IRWXO
        yield Finding(
            f"{name}_permissions",
            ok=shared,
            seen=f"{folder}: mode {stat.S_IMODE(mode):04o}",
            remedy=None if shared else f"chgrp contact-centre {folder} && chmod 2770 {folder}",
        )


def clock_synchronised(run: Callable[[list[str]], str | None]) -> Finding:
    """UNIQUEIDs can repeat when the clock steps back over a restart: the host keeps its time synchronised."""
    answer = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if answer is None:
        daemons = ("chronyd", "ntpd", "systemd-timesync", "openntpd")
        running = [name for name in daemons if any(_processes_named(name))]
        return Finding(
            "clock",
            ok=True,
            seen=f"kept by {running[0]}" if running else "nothing on this host says whether the clock is synchronised",
            remedy=None if running else "in a container the host keeps the clock; elsewhere install chrony",
        )
    ok = answer.strip() == "yes"
    return Finding(
        "clock",
        ok=ok,
        seen="synchronised" if ok else "not synchronised",
        remedy=None if ok else "install and start chrony (or systemd-timesyncd)",
    )


def _processes_named(name: str) -> Iterator[Path]:
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == name[:15]:
                yield comm
        except OSError:
            continue


def ledger_format(settings: Settings) -> Finding:
    """Does the ledger hold JSON facts? An empty folder says nothing when CEL is not configured, so it is said here."""
    ledger = settings.asterisk.ledger
    if not ledger.exists():
        return Finding(
            "ledger",
            ok=False,
            seen=f"{ledger}: no ledger yet",
            remedy="place a call; if the file still does not appear: `asterisk -rx 'cel show status'`, and check that "
            f"{ledger.parent} exists and that cel_custom.so of Asterisk 22.6 or newer is loaded",
        )
    try:
        with ledger.open("rb") as file:
            head = file.read(4 * cel.MAX_LINE)
    except OSError as error:
        return Finding("ledger", ok=False, seen=f"{ledger}: {error.strerror}", remedy="let the service read the ledger")
    if head and not cel.read_lines(head).facts:
        remedy = "its lines are no facts in JSON: this needs Asterisk 22.6 or newer and our cel_custom.conf"
        return Finding("ledger", ok=False, seen=f"{ledger}: not JSON lines", remedy=remedy)
    return Finding("ledger", ok=True, seen=f"{ledger}: JSON lines, {ledger.stat().st_size:,} bytes")


def schema(settings: Settings) -> Finding:
    """Is the database there and can it be written?"""
    database = settings.database
    if not database.exists():
        return Finding("database", ok=True, seen=f"{database}: will be created at the first start")
    if not os.access(database, os.R_OK | os.W_OK):
        remedy = "run as the service's user, or give it the file"
        return Finding("database", ok=False, seen=f"{database}: no right to write", remedy=remedy)
    return Finding("database", ok=True, seen=f"{database}: {database.stat().st_size:,} bytes")


def browsers_certificate(settings: Settings, now: datetime) -> Finding:
    """Can operators' browsers reach their telephone, and for how long? An ended certificate shuts all of them out."""
    browsers = settings.provision.browsers
    file = browsers.certificate or settings.asterisk.config_dir / CERTIFICATE
    renew = "contact-centre asterisk install --no-prompts" if browsers.certificate is None else "renew it"
    remedy = f"{renew}, then `asterisk -rx 'module reload http'`"
    try:
        found = certificates.read(file)
    except (OSError, CertificateError) as error:
        seen = f"{file}: {error.strerror}" if isinstance(error, OSError) else str(error)
        return Finding("certificate", ok=False, seen=seen, remedy=remedy)
    left = found.ends_at - now
    ok = left > CERTIFICATE_ENDS_SOON
    whose = "made by us, browsers warn of it" if browsers.certificate is None else "the city's"
    seen = f"{file}: for {', '.join(sorted(found.names))}, until {found.ends_at:%Y-%m-%d}, {whose}"
    return Finding("certificate", ok=ok, seen=seen, remedy=None if ok else remedy)
