"""From the register's step to the closed duty: the register, its announcements, the outbox, a real mail server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appeals import commands, queries
from appeals.commands import Command
from appeals.duties import Duty, DutyKind
from appeals.errors import GuardError
from appeals.model import Actor, Appeal, Channel, Role, Status
from contact_centre import casework, database
from contact_centre.config import Settings
from contact_centre.dispatch import Dispatcher
from contact_centre.health import Metrics
from contact_centre.message_settings import EmailSettings, MessageSettings, WebhookSettings
from contact_centre.register_desk import desk_of
from contact_centre.senders.build import build
from contact_centre.writer import Writer
from tests.databases import new_database
from tests.integration.message_peers import HttpServer, MailServer
from tests.integration.rig import until
from tests.town import OPERATOR

VODOKANAL = Actor("vodokanal", frozenset({Role.EXECUTOR}), service="vodokanal")
EVERY_DESK = Actor("iryna", frozenset({Role.OPERATOR}), desks=frozenset({"violence"}))
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class Town:
    """The register of this installation, with a mail server, and a program that is told of everything."""

    def __init__(self, state: Path, mail: MailServer, web: HttpServer) -> None:
        key = state / "key"
        key.write_text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
        self.settings = Settings(
            state=state,
            messages=MessageSettings(
                email=EmailSettings(host="127.0.0.1", port=mail.port, tls="none", sender="office@city.example"),
                webhooks=(
                    WebhookSettings(name="map", url=web.url, secret_file=key, events=("*",), allow_private=True),
                ),
            ),
        )
        new_database(self.settings.database)
        self.writer = Writer(self.settings.database)
        self.engine = database.readers(self.settings.database)
        self.desk = desk_of(self.settings, self)

    def now(self) -> datetime:
        return NOW

    async def close(self) -> None:
        await self.engine.dispose()
        await asyncio.to_thread(self.writer.close)

    async def registered(self, actor: Actor = OPERATOR, category: str = "housing.water_quality") -> Appeal:
        told: dict[str, Any] = {
            "category": category,
            "description": "вода іржава",
            "applicant": "Олена Ткачук",
            "applicant_email": "olena@example.org",
        }
        edit = commands.Edit(changes=told)
        draft = await self.writer.run(lambda tx: self.desk.create(tx, actor, Channel.VISIT, edit))
        return await self.do(draft.appeal_id, commands.Register(), actor)

    async def do(self, appeal_id: str, command: Command, actor: Actor = OPERATOR) -> Appeal:
        return await self.writer.run(lambda tx: self.desk.perform(tx, appeal_id, command, actor))

    async def appeal(self, appeal_id: str) -> Appeal:
        async with self.engine.connect() as connection:
            found = await queries.get_appeal(connection, appeal_id)
        assert found is not None
        return found

    async def informs(self, appeal_id: str) -> list[Duty]:
        return [duty for duty in (await self.appeal(appeal_id)).duties if duty.kind is DutyKind.INFORM]

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[None]:
        dispatcher = Dispatcher(
            self.settings.messages,
            build(self.settings.messages, self),
            self.engine,
            self.writer,
            self,
            Metrics(),
            casework.message_delivered,
        )
        running = asyncio.create_task(dispatcher.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer().running() as server:
        yield server


@pytest.fixture
async def web() -> AsyncIterator[HttpServer]:
    async with HttpServer().running() as server:
        yield server


@pytest.fixture
async def town(tmp_path: Path, mail: MailServer, web: HttpServer) -> AsyncIterator[Town]:
    made = Town(tmp_path, mail, web)
    yield made
    await made.close()


async def verifying(town: Town) -> str:
    """An appeal that the service reports as done: the applicant has to be told."""
    appeal_id = (await town.registered()).appeal_id
    await town.do(appeal_id, commands.RouteTo(service="vodokanal"))
    await town.do(appeal_id, commands.Accept(), VODOKANAL)
    done = await town.do(appeal_id, commands.ReportDone(text="промито мережу"), VODOKANAL)
    assert done.status is Status.VERIFYING
    return appeal_id


async def test_a_delivered_mail_closes_the_duty_and_the_appeal_may_be_closed(town: Town, mail: MailServer) -> None:
    appeal_id = await verifying(town)
    with pytest.raises(GuardError):
        await town.do(appeal_id, commands.Close())

    async def told() -> bool:
        return all(duty.closed_at is not None for duty in await town.informs(appeal_id))

    async with town.dispatching():
        await until(told)
    closed = await town.do(appeal_id, commands.Close())

    assert closed.status is Status.CLOSED
    letters = [one for one in mail.mails if one["To"] == "olena@example.org"]
    assert any("промито мережу" in one.get_content() for one in letters)
    [inform] = [duty for duty in await town.informs(appeal_id) if duty.reason == "result"]
    assert inform.evidence is not None
    assert any(inform.evidence in str(one["Message-ID"]) for one in letters), "the evidence is that very mail"


async def test_a_mail_that_nobody_takes_closes_nothing(town: Town, mail: MailServer) -> None:
    refused: list[str] = []

    def refuse(_smtp: object, address: str) -> str:
        refused.append(address)
        return "550 no such user"

    mail.on_recipient = refuse
    appeal_id = await verifying(town)
    async with town.dispatching():
        await until(lambda: "olena@example.org" in refused)
        await asyncio.sleep(0.3)
    assert any(duty.closed_at is None for duty in await town.informs(appeal_id))
    with pytest.raises(GuardError):
        await town.do(appeal_id, commands.Close())


async def test_of_a_restricted_appeal_neither_matter_nor_person_leaves(
    town: Town, mail: MailServer, web: HttpServer
) -> None:
    appeal = await town.registered(EVERY_DESK, "education.violence")
    await town.do(appeal.appeal_id, commands.RouteTo(service="education"), EVERY_DESK)
    async with town.dispatching():
        await until(lambda: len(web.requests) >= 2)
        await asyncio.sleep(0.5)
    assert {json.loads(one.body)["data"]["appeal_id"] for one in web.requests} == {appeal.appeal_id}
    left = [one.body.decode() for one in web.requests] + [one.get_content() + one["Subject"] for one in mail.mails]
    for secret in ("іржава", "Ткачук", "education", "освіти", "насил", "Булінг"):
        assert not [text for text in left if secret.casefold() in text.casefold()], secret
