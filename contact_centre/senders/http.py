"""One HTTP exchange, and what may be concluded from it about a message."""

import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

import aiohttp

from contact_centre.senders.ports import Uncertain, Unreachable

CONNECT_S: Final = 10.0
LONGEST_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read."""
OVERLOADED: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""The peer, not the message, is the reason (RFC 9110, 15)."""
_NAT64: Final = int(IPv6Address("64:ff9b::")) >> 32
"""RFC 6052: the last 32 bits are an IPv4 address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer said. ``body`` is None when it broke off in the middle of it, or was too long."""

    status: int
    body: bytes | None
    retry_after: timedelta | None


class PrivateAddressError(OSError):
    """A name or an address leads into a network that is not the public one."""


class HttpPeer:
    """Requests to one address, each on a connection of its own.

    So a connection that the peer has closed is told apart from a request that it has not answered. No redirections, no
    proxy, no cookies. ``public_only`` refuses private addresses. That is decided for the very address that is connected
    to: a name that changes between a check and its use gains nothing.
    """

    def __init__(self, url: str, timeout_s: float, *, public_only: bool = False) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._public_only = public_only
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, method: str, **request: Any) -> Answer | Unreachable | Uncertain:  # noqa: ANN401 - aiohttp's
        """Send a request and read the answer.

        ``Unreachable``: there was no connection, so nothing was sent. ``Uncertain``: no status came back.
        """
        if self._session is None:
            self._session = self._open()
        try:
            async with self._session.request(method, self._url, allow_redirects=False, **request) as response:
                return Answer(response.status, await _body(response), _retry_after(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Unreachable(f"connecting: {_reason(error)}")
        except aiohttp.InvalidURL:
            return Unreachable("connecting: the url is none")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Uncertain(f"no answer: {type(error).__name__}")

    async def reach(self) -> Unreachable | None:
        """Whether the peer answers at all, whatever it says."""
        match await self.exchange("HEAD"):
            case Unreachable() as refused:
                return refused
            case Uncertain() as lost:
                return Unreachable(lost.reason)
            case _:
                return None

    async def close(self) -> None:
        """Let go of what a session holds; the next request opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        factory = _public_socket if self._public_only else None
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, socket_factory=factory),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, connect=min(CONNECT_S, self._timeout_s)),
            trust_env=False,
        )


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PrivateAddressError("a private address; webhooks.allow_private allows it")
    return socket.socket(family, kind, protocol)


def is_public(address: str) -> bool:
    """Whether an address is the public internet's (IANA's special-purpose registries); an embedded IPv4 decides."""
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if int(parsed) >> 32 == _NAT64:
            inner = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    try:
        body = await response.content.read(LONGEST_ANSWER + 1)
        while len(body) <= LONGEST_ANSWER and (more := await response.content.read(LONGEST_ANSWER)):
            body += more
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return body if len(body) <= LONGEST_ANSWER else None


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    """Of RFC 9110, 10.2.3 the seconds alone; the form with a date is rare."""
    value = response.headers.get("Retry-After", "")
    return timedelta(seconds=int(value)) if value.isdecimal() and len(value) < len("123456") else None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name is unknown"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not to be trusted"
    if isinstance(error, (aiohttp.ClientConnectorSSLError, ssl.SSLError)):
        return "TLS failed"
    cause = getattr(error, "os_error", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
