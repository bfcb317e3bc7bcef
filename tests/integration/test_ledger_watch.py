"""A hang-up that AMI tells and the ledger lacks is noticed, recorded, and struck off if it appears after all."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from contact_centre.ledger_watch import LedgerEnds, LedgerWatch
from contact_centre.writer import Writer
from telephony import gaps
from telephony.gaps import LedgerGap
from telephony.links.ami import Gap
from telephony.store import stamp
from telephony.wire.ami import Message
from tests.integration.rig import Place

WITHIN = 0.4
AT = 1795383500.25


class Clock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(AT + 60, UTC)


def end(uniqueid: str, kind: str = "CHAN_END") -> bytes:
    return f'{{"eventtype":"{kind}","eventtime":"x","appdata":"","uniqueid":"{uniqueid}","linkedid":"1"}}\n'.encode()


def hangup(uniqueid: str, timestamp: str = str(AT)) -> Message:
    return Message.of(("Event", "Hangup"), ("Timestamp", timestamp), ("Uniqueid", uniqueid))


@dataclass
class Watched:
    place: Place
    watch: LedgerWatch
    counted: list[int]

    async def gaps(self) -> list[LedgerGap]:
        return list(await self.place.read(gaps.list_gaps))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(8):
            while not holds():  # noqa: ASYNC110 - whatever a test waits for
                await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(place: Place) -> AsyncIterator[Watched]:
    counted: list[int] = []
    writer = Writer(place.settings.database)
    watch = LedgerWatch(place.ledger, writer, Clock(), counted.append, WITHIN)
    running = asyncio.create_task(watch.run())
    try:
        await asyncio.sleep(0.1)
        yield Watched(place, watch, counted)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(writer.close)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place.make(tmp_path_factory.mktemp("watched"))
    made.migrated()
    return made


async def test_what_the_ledger_holds_is_no_gap_whichever_comes_first(place: Place) -> None:
    place.write(end("cc1-1.1"))
    async with watching(place) as one:
        one.watch.hear(hangup("cc1-1.1"))
        one.watch.hear(hangup("cc1-1.2"))
        one.watch.hear(Gap("away"))
        place.write(end("cc1-1.2", "HANGUP"), end("cc1-1.3"))
        await asyncio.sleep(0.7)
        one.watch.hear(hangup("cc1-1.3"))
        await asyncio.sleep(WITHIN + 1.2)
        assert one.watch.finding().ok
        assert await one.gaps() == []
        assert one.counted == []


async def test_what_the_ledger_lacks_is_recorded_alarming_and_listed(place: Place) -> None:
    async with watching(place) as one:
        with capture_logs() as logs:
            one.watch.hear(hangup("cc1-1.1"))
            one.watch.hear(hangup("cc1-1.2"))
            place.write(end("cc1-1.2"))
            await one.until(lambda: not one.watch.finding().ok)
        assert "1 channels" in one.watch.finding().seen
        assert "disk" in (one.watch.finding().remedy or "")
        [gap] = await one.gaps()
        assert gap == LedgerGap("cc1-1.1", datetime.fromtimestamp(AT, UTC), Clock().now(), None)
        assert one.counted == [1]
        assert [log["event"] for log in logs if log["log_level"] == "error"] == ["hang-ups are missing in the ledger"]
        listed = await asyncio.to_thread(place.json, "ledger", "gaps")
        assert [row["uniqueid"] for row in listed] == ["cc1-1.1"]
        assert "cc1-1.1" in (await asyncio.to_thread(place.command, "ledger", "gaps")).stdout
        place.sql("UPDATE ledger_gaps SET hangup_at = ?", stamp(datetime.now(UTC)))
        doctor = await asyncio.to_thread(place.command, "doctor")
        assert "1 hang-ups of the last day are not in the ledger" in doctor.stdout
        place.sql("UPDATE ledger_gaps SET appeared_at = noted_at")
        doctor = await asyncio.to_thread(place.command, "doctor")
        assert "every hang-up told by AMI in the last day is in the ledger" in doctor.stdout


async def test_a_gap_that_fills_late_is_struck_off_also_after_a_restart(place: Place) -> None:
    async with watching(place) as one:
        one.watch.hear(hangup("cc1-1.1", "no time"))
        await one.until(lambda: not one.watch.finding().ok)
        one.watch.hear(hangup("cc1-1.1"))
    async with watching(place) as one:
        await one.until(lambda: not one.watch.finding().ok)
        place.write(end("cc1-1.1"))
        await one.until(lambda: one.watch.finding().ok)
        [gap] = await one.gaps()
        assert gap.appeared_at is not None
        assert one.counted == []


async def test_a_ledger_that_cannot_be_read_is_told(place: Place) -> None:
    place.ledger.mkdir()
    async with watching(place) as one:
        await one.until(lambda: not one.watch.finding().ok)
        assert "directory" in one.watch.finding().seen.lower()
        place.ledger.rmdir()
        await one.until(lambda: one.watch.finding().ok)


async def test_a_disk_that_hangs_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: LedgerEnds) -> set[str]:
        time.sleep(2 * WITHIN)
        return set()

    monkeypatch.setattr(LedgerEnds, "read", hang)
    async with watching(place) as one:
        await one.until(lambda: not one.watch.finding().ok)
        assert "has not answered" in one.watch.finding().seen


def test_rotations_cuts_and_torn_lines_lose_nothing(place: Place) -> None:
    ends = LedgerEnds(place.ledger)
    assert ends.read() == set()
    place.write(end("1"))
    assert ends.read() == {"1"}
    place.write(end("2")[:30])
    assert ends.read() == set()
    place.write(end("2")[30:], end("3"))
    assert ends.read() == {"2", "3"}
    place.write(end("4"))
    place.rotate("1")
    assert ends.read() == {"4"}
    place.write(end("5"))
    assert ends.read() == {"5"}
    place.rotate("2")
    place.write(end("6"))
    assert ends.read() == {"6"}
    place.ledger.write_bytes(end("7"))
    place.write(end("8")[:-1] + end("9"))
    assert ends.read() >= {"8", "9"}
    ends.close()


def test_what_is_older_than_the_start_is_not_read_again(place: Place) -> None:
    place.write(*(end(str(number)) for number in range(2000)))
    ends = LedgerEnds(place.ledger)
    assert "1999" in ends.read()
    assert "0" not in ends._new()
    ends.close()
