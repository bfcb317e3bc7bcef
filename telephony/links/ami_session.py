"""One AMI connection: panoramisk's ``Manager`` with a protocol of ours. The link has one, and so has each command.

What panoramisk 1.4 does itself with bytes, lost connections and unanswered actions is replaced here: it loses letters
cut in two, sends CR and LF as they come, repeats actions after a reconnect, and notices neither a refused login nor a
peer that fell silent.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

import structlog
from panoramisk import Manager

from telephony.wire.ami import AmiError, Decoder, Message, encode

MAX_LIST: Final = 100_000
"""So many messages of one list are taken; a city's queue and channels are some hundreds."""

_log = structlog.get_logger()
_quiet = logging.getLogger("telephony.links.ami.panoramisk")
_quiet.setLevel(logging.CRITICAL)  # it logs whole messages, and what goes wrong is told by us

Fields = Mapping[str, str | Sequence[str]]
"""An action's fields; a key with several values is sent several times."""


class AmiUnavailable(AmiError):  # noqa: N818 - the state, in the words of the service
    """There is no session, or it ended before the answer; whether Asterisk acted is not known then."""


class AmiRefused(AmiError):  # noqa: N818
    """Asterisk refused the action; the message is its own."""


class LoginRefused(AmiError):  # noqa: N818
    """Asterisk does not let us in; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AmiAddress:
    """Where Asterisk's manager interface listens, and as whom we log in."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)

    @property
    def where(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


@dataclass(slots=True)
class _Pending:
    """An action whose answer is awaited. ``items`` collects a list that follows the answer; None: there is none."""

    future: "asyncio.Future[Any]"
    items: list[Message] | None = None
    began: Callable[[], None] | None = None

    def take(self, message: Message) -> bool:
        """Whether this message completes the answer."""
        if self.future.done():
            return True
        if self.began is not None:
            self.began()
            self.began = None
        if self.items is None:
            self.future.set_result(message)
            return True
        if message.response and message.response != "Success":
            self.future.set_exception(AmiRefused(message.get("Message", message.response)))
            return True
        self.items.append(message)
        if message.get("EventList") == "Complete":
            self.future.set_result(tuple(self.items))
            return True
        if len(self.items) > MAX_LIST:
            self.future.set_exception(AmiUnavailable(f"a list of more than {MAX_LIST:,} messages"))
            return True
        return False


class Protocol(asyncio.Protocol):
    """One connection: what panoramisk's ``Manager`` asks of its protocol, on our codec."""

    def __init__(
        self, hear: Callable[[Message], None], wanted: frozenset[str], damaged: Callable[[], None] = lambda: None
    ) -> None:
        """``damaged`` is called when bytes were no message: others may have been lost with them."""
        self.decoder = Decoder(wanted)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.heard = 0
        self.pending: dict[str, _Pending] = {}
        self._hear = hear
        self._damaged = damaged
        self._numbers = itertools.count(1)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: there is a connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes; answers go to who asked, events to who hears."""
        self.heard += 1
        for message in self.decoder.feed(data):
            if isinstance(message, AmiError):
                _log.warning("AMI message skipped", reason=str(message))
                self._damaged()
                continue
            pending = self.pending.get(message.action_id) if message.action_id else None
            if pending is not None:
                if pending.take(message):
                    self.pending.pop(message.action_id, None)
            elif message.event:
                self._hear(message)

    def send(
        self, action: Fields, as_list: object = None, began: Callable[[], None] | None = None
    ) -> "asyncio.Future[Any]":
        """Send an action, the values of ``Action`` among its fields; the future of its answer.

        With ``as_list`` true the answer is all messages up to ``EventList: Complete``. ``began`` is called when the
        first of them is there.

        Raises:
            AmiError: It cannot be sent as it stands.
            AmiUnavailable: The connection is gone.
        """
        given = dict(action)
        name, action_id = given.pop("Action"), given.pop("ActionID", None) or f"cc-{next(self._numbers)}"
        lines = [("ActionID", str(action_id))]
        for key, value in given.items():
            lines += [(key, value)] if isinstance(value, str) else [(key, one) for one in value]
        data = encode(str(name), lines)
        if self._transport is None or self._transport.is_closing():
            raise AmiUnavailable("AMI: the connection is gone")
        pending = _Pending(asyncio.get_running_loop().create_future(), [] if as_list else None, began)
        self.pending[str(action_id)] = pending
        pending.future.add_done_callback(lambda _: self.pending.pop(str(action_id), None))
        self._transport.write(data)
        return pending.future

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection ended."""
        self.end(f"the connection ended{f': {exc}' if exc else ''}")

    def end(self, reason: str) -> None:
        """Nothing is sent again: who asked is told that there will be no answer."""
        if not self.lost.done():
            self.lost.set_result(reason)
        for pending in [*self.pending.values()]:
            if not pending.future.done():
                pending.future.set_exception(AmiUnavailable(f"AMI: {reason} before the answer"))
                pending.future.exception()  # seen: who does not wait any more must not be warned about it
        self.pending.clear()

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self.end("closed")


class Session(Manager):  # type: ignore[misc]
    """panoramisk's manager for one connection: it never reconnects, never sends twice, and asks for pings' answers."""

    protocol: Any
    pinger: Any
    authenticated_future: Any
    patience: float

    @classmethod
    async def open(cls, address: AmiAddress, protocol: Protocol, *, events: bool, within: float) -> Self:
        """Connect and log in within so many seconds, each answer's time too where ``ask`` names no other.

        ``events`` is whether the session hears any.

        Raises:
            OSError: Nobody listens there.
            TimeoutError: No answer in time.
            AmiUnavailable: It is not Asterisk, or it will not have us now.
            LoginRefused: The secret is wrong.
        """
        session = cls(
            host=address.host,
            port=address.port,
            username=address.user,
            secret=address.secret,
            events="on" if events else "off",
            loop=asyncio.get_running_loop(),
            log=_quiet,
            protocol_factory=lambda: protocol,
            ping_delay=1 << 20,
        )
        try:
            async with asyncio.timeout(within):
                await session.connect()
                while session.authenticated_future is None:  # noqa: ASYNC110 - one turn of the loop
                    await asyncio.sleep(0)  # panoramisk logs in from a callback of the connection
                answer: Message = await session.authenticated_future
        except BaseException as error:
            session.close()
            protocol.close()
            if isinstance(error, TimeoutError) and protocol.heard and protocol.decoder.greeting is None:
                raise AmiUnavailable("what answers there is no Asterisk") from error
            raise
        if answer.response != "Success":
            session.close()
            raise _refused(answer.get("Message"), address)
        session.patience = within
        return session

    async def ask(self, action: str, fields: Fields | None = None, *, within: float | None = None) -> Message:
        """One action and its answer. It is sent once: after a lost connection nothing is repeated.

        Raises:
            AmiError: A key or value that cannot be sent.
            AmiRefused: Asterisk says no.
            AmiUnavailable: The connection is gone, or no answer within so many seconds.
        """
        answer: Message = await self._send(action, fields, within, as_list=False)
        if answer.response not in {"Success", "Goodbye"}:
            raise AmiRefused(f"{action}: {answer.get('Message', answer.response)}")
        return answer

    async def ask_list(
        self, action: str, fields: Fields | None = None, *, within: float | None = None
    ) -> tuple[Message, ...]:
        """One action that is answered by a list: all its messages, the first and the last included.

        Raises:
            AmiError: See ``ask``.
        """
        answer: tuple[Message, ...] = await self._send(action, fields, within, as_list=True)
        return answer

    async def _send(self, action: str, fields: Fields | None, within: float | None, *, as_list: bool) -> Any:  # noqa: ANN401
        seconds = within or self.patience
        try:
            async with asyncio.timeout(seconds):
                return await self.send_action({"Action": action, **(fields or {})}, as_list=as_list)
        except TimeoutError:
            raise AmiUnavailable(f"{action}: no answer within {seconds:g} s") from None

    def connection_made(self, f: "asyncio.Task[Any]") -> None:
        """panoramisk: connected, or not; only in the first case it logs in."""
        if f.cancelled() or f.exception() is not None:
            return
        try:
            super().connection_made(f)
        except AmiError as error:  # a secret that is no line, a connection that is gone already
            self.authenticated_future = asyncio.get_running_loop().create_future()
            self.authenticated_future.set_exception(error)

    def login(self, future: "asyncio.Future[Any]") -> None:
        """panoramisk: the login was answered; who opened the session looks at the answer."""

    def ping(self) -> None:
        """panoramisk: time for a ping; the link sends them, and looks for the answers."""
        self.pinger = None


def _refused(said: str, address: AmiAddress) -> AmiError:
    if "in use" in said.lower():
        return AmiUnavailable(f"{said}: another session of {address.user} is open; is another service running?")
    return LoginRefused(
        f"AMI on {address.where} refused the login of {address.user} ({said}): the secret in the configuration folder "
        "is not the one that Asterisk has loaded; run `asterisk -rx 'manager reload'`"
    )


def words(error: BaseException) -> str:
    """Why a session did not come about, or ended, for people."""
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens; is Asterisk running, and manager.conf loaded?"
    if isinstance(error, TimeoutError):
        return "no answer in time; is Asterisk overloaded?"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
