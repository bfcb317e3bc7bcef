"""Child processes that never outlive us: each leads its own process group and dies with the thread that started it."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

TERM_SECONDS: Final = 10.0
"""How long a process may take to end politely."""


class ProcessError(RuntimeError):
    """A process did not do what it was started for; the message says where its log is."""


@dataclass(slots=True)
class Process:
    """One child with its log file."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's."""
        return self.popen.pid

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it started."""
        if self.running:
            os.killpg(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Wait for its end; the exit code.

        Raises:
            ProcessError: it is still running after ``seconds``.
        """
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"{self.name} still runs after {seconds:.0f} s; log: {self.log}") from error

    def stop(self, seconds: float = TERM_SECONDS) -> int:
        """End it: politely, then not. The exit code (negative: the signal that ended it)."""
        self.send(signal.SIGTERM)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once with SIGKILL, as a power cut would."""
        self.send(signal.SIGKILL)
        return self.popen.wait(TERM_SECONDS)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:]) if self.log.exists() else ""


class Processes:
    """The children of one demo or test; leaving the ``with`` block ends them all, the youngest first.

    Start processes from a thread that lives as long as they should: the kernel ends a child with the *thread* that
    made it (``PR_SET_PDEATHSIG``).
    """

    def __init__(self) -> None:
        self._children: list[Process] = []

    def start(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start a command; its output goes to the end of ``log``.

        Raises:
            OSError: ``setpriv`` (util-linux) is missing.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=None if environment is None else dict(environment),
            )
        process = Process(name, popen, log)
        self._children = [child for child in self._children if child.running]
        self._children.append(process)
        return process

    def close(self) -> None:
        """End all children: all are asked at once, then each gets its time."""
        children = list(reversed(self._children))
        for child in children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + TERM_SECONDS
        for child in children:
            try:
                child.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
        self._children.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
