"""The loop that reminds services which do not accept, on a real database and the real outbox."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appeals import commands
from appeals.messages import MessageChannel
from appeals.model import Channel
from appeals.ports import Tx
from appeals.reference import Name, Reference, Rung, Span
from appeals.register import Desk
from contact_centre import reminders
from contact_centre.config import Settings
from contact_centre.register_desk import outbox_of
from contact_centre.reminders import Reminders
from contact_centre.writer import SqliteTx, Writer
from tests.databases import new_database
from tests.integration.rig import until
from tests.town import OPERATOR, REFERENCE, REGISTERED_AT

RUNG = Rung(Span.parse("1h"), Name("диспетчер", "dispatcher"), None, "d@example.org")
TOWN = replace(
    REFERENCE, services={**REFERENCE.services, "water": replace(REFERENCE.services["water"], ladder=(RUNG,))}
)


class City:
    """An appeal was routed to the waterworks, who have not accepted it for a week."""

    def __init__(self, state: Path) -> None:
        self.settings = Settings(state=state)
        self.at = REGISTERED_AT
        new_database(self.settings.database)
        self.writer = Writer(self.settings.database)
        self.troubles = 0

    def now(self) -> datetime:
        return self.at

    def reference(self, _: Tx) -> Reference:
        if self.troubles:
            self.troubles -= 1
            raise OSError("the disk is away for a moment")
        return TOWN

    def reminders(self) -> Reminders:
        outbox = outbox_of(self.settings, self)  # with the texts that came with the program
        return Reminders(self.writer, self, self.reference, outbox, frozenset({MessageChannel.EMAIL}))

    def route(self, tx: SqliteTx) -> None:
        desk = Desk(self, lambda _: TOWN, lambda *_: None, lambda *_: None)
        edit = commands.Edit(changes={"category": "water.leak", "description": "тече"})
        draft = desk.create(tx, OPERATOR, Channel.VISIT, edit)
        for command in (commands.Register(), commands.RouteTo(service="water")):
            desk.perform(tx, draft.appeal_id, command, OPERATOR)
        self.at = REGISTERED_AT + timedelta(days=7)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.settings.database)) as connection:
            return connection.execute(query).fetchall()

    def written(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT template, address, duty_id FROM outbox")


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    made = City(tmp_path)
    await made.writer.run(made.route)
    yield made
    await asyncio.to_thread(made.writer.close)


async def test_the_dispatcher_is_written_to_once_however_often_it_is_looked_and_restarted(city: City) -> None:
    before = city.reminders()
    for one in (before, before, city.reminders()):
        await one.look()
    assert city.written() == [("escalation", "d@example.org", None)]
    assert city.rows("SELECT rung, way, role FROM duty_alerts") == [(1, "email", "диспетчер")]
    assert city.rows("SELECT count(*) FROM appeal_history WHERE event = 'not_accepted'") == [(1,)]


async def test_a_trouble_delays_a_reminder_and_loses_none(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "EVERY_S", 0.01)
    city.troubles = 2
    running = asyncio.create_task(city.reminders().run())
    await until(lambda: bool(city.written()))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (city.troubles, len(city.written())) == (0, 1)


def test_a_way_out_is_one_that_is_set_up() -> None:
    assert reminders.channels(Settings()) == frozenset()
