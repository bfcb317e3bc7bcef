"""The live state of a link beside a test, and Asterisk's own view through an independent client (pyst2)."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar

from asterisk.manager import Event, Manager, ManagerException

from contact_centre.demo.asterisk import Asterisk
from contact_centre.live_feed import LiveFeed
from telephony.links.ami import AmiLink, Item, Status
from telephony.live import Stage
from telephony.provision import CLI_USER, ami_secret
from telephony.wire.ami import Message

T = TypeVar("T")

ANSWER_S: Final = 5.0
DEVICE: Final = {"1": "free", "2": "talking", "3": "talking", "6": "ringing", "7": "talking", "8": "talking"}


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class View:
    """What both must say: who waits in which order, each operator's state, each citizen and with whom."""

    waiting: tuple[str, ...]
    operators: tuple[tuple[str, str], ...]
    calls: tuple[tuple[str, tuple[str, ...]], ...]


class Follower:
    """An AMI link with a live feed in a thread of its own, as in the service."""

    def __init__(self, asterisk: Asterisk) -> None:
        self._asterisk = asterisk
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.heard: list[str] = []
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def begin(self) -> None:
        """Start with nothing, as a service does."""

        async def make() -> None:
            self.feed = LiveFeed()
            secret = ami_secret(self._asterisk.host.etc)
            self.link = AmiLink("127.0.0.1", self._asterisk.settings.ports.ami, lambda: secret, Clock())
            self.link.listen(self.feed.hear)
            self.link.listen(self._note)
            self._task = asyncio.create_task(self.link.run())

        self.run(make())

    def end(self) -> None:
        """Stop."""

        async def stop() -> None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

        self.run(stop())

    def cut(self) -> None:
        """The connection breaks."""

        async def abort() -> None:
            if self.link._session is not None:
                self.link._session.protocol._transport.abort()

        self.run(abort())

    @property
    def status(self) -> Status:
        return self.link.status

    def view(self) -> View | None:
        """What it shows now; None while it says that this is not up to date."""

        async def look() -> View | None:
            state = self.feed.state
            if not self.feed.up:
                return None
            return View(
                tuple(one.call_id for one in state.waiting()),
                tuple((one.login, one.state.value) for one in state.operators()),
                tuple(
                    sorted((one.call_id, one.parties if one.stage is Stage.TALKING else ()) for one in state.calls())
                ),
            )

        return self.run(look())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def _note(self, item: Item) -> None:
        if isinstance(item, Message) and item.event == "Hangup":
            self.heard.append(item.get("Uniqueid"))


def asterisks_own(asterisk: Asterisk) -> View:
    """QueueStatus and CoreShowChannels through pyst2, put together here without any code of the service."""
    told: queue.Queue[dict[str, str]] = queue.Queue()

    def note(event: Event, _: Manager) -> None:
        told.put({"Event": event.name, **event.headers})

    manager = Manager()
    manager.connect("127.0.0.1", asterisk.settings.ports.ami)
    try:
        manager.login(CLI_USER, ami_secret(asterisk.host.etc, CLI_USER))
        manager.register_event("*", note)
        rows = _rows(manager.send_action({"Action": "QueueStatus"}).response)
        manager.send_action({"Action": "CoreShowChannels"})
        while (row := told.get(timeout=ANSWER_S))["Event"] != "CoreShowChannelsComplete":
            rows.append(row)
    finally:
        with suppress(ValueError, ManagerException):  # its two threads race for the closed socket
            manager.close()
    entries = [row for row in rows if row["Event"] == "QueueEntry"]
    channels = [row for row in rows if row["Event"] == "CoreShowChannel"]
    members = [row for row in rows if row["Event"] == "QueueMember"]
    calls = []
    for one in channels:
        if one["Channel"].startswith("PJSIP/trunk-"):
            names = [row["Channel"] for row in channels if one["BridgeId"] and row["BridgeId"] == one["BridgeId"]]
            ends = [name.removeprefix("PJSIP/")[:-9].partition("-") for name in names if name.startswith("PJSIP/")]
            calls.append((one["Uniqueid"], tuple(sorted(who for kind, _, who in ends if kind != "trunk"))))
    return View(
        tuple(one["Uniqueid"] for one in sorted(entries, key=lambda row: int(row["Position"]))),
        tuple(sorted((one["Location"].partition("-")[2], _state(one)) for one in members)),
        tuple(sorted(calls)),
    )


def _rows(lines: list[str]) -> list[dict[str, str]]:
    """pyst2 takes the whole list of QueueStatus for one answer, as it does with Status."""
    blocks = "".join(lines).split("\r\n\r\n")
    pairs = [[line.partition(": ") for line in block.splitlines()] for block in blocks]
    return [row for block in pairs if "Event" in (row := {key: value for key, _, value in block})]


def _state(member: dict[str, str]) -> str:
    state = DEVICE.get(member["Status"], "offline")
    if state != "free" or member["Paused"] == "0":
        return state
    return "wrap_up" if member["PausedReason"] == "wrapup" else "paused"


def agree(follower: Follower, asterisk: Asterisk, seconds: float = 2.0) -> float:
    """Wait until both say the same, at most so long; how long it took.

    Asterisk's view is asked between two looks at ours that are the same: what changed meanwhile says nothing.
    """
    began = time.monotonic()
    while True:
        before = follower.view()
        own = asterisks_own(asterisk)
        took = time.monotonic() - began
        if before == own:
            return took
        assert took < seconds, f"after {took:.1f} s\nours {before}\nAsterisk's {own}"
        time.sleep(0.05)


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began
