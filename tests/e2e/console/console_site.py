"""The console as the service serves it, with a town in it, for a real browser: no Asterisk is needed for its pages."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from aiohttp import web
from aiohttp.test_utils import TestServer

from appeals import commands
from appeals.commands import Command, Edit
from appeals.model import Actor, Appeal, Channel, Result, Role
from appeals.ports import Tx
from appeals.store import draft_of_call
from contact_centre import accounts, casework, database
from contact_centre.api.build import site as site_of
from contact_centre.api.site import Site
from contact_centre.config import AsteriskSettings, Settings
from contact_centre.console import keys, passwords
from contact_centre.console.build import build
from contact_centre.console.desk.calls import newest_appeal
from contact_centre.console.shift.hub import Hub
from contact_centre.live_feed import LiveFeed
from contact_centre.writer import SqliteTx, Writer
from telephony import store
from telephony.core.call import Call, CallChanged, Direction, Leg, QueueOutcome, Span
from telephony.core.call import Role as Party
from telephony.links.ami import Item
from tests.databases import new_database
from tests.fake_switchboard import FakeSwitchboard

T = TypeVar("T")

PASSWORD: Final = "дощ іде над Прутом"  # noqa: S105 - of people who do not exist

PEOPLE: Final = (
    ("olena", "Олена Ткачук", ("operator",), None),
    ("maria", "Марія Бойчук", ("supervisor", "operator"), None),
    ("vodokanal", "Диспетчер Водоканалу", ("executor",), "vodokanal"),
    ("petro", "Петро Лисак", ("administrator",), None),
    ("mayor", "Міський голова", ("mayor",), None),
)

OLENA: Final = Actor("olena", frozenset({Role.OPERATOR}))
MARIA: Final = Actor("maria", frozenset({Role.OPERATOR, Role.SUPERVISOR}))
WATER: Final = Actor("vodokanal", frozenset({Role.EXECUTOR}), service="vodokanal")


class Clock:
    """The real time, which tests put back or forward."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@dataclass
class ConsoleSite:
    """A console on a socket, and what tests reach behind it for."""

    address: str
    site: Site
    clock: Clock
    loop: asyncio.AbstractEventLoop
    feed: LiveFeed
    switchboard: FakeSwitchboard
    hub: Hub

    def hear(self, item: Item) -> None:
        """An item of Asterisk's stream of events."""
        self.loop.call_soon_threadsafe(self.feed.hear, item)

    def write(self, job: Callable[[SqliteTx], T]) -> T:
        """Run a job in the database's writer."""
        return asyncio.run_coroutine_threadsafe(self.site.writer.run(job), self.loop).result(30)

    def perform(self, appeal_id: str, command: Command, actor: Actor) -> Appeal:
        return self.write(lambda tx: self.site.desk.perform(tx, appeal_id, command, actor))

    def create(self, actor: Actor = OLENA, channel: Channel = Channel.VISIT, **changes: str) -> Appeal:
        return self.write(lambda tx: self.site.desk.create(tx, actor, channel, Edit(changes=changes)))

    def people(self) -> None:
        """Everybody, with one password."""
        hashed, now = passwords.hashed(PASSWORD), self.clock.now()

        def add(tx: Tx) -> None:
            for login, name, roles, service in PEOPLE:
                accounts.add(
                    tx,
                    login=login,
                    name=name,
                    roles=roles,
                    extension=None,
                    sip_account=f"operator-{login}" if "operator" in roles else None,
                    at=now,
                    service=service,
                )
                keys.give(tx, login, hashed, now, one_time=False, without_second_factor=False)

        self.write(add)

    def town(self) -> str:
        """Two weeks of a town; the id of an appeal to which everything has happened."""
        for number, (days, category, words, address, applicant, phone, steps) in enumerate(_STORY):
            self.clock.by = -timedelta(days=days, hours=2, minutes=7 * number)
            appeal = self._call(number, phone, applicant)
            told = {"category": category, "description": words, "address": address, "applicant": applicant}
            self.perform(appeal, Edit(changes=told), OLENA)
            for hours, actor, command in steps:
                self.clock.by += timedelta(hours=hours)
                self.perform(appeal, command, actor)
        self.clock.by = timedelta()
        self._call(90, "+380991234567", None)
        self.create(
            channel=Channel.WRITTEN,
            description="Просимо встановити лавки вздовж набережної Пруту.",
            applicant="ОСББ «Набережна»",
            category="other.proposal",
        )
        return appeal

    def answered(self, call_id: str, phone: str, name: str | None) -> str:
        """The ledger tells that an operator has answered a call of the live view: its draft."""
        draft = self._call(70, phone, name, call_id)
        self.loop.call_soon_threadsafe(self.hub.recorded, [call_id])
        return draft

    def _call(self, number: int, phone: str, name: str | None, call_id: str | None = None) -> str:
        """A call that an operator took: its draft."""
        at = self.clock.now()
        talked = Span(at + timedelta(seconds=19), at + timedelta(seconds=160))
        leg = Leg(f"op-{number}.1", Party.OPERATOR, "olena", at, at, talked.end, 141.0, 0.0, (talked,))
        call = Call(
            call_id=call_id or f"{int(at.timestamp())}.{number}",
            line="15-80" if number % 3 else "588-888",
            direction=Direction.INBOUND,
            caller_number_raw=phone,
            caller_name=name,
            dialled_number="1580",
            started_at=at,
            answered_at=talked.start,
            ended_at=talked.end,
            queue="operators",
            queue_outcome=QueueOutcome.ANSWERED,
            operator="olena",
            wait_time=17.0 + number,
            talk_time=141.0,
            hold_time=0.0,
            ring_no_answers=0,
            transfers=(),
            legs=(leg,),
            purpose=None,
            dial_status=None,
            recovered=False,
            group_id=call_id or f"{int(at.timestamp())}.{number}",
            recorded_from=None,
            promised_at=None,
            refused=None,
            anomalies=(),
        )

        def keep(tx: Tx) -> str:
            change = CallChanged(call, over=True)
            store.save_call(tx, change, phone, at=at, reason="told")
            casework.apply(tx, [change], lambda raw: raw)
            return draft_of_call(tx, call.call_id)

        return self.write(keep)


