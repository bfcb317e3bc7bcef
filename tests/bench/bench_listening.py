"""What making recordings ready for listening takes, and what recording suffers from it.

Three things are measured: the processor time and memory of making the copy and the outline, for an hour of sound; the
time in which a fixed piece of work at ordinary priority is done (as Asterisk works) while nothing, one ordinary process
for each processor, or the making goes on; and how late a writer of 20 ms frames is (as MixMonitor writes) besides both.
"""

import contextlib
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click
from tabulate import tabulate

from recordings.audio import interleave
from recordings.disk import DirectoryStore
from recordings.encoder import FfmpegEncoder
from recordings.errors import EncoderFailed
from recordings.listening import ListeningCopies
from recordings.model import Recording, Status
from tests import recorded_calls

HOUR_S = 3600
FRAME_S = 0.02
WRITERS = 50
"""As many calls as are recorded at once in the busiest hour."""
WATCHED_S = 8.0
WORK = "import hashlib\nfor _ in range(160): hashlib.sha256(bytes(1 << 20)).digest()"
BUSY = "while True: pass"


def a_recording(state: Path, seconds: int, name: str) -> Recording:
    """A stored recording: the call of the tests, over and over."""
    whole = recorded_calls.SECONDS
    stereo = interleave(*(side.astype("<i2").tobytes() for side in recorded_calls.voices()))
    path = f"recordings/{name}.flac"
    (state / path).parent.mkdir(parents=True, exist_ok=True)
    count = -(-seconds // whole)
    FfmpegEncoder().encode((stereo for _ in range(count)), state / path, {})
    digest = hashlib.sha256((state / path).read_bytes()).hexdigest()
    length = float(count * whole)
    at = datetime.now(UTC)
    return Recording(name, name, path, digest, length, length, 2, 8000, at, (), Status.OK)


@contextmanager
def making(copies: ListeningCopies, recording: Recording) -> Iterator[None]:
    """Meanwhile recordings are made ready, one after the other."""
    over = threading.Event()

    def again() -> None:
        while not over.is_set():
            with contextlib.suppress(EncoderFailed):  # stopped in the middle
                copies.make(recording)

    thread = threading.Thread(target=again)
    thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        over.set()
        copies.stop()
        thread.join()


@contextmanager
def crowded() -> Iterator[None]:
    """Meanwhile every processor has another ordinary process."""
    others = [subprocess.Popen((sys.executable, "-c", BUSY)) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def work_s() -> float:
    """How long ordinary work takes, on every processor at once."""
    began = time.perf_counter()
    children = [subprocess.Popen((sys.executable, "-c", WORK)) for _ in range(os.cpu_count() or 1)]
    for one in children:
        one.wait()
    return time.perf_counter() - began


def lateness(folder: Path) -> list[float]:
    """How late each round of frames was written, in milliseconds."""
    files = [(folder / f"raw-{number}").open("wb", buffering=0) for number in range(2 * WRITERS)]
    late, frame, due = [], bytes(320), time.perf_counter()
    end = due + WATCHED_S
    while due < end:
        due += FRAME_S
        time.sleep(max(0.0, due - time.perf_counter()))
        for file in files:
            file.write(frame)
        late.append(1000 * (time.perf_counter() - due))
    for file in files:
        file.close()
    return late


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        state = Path(name)
        copies = ListeningCopies(state, DirectoryStore(state))
        hour = a_recording(state, HOUR_S, "hour")
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        copies.make(hour)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        share = HOUR_S / hour.duration
        copy = next((state / "listening").rglob("*.ogg")).stat().st_size
        stored = (state / str(hour.path)).stat().st_size
        click.echo(f"an hour of sound: {spent * share:.1f} s of one processor, {wall * share:.1f} s on the clock;")
        click.echo(f"copy {copy * share / 1e6:.1f} MB of {stored * share / 1e6:.1f} MB FLAC")
        rows = []
        meanwhile: dict[str, AbstractContextManager[None]] = {
            "nothing": nullcontext(),
            "making": making(copies, hour),
            "an ordinary process each": crowded(),
        }
        for told, besides in meanwhile.items():
            with besides:
                took = statistics.median(work_s() for _ in range(5))
                late = sorted(lateness(state))
            rows.append((told, took, statistics.median(late), late[int(len(late) * 0.99)], late[-1]))
        head = ("meanwhile", "ordinary work, s", "frames late, ms: median", "p99", "most")
        click.echo(tabulate(rows, head, floatfmt=".2f"))


if __name__ == "__main__":
    main()
