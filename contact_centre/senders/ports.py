"""What the dispatcher asks of a sender, and what can become of a message."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from appeals.messages import MessageChannel


def peer_of(channel: MessageChannel, address: str) -> str:
    """What a message waits for: the mail server, the gateway, or one subscriber."""
    return f"{channel.value}:{address}" if channel is MessageChannel.WEBHOOK else channel.value


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a sender gets it. ``message_id`` and ``event_id`` are the same however often it is sent.

    ``to`` is an e-mail address, an E.164 number or a subscriber's name; ``body`` a text, for webhooks JSON.
    """

    message_id: str
    event_id: str
    to: str
    subject: str | None
    body: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The peer took it. ``provider_id`` is its own name for the message, if it gave one."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Temporary:
    """The peer did not take this message, but may later.

    Here and below ``reason`` is fit for logs; ``detail``, the peer's own words, may name people and is not.
    """

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Permanent:
    """The peer will never take this message."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The peer takes nothing at present, whatever the message; it certainly did not take this one."""

    reason: str
    detail: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The message left us, and nobody but the peer knows whether it was taken."""

    reason: str
    detail: str = ""


Result = Accepted | Temporary | Permanent | Unreachable | Uncertain


class Sender(Protocol):
    """The way to one peer. Used by one task: ``open``, then ``send`` for one message after the other, then ``close``.

    No method raises for what a peer or a network does.
    """

    @property
    def recognises(self) -> bool:
        """Whether the peer, given the same message again, can tell that it is the same."""
        ...

    async def open(self) -> Unreachable | None:
        """Do everything that can fail before a message is in play; None when a message can be sent."""
        ...

    async def send(self, message: Outgoing) -> Result:
        """Send a message, once."""
        ...

    async def close(self) -> None:
        """Let go of the peer."""
        ...

    async def probe(self) -> Unreachable | None:
        """Whether the peer would let us send, without sending: for ``doctor``."""
        ...
