"""Commands of the program, each in a process of its own, forked from one that has read the program already.

Reading it takes a second, what most commands then do a tenth of that; a demo and its tests give hundreds.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contact_centre import cli
from contact_centre.config import PREFIX

_RARE: Final = frozenset({"service"})
"""What has half of the program to read and is seldom asked for; read when it is."""

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([f"{cli.__name__}.{module}" for module in sorted({*cli.COMMANDS.values()} - _RARE)])


def run(words: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run ``contact-centre`` with these words, without settings of our own environment: another installation's.

    Raises:
        subprocess.TimeoutExpired: It takes longer than ``seconds``, and was ended.
    """
    with tempfile.TemporaryDirectory() as folder:
        told, errors = Path(folder, "told"), Path(folder, "errors")
        process = _FORKS.Process(target=_obey, args=(tuple(words), told, errors))
        process.start()
        process.join(seconds)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(words), seconds)
        return subprocess.CompletedProcess(list(words), code, told.read_text("utf-8"), errors.read_text("utf-8"))


def _obey(words: Sequence[str], told: Path, errors: Path) -> None:
    for stream, path in ((sys.stdout, told), (sys.stderr, errors)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    cli.cli.main(list(words), "contact-centre")
