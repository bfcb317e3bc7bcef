"""One AMI connection: panoramisk's ``Manager`` with a protocol of ours.

What panoramisk 1.4 does itself with bytes, lost connections and unanswered actions is replaced here: it loses letters
cut in two, sends CR and LF as they come, repeats actions after a reconnect, and notices neither a refused login nor a
peer that fell silent.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from panoramisk import Manager

from telephony.wire.ami import AmiError, Decoder, Message, encode

_log = structlog.get_logger()

Fields = Mapping[str, str | Sequence[str]]
"""An action's fields; a key with several values is sent several times."""


class AmiUnavailable(AmiError):  # noqa: N818 - the state, in the words of the service
    """There is no session, or it ended before the answer; whether Asterisk acted is not known then."""


class AmiRefused(AmiError):  # noqa: N818
    """Asterisk refused the action; the message is its own."""


class LoginRefused(AmiError):  # noqa: N818
    """Asterisk does not let us in; the message says what to do."""


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

    def connection_made(self, f: "asyncio.Task[Any]") -> None:
        """panoramisk: connected, or not; only in the first case it logs in."""
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)

    def login(self, future: "asyncio.Future[Any]") -> None:
        """panoramisk: the login was answered."""
        if not future.cancelled() and future.exception() is None:
            self.authenticated = future.result().response == "Success"

    def ping(self) -> None:
        """panoramisk: time for a ping; the link sends them, and looks for the answers."""
        self.pinger = None
