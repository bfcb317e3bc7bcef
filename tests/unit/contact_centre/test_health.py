"""Health: honest about disks that are full, missing or hanging, and never slow to say so."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from contact_centre import health, probes
from contact_centre.health import Health, Metrics
from contact_centre.probes import DiskProbe, Finding

GOOD = Finding("disk", ok=True, seen="room enough")
FULL = Finding("disk", ok=False, seen="the disk is full", remedy="free space")


class Disks:
    """Disks that answer what, and as slowly as, a test says; counts how often they are asked."""

    def __init__(self) -> None:
        self.finding = GOOD
        self.asked = 0
        self.answer = threading.Event()
        self.answer.set()

    def __call__(self) -> list[Finding]:
        self.asked += 1
        self.answer.wait(10)
        return [self.finding]


class Site:
    """The web application with its disks and loops."""

    def __init__(self) -> None:
        self.disks = Disks()
        self.loops = [Finding("ingest", ok=True, seen="0 bytes behind")]
        self.metrics = Metrics()
        self.health = Health(lambda: self.loops, self.disks, self.metrics)


Client = TestClient[Request, Application]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[Client]:
    async with TestClient(TestServer(health.application(site.health))) as client:
        yield client


async def test_healthz_is_200_when_all_is_well_and_503_with_the_remedy_when_not(site: Site, client: Client) -> None:
    answer = await client.get("/healthz")
    assert (answer.status, await answer.json()) == (
        200,
        {
            "ok": True,
            "probes": {
                "disk": {"ok": True, "seen": "room enough", "remedy": None},
                "ingest": {"ok": True, "seen": "0 bytes behind", "remedy": None},
            },
        },
    )
    site.loops = [Finding("ingest", ok=False, seen="database is locked", remedy="nothing is lost")]
    answer = await client.get("/healthz")
    body = await answer.json()
    assert (answer.status, body["ok"]) == (503, False)
    assert body["probes"]["ingest"] == {"ok": False, "seen": "database is locked", "remedy": "nothing is lost"}


async def test_disks_are_asked_once_a_second_however_many_ask(site: Site, client: Client) -> None:
    await asyncio.gather(*(client.get(path) for path in ("/healthz", "/metrics") * 50))
    assert site.disks.asked == 1
    site.disks.finding = FULL
    assert (await client.get("/healthz")).status == 200
    await asyncio.sleep(health.FRESH_S + 0.05)
    assert (await client.get("/healthz")).status == 503
    assert site.disks.asked == 2


async def test_a_hanging_disk_delays_no_answer_and_is_not_asked_again(site: Site, client: Client) -> None:
    await client.get("/healthz")
    site.disks.answer.clear()
    await asyncio.sleep(health.FRESH_S + 0.05)
    began = time.monotonic()
    await asyncio.gather(*(client.get("/healthz") for _ in range(20)))
    assert time.monotonic() - began < health.ANSWER_WITHIN_S + 0.5
    assert site.disks.asked == 2
    site.disks.answer.set()


async def test_a_probe_that_fails_by_itself_does_not_end_the_watch(site: Site, client: Client) -> None:
    def broken() -> list[Finding]:
        raise ValueError("a fault of ours")

    site.health = Health(lambda: site.loops, broken, site.metrics)
    found = await site.health.findings()
    assert [one.ok for one in found if one.probe == "disks"] == [False]
    assert (await client.get("/healthz")).status == 200


async def test_metrics_say_which_probe_is_not_well(site: Site, client: Client) -> None:
    site.disks.finding = FULL
    text = await (await client.get("/metrics")).text()
    assert 'contact_centre_probe_ok{probe="disk"} 0.0' in text
    assert 'contact_centre_probe_ok{probe="ingest"} 1.0' in text
    for name in ("facts", "quarantined_lines", "calls", "drafts", "recordings"):
        assert f"# TYPE contact_centre_{name}_total counter" in text
    for name in ("ledger_lag_bytes", "jobs_waiting", "jobs_failing"):
        assert f"# TYPE contact_centre_{name} gauge" in text
    assert "# TYPE contact_centre_bridge_to_draft_seconds histogram" in text


def test_a_disk_that_hangs_is_said_in_time_and_asked_again_only_when_it_has_answered(tmp_path: Path) -> None:
    goes_on = threading.Event()
    asked: list[Path] = []

    def hang(folder: Path) -> None:
        asked.append(folder)
        goes_on.wait(10)

    hanging = DiskProbe("slow_disk", tmp_path, 1, "wait", write=hang)
    good = DiskProbe("good_disk", tmp_path, 1, "wait")
    began = time.monotonic()
    for _ in range(3):
        slow, fine = probes.ask_disks([hanging, good], within_s=0.1)
        assert (slow.ok, fine.ok) == (False, True)
        assert "the disk has not answered for 0 s" in slow.seen
    assert time.monotonic() - began < 1
    assert asked == [tmp_path]
    goes_on.set()
    assert [one.ok for one in probes.ask_disks([hanging, good])] == [True, True]


@pytest.mark.parametrize(
    ("folder", "least", "seen", "remedy"),
    [
        ("missing", 1, "missing does not exist", "create "),
        (".", 1 << 40, " MB free", "wait"),
        ("file", 1, "file does not exist", "create "),
    ],
)
def test_a_disk_in_trouble_is_described_with_its_remedy(
    tmp_path: Path, folder: str, least: int, seen: str, remedy: str
) -> None:
    (tmp_path / "file").touch()
    [found] = probes.ask_disks([DiskProbe("disk", tmp_path / folder, least, "wait")])
    assert not found.ok
    assert seen in found.seen
    assert (found.remedy or "").startswith(remedy)


def test_a_folder_of_ours_that_is_not_made_yet_is_judged_by_the_disk_around_it(tmp_path: Path) -> None:
    [found] = probes.ask_disks([DiskProbe("state", tmp_path / "a" / "b", 1, "wait", made_by_us=True)])
    assert (found.ok, found.seen.partition(":")[0]) == (True, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
