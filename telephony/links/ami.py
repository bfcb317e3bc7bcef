"""The lasting AMI session: events in, actions out, for as long as the service runs.

The session is panoramisk's (connecting, logging in, keeping the beat), one ``Manager`` for each connection; everything
that touches bytes is ours (``ami_session`` on ``wire.ami``). What arrives goes into one bounded stream in its order:
events, a ``Snapshot`` after each connect, a ``Gap`` where something is missing. Listeners are called from a task of
their own, so that none of them holds up the reader or the connection.
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from telephony.core.lines import QUEUE
from telephony.links.ami_session import (
    AmiAddress,
    AmiRefused,
    AmiUnavailable,
    Fields,
    LoginRefused,
    Protocol,
    Session,
    words,
)
from telephony.live import EVENTS, Snapshot, snapshot_of
from telephony.ports import Clock
from telephony.provision import SERVICE_USER
from telephony.wire.ami import AmiError, Message

MAX_QUEUED: Final = 50_000
"""So many messages wait for the listeners, some 30 MB; beyond, they are dropped and Asterisk is asked again."""
SLICE: Final = 100
"""So many messages are handed out before others get their turn, some milliseconds."""
HEARTBEAT: Final = "CC_HEARTBEAT"
"""The global variable that tells the dialplan when we last lived (extensions.conf, seconds since 1970)."""
WRAP_UP_SECONDS: Final = "CC_WRAP_UP"
"""The global variable that tells the dialplan how long a wrap-up may last, in seconds; 0: there is none."""

WANTED: Final = EVENTS | {"FullyBooted", "OriginateResponse", "AttendedTransfer", "BlindTransfer", "ContactStatus"}
"""The events that are decoded; manager.conf lets the service hear these and few others."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Gap:
    """Events are missing here; a ``Snapshot`` follows when Asterisk can be asked. ``reason`` is for people."""

    reason: str


