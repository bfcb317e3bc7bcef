"""Where Asterisk, SIPp and espeak-ng run: the system's own, or a private root made by ``provide-asterisk``."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telephony.prompts import build

CONFIG_SOURCE: Final = Path(__file__).resolve().parents[2] / "asterisk-config"
"""The folder asterisk-config of this tree."""

INSIDE: Final = Path("/contact-centre")
"""Where an instance's folder appears inside the private root."""

_MODULES: Final = ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules")
_OPEN_FILES: Final = 65536
_SETUP_SECONDS: Final = 600.0


class RootError(RuntimeError):
    """There is no usable Asterisk; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file system in which programs run: the host's (``root`` is None) or a private root."""

    root: Path | None

    def seen(self, folder: Path) -> Path:
        """What an instance's folder is called inside."""
        return folder if self.root is None else INSIDE

    def command(self, folder: Path, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` inside, with ``folder`` at its place, umask 0007 and many open files.

        The mount lives in a name space of its own, so that nothing remains of it when the process ends.
        """
        limits = f"umask 0007; ulimit -n {_OPEN_FILES} 2>/dev/null || ulimit -n $(ulimit -Hn)"
        if self.root is None:
            return ["sh", "-c", f'{limits}; exec "$@"', "sh", *argv]
        target = self.root / INSIDE.relative_to("/")
        mounts = f"mount --rbind {shlex.quote(str(folder))} {shlex.quote(str(target))}"
        script = f'{limits}; {mounts} && exec chroot {shlex.quote(str(self.root))} "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *argv]

    def bare_command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` inside without any instance's folder."""
        return list(argv) if self.root is None else ["chroot", str(self.root), *argv]

    def modules(self) -> Path:
        """Asterisk's module folder, as seen inside.

        Raises:
            RootError: there is none.
        """
        base = self.root or Path("/")
        for pattern in _MODULES:
            for found in sorted(base.glob(pattern)):
                return Path("/") / found.relative_to(base)
        raise RootError(f"no Asterisk modules under {base}")


@dataclass(frozen=True, slots=True)
class Kit:
    """What a city in a box is made of: where Asterisk runs, where SIPp and espeak-ng run, and the built sounds."""

    asterisk: Place
    tools: Place
    sounds: Path

    @classmethod
    def provide(cls, log: Path | None = None) -> "Kit":
        """Find or make all of it; the first time takes about a minute, later ones a fraction of a second.

        Progress goes to ``log``, or to our own standard error.

        Raises:
            RootError: it is not possible here; the message is for the person in front of the screen.
            telephony.prompts.PromptError: espeak-ng does not speak.
        """
        asterisk = _provide([], log)
        tools = _provide(["--tools"], log)
        speaker = tools.bare_command(["espeak-ng"])
        return cls(asterisk, tools, build(CONFIG_SOURCE, cache_folder(), speaker))


def cache_folder() -> Path:
    """The user's cache folder, as ``provide-asterisk`` finds it."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "contact-centre"


def _provide(arguments: Sequence[str], log: Path | None) -> Place:
    with contextlib.ExitStack() as stack:
        errors = None if log is None else stack.enter_context(log.open("ab"))
        result = subprocess.run(
            [str(CONFIG_SOURCE / "provide-asterisk"), *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=_SETUP_SECONDS,
            check=False,
        )
    answer = result.stdout.decode().strip()
    if result.returncode != 0 or not answer:
        raise RootError(f"no Asterisk could be provided ({f'see {log}' if log else 'the message is above'})")
    return Place(None if answer == "/" else Path(answer))
