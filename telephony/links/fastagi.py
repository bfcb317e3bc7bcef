"""The FastAGI server: Asterisk asks, an endpoint answers with commands.

Routes are panoramisk's (``fast_agi.Application``); what serves them is our own, sockets and ``wire.agi``: its own loop
spins for ever on a connection that closes early, and takes three times as long for a call (ADR 10). Connections are
watched by an epoll of our own, and the event loop watches that: one watcher instead of one for each connection.
Nothing here may hold a citizen up or grow without bound: the dialplan gives us two seconds, whoever is silent or is not
Asterisk is sent away, and beyond the cap the call is told at once to go on without us.
"""

import asyncio
import select
import socket
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, ip_address
from itertools import takewhile
from typing import Any, Final, NamedTuple

from panoramisk.fast_agi import Application

from telephony.wire import agi
from telephony.wire.agi import AgiError, Reply, ReplyReader, Request, RequestReader

SWEEP_S: Final = 0.1
"""How often connections are looked at; what is out of time goes within this."""
BACKLOG: Final = 1024
"""Connections that wait in the kernel."""
ACCEPT_AT_ONCE: Final = 32
REST_S: Final = 0.2
"""How long nobody is taken when there are no file descriptors left."""
READ_SIZE: Final = agi.MAX_HEADER + 2

_NO_REQUEST: Final = Request({})
_BUSY: Final = agi.command("VERBOSE", "contact-centre is busy: this call goes on without it", "1")


class LoopbackError(ValueError):
    """FastAGI has no password: it is served on loopback only."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes upon itself; times in seconds."""

    header_s: float = 0.5
    """From the connection to the end of the header; Asterisk sends it at once."""
    session_s: float = 1.5
    """From the connection to its end: below the dialplan's guard of two seconds."""
    sessions: int = 256
    """Calls served at the same time; further ones are told that we are busy."""
    connections: int = 400
    """Connections at the same time; beyond, the one that has been silent longest goes."""


class Outcome(StrEnum):
    """How a connection ended."""

    SERVED = "served"
    BUSY = "busy"
    LATE = "late"
    SILENT = "silent"
    NOT_AGI = "not_agi"
    NO_ROUTE = "no_route"
    HUNG_UP = "hung_up"
    FAILED = "failed"


class Ended(NamedTuple):
    """A connection's end. ``request`` is None when none came; ``error`` is a fault of the endpoint."""

    outcome: Outcome
    request: Request | None
    reason: str = ""
    error: Exception | None = None


