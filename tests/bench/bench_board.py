"""The board's changes on their way to 500 open pages: the console's hub against an aiohttp broadcaster.

The broadcaster is what one writes with aiohttp alone: an ``asyncio.Queue`` for each page, from which its handler takes
what it writes. Both get the same events of Asterisk through the same live view, and build each message once; ours
moreover asks for a session, keeps what pages may have missed, and tells operators of themselves. Each server is a
process of its own, so are the pages: one process reads every tenth of them at once and takes the time of each message,
another empties the others at leisure. Each is measured in turns within one run; the medians of the rounds count.

*Delivered*: messages are told as fast as the server's loop takes them, until the last page has the last of them.
*p99*: from the event's arrival in the live view to the message in the page's process, at 100 messages a second.
*Stalled*: the same with pages that do not read, so far behind already that each is cut off meanwhile.

    python -m tests.bench.bench_board
"""

import asyncio
import json
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import click
import structlog
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestServer

from contact_centre import accounts
from contact_centre.collecting import seldom_collected
from contact_centre.console import sessions
from contact_centre.console.cookies import SESSION
from contact_centre.console.sessions import Stage
from contact_centre.console.shift import hub as hubs
from contact_centre.console.shift.hub import Hub, frame
from contact_centre.live_feed import LiveFeed
from contact_centre.writer import SqliteTx
from telephony.live import Snapshot
from telephony.wire.ami import Message
from tests.integration.console_rig import console

PAGES: Final = 500
WATCHED_EVERY: Final = 10
OPERATORS: Final = 30
ROUNDS: Final = 3
FAST: Final = 1_000
"""Messages of a round that is as fast as it can be."""
SECONDS: Final = 5
PACE: Final = 100
"""Messages a second of a round at which waits are measured."""
STALLED_PAGES: Final = 5
LONG: Final = 100_000
LONG_PAGES: Final = 50
GOAL_RATE: Final = 1.8
GOAL_P99: Final = 0.7
LOOPS: Final = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
KINDS: Final = (("ours", "uvloop"), ("aiohttp", "uvloop"), ("aiohttp", "asyncio"))
PATIENCE_S: Final = 60.0

_BOARD: Final = b"event: board"
_READY: Final = b"event: desk"
_SENT: Final = b'"t='
_LEISURE_S: Final = 0.2


# ---- the servers


def page(number: int) -> str:
    """The login of a page's operator."""
    return f"page{number}"


def member(login: str, *more: tuple[str, str], event: str = "QueueMemberPause") -> Message:
    interface = f"PJSIP/operator-{login}"
    told = (("Event", event), ("Queue", "contact-centre"), ("Interface", interface), ("Location", interface))
    return Message.of(*told, ("Status", "1"), ("Paused", "1"), *more)


