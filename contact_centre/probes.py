"""What can be wrong with an installation, each with its remedy: for ``doctor``, ``/healthz`` and ``/metrics`` alike."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contact_centre.config import Settings

MB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one probe: what was looked at, whether it is in order, what was seen, and what to do."""

    probe: str
    ok: bool
    seen: str
    remedy: str | None = None


def disks(settings: Settings) -> Iterator[Finding]:
    """Each disk that must take what the calls bring: is there room, and does a write come through?"""
    remedies = {
        "ledger": "facts about calls are being lost: free space now (rotate and archive old ledgers), then look at "
        "`contact-centre ledger gaps` for what the calls left behind",
        "audio": "calls go on but are not recorded: free space now; finalised recordings leave this disk by themselves",
        "state": "records wait in the ledger and are caught up later: free space on the disk of the state directory",
    }
    folders = {"ledger": settings.asterisk.ledger.parent, "audio": settings.asterisk.audio_dir, "state": settings.state}
    for name, folder in folders.items():
        yield _disk(f"{name}_disk", folder, settings.health.min_free_mb, remedies[name])


def _disk(probe: str, folder: Path, min_free_mb: int, remedy: str) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
        _write_through(folder)
    except FileNotFoundError:
        return Finding(
            probe, ok=False, seen=f"{folder} does not exist", remedy=f"create {folder}, writable for Asterisk"
        )
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        seen = f"{folder}: {'the disk is full' if full else error.strerror}"
        return Finding(probe, ok=False, seen=seen, remedy=remedy if full else f"let the service write in {folder}")
    if free < min_free_mb * MB:
        return Finding(probe, ok=False, seen=f"{folder}: only {free / MB:.1f} MB free", remedy=remedy)
    return Finding(probe, ok=True, seen=f"{folder}: {free / MB:,.0f} MB free")


def _write_through(folder: Path) -> None:
    """A small file written to the disk and taken away again: what ``statvfs`` promises is not always kept."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-") as file:
        file.write(b"\0" * 4096)
        file.flush()
        os.fsync(file.fileno())


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
            head = file.read(1)
    except OSError as error:
        return Finding("ledger", ok=False, seen=f"{ledger}: {error.strerror}", remedy="let the service read the ledger")
    if head not in (b"", b"{"):
        remedy = "this Asterisk writes no JSON (needs 22.6 or newer): see docs/operations.md"
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
