"""The live board: every page gets the same changes, misses none, and one that does not read disturbs nobody."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from contact_centre.console.shift import hub as hubs
from contact_centre.console.shift.hub import Hub, Listener
from contact_centre.live_feed import LiveFeed
from telephony.live import Snapshot
from telephony.wire.ami import Message
from tests.integration.console_rig import Console, browser, console

AT = datetime.fromtimestamp(1795383500, UTC)


def member(login: str, status: str = "1", event: str = "QueueMemberStatus") -> Message:
    interface = f"PJSIP/operator-{login}"
    return Message.of(
        ("Event", event),
        ("Queue", "contact-centre"),
        ("Interface", interface),
        ("Location", interface),
        ("Status", status),
    )


HOSTILE = "<script>alert(1)</script>"


def channel(name: str, uniqueid: str, linkedid: str = "cc1-1.1", event: str = "Newchannel") -> Message:
    return Message.of(
        ("Event", event),
        ("Channel", name),
        ("Uniqueid", uniqueid),
        ("Linkedid", linkedid),
        ("Context", "from-trunk"),
        ("Exten", "1580"),
        ("AccountCode", ""),
        ("CallerIDNum", "+380501112233"),
        ("CallerIDName", HOSTILE),
    )


def hung_up(uniqueid: str) -> Message:
    return Message.of(("Event", "Hangup"), ("Uniqueid", uniqueid))


RINGS = (
    channel("PJSIP/trunk-primary-00000001", "cc1-1.1"),
    channel("PJSIP/operator-operator-00000002", "cc1-1.2"),
    member("operator", "6"),
)
"""A citizen's call comes to the telephone of an operator."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.everybody()
        yield one


@pytest.fixture
async def feed(site: Console) -> AsyncIterator[LiveFeed]:
    """The live view that the pages show, as it goes on."""
    live = site.shell._console.live
    running = asyncio.create_task(live.run())
    await asyncio.sleep(0)
    yield live._feed
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def event(answer: ClientResponse, name: str = "board") -> tuple[str, dict[str, Any]]:
    """The next event of this name in a stream: its id and its data."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(5):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if not line and fields.get("event") == name:
                return fields["id"], json.loads(fields["data"])
            if not line:
                fields.clear()
            field, _, value = line.partition(": ")
            if value:
                fields[field] = value


async def test_a_page_gets_everything_and_then_each_change(site: Console, feed: LiveFeed) -> None:
    feed.hear(Snapshot(AT, (member("olena", event="QueueMember"),), ()))
    async with browser(site) as one:
        await one.sign_in("supervisor")
        page = await (await one.get("/board")).text()
        assert 'data-live="/console/live"' in page
        answer = await one.get("/live")
        assert answer.content_type == "text/event-stream"
        _, first = await event(answer)
        assert (first["up"], first["fresh"], [row[:2] for row in first["rows"]]) == (
            True,
            True,
            [["operators", "olena"]],
        )
        assert first["rows"][0][2]["state"] == "free"
        feed.hear(member("olena", "6"))
        _, second = await event(answer)
        assert (second["fresh"], second["rows"][0][2]["state"]) == (False, "ringing")
        feed.hear(member("olena", event="QueueMemberRemoved"))
        _, third = await event(answer)
        assert third["rows"] == [["operators", "olena", None]]
        answer.close()


async def test_who_comes_back_gets_what_was_missed_and_who_was_away_too_long_everything(
    site: Console, feed: LiveFeed
) -> None:
    feed.hear(Snapshot(AT, (member("olena", event="QueueMember"),), ()))
    live = site.shell._console.live
    async with browser(site) as one:
        await one.sign_in("operator")
        answer = await one.get("/live")
        last, _ = await event(answer)
        answer.close()
        for status in ("6", "2"):
            feed.hear(member("olena", status))
            await asyncio.sleep(0.01)
        again = await one.get("/live", **{"Last-Event-ID": last})
        missed = [await event(again), await event(again)]
        assert [data["rows"][0][2]["state"] for _, data in missed] == ["ringing", "talking"]
        assert not any(data["fresh"] for _, data in missed)
        again.close()
        for unknown in ("", "x", f"{last.partition('-')[0]}-999999", f"{last.partition('-')[0]}-9{'0' * 4000}"):
            anew = await one.get("/live", **{"Last-Event-ID": unknown})
            assert (await event(anew))[1]["fresh"]
            anew.close()
        live._kept.clear()
        anew = await one.get("/live", **{"Last-Event-ID": last})
        assert (await event(anew))[1]["fresh"]
        anew.close()


async def test_what_is_an_operator_s_own_reaches_their_pages_alone(site: Console, feed: LiveFeed) -> None:
    about: dict[str, str] = {}

    async def appeal_of(call_id: str) -> str | None:
        return about.get(call_id)

    live = site.shell._console.live
    live._appeal_of = appeal_of
    feed.hear(Snapshot(AT, (member("operator", event="QueueMember"), member("supervisor", event="QueueMember")), ()))
    async with browser(site) as one, browser(site) as two:
        await one.sign_in("operator")
        await two.sign_in("supervisor")
        mine, theirs = await one.get("/live"), await two.get("/live")
        _, own = await event(mine, "desk")
        assert (own["operator"]["login"], own["call"], own["call_id"], own["appeal_id"]) == (
            "operator",
            None,
            None,
            None,
        )
        assert (await event(theirs, "desk"))[1]["operator"]["login"] == "supervisor"
        for one_told in RINGS:
            feed.hear(one_told)
            await asyncio.sleep(0)
        last, own = await event(mine, "desk")
        while own["operator"]["state"] != "ringing":
            last, own = await event(mine, "desk")
        assert (own["call"]["number"], own["call"]["name"], own["call_id"]) == ("+380 50 111 22 33", HOSTILE, "cc1-1.1")
        about["cc1-1.1"] = "appeal"
        live.recorded(["cc1-1.1", "another"])
        told, own = await event(mine, "desk")
        assert own["appeal_id"] == "appeal"
        mine.close()
        again = await one.get("/live", **{"Last-Event-ID": last})
        assert await event(again, "desk") == (told, own)
        feed.hear(member("operator", "2"))
        while own["operator"]["state"] != "talking":
            _, own = await event(again, "desk")
        feed.hear(hung_up("cc1-1.2"))
        feed.hear(member("operator"))
        feed.hear(hung_up("cc1-1.1"))
        while own["call"] is not None or own["operator"]["state"] != "free":
            _, own = await event(again, "desk")
        assert (own["call_id"], own["appeal_id"]) == ("cc1-1.1", "appeal")
        again.close()
        feed.hear(member("supervisor", "2"))
        _, other = await event(theirs, "desk")
        assert (other["operator"]["state"], other["call_id"]) == ("talking", None), "nothing of the other came before"
        theirs.close()


class Deaf(asyncio.Transport):
    """A page that does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0
        self.aborted = False

    def write(self, data: Any) -> None:  # noqa: ANN401 - bytes-like
        self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