class Broadcaster:
    """What is compared: a queue for each page."""

    def __init__(self, feed: LiveFeed) -> None:
        self._feed = feed
        self._hub = Hub(feed, _now)  # for the words of a message alone
        self._queues: set[asyncio.Queue[bytes]] = set()

    @property
    def listeners(self) -> int:
        return len(self._queues)

    async def run(self) -> None:
        with self._feed.subscribe() as subscription:
            count = 0
            while True:
                update = await subscription.next()
                count += 1
                told = self._hub._told(update.changes, up=update.up, fresh=update.fresh)
                wire = frame("board", told, str(count))
                for queue in self._queues:
                    queue.put_nowait(wire)

    async def listen(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(frame("desk", {}, "0"))
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._queues.add(queue)
        try:
            while True:
                await response.write(await queue.get())
        finally:
            self._queues.discard(queue)


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def ours(folder: Path) -> AsyncIterator[tuple[LiveFeed, Hub, int, list[str]]]:
    """The console itself, its hub, its port, and who is signed in."""
    lasting = patch.object(hubs, "LIFE_S", 3600.0)  # a round is no place for pages to come anew
    async with console(folder) as site:
        now = site.town.clock.now()

        def begin(tx: SqliteTx) -> list[str]:
            for login in map(page, range(PAGES)):
                accounts.add(
                    tx, login=login, name=login, roles=("operator",), extension=None, sip_account=None, at=now, desks=()
                )
            return [sessions.begin(tx, page(number), Stage.IN, now) for number in range(PAGES)]

        tokens = await site.town.site.writer.run(begin)
        hub = site.shell._console.live
        with lasting:
            yield hub._feed, hub, int(site.server.port or 0), tokens


@asynccontextmanager
async def aiohttps(_: Path) -> AsyncIterator[tuple[LiveFeed, Broadcaster, int, list[str]]]:
    feed, app = LiveFeed(), web.Application()
    broadcaster = Broadcaster(feed)
    app.router.add_get("/console/live", broadcaster.listen)
    async with TestServer(app) as server:
        yield feed, broadcaster, int(server.port or 0), [page(number) for number in range(PAGES)]


async def serve(kind: str) -> None:
    """One server: tells its port and tokens, then does what it is asked for on standard input, until that ends."""
    with tempfile.TemporaryDirectory() as folder, seldom_collected():
        async with (ours if kind == "ours" else aiohttps)(Path(folder)) as (feed, server, port, tokens):
            shift = tuple(member(page(number), event="QueueMember") for number in range(OPERATORS))
            feed.hear(Snapshot(_now(), shift, ()))
            running = asyncio.create_task(server.run())
            await asyncio.sleep(0)
            _tell({"port": port, "tokens": tokens})
            while words := (await asyncio.to_thread(sys.stdin.readline)).split():
                count, pace = map(int, words)
                began, used = time.monotonic_ns(), time.process_time()
                await _publish(feed, count, pace)
                spent = time.process_time() - used
                told = {"began": began, "cpu": spent, "listeners": server.listeners, "kib": _memory()}
                _tell(told | {"behind": _behind(server)})
            running.cancel()


async def _publish(feed: LiveFeed, count: int, pace: int) -> None:
    """So many messages, so many a second; 0 is as fast as the loop takes them."""
    began = time.monotonic()
    for number in range(count):
        feed.hear(member(page(number % OPERATORS), ("PausedReason", f"t={time.monotonic_ns()}")))
        await asyncio.sleep(max(0.0, began + (number + 1) / pace - time.monotonic()) if pace else 0)


def _behind(server: Hub | Broadcaster) -> int:
    """Bytes that wait for the page that is furthest behind; of ours."""
    pages = server._listeners if isinstance(server, Hub) else ()
    return max((one.transport.get_write_buffer_size() for one in pages), default=0)


def _memory() -> int:
    """Resident memory in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def _tell(found: object) -> None:
    click.echo(json.dumps(found))


# ---- the pages


class Page:
    """An open page: counts the messages that it got, and takes the time of each if it is ``watched``."""

    __slots__ = ("_rest", "got", "socket", "waits", "watched")

    def __init__(self, port: int, token: str, *, watched: bool, small: bool = False) -> None:
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET /console/live HTTP/1.1\r\nHost: x\r\nCookie: {SESSION}={token}\r\n\r\n".encode())
        self.socket.settimeout(PATIENCE_S)
        self.got = 0
        self.watched = watched
        self.waits: list[int] = []
        self._rest = b""

    def begin(self) -> None:
        """Read what every page gets at first."""
        data = b""
        while not (_READY in data and data.endswith(b"\n\n\r\n")):
            more = self.socket.recv(65536)
            assert more, data
            data += more
        self.socket.settimeout(0)

    def read(self) -> None:
        data = self.socket.recv(1 << 20)
        now = time.monotonic_ns()
        if not data:
            raise ConnectionError("a page that reads was cut off")
        data = self._rest + data
        if not self.watched:
            self.got += data.count(_BOARD)
            self._rest = data[-len(_BOARD) + 1 :]
            return
        *messages, self._rest = data.split(b"\n\n")
        for message in messages:
            if _BOARD in message:
                self.got += 1
                sent = message.partition(_SENT)[2].partition(b'"')[0]
                self.waits.append(now - int(sent))


def read_pages(port: int, expected: int, tokens: Sequence[str], kind: str) -> None:
    """Open pages, say so, read until each has what is expected; tell when the last had it, and how long each waited.

    Of ``kind`` stalled, they are opened and no more.
    """
    opened = [Page(port, token, watched=kind == "watched", small=kind == "stalled") for token in tokens]
    if kind == "stalled":
        click.echo("ready")
        sys.stdin.read()
        return
    pages = {one.socket.fileno(): one for one in opened}
    epoll = select.epoll()
    for descriptor, one in pages.items():
        one.begin()
        epoll.register(descriptor, select.EPOLLIN)
    click.echo("ready")
    deadline = time.monotonic() + PATIENCE_S * 4
    short = set(pages)
    while short:
        assert time.monotonic() < deadline, [pages[one].got for one in short][:5]
        if kind == "leisure":
            time.sleep(_LEISURE_S)
        for descriptor, _ in epoll.poll(1):
            pages[descriptor].read()
            if pages[descriptor].got >= expected:
                short.discard(descriptor)
    waits = sorted(wait for one in opened for wait in one.waits)
    _tell({"ended": time.monotonic_ns(), "waits": waits})


# ---- the measurement


@dataclass
class Contender:
    """A server and what was measured of it."""

    process: "subprocess.Popen[str]"
    port: int
    tokens: list[str]
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    p99_stalled: list[float] = field(default_factory=list)

    @property
    def watched(self) -> list[str]:
        """The pages that take the time."""
        return self.tokens[::WATCHED_EVERY]

    def ask(self, count: int, pace: int) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count} {pace}\n")
        self.process.stdin.flush()
        return _heard(self.process)

    def measure(self, count: int, pace: int, *, stalled: int = 0) -> None:
        """One round."""
        kinds = {"leisure": [one for one in self.tokens if one not in self.watched], "watched": self.watched}
        with ExitStack() as stack:
            if stalled:
                stack.enter_context(_pages(self.port, 0, self.tokens[:stalled], "stalled"))
                self._fall_behind()
            readers = [stack.enter_context(_pages(self.port, count, tokens, kind)) for kind, tokens in kinds.items()]
            told = self.ask(count, pace)
            found = [_heard(reader) for reader in readers]
        assert told["listeners"] == PAGES, "a page that does not read was not cut off"
        waits = [one / 1e6 for reader in found for one in reader["waits"]]
        p50, p99 = (waits[int(len(waits) * part)] for part in (0.5, 0.99))
        if not pace:
            lasted = (max(one["ended"] for one in found) - told["began"]) / 1e9
            self.rates.append(count * PAGES / lasted)
            self.cpu_us.append(told["cpu"] / (count * PAGES) * 1e6)
        elif stalled:
            self.p99_stalled.append(p99)
        else:
            self.p50.append(p50)
            self.p99.append(p99)

    def _fall_behind(self) -> None:
        """Until more waits for the pages that do not read than the kernel takes, and most of what is borne."""
        while self.ask(FAST // 10, 0)["behind"] < hubs.STALLED * 3 // 4:
            pass


def _heard(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "a process of the measurement has ended"
    found: dict[str, Any] = json.loads(line)
    return found


@contextmanager
def _pages(port: int, expected: int, tokens: Sequence[str], kind: str) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, __file__, "pages", str(port), str(expected), kind, *tokens]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", "the pages could not be opened"
            yield process
        finally:
            process.kill()


@contextmanager
def contender(kind: str, loop: str) -> Iterator[Contender]:
    words = [sys.executable, __file__, "serve", kind, loop]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = _heard(process)
            yield Contender(process, told["port"], told["tokens"])
        finally:
            process.kill()


def main() -> None:
    with ExitStack() as stack:
        contenders = {kind: stack.enter_context(contender(*kind)) for kind in KINDS}
        for turn in range(ROUNDS):
            order = KINDS if turn % 2 else tuple(reversed(KINDS))
            for kind in order:
                contenders[kind].measure(FAST, 0)
            for kind in order:
                contenders[kind].measure(PACE * SECONDS, PACE)
            contenders[KINDS[0]].measure(PACE * SECONDS, PACE, stalled=STALLED_PAGES)
        report(contenders)
        flat(contenders[KINDS[0]])


def flat(one: Contender) -> None:
    """Memory before and after a long time of ours."""
    with _pages(one.port, LONG, one.tokens[:LONG_PAGES], "brisk") as pages:
        before = one.ask(LONG // 10, 0)["kib"]
        told = [one.ask(LONG * 3 // 10, 0) for _ in range(3)][-1]
        _heard(pages)
    assert told["listeners"] == LONG_PAGES, "a page that reads was cut off"
    after = told["kib"]
    click.echo(
        f"\nMemory of ours after {LONG // 10:,} messages {before / 1024:.1f} MiB, after {LONG:,} {after / 1024:.1f}"
    )


def report(contenders: dict[tuple[str, str], Contender]) -> None:
    click.echo(
        f"{'server':<10}{'loop':<9}{'delivered/s':>12}{'cpu us':>8}{'p50 ms':>8}{'p99 ms':>8}{'stalled p99':>13}"
    )
    for (kind, loop), one in contenders.items():
        rate, spent, p50, p99 = map(statistics.median, (one.rates, one.cpu_us, one.p50, one.p99))
        stalled = f"{statistics.median(one.p99_stalled):.2f}" if one.p99_stalled else ""
        click.echo(f"{kind:<10}{loop:<9}{rate:>13,.0f}{spent:>13.2f}{p50:>13.2f}{p99:>13.2f}{stalled:>13}")
    mine = contenders[KINDS[0]]
    click.echo(f"\nOurs : the broadcaster's (goal: delivered at least {GOAL_RATE}, p99 at most {GOAL_P99})")
    for kind, loop in KINDS[1:]:
        theirs = contenders[kind, loop]
        rate = statistics.median(a / b for a, b in zip(mine.rates, theirs.rates, strict=True))
        p99 = statistics.median(a / b for a, b in zip(mine.p99, theirs.p99, strict=True))
        told = "reached" if rate >= GOAL_RATE and p99 <= GOAL_P99 else "NOT reached"
        click.echo(f"{kind} on {loop:<9} delivered {rate:.2f}  p99 {p99:.2f}  {told}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
        with asyncio.Runner(loop_factory=LOOPS[sys.argv[3]]) as runner:
            runner.run(serve(sys.argv[2]))
    elif sys.argv[1:2] == ["pages"]:
        read_pages(int(sys.argv[2]), int(sys.argv[3]), sys.argv[5:], sys.argv[4])
    else:
        main()
