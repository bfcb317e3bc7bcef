"""The live view on its way to many pages: server-sent events (WHATWG HTML, 9.2).

A frame is built once and written to every transport as it is. A page that comes back names the last frame it has seen
and gets what it missed, or everything. One that does not read is cut off; it comes back by itself, and the others have
noticed nothing. What concerns one operator alone (``own``) goes to the pages of that login, in the same stream.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

import structlog
import uuid_utils
from aiohttp import web

from appeals.numbers import format_number, parse_number
from contact_centre.console.shift.own import Own, OwnViews
from contact_centre.live_feed import LiveFeed, Update
from telephony.live import Change, Row

KEPT: Final = 512
"""Frames that a page may have missed and still get one by one."""
STALLED: Final = 256 * 1024
"""Bytes that wait for a page that does not read; then it is cut off."""
BEAT_S: Final = 15.0
"""A sign of life, so that a proxy keeps the connection and a page that is gone is noticed."""
LIFE_S: Final = 120.0
"""A stream ends after this and the page asks again: whoever was signed out meanwhile gets nothing more."""
RETRY_MS: Final = 1000
GATHER_S: Final = 0.002
"""After something was written, what follows so soon is written together: once to each page, instead of once a frame.

So many pages that a writing takes longer than this still leave the loop this much time between two writings.
"""

AppealOf = Callable[[str], Awaitable[str | None]]
"""The appeal that a call is about, by their ids; None while there is none."""

_log = structlog.get_logger()


def frame(event: str, data: object, number: str) -> bytes:
    """An event as the page's ``EventSource`` reads it."""
    text = json.dumps(data, ensure_ascii=False, default=_plain, separators=(",", ":"))
    return f"id: {number}\nevent: {event}\ndata: {text}\n\n".encode()


