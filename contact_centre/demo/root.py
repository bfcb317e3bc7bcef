"""Where Asterisk, SIPp and espeak-ng run: the system's own, or a private root made by ``provide-asterisk``."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
        mounts = f"mount --bind {shlex.quote(str(folder))} {shlex.quote(str(target))}"
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


def provide(log: Path | None = None) -> Place:
    """Find or make an Asterisk with ``asterisk-config/provide-asterisk``; the first time takes about a minute.

    Progress goes to ``log``, or to our own standard error.

    Raises:
        RootError: neither is possible here; the message is the script's own.
    """
    script = CONFIG_SOURCE / "provide-asterisk"
    error_output = None if log is None else log.open("ab")
    try:
        result = subprocess.run(
            [str(script)], stdout=subprocess.PIPE, stderr=error_output, timeout=_SETUP_SECONDS, check=False
        )
    finally:
        if error_output is not None:
            error_output.close()
    answer = result.stdout.decode().strip()
    if result.returncode != 0 or not answer:
        said = f"see {log}" if log else "its message is above"
        raise RootError(f"no Asterisk could be provided ({said})")
    root = None if answer == "/" else Path(answer)
    if root is not None:
        (root / INSIDE.relative_to("/")).mkdir(exist_ok=True)
    return Place(root)
