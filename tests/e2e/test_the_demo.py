"""``make demo`` as a newcomer runs it, and as somebody interrupts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STORY = [sys.executable, "-m", "contact_centre.demo.story"]


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that have to do with a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in words and int(process.name) != os.getpid():
            found.append(words)
    return found


@pytest.mark.timeout(400)
def test_the_demo_tells_of_every_call_and_leaves_nothing_running(tmp_path: Path) -> None:
    told = subprocess.run([*STORY, "--folder", str(tmp_path)], capture_output=True, text=True, timeout=360, check=False)

    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stderr == ""
    assert "5 of 5 calls arrived; each with recording and draft." in told.stdout
    assert "appeal № 20" in told.stdout
    assert "is closed, resolved" in told.stdout
    for said in ("15-80", "588-888", "Жанна Їжак", "waited", "talked", "recording ok", "draft appeal"):
        assert said in told.stdout
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_demo_takes_everything_with_it(tmp_path: Path, how: signal.Signals) -> None:
    with (tmp_path / "told").open("w") as told:
        demo = subprocess.Popen([*STORY, "--folder", str(tmp_path / "demo")], stdout=told, stderr=told)
    try:
        deadline = time.monotonic() + 60
        while "signed in to the queue" not in (tmp_path / "told").read_text():
            assert demo.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert len(processes_of(tmp_path)) > 2
        demo.send_signal(how)
    except AssertionError:
        demo.kill()
        raise

    assert demo.wait(30) == (-signal.SIGKILL if how is signal.SIGKILL else 130)
    deadline = time.monotonic() + 10
    while processes_of(tmp_path):
        assert time.monotonic() < deadline, processes_of(tmp_path)
        time.sleep(0.1)
