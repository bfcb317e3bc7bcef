"""What a page or an action of the console is, what it is asked, and how it answers."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode

from aiohttp import web
from multidict import MultiDict

from contact_centre.accounts import ROLES
from contact_centre.api.site import Site
from contact_centre.calling import Calling
from contact_centre.config import ConsoleSettings, Settings
from contact_centre.console.browser import Browser
from contact_centre.console.render import Renderer
from contact_centre.console.sessions import Limits, Person, Session, Stage
from contact_centre.console.shift.hub import Hub
from contact_centre.listening import Listening
from telephony.browser_phones import BrowserPhones
from telephony.switchboard import Switchboard

BASE: Final = "/console"
EVERYBODY: Final = frozenset(ROLES)
LONGEST_BODY: Final = 256 * 1024
BODY_WITHIN_S: Final = 10.0
MOST_FIELDS: Final = 200

STYLE_NONCE: Final = web.RequestKey("style_nonce", str)

Reply = web.StreamResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A page (``GET``) or an action (``POST``).

    ``path`` is below ``BASE``, parts in braces are its parameters. ``roles`` may use it, None is whoever comes, signed
    in or not. ``stage`` is how far in they must have come; an action that is open to every stage has ``stage`` None.
    ``menu`` is its name in the navigation. ``lasting``: its answer goes on for as long as the browser listens.
    """

    name: str
    method: str
    path: str
    do: "Callable[[Asked], Awaitable[Reply]]"
    roles: frozenset[str] | None
    stage: Stage | None = Stage.IN
    menu: str | None = None
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages work with."""

    site: Site
    settings: Settings
    limits: Limits
    routes: Mapping[str, Route]
    live: Hub
    listening: Listening
    switchboard: Switchboard
    calling: Calling
    phones: BrowserPhones

    def address(self, name: str, /, **parts: str) -> str:
        """The address of a route; parameters that are not parts of its path become its query."""
        path = self.routes[name].path
        query = {key: value for key, value in parts.items() if f"{{{key}}}" not in path}
        filled = path.format_map({key: quote(value, safe="") for key, value in parts.items()})
        return f"{BASE}{filled}" + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in."""

    console: Console
    request: web.Request
    browser: Browser
    renderer: Renderer
    session: Session | None
    form: MultiDict[str] = field(default_factory=MultiDict)

    @property
    def site(self) -> Site:
        """The register and the database."""
        return self.console.site

    @property
    def signed_in(self) -> Session:
        """The session, on routes that ask for one."""
        if self.session is None:
            raise LookupError("this route is open to people without a session")
        return self.session

    @property
    def person(self) -> Person:
        """Who asks, on routes that ask for a session."""
        return self.signed_in.person

    @property
    def style_nonce(self) -> str:
        """What lets a style element of a library into this page; the answer's policy names it once it was asked for."""
        nonce = self.request.get(STYLE_NONCE) or secrets.token_urlsafe(16)
        self.request[STYLE_NONCE] = nonce
        return nonce

    def words(self, text: str, **parameters: object) -> str:
        """A text in the language of the page."""
        return self.renderer.words(text, **parameters)

    def page(self, template: str, status: int = 200, **values: Any) -> web.Response:  # noqa: ANN401 - for the template
        """A page."""
        text = self.renderer.page(template, self, values)
        return web.Response(text=text, content_type="text/html", status=status)

    def go(self, address: str) -> web.Response:
        """On to another page, which is then asked for by GET."""
        return web.Response(status=303, headers={"Location": address})

    def go_to(self, name: str, /, **parts: str) -> web.Response:
        """On to the page of a route."""
        return self.go(self.console.address(name, **parts))


def limits_of(settings: ConsoleSettings) -> Limits:
    """How long sessions last here."""
    return Limits(timedelta(minutes=settings.idle_minutes), timedelta(hours=settings.absolute_hours))


def local(address: str | None) -> str | None:
    """An address as somebody sent it, if it is one of the console's own pages."""
    inside = address is not None and (address == BASE or address.startswith(f"{BASE}/"))
    plain = inside and address is not None and address.isprintable() and "\\" not in address and "//" not in address
    return address if plain else None


async def read_form(request: web.Request) -> MultiDict[str]:
    """The fields of a form, in the order sent, with the line ends of Unix.

    Raises:
        web.HTTPRequestEntityTooLarge: It is longer than anything of ours.
        web.HTTPUnsupportedMediaType: It is no form, or no text.
        TimeoutError: It does not come.
    """
    if not request.body_exists:
        return MultiDict()
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    body = bytearray()
    async with asyncio.timeout(BODY_WITHIN_S):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > LONGEST_BODY:
                raise web.HTTPRequestEntityTooLarge(LONGEST_BODY, len(body))
    try:
        sent = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise web.HTTPUnsupportedMediaType from error
    return MultiDict((name, _clean(value)) for name, values in sent.items() for value in values)


def _clean(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\0", "")
