"""The HTTP around the operations: who asks, is it well-formed, has it been asked before; and what every answer carries.

Nothing of a request but its method, its route and the token's name is logged: paths, queries and bodies are citizens'.
"""

import asyncio
import hashlib
import re
import sqlite3
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec
import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from appeals.errors import RegisterError
from contact_centre.api import idempotency, parsing, problems, tokens
from contact_centre.api.idempotency import Kept
from contact_centre.api.limits import RateLimits
from contact_centre.api.problems import BASE, Problem, Refusal
from contact_centre.api.site import Answer, Asked, Operation, Reading, Site, Writing
from contact_centre.api.tokens import Token
from contact_centre.writer import SqliteTx, WriterClosedError

if TYPE_CHECKING:
    from datetime import datetime

ANSWER_WITHIN_S: Final = 30.0
HOUSEKEEPING_S: Final = 60.0
LATER_S: Final = "5"

_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "contact-centre",
}
"""On every answer. There is no CORS: programs ask, not pages of other sites."""

_TAG: Final = re.compile(r'"[^"]*"')
_BEARER: Final = re.compile(r"(?i:bearer) +([!-~]{1,200})")

_PASSING: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)
"""Errors of the database that are the disk's or another program's, and end."""

_log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ASKING: Final = web.RequestKey("asking", str)
"""The name of the token."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Shell:
    """Serves operations. ``run`` must run beside it."""

    def __init__(self, site: Site, operations: Sequence[Operation]) -> None:
        self._site = site
        self._operations = operations
        self._limits = RateLimits()
        self._used: dict[str, datetime] = {}
        self._under_way: set[tuple[str, str]] = set()

    def application(self) -> web.Application:
        """To be mounted at ``problems.BASE``."""
        app = web.Application(middlewares=[self._edge])
        for operation in self._operations:
            app.router.add_route(operation.method, operation.path, self._handler(operation))
        return app

    async def run(self) -> None:
        """For ever: write down when tokens were used, and forget answers that are a day old."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                await self.keep_house()
            except Exception as error:
                if not passes(error):
                    raise
                _log.warning("the API's housekeeping failed and is tried again", error=str(error))

    async def keep_house(self) -> None:
        """See ``run``."""
        used, self._used = self._used, {}
        now = self._site.clock.now()

        def job(tx: SqliteTx) -> None:
            tokens.note_use(tx, used)
            idempotency.sweep(tx, now)

        try:
            await self._site.writer.run(job)
        except BaseException:
            self._used = used | self._used
            raise

    @web.middleware
    async def _edge(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer: errors as problems, the headers, and one line in the log."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                response = await handler(request)
        except (RegisterError, Refusal) as error:
            response = _refused(problems.of(error), error.headers if isinstance(error, Refusal) else {})
        except web.HTTPNotFound:
            response = _refused(problems.problem("not_found"))
        except web.HTTPMethodNotAllowed as error:
            allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
            response = _refused(problems.problem("method_not_allowed"), allowed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the asking program gets an answer
            if passes(error):
                _log.warning("a request could not be served now", error=type(error).__name__)
                response = _refused(problems.problem("unavailable"), {"Retry-After": LATER_S})
            else:
                frames = "".join(traceback.format_tb(error.__traceback__))  # the error's words may be a citizen's
                _log.error("a request failed", error=type(error).__name__, at=frames)
                response = _refused(problems.problem("internal"))
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        resource = request.match_info.route.resource
        _log.info(
            "request",
            method=request.method,
            route=None if resource is None else resource.canonical,
            status=response.status,
            ms=round((time.perf_counter() - began) * 1000, 1),
            token=request.get(_ASKING),
        )
        return response

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            token = await self._authenticate(request, operation)
            expected = parsing.expected(request) if operation.versioned else None
            query = parsing.query(request, operation)
            body, digest = await parsing.body(request, operation)
            actor = tokens.NOBODY if token is None else token.actor
            asked = Asked(self._site, actor, request.match_info, query, body, expected)
            if isinstance(operation, Writing) and token is not None:
                rendered = await self._write(request, operation, asked, token, digest)
            else:
                rendered = await _read(request, operation, asked)
            return web.Response(status=rendered.status, headers=rendered.headers, body=rendered.body)

        return handle

    async def _authenticate(self, request: web.Request, operation: Operation) -> Token | None:
        """Whose request this is; None for what is open to everybody."""
        if operation.scope is None:
            return None
        challenge = {"WWW-Authenticate": "Bearer"}
        sent = request.headers.get("Authorization")
        if sent is None:
            raise Refusal("token_missing", headers=challenge)
        found, now = _BEARER.fullmatch(sent), self._site.clock.now()
        token = None
        if found is not None:
            async with self._site.engine.connect() as connection:
                token = await tokens.authenticate(connection, found[1], now)
        if token is None:
            raise Refusal("token_invalid", headers=challenge)
        request[_ASKING] = token.name
        self._used[token.token_id] = now
        wait = self._limits.wait(token.token_id, token.per_minute, time.monotonic())
        if wait:
            raise Refusal("too_many_requests", headers={"Retry-After": str(wait)}, per_minute=token.per_minute)
        if operation.scope not in token.scopes:
            raise Refusal("scope_missing", scope=operation.scope.value)
        return token

    async def _write(
        self, request: web.Request, operation: Writing, asked: Asked, token: Token, digest: bytes
    ) -> Rendered:
        key = parsing.idempotency_key(request)
        if key is None:
            return await self._site.writer.run(lambda tx: _render(operation, operation.do(asked, tx)))
        own = (token.token_id, key)
        if own in self._under_way:
            raise Refusal("request_under_way", headers={"Retry-After": "1"})

        def once(tx: SqliteTx) -> Rendered:
            now = self._site.clock.now()
            kept = idempotency.find(tx, *own, now)
            if kept is not None:
                if kept.digest != digest:
                    raise Refusal("key_used_otherwise")
                return Rendered(kept.status, {**kept.headers, "Idempotent-Replayed": "true"}, kept.body)
            answer = _render(operation, operation.do(asked, tx))
            idempotency.keep(tx, *own, Kept(digest, answer.status, answer.headers, answer.body), now)
            return answer

        self._under_way.add(own)
        try:
            return await self._site.writer.run(once)
        finally:
            self._under_way.discard(own)


def passes(error: BaseException | None) -> bool:
    """Whether asking again later helps: the database is busy or full, or the service is stopping."""
    if isinstance(error, DBAPIError):
        return passes(error.orig)
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING
    return isinstance(error, (TimeoutError, WriterClosedError))


async def _read(request: web.Request, operation: Operation, asked: Asked) -> Rendered:
    if not isinstance(operation, Reading):
        raise TypeError(f"{operation.name}: what writes is not open to everybody")
    answer = await operation.do(asked)
    rendered = _render(operation, answer)
    if answer.following is not None:
        pairs = [(name, value) for name, value in request.query.items() if name != "cursor"]
        following = urlencode([*pairs, ("cursor", answer.following)])
        link = f'<{request.path}?{following}>; rel="next"'
        rendered = Rendered(rendered.status, {**rendered.headers, "Link": link}, rendered.body)
    seen = request.headers.get("If-None-Match", "")
    if seen.strip() == "*" or rendered.headers["ETag"] in _TAG.findall(seen):
        return Rendered(HTTPStatus.NOT_MODIFIED, {"ETag": rendered.headers["ETag"]}, b"")
    return rendered


def _render(operation: Operation, answer: Answer) -> Rendered:
    """The answer with its ETag: the version, if there is one, and a digest of what this very token sees."""
    headers = {}
    if answer.location is not None:
        headers["Location"] = BASE + answer.location
    if answer.body is None:
        return Rendered(HTTPStatus.NO_CONTENT, headers, b"")
    body = msgspec.json.encode(answer.body)
    digest = hashlib.sha256(body).hexdigest()[:16]
    headers["ETag"] = f'"{digest}"' if answer.version is None else f'"{answer.version}.{digest}"'
    headers["Content-Type"] = "application/json"
    return Rendered(operation.status, headers, body)


def _refused(problem: Problem, headers: Mapping[str, str] | None = None) -> web.Response:
    told = {"Content-Type": problems.MEDIA_TYPE, **(headers or {})}
    return web.Response(status=problem.status, headers=told, body=msgspec.json.encode(problem))