_Step = tuple[float, Actor, Command]
_REGISTER: Final[_Step] = (0.02, OLENA, commands.Register())


def _routed(service: str | None = None) -> list[_Step]:
    return [_REGISTER, (0.05, OLENA, commands.RouteTo(service=service))]


_ACCEPTED: Final[list[_Step]] = [(0.5, WATER, commands.Accept()), (1, WATER, commands.Start())]
_REPORT: Final = commands.ReportDone(
    text="Замінено 4 м труби на вводі, тиск відновлено, колодязь закрито.", result=Result.RESOLVED
)

_STORY: Final[tuple[tuple[float, str, str, str, str, str, list[_Step]], ...]] = (
    (
        13,
        "improvement.lighting",
        "Не горять три ліхтарі біля зупинки, увечері зовсім темно.",
        "вул. Руська, 210",
        "Ігор Мельник",
        "+380501112201",
        _routed(),
    ),
    (
        11,
        "emergency.no_water",
        "Немає води з самого ранку у всьому під'їзді, аварійна не відповідає.",
        "вул. Головна, 122",
        "Жанна Їжак",
        "+380501112202",
        [*_routed(), *_ACCEPTED, (5, WATER, _REPORT)],
    ),
    (
        9,
        "improvement.roads",
        "Глибока яма посеред проїзної частини, машини виїжджають на зустрічну.",
        "вул. Шевченка, 41",
        "Степан Ґудзь",
        "+380671112203",
        _routed(),
    ),
    (
        6,
        "transport.trolleybus",
        "Тролейбус № 3 не зупинився на вимогу, водій нагрубив пасажирці з дитиною.",
        "просп. Незалежності, 88",
        "Оксана Романюк",
        "+380931112204",
        [_REGISTER],
    ),
    (
        4,
        "housing.lift",
        "Ліфт стоїть третій день, на дев'ятому поверсі живе людина на візку.",
        "вул. Комарова, 13",
        "Марія Козак",
        "+380661112205",
        _routed(),
    ),
    (
        2,
        "emergency.sewer",
        "Стоки виливаються на тротуар біля школи, сильний запах.",
        "вул. Фастівська, 6",
        "Андрій Шевчук",
        "+380501112206",
        [*_routed("vodokanal"), (0.3, WATER, commands.Decline(reason="Мережа на балансі ОСББ, не наша."))],
    ),
    (
        1,
        "information.contacts",
        "Питала, коли приймає управління соцзахисту.",
        "",
        "Ганна Федорук",
        "+380971112207",
        [_REGISTER, (0.01, OLENA, commands.Answer(text="Пн–чт 9:00–17:00, вул. Шептицького, 23."))],
    ),
    (
        0.4,
        "emergency.burst_main",
        """Прорвало трубу під дорогою, вода тече до підвалів двох будинків.

Просять перекрити воду до приїзду бригади, бо в підвалі електрощитова.""",
        "вул. Небесної Сотні, 14",
        "Богдан Цюпа",
        "+380501112208",
        [*_routed(), *_ACCEPTED],
    ),
)


@contextmanager
def served(folder: Path) -> Iterator[ConsoleSite]:
    """A console of its own; it ends with the block."""
    ready, stopped = threading.Event(), threading.Event()
    running: list[ConsoleSite] = []
    clock, settings = Clock(), Settings(state=folder, asterisk=AsteriskSettings(config_dir=folder / "asterisk"))
    new_database(settings.database)

    async def serve() -> None:
        writer, engine = Writer(settings.database), database.readers(settings.database)
        site = replace(site_of(settings, writer, engine, clock, lambda raw: raw), clock=clock)
        app = web.Application()
        feed = LiveFeed()
        hub = Hub(feed, clock.now, partial(newest_appeal, engine))
        switchboard = FakeSwitchboard()
        build(settings, site, hub, switchboard).mount(app)
        told = asyncio.create_task(hub.run())
        async with TestServer(app) as server:
            address = str(server.make_url("/console"))
            running.append(ConsoleSite(address, site, clock, asyncio.get_running_loop(), feed, switchboard, hub))
            ready.set()
            await asyncio.to_thread(stopped.wait)
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)
        await engine.dispose()
        await asyncio.to_thread(writer.close)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="console", daemon=True)
    thread.start()
    if not ready.wait(30):
        raise TimeoutError("the console did not start")
    try:
        yield running[0]
    finally:
        stopped.set()
        thread.join(30)