Item = Message | Snapshot | Gap
Listener = Callable[[Item], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the link is, in seconds."""

    connect: float = 5.0
    answer: float = 5.0
    ping_every: float = 5.0
    boot: float = 60.0
    """How long an Asterisk that is starting may take to say FullyBooted."""
    first_retry: float = 0.1
    last_retry: float = 1.0
    """Short: Asterisk is on this host, and screens are to be right 2 s after its return."""
    refused_retry: float = 10.0
    heartbeat_every: float = 10.0


@dataclass(slots=True)
class Status:
    """How the link is: since when there has been a session with a snapshot, or why there is none."""

    up: bool = False
    reason: str = "not connected yet"
    refused: bool = False
    connects: int = 0
    dropped: int = 0
    greeting: str = ""
    errors: dict[str, int] = field(default_factory=dict)


class AmiLink:
    """The service's AMI session. ``run`` it as a task; ``listen`` before that; ``ask`` from anywhere in the loop."""

    def __init__(
        self,
        host: str,
        port: int,
        secret: Callable[[], str],
        clock: Clock,
        *,
        user: str = SERVICE_USER,
        timing: Timing | None = None,
        wanted: frozenset[str] = WANTED,
        max_queued: int = MAX_QUEUED,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """``secret`` is asked at each login, and may raise OSError: it can be mended while we run.

        ``variables`` are left in Asterisk with each heartbeat, before it: what the dialplan is to know while we live.
        """
        self.status = Status()
        self._where = f"{host}:{port}"
        self._host, self._port, self._user, self._secret = host, port, user, secret
        self._clock = clock
        self._timing = timing or Timing()
        self._wanted = wanted | {"FullyBooted"}
        self._max_queued = max_queued
        self._variables = dict(variables or {})
        self._listeners: list[Listener] = []
        self._queue: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._held: list[Message] | None = None
        self._session: Session | None = None
        self._booted = asyncio.Event()
        self._stale = asyncio.Event()

    def listen(self, listener: Listener) -> None:
        """Have every item of the stream, in order. What a listener raises is logged and hurts nobody else."""
        self._listeners.append(listener)

    async def ask(self, action: str, fields: Fields | None = None, *, within: float | None = None) -> Message:
        """One action and its answer; see ``Session.ask``.

        Raises:
            AmiError: A key or value that cannot be sent.
            AmiRefused: Asterisk says no.
            AmiUnavailable: No session, or no answer within ``within`` seconds.
        """
        return await self._open(action).ask(action, fields, within=within or self._timing.answer)

    async def ask_list(
        self, action: str, fields: Fields | None = None, *, within: float | None = None
    ) -> tuple[Message, ...]:
        """One action that is answered by a list; see ``Session.ask_list``.

        Raises:
            AmiError: See ``ask``.
        """
        return await self._open(action).ask_list(action, fields, within=within or self._timing.answer)

    async def run(self) -> None:
        """Keep a session for ever."""
        handing = asyncio.create_task(self._hand_out())
        try:
            wait = self._timing.first_retry
            while True:
                connects = self.status.connects
                try:
                    reason = await self._one_session()
                except LoginRefused as error:
                    self._down(str(error), refused=True)
                    wait = self._timing.refused_retry
                except Exception as error:  # noqa: BLE001 - whatever it is, screens alone depend on it
                    expected = isinstance(error, OSError | AmiError)
                    self._down(f"AMI on {self._where}: {words(error)}", fault=None if expected else error)
                    wait = min(self._timing.last_retry, wait * 2)
                else:
                    self._down(f"AMI on {self._where}: {reason}")
                if self.status.connects > connects:
                    wait = self._timing.first_retry
                await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                wait = min(wait, self._timing.last_retry)
        finally:
            handing.cancel()
            await asyncio.gather(handing, return_exceptions=True)
            self._close()

    # ---- one session

    async def _one_session(self) -> str:
        """Connect, log in, resync and stay until the connection ends; why it ended."""
        protocol = await self._connect()
        try:
            async with asyncio.timeout(self._timing.boot):
                await _first(self._booted.wait(), protocol.lost)
            if protocol.lost.done():
                return protocol.lost.result()
            await self._resync(protocol)
            self._up(protocol)
            async with asyncio.TaskGroup() as group:
                keepers = [
                    group.create_task(keeper)
                    for keeper in (self._keep_alive(protocol), self._beat(), self._keep_whole(protocol))
                ]
                reason = await protocol.lost
                for keeper in keepers:
                    keeper.cancel()
            return reason
        finally:
            self._close()

    async def _connect(self) -> Protocol:
        protocol = Protocol(self._hear, self._wanted, self._stale.set)
        self._booted.clear()
        self._held = None
        address = AmiAddress(self._host, self._port, self._user, self._secret())
        self._session = await Session.open(address, protocol, events=True, within=self._timing.connect)
        return protocol

    async def _resync(self, protocol: Protocol) -> None:
        """Ask once for everything; what happens while Asterisk answers comes after the snapshot in the stream."""
        self._stale.clear()
        asked = [
            protocol.send({"Action": "QueueStatus", "Queue": QUEUE}, as_list=True, began=self._hold),
            protocol.send({"Action": "CoreShowChannels"}, as_list=True),
        ]
        try:
            async with asyncio.timeout(self._timing.answer):
                answers = await asyncio.gather(*asked)
        except BaseException:
            for one in asked:
                one.cancel()
            raise
        held, self._held = self._held or [], None
        self._put(snapshot_of(self._clock.now(), itertools.chain(*answers)))
        for message in held:
            self._put(message)

    def _hold(self) -> None:
        self._held = []

    async def _keep_alive(self, protocol: Protocol) -> None:
        """A session that does not answer is none. What is heard meanwhile is an answer too: Asterisk may be busy."""
        while True:
            await asyncio.sleep(self._timing.ping_every)
            heard = protocol.heard
            try:
                await self.ask("Ping")
            except AmiRefused:
                continue
            except AmiUnavailable:
                if protocol.heard == heard:
                    protocol.end(f"no answer to a ping within {self._timing.answer:g} s")
                    return

    async def _beat(self) -> None:
        """Tell the dialplan that we live: it ends what only we would end, when we do not."""
        while True:
            beat = {HEARTBEAT: str(int(self._clock.now().timestamp()))}
            try:
                for name, value in (self._variables | beat).items():
                    await self.ask("Setvar", {"Variable": name, "Value": value})
            except AmiError as error:
                _log.warning("heartbeat not left in Asterisk", error=str(error))
            await asyncio.sleep(self._timing.heartbeat_every)

    async def _keep_whole(self, protocol: Protocol) -> None:
        """After an overflow or damage ask again, not more often than once a second."""
        while True:
            await self._stale.wait()
            await asyncio.sleep(self._timing.last_retry)
            try:
                await self._resync(protocol)
            except (AmiError, TimeoutError) as error:
                protocol.end(f"no snapshot after events were lost: {words(error)}")
                return

    def _open(self, action: str) -> Session:
        if self._session is None:
            raise AmiUnavailable(f"{action}: {self.status.reason}")
        return self._session

    def _up(self, protocol: Protocol) -> None:
        self.status.up, self.status.reason, self.status.refused = True, "", False
        self.status.connects += 1
        self.status.greeting = protocol.decoder.greeting or ""
        _log.info("AMI connected", where=self._where, greeting=self.status.greeting)

    def _down(self, reason: str, *, refused: bool = False, fault: Exception | None = None) -> None:
        if self.status.up:
            self._put(Gap(reason))
        if self.status.up or reason != self.status.reason:
            _log.error("AMI is away, will try again", reason=reason, exc_info=fault)
        self.status.up, self.status.reason, self.status.refused = False, reason, refused

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()  # its timer would keep it for ever
        self._session = None

    # ---- the stream

    def _hear(self, message: Message) -> None:
        if message.event == "FullyBooted":
            self._booted.set()
            return
        if message.event == "Newchannel" and "Uniqueid" not in message:
            self._stale.set()  # a caller's number held line breaks: Asterisk writes it as it came
        if self._held is not None:
            self._held.append(message)
        else:
            self._put(message)

    def _put(self, item: Item) -> None:
        if len(self._queue) >= self._max_queued:
            self.status.dropped += len(self._queue)
            _log.error("AMI events dropped: the listeners are behind", dropped=len(self._queue))
            self._queue.clear()
            self._queue.append(Gap(f"{self._max_queued} messages were waiting"))
            self._stale.set()
        self._queue.append(item)
        self._filled.set()

    async def _hand_out(self) -> None:
        while True:
            await self._filled.wait()
            for _ in range(min(SLICE, len(self._queue))):
                item = self._queue.popleft()
                for listener in self._listeners:
                    try:
                        listener(item)
                    except Exception:  # noqa: BLE001 - one listener's fault is not the connection's, nor the others'
                        _log.exception("a listener to AMI failed")
            if not self._queue:
                self._filled.clear()
            await asyncio.sleep(0)


async def _first(one: Any, other: "asyncio.Future[str]") -> None:  # noqa: ANN401 - a coroutine
    task = asyncio.ensure_future(one)
    try:
        await asyncio.wait({task, other}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
