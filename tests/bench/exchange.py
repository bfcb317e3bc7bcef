"""Whole telephone exchanges to be measured: ours with everything attached, the bare one, and what lies between.

Every one is the same Asterisk with the same modules, queue, trunk and phones, on the same disk; they differ in the
dialplan, in what listens (CEL, AMI) and in whether our service runs beside it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.network import free_udp_port
from contact_centre.demo.processes import Process, Processes
from contact_centre.demo.root import Kit
from contact_centre.demo.service import Service
from contact_centre.demo.sipp import SippRun, Telephones
from contact_centre.demo.tones import write_tone
from telephony.provision import Limits

LINE: Final = "588888"
FIRST_EXTENSION: Final = 2000

Change = Callable[[Path], None]
"""Changes an installed configuration folder."""

BARE_DIALPLAN: Final = f"""\
[general]
autofallthrough = yes

[globals]
#include "generated/globals.conf"

[from-trunk]
exten => {LINE},1,Answer()
 same => n,Playback(greeting)
 same => n,Playback(recording-notice)
 same => n,MixMonitor(,r(${{AUDIO}}/${{UNIQUEID}}-caller.raw)t(${{AUDIO}}/${{UNIQUEID}}-other.raw))
 same => n,Queue(contact-centre,tc,,,${{QUEUE_TIMEOUT}})
 same => n,Playback(goodbye)
 same => n,Hangup()
"""
"""What a citizen notices of a call, and nothing else: no ledger, no look-up, no limits, no way out of the queue."""


def bare(etc: Path) -> None:
    """Asterisk as it would record and queue the same call without us."""
    (etc / "extensions.conf").write_text(BARE_DIALPLAN, "utf-8")
    (etc / "cli.conf").write_text("", "utf-8")
    without_cel(etc)
    without_ami(etc)


def without_cel(etc: Path) -> None:
    """Nothing is written into the ledger."""
    _replace(etc / "cel.conf", "enable = yes", "enable = no")


def without_ami(etc: Path) -> None:
    """Nobody listens; a heartbeat from the future, since without one every call would look for forgotten wrap-ups."""
    _replace(etc / "manager.conf", "enabled = yes", "enabled = no")
    with (etc / "generated" / "globals.conf").open("a", encoding="utf-8") as file:
        file.write("CC_HEARTBEAT = 9999999999\n")


def without_agi(etc: Path) -> None:
    """Nobody is asked who calls."""
    _replace(etc / "extensions.conf", "AGI(${AGI_URL},${LINE},${CALL_ID})", "NoOp()")


def without_wrap_up(etc: Path) -> None:
    """Nobody looks after forgotten wrap-ups."""
    _replace(etc / "extensions.conf", "Gosub(wrap-up,s,1)", "NoOp()")


def nothing_declined(etc: Path) -> None:
    """Asterisk makes every message for whoever might listen, as it does unless told otherwise."""
    (etc / "stasis.conf").write_text("", "utf-8")


def in_real_time(etc: Path) -> None:
    """Asterisk before everything else (SCHED_RR), as its packages and our unit start it; only root may do it so."""
    _replace(etc / "asterisk.conf", "[options]\n", "[options]\nhighpriority = yes\n")


@contextmanager
def ahead_of_neighbours() -> Iterator[None]:
    """What is started meanwhile runs in real time; where we may not do that, like everything else."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@dataclass(slots=True)
class Exchange:
    """One Asterisk with its phones, and our service beside it if it has one."""

    asterisk: Asterisk
    telephones: Telephones
    service: Service | None
    ports: tuple[int, ...]
    """Where its phones answer, each port its part of them."""
    answering: list[SippRun] = field(default_factory=list)

    @classmethod
    def build(
        cls,
        kit: Kit,
        folder: Path,
        processes: Processes,
        *changes: Change,
        phones: int,
        with_service: bool,
        prompts_s: float | None,
        ports: int = 1,
    ) -> "Exchange":
        """Install it; nothing runs yet.

        Args:
            kit: where Asterisk is, and its sounds.
            folder: a new folder.
            processes: who ends its processes at last.
            changes: applied to the configuration folder.
            phones: so many operators with a phone each, all of them members of the queue.
            with_service: whether our service runs beside it.
            prompts_s: how long greeting, notice and farewell are; None leaves them as they are.
            ports: at so many ports the phones answer, a SIPp at each.
        """
        limits = Limits(calls=1000, calls_per_caller=1000)
        asterisk = Asterisk.install(kit, folder / "asterisk", processes, limits)
        service = (
            Service.beside(asterisk, folder / "service", processes, "[wrap_up]\nseconds = 0\n")
            if with_service
            else None
        )
        contacts = tuple(free_udp_port() for _ in range(ports))
        etc = asterisk.host.etc
        with (etc / "queues.conf").open("a", encoding="utf-8") as queues:
            for number in range(phones):
                made = asterisk.add_phone("operator", f"number{number}", str(FIRST_EXTENSION + number))
                account = etc / "phones.d" / f"{made.phone.endpoint}.conf"
                contact = f"contact = sip:{made.phone.endpoint}@127.0.0.1:{contacts[number % ports]}"
                _replace(account, "qualify_frequency = 10", contact)
                queues.write(f"member => {made.phone.interface}\n")
        for change in changes:
            change(etc)
        if prompts_s is not None:
            tone = write_tone(folder, 400).read_bytes()[: round(prompts_s * 8000)]
            for name in ("greeting", "recording-notice", "goodbye"):
                (asterisk.host.data / "sounds" / "uk" / f"{name}.alaw").write_bytes(tone)
        return cls(asterisk, Telephones(asterisk), service, contacts)

    def start(self, *, tone: int = 880, talk: float | None = None) -> None:
        """Start Asterisk, the service and the phones, which hang up after ``talk`` seconds; all begin with nothing."""
        for made in (self.asterisk.ledger.parent, self.asterisk.audio):
            for file in made.iterdir():
                file.unlink()
        self.asterisk.start()
        if self.service is not None:
            shutil.rmtree(self.service.state, ignore_errors=True)
            self.service.start()
        with ahead_of_neighbours():
            self.answering = [self.telephones.phones(port, tone=tone, talk=talk) for port in self.ports]

    def kill(self) -> None:
        """End everything at once."""
        for run in self.answering:
            run.process.kill()
        if self.service is not None:
            self.service.kill()
        self.asterisk.kill()

    @property
    def process(self) -> Process:
        """The running Asterisk."""
        assert self.asterisk.process is not None
        return self.asterisk.process


def cpu(process: Process) -> float:
    """Processor seconds of a process and its threads so far, in user space and kernel (proc(5): utime, stime)."""
    words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, (file.name, old, text.count(old))
    file.write_text(text.replace(old, new), "utf-8")
