"""The console of a small town on a real database, and people who sign in to it as browsers do."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from contact_centre import accounts
from contact_centre.accounts import ROLES
from contact_centre.config import AsteriskSettings, ConsoleSettings, Settings
from contact_centre.console import keys, passwords
from contact_centre.console.desk.calls import newest_appeal
from contact_centre.console.route import BASE, Route
from contact_centre.console.routes import ROUTES
from contact_centre.console.shell import Shell
from contact_centre.console.shift.hub import Hub
from contact_centre.live_feed import LiveFeed
from contact_centre.writer import SqliteTx
from telephony.browser_phones import BrowserPhones
from tests.fake_switchboard import FakeSwitchboard
from tests.integration.api_rig import Api, api

PASSWORD = "дощ іде над Прутом"  # noqa: S105 - of people who do not exist
HASHED = passwords.hashed(PASSWORD)
SERVICES = {"executor": "water"}


@dataclass(frozen=True)
class Console:
    """The console with what its tests reach behind it for."""

    town: Api
    shell: Shell
    server: TestServer
    switchboard: FakeSwitchboard
    feed: LiveFeed
    asterisk: AsteriskSettings

    async def person(
        self,
        login: str,
        *roles: str,
        name: str | None = None,
        service: str | None = None,
        desks: tuple[str, ...] = (),
        one_time: bool = False,
        phone: bool = False,
    ) -> None:
        """An account with the password of them all, perhaps with a telephone."""
        now = self.town.clock.now()

        def add(tx: SqliteTx) -> None:
            accounts.add(
                tx,
                login=login,
                name=name or login.title(),
                roles=roles,
                extension=None,
                sip_account=f"operator-{login}" if phone else None,
                at=now,
                service=service or next((SERVICES[role] for role in roles if role in SERVICES), None),
                desks=desks,
            )
            keys.give(tx, login, HASHED, now, one_time=one_time, without_second_factor=False)

        await self.town.site.writer.run(add)

    async def everybody(self) -> None:
        """One person of each role, whose login it is."""
        for role in ROLES:
            await self.person(role, role)


@dataclass
class Browser:
    """A browser: it keeps cookies, says where a request was made, and follows no redirect unasked."""

    client: TestClient[web.Request, web.Application]

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.client.get(f"{BASE}{path}", allow_redirects=False, headers=headers)

    async def post(
        self, path: str, fields: Mapping[str, str] | None = None, *, origin: str | None = "own", **headers: str
    ) -> ClientResponse:
        """Send a form as a page of the console would."""
        if origin is not None:
            headers["Origin"] = str(self.client.make_url("")).rstrip("/") if origin == "own" else origin
        return await self.client.post(f"{BASE}{path}", data=dict(fields or {}), allow_redirects=False, headers=headers)

    async def sign_in(self, login: str, password: str = PASSWORD, **fields: str) -> ClientResponse:
        return await self.post("/sign-in", {"login": login, "password": password, **fields})

    async def csrf(self) -> str:
        """The token of the session, from the page that has one."""
        told = await (await self.get("/session")).json()
        return str(told["csrf"])

    async def send(self, path: str, fields: Mapping[str, str] | None = None) -> ClientResponse:
        """Send a form with the token of the session."""
        return await self.post(path, {"csrf": await self.csrf(), **(fields or {})})


@asynccontextmanager
async def console(
    folder: Path, settings: ConsoleSettings | None = None, extra: tuple[Route, ...] = ()
) -> AsyncIterator[Console]:
    async with api(folder) as town:
        asterisk = AsteriskSettings(config_dir=folder / "asterisk")
        whole = Settings(state=folder, console=settings or ConsoleSettings(), asterisk=asterisk)
        feed, switchboard = LiveFeed(), FakeSwitchboard()
        phones = BrowserPhones(asterisk.config_dir, whole.provision)
        live = Hub(feed, town.clock.now, partial(newest_appeal, town.site.engine))
        shell = Shell(town.site, whole, (*ROUTES, *extra), live, switchboard, phones)
        app = web.Application()
        shell.mount(app)
        server = TestServer(app)
        async with server:
            yield Console(town, shell, server, switchboard, feed, asterisk)


@asynccontextmanager
async def browser(of: Console) -> AsyncIterator[Browser]:
    """A browser of its own."""
    client = TestClient(of.server)
    try:
        yield Browser(client)
    finally:
        await client.session.close()


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found[1]
