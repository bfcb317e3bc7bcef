"""The HTTP around pages and actions: who asks, may they, is it from a page of ours; and what every answer carries.

Nothing of a request but its method, its route and the login is logged: addresses and forms are citizens'.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from contact_centre.api.shell import passes
from contact_centre.api.site import Site
from contact_centre.calling import Calling
from contact_centre.config import Settings
from contact_centre.console import sessions, throttle
from contact_centre.console.assets import CACHED, Assets
from contact_centre.console.browser import Browser, from_our_page, proves
from contact_centre.console.cookies import LANGUAGE, SESSION, THEME
from contact_centre.console.languages import DEFAULT, LANGUAGES, N_
from contact_centre.console.presence.leaving import left
from contact_centre.console.render import THEMES, Renderer
from contact_centre.console.route import BASE, STYLE_NONCE, Asked, Console, Reply, Route, limits_of, read_form
from contact_centre.console.sessions import Session, Stage
from contact_centre.console.shift.hub import Hub
from contact_centre.listening import Listening
from contact_centre.writer import SqliteTx
from recordings.disk import DirectoryStore
from recordings.listening import ListeningCopies
from telephony.browser_phones import BrowserPhones
from telephony.switchboard import Switchboard

ANSWER_WITHIN_S: Final = 30.0
HOUSEKEEPING_S: Final = 300.0
SAFE: Final = frozenset({"GET", "HEAD"})

_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; media-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self' {telephony}"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. A referrer within the site: without one, browsers send no ``Origin`` with forms either.
Pages connect to us, the telephone in one to Asterisk."""
_BY_TLS_ALONE: Final = "max-age=31536000"

WHERE_NEXT: Final[Mapping[Stage, str]] = {
    Stage.SECOND_FACTOR: "second_factor",
    Stage.NEW_PASSWORD: "new_password",
    Stage.IN: "home",
}
"""The page to which somebody of this stage is sent who asks for another's."""

REFUSED: Final[Mapping[int, tuple[str, str]]] = {
    401: (N_("You are signed out"), N_("Your session has ended. Sign in, and then go back to what you were doing.")),
    403: (N_("This is not for you"), N_("Your roles do not allow this. The administrator gives roles.")),
    404: (N_("There is nothing here"), N_("The address leads nowhere, or to something that you may not know of.")),
    405: (N_("There is nothing here"), N_("The address leads nowhere, or to something that you may not know of.")),
    413: (N_("This is too much"), N_("The form is longer than anything that can be kept. Shorten it.")),
    415: (N_("This is no form"), N_("What was sent is no form of the console.")),
    500: (N_("A fault of ours"), N_("Nothing of this request was kept. It is written in the log; try again.")),
    503: (N_("Not now"), N_("The database could not be reached. Nothing of this request was kept; try again.")),
}
"""What pages say that say no: a title, and what to do."""
FORGED: Final = N_("The page that sent this is too old, or none of ours. Nothing was changed: load the page again.")

