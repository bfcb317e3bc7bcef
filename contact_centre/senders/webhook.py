"""Webhooks as Standard Webhooks 1.0 has them (standardwebhooks.com): signed, with an id that stays.

A receiver verifies ``webhook-signature``, refuses an old ``webhook-timestamp``, and has seen a ``webhook-id`` or not:
an event may come more than once, always under the same id.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from appeals.ports import Clock
from contact_centre.message_settings import WebhookSettings
from contact_centre.senders import http
from contact_centre.senders.ports import Accepted, Outgoing, Permanent, Result, Temporary, Unreachable
from contact_centre.senders.secrets import SecretError, read_lines

KEY_PREFIX: Final = "whsec_"
SHORTEST_KEY: Final = 24
"""Bytes; the specification asks for 24 to 64."""


class WebhookSender:
    """Requests to one subscriber."""

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._peer = http.HttpPeer(settings.url, settings.timeout_s, public_only=not settings.allow_private)
        self._keys: tuple[bytes, ...] = ()

    @property
    def recognises(self) -> bool:
        """By ``webhook-id``; the interface demands it of its subscribers."""
        return True

    async def open(self) -> Unreachable | None:
        """Read the keys; each request connects by itself."""
        try:
            self._keys = tuple(_key(line) for line in read_lines(self._settings.secret_file))
        except SecretError as error:
            return Unreachable(f"secret: {error}")
        except ValueError as error:
            return Unreachable(f"secret: {self._settings.secret_file}: {error}")
        return None

    async def send(self, message: Outgoing) -> Result:
        """One signed request."""
        body = message.body.encode()
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": message.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._keys, message.event_id, timestamp, body),
        }
        answer = await self._peer.exchange("POST", headers=headers, data=body)
        if not isinstance(answer, http.Answer):
            return answer
        reason = f"HTTP {answer.status}"
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return Accepted()
        if answer.status == HTTPStatus.GONE:
            return Permanent(reason)
        if answer.status in http.OVERLOADED:
            return Unreachable(reason, retry_after=answer.retry_after)
        return Temporary(reason)

    async def close(self) -> None:
        """Let go of the subscriber."""
        await self._peer.close()

    async def probe(self) -> Unreachable | None:
        """Whether the subscriber answers a request that tells nothing."""
        refused = await self.open() or await self._peer.reach()
        await self.close()
        return refused


def sign(keys: Sequence[bytes], event_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: one signature for each key, so that keys can be changed without a gap."""
    content = b"%s.%d.%s" % (event_id.encode(), timestamp, body)
    digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _key(line: str) -> bytes:
    """A key as the file holds it.

    Raises:
        ValueError: It is none; the message says what to do, and does not show it.
    """
    told = f"a line must be {KEY_PREFIX} and at least {SHORTEST_KEY} random bytes in base64"
    if not line.startswith(KEY_PREFIX):
        raise ValueError(told)
    try:
        key = base64.b64decode(line.removeprefix(KEY_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(told) from error
    if len(key) < SHORTEST_KEY:
        raise ValueError(told)
    return key