def chunk(content: bytes) -> bytes:
    """Content as a chunk of HTTP/1.1 (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(content), content)


_BEAT: Final = chunk(b": \n\n")


def _row(row: Row) -> dict[str, Any]:
    """A row of the view, with the number as people read it."""
    told = asdict(row)
    if told.get("number"):
        e164 = parse_number(told["number"]).e164
        told["number"] = told["number"] if e164 is None else format_number(e164)
    return told


def _own(view: Own) -> dict[str, Any]:
    return {
        "operator": None if view.operator is None else asdict(view.operator),
        "call": None if view.call is None else _row(view.call),
        "call_id": view.call_id,
        "appeal_id": view.appeal_id,
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(type(value).__name__)


@dataclass(eq=False, slots=True)
class Listener:
    """A page that listens."""

    transport: asyncio.Transport
    login: str = ""
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, wire: bytes) -> bool:
        """Send it; False if the page is gone, or was cut off because it does not read."""
        if self.gone.is_set() or self.transport.is_closing():
            self.gone.set()
            return False
        self.transport.write(wire)
        if self.transport.get_write_buffer_size() > STALLED:
            self.gone.set()
            self.transport.abort()
        return not self.gone.is_set()


async def _no_appeal(_: str) -> None:
    """Where there is no register."""


class Hub:
    """Tells every listener of every change, and every operator of what is theirs. ``run`` must run beside it."""

    def __init__(self, feed: LiveFeed, now: Callable[[], datetime], appeal_of: AppealOf = _no_appeal) -> None:
        self._feed = feed
        self._now = now
        self._appeal_of = appeal_of
        self._own = OwnViews()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._listeners: dict[Listener, None] = {}
        self._born = uuid_utils.uuid7().hex[:12]
        self._count = 0
        self._kept: deque[tuple[int, str | None, bytes]] = deque(maxlen=KEPT)
        self._unwritten: list[tuple[str | None, bytes]] = []
        self._gathering: asyncio.TimerHandle | None = None

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    async def run(self) -> None:
        """For ever: pass on what the live view says."""
        with self._feed.subscribe() as subscription:
            while True:
                self.tell(await subscription.next())

    def tell(self, update: Update) -> None:
        """Write one update to everybody, and what follows from it to whom it concerns."""
        self._send("board", self._told(update.changes, up=update.up, fresh=update.fresh), None)
        before = self._own.without_appeal()
        self._tell_own(self._own.take(update))
        for call_id in self._own.without_appeal() - before:
            self._ask(call_id)

    def recorded(self, call_ids: Iterable[str]) -> None:
        """The ledger told something of these calls: perhaps they are about an appeal now."""
        for call_id in self._own.without_appeal() & set(call_ids):
            self._ask(call_id)

    def own(self, login: str) -> Own:
        """What an operator's page shows of them."""
        return self._own.of(login)

    def close(self) -> None:
        """The service stops: end every stream."""
        for listener in self._listeners:
            listener.gone.set()

    async def listen(self, request: web.Request, login: str) -> web.StreamResponse:
        """Answer a page of somebody until it is gone, is cut off, or has listened for ``LIFE_S``."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        self._write()  # what is older than this page is not told to it twice
        listener = Listener(transport, login)
        listener.write(chunk(f"retry: {RETRY_MS}\n\n".encode()))
        for wire in self._missed(request.headers.get("Last-Event-ID", ""), login):
            listener.write(wire)
        self._listeners[listener] = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LIFE_S):
                    while listener.write(_BEAT):
                        await _event_or(listener.gone, BEAT_S)
        finally:
            self._listeners.pop(listener, None)
        return response

    def _send(self, event: str, data: object, login: str | None) -> None:
        """A frame to everybody, or to the pages of one login: at once, or with what else comes within ``GATHER_S``."""
        self._count += 1
        wire = chunk(frame(event, data, self._number()))
        self._kept.append((self._count, login, wire))
        self._unwritten.append((login, wire))
        if self._gathering is None:
            self._gather()

    def _gather(self) -> None:
        """Write what there is; whatever comes until the next time waits for it."""
        self._gathering = None
        if not self._unwritten:
            return
        self._write()
        self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._gather)

    def _write(self) -> None:
        told, self._unwritten = self._unwritten, []
        if not told:
            return
        private = {login for login, _ in told if login is not None}
        common = b"".join(wire for login, wire in told if login is None)
        for one in list(self._listeners):
            wire = b"".join(wire for to, wire in told if to in {None, one.login}) if one.login in private else common
            if wire and not one.write(wire):
                self._listeners.pop(one, None)

    def _tell_own(self, logins: Iterable[str]) -> None:
        for login in logins:
            self._send("desk", _own(self._own.of(login)), login)

    def _ask(self, call_id: str) -> None:
        """Find out what a call is about, without holding anybody up; asked again while asked, it is asked once more."""
        if call_id in self._asking:
            self._asking[call_id].cancel()
        task = asyncio.create_task(self._find(call_id))
        self._asking[call_id] = task
        task.add_done_callback(lambda done: self._asking.get(call_id) is done and self._asking.pop(call_id))

    async def _find(self, call_id: str) -> None:
        try:
            appeal_id = await self._appeal_of(call_id)
        except Exception as error:  # noqa: BLE001 - the next fact of the ledger asks again
            _log.warning("it could not be found out which appeal a call is about", error=type(error).__name__)
            return
        if appeal_id is not None:
            self._tell_own(self._own.about(call_id, appeal_id))

    def _missed(self, last: str, login: str) -> Iterable[bytes]:
        """The frames since the one that the page saw last; everything there is, if that is too long ago."""
        born, _, number = last.partition("-")
        if born == self._born and number.isdecimal() and len(number) <= len(str(self._count)):
            seen = int(number)
            oldest = self._kept[0][0] if self._kept else self._count + 1
            if oldest - 1 <= seen <= self._count:
                return [wire for count, to, wire in self._kept if count > seen and to in {None, login}]
        rows = list(self._feed.state.rows())
        told = self._told(rows, up=self._feed.up, fresh=True)
        own = _own(self._own.of(login))
        return [chunk(frame("board", told, self._number())), chunk(frame("desk", own, self._number()))]

    def _number(self) -> str:
        return f"{self._born}-{self._count}"

    def _told(self, changes: Iterable[Change], *, up: bool, fresh: bool) -> dict[str, Any]:
        rows = [[one.table, one.key, None if one.row is None else _row(one.row)] for one in changes]
        return {"up": up, "fresh": fresh, "now": self._now(), "rows": rows}


async def _event_or(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but no longer than this."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
