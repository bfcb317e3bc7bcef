"""An AMI server on a real socket that says what a test tells it to: Asterisk's side of a session, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from telephony.links.ami import WRAP_UP_SECONDS, AmiLink, Item, Timing
from telephony.wire.ami import Message

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED = b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n"
SECRET = "secret"  # noqa: S105 - of a test
QUICK = Timing(
    connect=1.0, answer=0.4, ping_every=0.2, boot=1.0, first_retry=0.02, last_retry=0.1, refused_retry=0.3,
    heartbeat_every=0.2,
)  # fmt: skip


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def citizen(uniqueid: str = "cc1-1795383430.11", number: str = "0501234567") -> str:
    return (
        f"Channel: PJSIP/trunk-primary-00000001\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n"
        f"CallerIDNum: {number}\r\nAccountCode: 588-888\r\n"
    )


@dataclass
class AmiServer:
    """What it answers is in ``answers`` by the action's name: a function of the action's fields."""

    port: int = 0
    channels: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    boots: bool = True
    greets: bytes = GREETING
    silent: set[str] = field(default_factory=set)
    got: list[dict[str, str]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    answers: dict[str, Callable[[dict[str, str]], bytes]] = field(default_factory=dict)
    sessions: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.hang_up()
            await self._server.wait_closed()

    def hang_up(self) -> None:
        for writer in self.sessions:
            writer.transport.abort()
        self.sessions.clear()

    def say(self, data: bytes) -> None:
        self.sessions[-1].write(data)

    def asked(self, action: str) -> list[dict[str, str]]:
        return [one for one in self.got if one["Action"] == action]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions.append(writer)
        writer.write(self.greets)
        try:
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.raw.append(raw)
                action = dict(line.split(": ", 1) for line in raw.strip().split("\r\n"))
                self.got.append(action)
                if action["Action"] not in self.silent:
                    writer.write(self._answer(action))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, action: dict[str, str]) -> bytes:
        name, tag = action["Action"], f"ActionID: {action['ActionID']}\r\n"
        if name in self.answers:
            return self.answers[name](action)
        if name == "Login":
            if action["Secret"] != SECRET:
                return f"Response: Error\r\n{tag}Message: Authentication failed\r\n\r\n".encode()
            return f"Response: Success\r\n{tag}\r\n".encode() + (BOOTED if self.boots else b"")
        if name in {"QueueStatus", "CoreShowChannels"}:
            kind, rows = ("QueueMember", self.members) if name == "QueueStatus" else ("CoreShowChannel", self.channels)
            listed = "".join(f"Event: {kind}\r\n{tag}{row}\r\n" for row in rows)
            head, tail = f"Response: Success\r\n{tag}EventList: start\r\n\r\n", f"{tag}EventList: Complete\r\n\r\n"
            return f"{head}{listed}Event: {name}Complete\r\n{tail}".encode()
        return f"Response: Success\r\n{tag}\r\n".encode()


@dataclass
class Rig:
    server: AmiServer
    link: AmiLink
    items: list[Item]

    def events(self) -> list[str]:
        return [one.event if isinstance(one, Message) else type(one).__name__ for one in self.items]

    async def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - whatever a test waits for
                await asyncio.sleep(0.005)

    async def up(self, connects: int = 1) -> None:
        await self.until(lambda: self.link.status.up and self.link.status.connects >= connects)
        await self.until(lambda: self.events().count("Snapshot") >= connects)


@asynccontextmanager
async def rig(server: AmiServer | None = None, *, secret: str = SECRET, max_queued: int = 1000) -> AsyncIterator[Rig]:
    served = server or AmiServer()
    await served.start()
    items: list[Item] = []
    link = AmiLink(
        "127.0.0.1",
        served.port,
        lambda: secret,
        Clock(),
        timing=QUICK,
        max_queued=max_queued,
        variables={WRAP_UP_SECONDS: "45"},
    )
    link.listen(items.append)
    running = asyncio.create_task(link.run())
    try:
        yield Rig(served, link, items)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await served.stop()