_log = structlog.get_logger()
_LOGIN: Final = web.RequestKey("login", str)
_SECURE: Final = web.RequestKey("secure", bool)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Shell:
    """Serves routes. ``run`` must run beside it."""

    def __init__(
        self,
        site: Site,
        settings: Settings,
        routes: Sequence[Route],
        live: Hub,
        switchboard: Switchboard,
        phones: BrowserPhones,
    ) -> None:
        self._assets = Assets.read()
        by_name = {route.name: route for route in routes}
        calling = Calling(settings, site.writer, site.clock, switchboard)
        copies = ListeningCopies(settings.state, DirectoryStore(settings.state))
        listening = Listening(copies, site.engine, site.writer, site.clock)
        self._console = Console(
            site, settings, limits_of(settings.console), by_name, live, listening, switchboard, calling, phones
        )
        asterisk = urlsplit(settings.provision.ws_uri)
        policy = _HEADERS["Content-Security-Policy"].format(telephony=f"{asterisk.scheme}://{asterisk.netloc}")
        self._headers = {**_HEADERS, "Content-Security-Policy": policy}

    def mount(self, at: web.Application) -> None:
        """Serve the console below ``route.BASE``; whoever names only the host is led there."""

        async def lead(_: web.Request) -> web.Response:
            return web.Response(status=303, headers={"Location": f"{BASE}/"})

        async def stop(_: web.Application) -> None:
            self._console.live.close()
            self._console.calling.close()

        at.on_shutdown.append(stop)
        at.router.add_get("/", lead)
        at.router.add_get(BASE, lead)  # before the pages, which would take it for one of theirs
        at.add_subapp(BASE, self._application())

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._edge])
        for route in self._console.routes.values():
            app.router.add_route(route.method, route.path, self._handler(route))
        app.router.add_get("/static/{digest}/{path:.+}", self._static)
        app.on_response_prepare.append(self._with_headers)
        return app

    async def run(self) -> None:
        """For ever: make recordings ready for listening; forget sessions that have ended, and old attempts."""
        await asyncio.gather(self._console.listening.run(), self._housekeeping())

    async def _housekeeping(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                await self.sweep()
            except Exception as error:
                if not passes(error):
                    raise
                _log.warning("the console's housekeeping failed and is tried again", error=str(error))

    async def sweep(self) -> None:
        """Forget sessions that have ended by themselves, with what went with them, and attempts that are long past."""
        for login in await self._console.site.writer.run(self._sweep):
            await left(self._console, login)

    def _sweep(self, tx: SqliteTx) -> list[str]:
        now = self._console.site.clock.now()
        throttle.sweep(tx, now)
        return sessions.sweep(tx, self._console.limits, now)

    @web.middleware
    async def _edge(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer: refusals as pages, and one line in the log."""
        began = time.perf_counter()
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = self._refuse(request, error.status)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person gets an answer
            if passes(error):
                _log.warning("a page could not be served now", error=type(error).__name__)
                response = self._refuse(request, HTTPStatus.SERVICE_UNAVAILABLE)
            else:
                _log.exception("a page failed")
                response = self._refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR)
        resource = request.match_info.route.resource
        _log.info(
            "page",
            method=request.method,
            route=None if resource is None else resource.canonical,
            status=response.status,
            ms=round((time.perf_counter() - began) * 1000, 1),
            login=request.get(_LOGIN),
        )
        return response

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            browser = Browser.of(request, self._console.settings.console.trusted_proxies)
            request[_SECURE] = browser.secure
            session = await self._session(request)
            if session is not None:
                request[_LOGIN] = session.person.login
            asked = Asked(self._console, request, browser, self._renderer(request), session)
            refusal = self._stopped(route, asked)
            if refusal is not None:
                return refusal
            if request.method in SAFE:
                return await _in_time(route, asked)
            form = await read_form(request)
            sent = str(form.get("csrf") or request.headers.get("X-CSRF-Token", ""))
            if not from_our_page(request, browser) or (session is not None and not proves(session, sent)):
                return self._refuse(request, HTTPStatus.FORBIDDEN, FORGED, asked)
            return await _in_time(route, Asked(self._console, request, browser, asked.renderer, session, form))

        return handle

    async def _session(self, request: web.Request) -> Session | None:
        """The session of the request, noted as used."""
        token, site, now = request.cookies.get(SESSION), self._console.site, self._console.site.clock.now()
        if not token:
            return None
        async with site.engine.connect() as connection:
            session = await sessions.find(connection, token, now, self._console.limits)
        if session is not None and session.stale(now):
            await site.writer.run(lambda tx: sessions.touch(tx, session.digest, now))
        return session

    def _stopped(self, route: Route, asked: Asked) -> Reply | None:
        """What is answered instead to whoever may not use the route; None if they may."""
        if route.roles is None:
            return None
        session, request = asked.session, asked.request
        leads = request.method in SAFE and not route.lasting
        if session is None:
            if leads:
                return asked.go_to("sign_in", **({"next": request.path_qs} if route.name != "home" else {}))
            return self._refuse(request, HTTPStatus.UNAUTHORIZED, asked=asked)
        further = route.stage in {None, session.stage}
        if leads and not further:
            return asked.go_to(WHERE_NEXT[session.stage])
        if not further or route.roles.isdisjoint(session.person.roles):
            return self._refuse(request, HTTPStatus.FORBIDDEN, asked=asked)
        return None

    def _refuse(
        self, request: web.Request, status: int, told: str | None = None, asked: Asked | None = None
    ) -> web.Response:
        """A page that says no, and what to do."""
        status = status if status in REFUSED else HTTPStatus.INTERNAL_SERVER_ERROR
        if asked is None:
            browser = Browser.of(request, self._console.settings.console.trusted_proxies)
            asked = Asked(self._console, request, browser, self._renderer(request), None)
        title, what_to_do = REFUSED[status]
        return asked.page("refused.html", status=status, title=title, told=told or what_to_do)

    def _renderer(self, request: web.Request) -> Renderer:
        language, theme = request.cookies.get(LANGUAGE, ""), request.cookies.get(THEME, "")
        return Renderer(
            self._assets,
            BASE,
            language if language in LANGUAGES else DEFAULT,
            theme if theme in THEMES else THEMES[0],
        )

    async def _static(self, request: web.Request) -> web.Response:
        found = self._assets.files.get(request.match_info["path"])
        if found is None or request.match_info["digest"] != self._assets.digest:
            raise web.HTTPNotFound
        content, kind = found
        return web.Response(body=content, headers={"Content-Type": kind, "Cache-Control": CACHED})

    async def _with_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        nonce = request.get(STYLE_NONCE)
        if nonce is not None:
            policy = response.headers["Content-Security-Policy"]
            named = policy.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'")
            response.headers["Content-Security-Policy"] = named
        response.headers["Server"] = "contact-centre"
        if request.get(_SECURE):
            response.headers["Strict-Transport-Security"] = _BY_TLS_ALONE


async def _in_time(route: Route, asked: Asked) -> Reply:
    if route.lasting:
        return await route.do(asked)
    async with asyncio.timeout(ANSWER_WITHIN_S):
        return await route.do(asked)
