"""Finalising a ten-minute call, against plain ffmpeg on the same samples already interleaved. Goal: at most 1.1.

Finalising is everything: both raw files read, joined, MD5, FLAC by ffmpeg, MD5 compared, fsync, bytes re-read and
hashed, renamed, folders synced, stored bytes compared once more, raw files removed. Plain ffmpeg is what one would
type: the same encoder on one file, with its own defaults. ``ratio_same_options`` compares with the encoder's options
that we use, which are cheaper. CPU seconds are user and system, children included. The
two take turns, so that a busy machine disturbs both alike; the median of the rounds' ratios counts.

    python -m tests.bench.bench_finalise
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recordings.disk import DirectorySpool, DirectoryStore
from recordings.encoder import LOSSLESS, FfmpegEncoder, bundled_ffmpeg
from recordings.finalise import discard_raw, finalise
from recordings.model import Side
from tests.unit.recordings.calls import LEG, RATE, due
from tests.unit.recordings.rig import Samples, write_raw

MINUTES = 10
ROUNDS = 9
GOAL = 1.1
GOAL_MB = 40
MEMORY_HOURS = 3


def speech(seconds: float, seed: int) -> Samples:
    """Noise of a voice's band in syllables and pauses: as hard to compress as talk on a line."""
    chance = np.random.default_rng(seed)
    count = round(seconds * RATE)
    white = chance.standard_normal(count + 8)
    voice = np.convolve(white, [1, 2, 3, 4, 4, 3, 2, 1], "same")[:count]
    syllables = np.repeat(chance.random(count // 800 + 1) * (chance.random(count // 800 + 1) > 0.4), 800)[:count]
    line = chance.standard_normal(count) * 8
    return np.asarray(np.clip(voice * syllables * 900 + line, -32000, 32000), dtype="<i2")


def cpu() -> float:
    """CPU seconds of this process and its ended children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def spent(work: Callable[..., object], *arguments: object) -> float:
    before = cpu()
    work(*arguments)
    return cpu() - before


def rounds(folder: Path) -> list[tuple[float, float, float]]:
    """CPU seconds of finalising, of plain ffmpeg, and of ffmpeg with our options, round by round."""
    left, right = speech(MINUTES * 60, 1), speech(MINUTES * 60, 2)
    stereo = folder / "stereo.raw"
    stereo.write_bytes(np.stack([left, right], axis=1).tobytes())
    call = due(MINUTES * 60)
    spool, encoder = DirectorySpool(folder / "spool"), FfmpegEncoder()

    def ours(store: DirectoryStore) -> None:
        discard_raw(finalise(call, spool, store, encoder), spool, store)

    def plain(target: Path, *options: str) -> None:
        command = [bundled_ffmpeg(), "-v", "error", "-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", str(stereo)]
        subprocess.run([*command, *options, str(target)], check=True)

    found = []
    for number in range(ROUNDS + 1):
        write_raw(folder / "spool", Side.CALLER, left)
        write_raw(folder / "spool", Side.OTHER, right)
        measured = (
            spent(ours, DirectoryStore(folder / f"var{number}")),
            spent(plain, folder / f"{number}.flac"),
            spent(plain, folder / f"{number}-same.flac", *LOSSLESS),
        )
        if number:  # the first round warms the caches
            found.append(measured)
    return found


def memory(folder: Path) -> tuple[float, float]:
    """Peak MB of a process that finalises three hours with a silent specialist, and of its ffmpeg."""
    spool, minute = folder / "long", speech(60, 3).tobytes()
    for side in (Side.CALLER, Side.OTHER, Side.LEG):
        path = write_raw(spool, side, np.zeros(0, "<i2"), LEG)
        with path.open("wb") as file:
            if side is Side.OTHER:
                file.truncate(MEMORY_HOURS * 60 * len(minute))
            else:
                for _ in range(MEMORY_HOURS * 60):
                    file.write(minute)
    command = [sys.executable, "-m", "tests.unit.recordings.one_run", str(spool), str(folder / "long-var")]
    done = subprocess.run([*command, str(MEMORY_HOURS * 3600), "0", "0"], check=True, capture_output=True, text=True)
    own, encoder = (int(peak) / 1024 for peak in done.stdout.split())
    return own, encoder


def run() -> dict[str, object]:
    """Measure; the figures by name."""
    with tempfile.TemporaryDirectory() as name:
        found = rounds(Path(name))
        own, encoder = memory(Path(name))
    return {
        "name": "finalise a ten-minute call, CPU against plain ffmpeg",
        "ours_cpu_s": round(statistics.median(ours for ours, _, _ in found), 3),
        "plain_cpu_s": round(statistics.median(plain for _, plain, _ in found), 3),
        "ratio": round(statistics.median(ours / plain for ours, plain, _ in found), 3),
        "ratios": [round(ours / plain, 3) for ours, plain, _ in found],
        "ratio_same_options": round(statistics.median(ours / same for ours, _, same in found), 3),
        "goal": f"at most {GOAL}",
        "peak_mb_three_hours": round(own, 1),
        "peak_mb_ffmpeg": round(encoder, 1),
        "goal_mb": f"under {GOAL_MB}",
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))  # noqa: T201
