"""One real Asterisk with our configuration, in a folder of its own, on loopback ports of its own."""

import contextlib
import json
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from contact_centre.demo.network import free_tcp_port, free_udp_port, rtp_range
from contact_centre.demo.processes import Process, ProcessError, Processes
from contact_centre.demo.root import CONFIG_SOURCE, Kit, Place
from telephony.phones import Kind, NewPhone, Phone
from telephony.phones import add as add_phone
from telephony.prompts import install_sounds
from telephony.provision import AsteriskPaths, Limits, Ports, Settings, Trunk, ami_secret, install, prepare_folders

TRUNK_ADDRESSES: Final = ("127.0.0.2", "127.0.0.3")
"""The provider's two peers."""

BOOT_SECONDS: Final = 30.0
CLI_SECONDS: Final = 15.0

_POLL_SECONDS: Final = 0.1


@dataclass(slots=True)
class Asterisk:
    """A running (or stopped) Asterisk; its state stays in ``folder`` between starts.

    ``paths`` is what Asterisk sees, ``host`` the same folders as everybody else sees them.
    """

    kit: Kit
    folder: Path
    processes: Processes
    settings: Settings
    paths: AsteriskPaths
    host: AsteriskPaths
    process: Process | None = None
    run_as: tuple[int, int] | None = None
    """User and group, by number, to start as; None stays who we are."""

    @classmethod
    def install(
        cls,
        kit: Kit,
        folder: Path,
        processes: Processes,
        limits: Limits | None = None,
        agi_port: int | None = None,
    ) -> "Asterisk":
        """Write the configuration for free ports; nothing runs yet.

        Args:
            kit: where Asterisk is, and its sounds.
            folder: an empty or formerly used folder of this instance.
            processes: who ends the process at last.
            limits: the limits of calls; by default those of production.
            agi_port: where the service will answer FastAGI; by default a free port.
        """
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        modules = kit.asterisk.modules()
        paths = AsteriskPaths.under(kit.asterisk.seen(folder), modules)
        host = AsteriskPaths.under(folder, modules)
        first, last = rtp_range()
        settings = Settings(
            ports=Ports(
                sip=free_udp_port(),
                sip_address="127.0.0.1",
                ami=free_tcp_port(),
                agi=agi_port or free_tcp_port(),
                rtp_first=first,
                rtp_last=last,
                ws=free_tcp_port(),
                wss=free_tcp_port(),
                wss_address="127.0.0.1",
            ),
            limits=limits or Limits(),
            trunks=tuple(
                Trunk(name, address, free_udp_port(address), qualify_seconds=0)
                for name, address in zip(("primary", "backup"), TRUNK_ADDRESSES, strict=True)
            ),
        )
        prepare_folders(host)
        install_sounds(kit.sounds, host.data)
        documentation = host.data / "documentation"
        if not documentation.is_symlink():
            documentation.symlink_to("/usr/share/asterisk/documentation")
        made = cls(kit, folder, processes, settings, paths, host)
        made.configure()
        return made

    def configure(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Settings
        """Write the configuration again, with other settings if any are given; takes effect at the next start."""
        self.settings = replace(self.settings, **changes)
        install(CONFIG_SOURCE, self.host.etc, self.paths, self.settings)

    @property
    def place(self) -> Place:
        """Where it runs."""
        return self.kit.asterisk

    @property
    def ledger(self) -> Path:
        """The ledger file."""
        return self.host.ledger

    @property
    def audio(self) -> Path:
        """Where raw recordings appear."""
        return self.host.audio

    @property
    def ami_secret(self) -> str:
        """The secret of the service's AMI user."""
        return ami_secret(self.host.etc)

    def start(self, seconds: float = BOOT_SECONDS) -> None:
        """Start and wait until it takes calls.

        Raises:
            ProcessError: it ended, or is not ready in time; the message holds the end of its log.
        """
        argv = ["asterisk", "-C", f"{self.paths.etc}/asterisk.conf", "-f"]
        if self.run_as is not None:
            user, group = self.run_as
            argv = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *argv]
        command = self.place.command(self.folder, argv)
        self.process = self.processes.start("asterisk", command, self.folder / "asterisk.log")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.process.running:
                break
            with contextlib.suppress(ProcessError):
                if "fully booted" in self.cli("core waitfullybooted"):
                    return
            time.sleep(_POLL_SECONDS)
        messages = self.host.log / "messages.log"
        said = messages.read_text("utf-8", "replace")[-2000:] if messages.exists() else ""
        self.process.kill()
        raise ProcessError(f"Asterisk did not start in {seconds:.0f} s\n{self.process.tail()}\n{said}")

    def cli(self, command: str) -> str:
        """Run a command of Asterisk's own command line; what it prints.

        Raises:
            ProcessError: Asterisk does not answer.
        """
        argv = ["asterisk", "-C", f"{self.paths.etc}/asterisk.conf", "-rx", command]
        try:
            result = subprocess.run(
                self.place.command(self.folder, argv), capture_output=True, timeout=CLI_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"Asterisk does not answer: {command}") from error
        if result.returncode != 0:
            raise ProcessError(f"{command}: {(result.stdout + result.stderr).decode(errors='replace').strip()}")
        return result.stdout.decode(errors="replace")

    def kill(self) -> None:
        """SIGKILL, as a crash or a power cut would."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """Stop politely: calls in progress are hung up."""
        if self.process is not None:
            self.process.stop()

    def add_phone(self, kind: Kind, login: str, extension: str, *, browser: bool = False) -> NewPhone:
        """Make a SIP account, as ``contact-centre operators add`` does, and load it if Asterisk runs."""
        made = add_phone(CONFIG_SOURCE, self.host.etc, Phone(kind, login, extension, browser))
        if self.process is not None and self.process.running:
            self.cli("module reload res_pjsip.so")
            self.cli("dialplan reload")
        return made

    def facts(self) -> list[dict[str, str]]:
        """All whole lines of the ledger, parsed.

        Raises:
            ValueError: a line is not JSON.
        """
        if not self.ledger.exists():
            return []
        text = self.ledger.read_bytes()
        return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]

    def wait_idle(self, seconds: float = 10.0) -> None:
        """Wait until no channel is left.

        Raises:
            ProcessError: some are left after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if "0 active channels" in self.cli("core show channels count"):
                return
            time.sleep(_POLL_SECONDS)
        raise ProcessError("channels are left:\n" + self.cli("core show channels concise"))
