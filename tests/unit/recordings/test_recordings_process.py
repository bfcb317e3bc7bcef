"""A whole process: killed by SIGKILL at every step, and measured over a call of three hours."""

import subprocess
import sys
from pathlib import Path

from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.finalise import discard_raw, finalise
from recordings.model import Side
from tests.unit.recordings.calls import CALL, LEG, due, leg
from tests.unit.recordings.rig import noise, silence, tone, write_raw

ROOT = Path(__file__).parents[3]
KILLED = -9
LARGEST_MB = 40
LARGEST_ENCODER_MB = 64


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.unit.recordings.one_run", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_killed_at_any_step_and_started_again_nothing_is_lost_and_all_is_there_once(tmp_path: Path) -> None:
    hashes: set[str] = set()
    statuses: list[int] = []
    while not statuses or statuses[-1] == KILLED:
        spool, state = tmp_path / f"spool{len(statuses)}", tmp_path / f"var{len(statuses)}"
        write_raw(spool, Side.CALLER, tone(440, 3))
        write_raw(spool, Side.OTHER, silence(3))
        write_raw(spool, Side.LEG, noise(2), LEG)
        statuses.append(run(spool, state, 3, len(statuses) + 1, 1).returncode)
        store = DirectoryStore(state)
        assert len(list(store.paths())) + len(DirectorySpool(spool).files()) > 0
        store.sweep()
        recording = finalise(due(3, legs=[leg(1, 3)]), DirectorySpool(spool), store, FfmpegEncoder())
        discard_raw(recording, DirectorySpool(spool), store)
        assert DirectorySpool(spool).files() == []
        (path,) = store.paths()
        assert path == recording.path == f"recordings/2026/11/22/{CALL}.flac"
        hashes.add(store.digest(path).sha256)
    assert len(hashes) == 1
    assert len(statuses) > 15
    assert set(statuses) == {KILLED, 0}


def test_three_hours_take_no_more_memory_than_a_minute(tmp_path: Path) -> None:
    hours, repeated = 3, 60
    spool = tmp_path / "spool"
    for side, samples in ((Side.CALLER, tone(440, repeated)), (Side.LEG, tone(1250, repeated))):
        path = write_raw(spool, side, samples, LEG)
        with path.open("ab") as file:
            for _ in range(hours * 60 - 1):
                file.write(samples.tobytes())
    sparse = write_raw(spool, Side.OTHER, silence(0))
    with sparse.open("r+b") as file:
        file.truncate(hours * 3600 * 16000)
    done = run(spool, tmp_path / "var", hours * 3600, 0, 0)
    assert done.returncode == 0, done.stderr
    own, encoder = (int(peak) / 1024 for peak in done.stdout.split())
    assert own < LARGEST_MB
    assert encoder < LARGEST_ENCODER_MB
