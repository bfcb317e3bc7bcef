"""A process of its own that finalises one call, to be killed or measured.

``python -m tests.unit.recordings.one_run SPOOL STATE SECONDS STEPS [LEG_BEGIN]``: with STEPS above 0 it kills itself
by SIGKILL at that step. Prints its own peak of resident memory and that of its children, in kB.
"""

import resource
import sys
from pathlib import Path

from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.finalise import discard_raw, finalise
from tests.unit.recordings.calls import due, leg
from tests.unit.recordings.mortal import Countdown, MortalEncoder, MortalSpool, MortalStore, kill_myself


def main(spool_folder: str, state: str, seconds: str, steps: str, leg_begin: str = "") -> None:
    countdown = Countdown(int(steps), kill_myself)
    spool = MortalSpool(DirectorySpool(Path(spool_folder)), countdown)
    store = MortalStore(DirectoryStore(Path(state)), countdown)
    length = float(seconds)
    legs = [leg(float(leg_begin), length)] if leg_begin else []
    recording = finalise(due(length, legs=legs), spool, store, MortalEncoder(FfmpegEncoder(), countdown))
    discard_raw(recording, spool, store)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(status["VmHWM"].split()[0], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
