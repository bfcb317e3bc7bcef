"""A full disk is said loudly while it lasts; calls go on; afterwards nothing more is lost than the disk refused."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit

SMALL_MB = 4
SETTINGS = "[health]\nmin_free_mb = 1\n"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of ``SMALL_MB`` in the place of a folder."""
    mode = f"{folder.stat().st_mode & 0o7777:o}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m,mode={mode}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave not a byte free."""
    file = folder / "filler"
    with file.open("wb", buffering=0) as target:
        for size in (1 << 16, 4096, 512, 1):
            try:
                while True:
                    target.write(b"\0" * size)
            except OSError:
                continue
    return file


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Callable[[str], City]]:
    with ExitStack() as stack:

        def make(name: str) -> City:
            built = stack.enter_context(City.build(brief_kit(), tmp_path, settings=SETTINGS))
            folder = {"ledger": built.asterisk.ledger.parent, "audio": built.asterisk.audio}[name]
            stack.enter_context(small_disk(folder))
            stack.push(built)  # the processes end before the disk goes
            built.start()
            built.hire("olena", "Олена Ткачук", talk=2.0)
            return built

        yield make


def probe(city: City, name: str) -> bool:
    ok: bool = city.service.healthz()["probes"][name]["ok"]
    return ok


def test_a_full_ledger_disk_is_said_and_the_first_good_fact_after_it_is_kept(city: Callable[[str], City]) -> None:
    town = city("ledger")
    town.telephones.citizen("588888", "0501110001").succeed()
    town.service.wait_for_calls(1)
    filler = fill(town.asterisk.ledger.parent)

    town.telephones.citizen("588888", "0501110002").succeed()

    assert not probe(town, "ledger_disk")
    doctor = town.service.command("doctor", check=False)
    assert doctor.returncode == 1
    assert "WRONG  ledger_disk" in doctor.stdout
    assert 'contact_centre_probe_ok{probe="ledger_disk"} 0.0' in town.service.metrics()

    filler.unlink()
    assert not town.asterisk.ledger.read_bytes().endswith(b"\n"), "the test wants a torn line"
    town.telephones.citizen("588888", "0501110003").succeed()
    wait_until(lambda: any(one["caller_number"] == "+380501110003" for one in town.service.json("calls", "list")))
    calls = {one["caller_number"]: one for one in town.service.wait_for_calls(2)}

    assert probe(town, "ledger_disk")
    assert calls["+380501110003"]["queue_outcome"] == "answered"
    assert calls["+380501110003"]["anomalies"] == []
    assert len(calls["+380501110003"]["appeal_ids"]) == 1
    assert len(town.service.json("ledger", "quarantine")) == 1


def test_a_full_recordings_disk_stops_no_call_and_is_said(city: Callable[[str], City]) -> None:
    town = city("audio")
    filler = fill(town.asterisk.audio)

    town.telephones.citizen("588888", "0501110001").succeed()

    assert not probe(town, "audio_disk")
    [call] = town.service.wait_for_calls(1)
    assert call["queue_outcome"] == "answered"
    assert town.service.json("recordings", "show", call["recordings"][0])["status"] in {"missing", "empty"}

    filler.unlink()
    town.telephones.citizen("588888", "0501110002").succeed()
    calls = town.service.wait_for_calls(2)
    assert probe(town, "audio_disk")
    assert town.service.json("recordings", "show", calls[1]["recordings"][0])["status"] == "ok"


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