async def test_a_page_that_does_not_read_is_cut_off_and_the_others_hear_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "STALLED", 2000)
    monkeypatch.setattr(hubs, "GATHER_S", 0)
    feed = LiveFeed()
    hub = Hub(feed, lambda: AT)
    deaf, other = Listener(Deaf()), Listener(Deaf())
    hub._listeners = {deaf: None, other: None}
    running = asyncio.create_task(hub.run())
    for turn in range(100):
        feed.hear(member("olena", "126"[turn % 3]))
        await asyncio.sleep(0)
        assert isinstance(other.transport, Deaf)
        other.transport.waiting = 0
    running.cancel()
    assert isinstance(deaf.transport, Deaf)
    assert deaf.transport.aborted
    assert deaf.transport.waiting < 5000
    assert list(hub._listeners) == [other]


async def test_what_comes_within_moments_is_written_together_and_whoever_comes_between_gets_none_of_it_twice(
    site: Console, feed: LiveFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "GATHER_S", 0.5)
    written: list[bytes] = []
    write = Listener.write

    def noted(self: Listener, wire: bytes) -> bool:
        written.append(wire)
        return write(self, wire)

    monkeypatch.setattr(Listener, "write", noted)
    async with browser(site) as one, browser(site) as late:
        await one.sign_in("operator")
        await late.sign_in("supervisor")
        answer = await one.get("/live")
        await event(answer)
        written.clear()
        for status in ("1", "6", "2", "1"):
            feed.hear(member("olena", status))
            await asyncio.sleep(0.01)
        assert len([wire for wire in written if b"olena" in wire]) == 1, "the first at once, the others not yet"
        later = await late.get("/live")
        assert [row[2]["state"] for row in (await event(later))[1]["rows"]] == ["free"]
        await asyncio.sleep(0.6)
        feed.hear(member("olena", "6"))
        states = [(await event(answer))[1]["rows"][0][2]["state"] for _ in range(5)]
        assert states == ["free", "ringing", "talking", "free", "ringing"]
        assert [row[2]["state"] for row in (await event(later))[1]["rows"]] == ["ringing"]
        answer.close()
        later.close()


async def test_a_stream_ends_with_the_service_and_by_itself(
    site: Console, feed: LiveFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = site.shell._console.live
    async with browser(site) as one:
        await one.sign_in("operator")
        answer = await one.get("/live")
        await event(answer)
        assert live.listeners == 1
        live.close()
        async with asyncio.timeout(5):
            await answer.content.read()
        monkeypatch.setattr(hubs, "LIFE_S", 0.05)
        short = await one.get("/live")
        async with asyncio.timeout(5):
            await short.content.read()
        assert live.listeners == 0
    assert not feed.up


async def test_names_of_any_kind_are_only_text_in_a_frame() -> None:
    told = hubs.frame("board", {"name": "<script>\n\ndata: x\r\n</script>", "at": AT}, "1").decode()
    assert told.count("\n") == 4
    assert json.loads(told.splitlines()[2].removeprefix("data: ")) == {
        "name": "<script>\n\ndata: x\r\n</script>",
        "at": 1795383500000,
    }
