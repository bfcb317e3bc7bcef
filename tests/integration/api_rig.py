"""The API of a small town on a real database, and its tokens."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import commands
from appeals.commands import Command
from appeals.duty_desk import DutyDesk
from appeals.incident_desk import IncidentDesk
from appeals.model import Actor, Appeal, Channel, HistoryEntry
from appeals.numbers import parse_number
from appeals.ports import Tx
from appeals.reference import Reference
from appeals.register import Desk
from appeals.search import needs_index
from appeals.search_sqlite import SqliteSearch
from contact_centre import database
from contact_centre.api import tokens
from contact_centre.api.operations import OPERATIONS
from contact_centre.api.problems import BASE
from contact_centre.api.shell import Shell
from contact_centre.api.site import Site
from contact_centre.api.tokens import Scope
from contact_centre.writer import Writer
from tests import town
from tests.databases import new_database

Client = TestClient[web.Request, web.Application]


class TownClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


@dataclass(frozen=True)
class Api:
    """The API with what its tests reach behind it for."""

    site: Site
    shell: Shell
    clock: TownClock
    path: Path

    async def token(  # a token of a role with all scopes, unless it is said otherwise
        self,
        *roles: str,
        scopes: tuple[Scope, ...] = tuple(Scope),
        service: str | None = None,
        desks: tuple[str, ...] = (),
        per_minute: int = 1_000_000,
        lasts: timedelta | None = None,
        name: str | None = None,
    ) -> dict[str, str]:
        name = name or f"{'-'.join(roles)}-{len(await self.site.writer.run(_names))}"
        secret = await self.site.writer.run(
            lambda tx: tokens.add(
                tx,
                name=name,
                scopes=scopes,
                roles=roles,
                service=service,
                desks=desks,
                at=self.clock.now(),
                expires_at=None if lasts is None else self.clock.now() + lasts,
                per_minute=per_minute,
            )
        )
        return {"Authorization": f"Bearer {secret}"}

    async def appeal(self, category: str = "water.leak", **changes: Any) -> Appeal:  # noqa: ANN401 - any field
        """A registered appeal that came by web."""
        told = {"description": "тече труба", "applicant": "Марія Коваль", "applicant_phone": "+380501112233"}
        desks = frozenset({"counselling", "violence"})
        actor = Actor("olena", town.OPERATOR.roles, desks=desks)
        edit = commands.Edit(changes={"category": category} | told | changes)
        made = await self.site.writer.run(lambda tx: self.site.desk.create(tx, actor, Channel.WEB, edit))
        return await self.perform(made.appeal_id, commands.Register(), actor)

    async def perform(self, appeal_id: str, command: Command, actor: Actor = town.OPERATOR) -> Appeal:
        return await self.site.writer.run(lambda tx: self.site.desk.perform(tx, appeal_id, command, actor))


def _names(tx: Tx) -> list[tuple[Any, ...]]:
    return tx.fetch_all(tokens.api_tokens.select())


@asynccontextmanager
async def api(folder: Path) -> AsyncIterator[Api]:
    path, clock = folder / "contact-centre.db", TownClock()
    new_database(path)
    index, writer, engine = SqliteSearch(), Writer(path), database.readers(path)

    def changed(tx: Tx, before: Appeal | None, after: Appeal, _: tuple[HistoryEntry, ...]) -> None:
        if needs_index(before, after):
            index.put(tx, after)

    async def reference(_: AsyncConnection) -> Reference:
        return town.REFERENCE

    desk = Desk(clock, lambda _: town.REFERENCE, changed, lambda *_: None)
    site = Site(
        desk=desk,
        duties=DutyDesk(clock, changed),
        incidents=IncidentDesk(desk),
        search=index,
        reference=reference,
        writer=writer,
        engine=engine,
        clock=clock,
        to_e164=lambda raw: parse_number(raw).e164,
    )
    try:
        yield Api(site, Shell(site, OPERATIONS), clock, path)
    finally:
        await engine.dispose()
        await asyncio.to_thread(writer.close)


@asynccontextmanager
async def client(of: Api) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_subapp(BASE, of.shell.application())
    async with TestClient(TestServer(app)) as serving:
        yield serving


@contextmanager
def in_a_thread(folder: Path) -> Iterator[tuple[Api, str, asyncio.AbstractEventLoop]]:
    """The API on a socket, for programs that know nothing of asyncio: with its address and loop."""
    ready, stop = threading.Event(), asyncio.Event()
    running: list[tuple[Api, str, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with api(folder) as one, client(one) as serving:
            running.append((one, str(serving.make_url("/")), asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="api", daemon=True)
    thread.start()
    assert ready.wait(30), "the API did not start"
    try:
        yield running[0]
    finally:
        running[0][2].call_soon_threadsafe(stop.set)
        thread.join(30)
