"""What is known of the browser behind a request: its address, whether it came by TLS, which page made it.

Behind a proxy that is trusted the proxy's word counts (``X-Forwarded-For``, ``X-Forwarded-Proto``); nobody else's does.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Self

from aiohttp import web

from contact_centre.console.sessions import Session

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a request comes from. ``secure``: it came by TLS."""

    address: str
    secure: bool

    @classmethod
    def of(cls, request: web.Request, trusted: Sequence[Network]) -> Self:
        """Look at a request."""
        address, secure = request.remote or "", request.secure
        if _among(address, trusted):
            secure = request.headers.get("X-Forwarded-Proto", "").strip() == "https"
            for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
                address = hop.strip() or address
                if not _among(address, trusted):
                    break
        return cls(address, secure)


def _among(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def from_our_page(request: web.Request, browser: Browser) -> bool:
    """Whether a page of ours made the request, as the browser itself says.

    Every browser of the last years sends ``Origin`` with what changes something; most also ``Sec-Fetch-Site``.
    """
    origin = f"{'https' if browser.secure else 'http'}://{request.host}"
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return request.headers.get("Origin") == origin and site == "same-origin"


def proves(session: Session, sent: str) -> bool:
    """Whether what was sent is the CSRF token of the session."""
    return hmac.compare_digest(session.csrf.encode(), sent.encode())