class Session:
    """One connection. An endpoint reads ``request`` and gives commands until it returns."""

    __slots__ = (
        "_loop",
        "_reader",
        "_refused",
        "_replies",
        "_server",
        "_socket",
        "_task",
        "_waiting",
        "descriptor",
        "opened_at",
        "outcome",
        "request",
    )

    def __init__(self, server: "FastAgi", connection: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._socket = connection
        self.descriptor = connection.fileno()
        self._loop = loop
        self._reader = RequestReader()
        self._replies: ReplyReader | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._refused = False
        self.opened_at = loop.time()
        self.outcome: Ended | None = None
        self.request = _NO_REQUEST

    async def command(self, line: bytes) -> Reply:
        """Give one command (``wire.agi.command``), in one write, and wait for its answer.

        Raises:
            AgiError: It is not one line. Nothing is sent.
            RuntimeError: Another command of this session has no answer yet.
        """
        if self._waiting is not None:
            raise RuntimeError("one command at a time")
        if not line or line.find(b"\n") != len(line) - 1:
            raise AgiError("a command is one line")
        waiting: asyncio.Future[Reply] = self._loop.create_future()
        self._waiting = waiting
        self._write(line)
        try:
            return await waiting
        finally:
            self._waiting = None

    def readable(self) -> None:
        """Read what has come, if anything has."""
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self.end(Outcome.HUNG_UP)

    def _write(self, line: bytes) -> None:
        """In one piece: the line is short and the socket's buffer empty, since every answer is waited for."""
        try:
            whole = self._socket.send(line) == len(line)
        except OSError:
            whole = False
        if not whole:
            self.end(Outcome.HUNG_UP)

    def _received(self, data: bytes) -> None:
        try:
            if self._replies is None:
                found = self._reader.feed(data)
                if found is None:
                    return
                self._replies = ReplyReader()
                self.request, data = found
                self._asked()
            for reply in self._replies.feed(data) if data else ():
                self._answered(reply)
        except AgiError as error:
            self.end(Outcome.NOT_AGI, str(error))

    @property
    def greeted(self) -> bool:
        """Whether the whole header has come."""
        return self._replies is not None

    def end(self, outcome: Outcome, reason: str = "", error: Exception | None = None) -> None:
        """Close, whatever goes on; the first reason given counts."""
        if self.outcome is not None:
            return
        self.outcome = Ended(outcome, self.request if self.greeted else None, reason, error)
        if self._task is not None:
            self._task.cancel()
        self._socket.close()  # which takes it off the epoll, too
        self._server.closed(self, self.outcome)

    def _asked(self) -> None:
        server = self._server
        server.greeted(self)
        endpoint = server.endpoint(self.request.script)
        if endpoint is None:
            self.end(Outcome.NO_ROUTE, "no route")
        elif server.admits():
            self._task = self._loop.create_task(self._serve(endpoint))
            server.serving.add(self._task)
        else:
            self._refused = True
            self._write(_BUSY)

    async def _serve(self, endpoint: "Endpoint") -> None:
        try:
            await endpoint(self)
        except Exception as error:  # noqa: BLE001 - told to whoever watches; the call goes on without us
            self._done(Outcome.FAILED, f"{type(error).__name__}: {error}", error)
        except BaseException:
            self._done(Outcome.HUNG_UP)
            raise
        else:
            self._done(Outcome.SERVED)

    def _done(self, outcome: Outcome, reason: str = "", error: Exception | None = None) -> None:
        task, self._task = self._task, None
        if task is not None:
            self._server.serving.discard(task)
        self.end(outcome, reason, error)

    def _answered(self, reply: Reply) -> None:
        waiting = self._waiting
        if self._refused:
            self.end(Outcome.BUSY)
        elif waiting is None or waiting.done():
            raise AgiError("an answer to nothing")
        else:
            waiting.set_result(reply)


Endpoint = Callable[[Session], Coroutine[Any, Any, None]]


class FastAgi(Application):  # type: ignore[misc]
    """Serves routes; ``ended`` is told every connection's end."""

    _route: dict[str, Endpoint]

    def __init__(self, ended: Callable[[Ended], None], limits: Limits = Limits()) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._ended = ended
        self._limits = limits
        self._connections: dict[int, Session] = {}
        self._silent: dict[int, Session] = {}
        self.serving: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None
        self._epoll = select.epoll()
        self._sweeping: asyncio.TimerHandle | None = None
        self._resting: asyncio.TimerHandle | None = None

    def add_route(self, path: str, endpoint: Endpoint) -> None:
        """Serve a path of the dialplan's ``agi://host:port/path``.

        Raises:
            TypeError: The endpoint is no coroutine function (panoramisk's own way with these ended with Python 3.10).
            ValueError: The path has one already.
        """
        if not asyncio.iscoroutinefunction(endpoint):
            raise TypeError(f"{path}: an endpoint is a coroutine function")
        super().add_route(path, endpoint)

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG002
        """The loop of panoramisk, which an early close keeps busy for ever: refused, so that nobody uses it.

        Raises:
            TypeError: Always; use ``start``.
        """
        writer.close()
        raise TypeError("FastAgi is served by start(), not by its handler")

    def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            LoopbackError: The address is not a loopback address.
            OSError: It cannot be listened on.
        """
        address = ip_address(host)
        if not address.is_loopback:
            raise LoopbackError(f"FastAGI on {host}: only a loopback address is safe")
        family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.settimeout(0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is accepted inherits it
        self._listen(self._socket)
        self.loop.add_reader(self._epoll.fileno(), self._readable)

    @property
    def port(self) -> int:
        """Where it listens.

        Raises:
            RuntimeError: It does not.
        """
        if self._socket is None:
            raise RuntimeError("FastAGI is not listening")
        return int(self._socket.getsockname()[1])

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    async def close(self) -> None:
        """Stop listening and end what is going on."""
        if self._socket is not None:
            self.loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self.loop.remove_reader(self._epoll.fileno())
        serving = list(self.serving)
        for session in list(self._connections.values()):
            session.end(Outcome.HUNG_UP, "the service stops")
        for timer in (self._sweeping, self._resting):
            if timer is not None:
                timer.cancel()
        self._epoll.close()
        await asyncio.gather(*serving, return_exceptions=True)

    def endpoint(self, script: str) -> Endpoint | None:
        """Who serves a path."""
        return self._route.get(script)

    def admits(self) -> bool:
        """Whether one more call can be served now."""
        return len(self.serving) < self._limits.sessions

    def closed(self, session: Session, ended: Ended) -> None:
        """A connection is gone."""
        self._connections.pop(session.descriptor, None)
        self._silent.pop(session.descriptor, None)
        self._ended(ended)

    def _listen(self, listening: socket.socket) -> None:
        self._resting = None
        self.loop.add_reader(listening.fileno(), self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Take some of those who wait; the others are told of again, after those who are being served."""
        try:
            for _ in range(ACCEPT_AT_ONCE):
                connection, _address = listening.accept()
                connection.settimeout(0)
                self._open(Session(self, connection, self.loop))
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass
        except OSError:  # no file descriptors or memory left: the kernel would tell of the same again and again
            self.loop.remove_reader(listening.fileno())
            self._resting = self.loop.call_later(REST_S, self._listen, listening)

    def _open(self, session: Session) -> None:
        """A connection came: too many, and the one that has been silent longest goes."""
        self._connections[session.descriptor] = self._silent[session.descriptor] = session
        if self._sweeping is None:
            self._sweeping = self.loop.call_later(SWEEP_S, self._sweep)
        session.readable()
        if session.outcome is None:
            self._epoll.register(session.descriptor, select.EPOLLIN)
        if len(self._connections) > self._limits.connections:
            oldest = next(iter(self._silent.values()), session)
            oldest.end(Outcome.SILENT, "too many connections")

    def greeted(self, session: Session) -> None:
        """A connection is no longer silent: its header came, or its end."""
        self._silent.pop(session.descriptor, None)

    def _readable(self) -> None:
        """Let those read for whom something has come."""
        for descriptor, _events in self._epoll.poll(0):
            session = self._connections.get(descriptor)
            if session is not None:
                session.readable()

    def _sweep(self) -> None:
        """Send away who is out of time. The oldest stand first, so it costs nothing while all are well."""
        self._sweeping = None
        now = self.loop.time()
        for session in _before(self._silent.values(), now - self._limits.header_s):
            session.end(Outcome.SILENT, f"no header within {self._limits.header_s:g} s")
        for session in _before(self._connections.values(), now - self._limits.session_s):
            session.end(Outcome.LATE, f"not served within {self._limits.session_s:g} s")
        if self._connections:
            self._sweeping = self.loop.call_later(SWEEP_S, self._sweep)


def _before(sessions: Iterable[Session], moment: float) -> list[Session]:
    return list(takewhile(lambda session: session.opened_at <= moment, sessions))
