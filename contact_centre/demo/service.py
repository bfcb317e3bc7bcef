"""The service beside one Asterisk of the harness: its own process, its own state, and its command line."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contact_centre.config import PREFIX
from contact_centre.demo import commands
from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.network import free_tcp_port
from contact_centre.demo.processes import Process, ProcessError, Processes

START_SECONDS: Final = 30.0
COMMAND_SECONDS: Final = 60.0

_POLL_SECONDS: Final = 0.05


@dataclass(slots=True)
class Service:
    """``contact-centre run``, and every other command, with a config file of its own."""

    folder: Path
    processes: Processes
    port: int
    process: Process | None = None
    run_as: tuple[str, ...] = ()
    """A command in front of every command, such as ``setpriv`` with its options."""

    @classmethod
    def beside(cls, asterisk: Asterisk, folder: Path, processes: Processes, extra: str = "") -> "Service":
        """Write the config file for an Asterisk of the harness; nothing runs yet. ``extra`` is further TOML."""
        folder.mkdir(parents=True, exist_ok=True)
        port = free_tcp_port()
        (folder / "contact-centre.toml").write_text(
            f'state = "{folder / "state"}"\n\n'
            f'[asterisk]\nledger = "{asterisk.ledger}"\naudio_dir = "{asterisk.audio}"\n'
            f'config_dir = "{asterisk.host.etc}"\nami_port = {asterisk.settings.ports.ami}\n\n'
            f"[agi]\nport = {asterisk.settings.ports.agi}\n\n"
            f"[web]\nport = {port}\n\n"
            f'[provision.browsers]\nuri = "ws://localhost:{asterisk.settings.ports.ws}/ws"\n\n{extra}',
            "utf-8",
        )
        return cls(folder, processes, port)

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "contact-centre.toml"

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.folder / "state"

    @property
    def log(self) -> Path:
        """What the service logs, over all its starts."""
        return self.folder / "service.log"

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start and wait until it answers.

        Raises:
            ProcessError: It ended, or does not answer in time; the message holds the end of its log.
        """
        self.process = self.processes.start("service", self._command("run"), self.log, _environment())
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.running:
            try:
                self.healthz()
            except OSError:
                time.sleep(_POLL_SECONDS)
            else:
                return
        raise ProcessError(f"the service did not start in {seconds:.0f} s\n{self.process.tail()}")

    def stop(self) -> None:
        """Stop politely."""
        if self.process is not None:
            self.process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()

    def freeze(self) -> None:
        """SIGSTOP: it is there and does nothing."""
        if self.process is not None:
            self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self.process is not None:
            self.process.send(signal.SIGCONT)

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of the program, as who the service runs as.

        Raises:
            ProcessError: It exits with another code than 0, and ``check`` is set.
        """
        if self.run_as:
            done = subprocess.run(
                self._command(*words),
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
                env=_environment(),
            )
        else:
            done = commands.run(["--config", str(self.config), *words], COMMAND_SECONDS)
        if check and done.returncode != 0:
            raise ProcessError(f"contact-centre {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *words: str) -> Any:  # noqa: ANN401 - whatever the command prints
        """What a command prints with ``--json``."""
        return json.loads(self.command(*words, "--json").stdout)

    def healthz(self) -> dict[str, Any]:
        """What ``/healthz`` says, whether well or not.

        Raises:
            OSError: Nobody answers.
        """
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
                body: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as unwell:
            body = json.load(unwell)
        return body

    def metrics(self) -> str:
        """What ``/metrics`` says.

        Raises:
            OSError: Nobody answers.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def wait_for_calls(self, count: int, seconds: float = 30.0, *, recorded: bool = True) -> list[dict[str, Any]]:
        """Wait until so many calls have ended, each with its recording if ``recorded``; all calls the CLI lists.

        Raises:
            ProcessError: It takes longer than ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while True:
            calls: list[dict[str, Any]] = self.json("calls", "list")
            done = [one for one in calls if one["ended_at"] and (one["recordings"] or not recorded)]
            if len(done) >= count:
                return calls
            if time.monotonic() > deadline:
                raise ProcessError(f"{len(done)} of {count} calls are complete after {seconds:.0f} s: {calls}")
            time.sleep(_POLL_SECONDS * 5)

    def _command(self, *words: str) -> list[str]:
        return [
            *self.run_as,
            str(Path(sys.executable).with_name("contact-centre")),
            "--config",
            str(self.config),
            *words,
        ]


def _environment() -> dict[str, str]:
    """Our own environment without settings that are meant for another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
