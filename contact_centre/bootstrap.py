"""The one composition root: builds the links, the stores and the loops, and runs them until told to stop."""

import asyncio
import fcntl
import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from appeals import reference_store, terms
from contact_centre import casework, database, health, probes
from contact_centre.agi_watch import AgiWatch
from contact_centre.api.build import build as build_api
from contact_centre.api.build import site as site_of
from contact_centre.api.problems import BASE
from contact_centre.clock import SystemClock
from contact_centre.collecting import seldom_collected
from contact_centre.config import Settings
from contact_centre.console.build import build as build_console
from contact_centre.console.desk.calls import newest_appeal
from contact_centre.console.shift.hub import Hub
from contact_centre.dispatch import Dispatcher
from contact_centre.finalise import Finaliser
from contact_centre.follow import LedgerFollower
from contact_centre.health import ANSWER_WITHIN_S, Health, Metrics
from contact_centre.ledger_watch import LedgerWatch
from contact_centre.live_feed import LiveFeed, ami_finding
from contact_centre.lookup import Incoming, SqliteLookup
from contact_centre.numbers import number_reader
from contact_centre.outbound_results import ResultsKeeper
from contact_centre.register_desk import outbox_of
from contact_centre.reminders import Reminders, channels
from contact_centre.senders.build import build
from contact_centre.wrap_up_keeper import WrapUpKeeper
from contact_centre.writer import Writer
from recordings.service import RecordingService
from telephony import control
from telephony.ingest import Ingest
from telephony.links.ami import WRAP_UP_SECONDS, AmiLink
from telephony.links.fastagi import FastAgi
from telephony.provision import ami_secret
from telephony.switchboard import AsteriskSwitchboard

_log = structlog.get_logger()


class StartError(Exception):
    """The service cannot start; the message says why and what to do."""


@contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Two services on one state directory would both ingest; the second is refused."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "service.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(
                f"another contact-centre runs on {state}; stop it first, or give this one its own"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


async def run(settings: Settings, ready: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT; ``ready`` is told the address once everything is up.

    Raises:
        StartError: It cannot start.
        contact_centre.database.SchemaError: The database is newer than this program.
    """
    clock = SystemClock()
    with _only_one(settings.state), seldom_collected():
        backup = database.migrate(settings.database, clock.now())
        if backup is not None:
            _log.info("database migrated", backup=str(backup))
        writer = Writer(settings.database)
        engine = database.readers(settings.database)
        try:
            await _serve(settings, writer, engine, ready)
        finally:
            await engine.dispose()
            await asyncio.to_thread(writer.close)


async def _serve(settings: Settings, writer: Writer, engine: AsyncEngine, ready: Callable[[str], None]) -> None:
    clock, metrics, to_e164 = SystemClock(), Metrics(), number_reader(settings)
    service = RecordingService.on_disk(settings.asterisk.audio_dir, settings.state, clock)
    finaliser = Finaliser(service, engine, writer, clock, metrics, settings.recording.workers)
    ingest = Ingest(settings.asterisk.ledger, clock, to_e164)
    live_feed = LiveFeed()
    hub = Hub(live_feed, clock.now, functools.partial(newest_appeal, engine))
    follower = LedgerFollower(
        ingest, writer, to_e164, clock, metrics, finaliser.wake, settings.health.max_ledger_lag_s, hub.recorded
    )
    results = ResultsKeeper(writer, lambda: follower.caught_up_at)
    dispatcher = Dispatcher(
        settings.messages,
        build(settings.messages, clock),
        engine,
        writer,
        clock,
        metrics,
        casework.message_delivered,
    )
    reminders = Reminders(writer, clock, reference_store.current, outbox_of(settings, clock), channels(settings))
    agi_watch = AgiWatch(clock, metrics.registry)
    lookup = SqliteLookup(settings.database, to_e164, clock)
    fastagi = FastAgi(agi_watch.ended)
    fastagi.add_route("incoming", Incoming(lookup).serve)
    ledger_watch = LedgerWatch(settings.asterisk.ledger, writer, clock, metrics.ledger_gaps.inc)
    ami = AmiLink(
        settings.asterisk.ami_host,
        settings.asterisk.ami_port,
        functools.partial(ami_secret, settings.asterisk.config_dir),
        clock,
        variables={WRAP_UP_SECONDS: str(settings.wrap_up.seconds)},
    )
    ami.listen(live_feed.hear)
    ami.listen(ledger_watch.hear)
    disks = probes.disk_probes(settings)
    watch = Health(
        lambda: [
            follower.finding(),
            finaliser.finding(),
            agi_watch.finding(),
            ami_finding(ami, live_feed),
            ledger_watch.finding(),
            dispatcher.finding(),
        ],
        functools.partial(probes.ask_disks, disks),
        metrics,
    )
    site = site_of(settings, writer, engine, clock, to_e164)
    switchboard = _switchboard(settings, ami)
    limit = timedelta(seconds=settings.wrap_up.seconds)
    keeper = WrapUpKeeper(live_feed, switchboard, writer, clock, limit, lambda login: hub.own(login).call_id)
    api, console = build_api(site), build_console(settings, site, hub, switchboard)
    application = health.application(watch)
    application.add_subapp(BASE, api.application())
    console.mount(application)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=ANSWER_WITHIN_S)
    await runner.setup()
    try:
        door = await _open(runner, settings)
        try:
            fastagi.start(settings.agi.host, settings.agi_port)
        except OSError as error:
            where = f"{settings.agi.host}:{settings.agi_port}"
            raise StartError(f"{where} cannot be listened on: {error.strerror}; set agi.port to a free one") from error
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        threading.Thread(target=terms.load, name="search-terms", daemon=True).start()  # nobody's first search waits
        loops = [
            asyncio.create_task(loop)
            for loop in (
                follower.run(),
                finaliser.run(),
                watch.watch(),
                ami.run(),
                ledger_watch.run(),
                results.run(),
                reminders.run(),
                dispatcher.run(),
                api.run(),
                console.run(),
                hub.run(),
                keeper.run(),
            )
        ]
        ready(door.name)
        _log.info("service started", web=door.name, ledger=str(settings.asterisk.ledger))
        await _until(stop, loops)
    finally:
        await fastagi.close()
        lookup.close()
        await runner.cleanup()
    _log.info("service stopped")


def _switchboard(settings: Settings, ami: AmiLink) -> AsteriskSwitchboard:
    asterisk = settings.asterisk
    of_control = functools.partial(control.address, asterisk.config_dir, asterisk.ami_host, asterisk.ami_port)
    return AsteriskSwitchboard(ami, of_control, settings.peers)


async def _open(runner: web.AppRunner, settings: Settings) -> web.TCPSite:
    door = web.TCPSite(runner, settings.web.host, settings.web.port)
    try:
        await door.start()
    except OSError as error:
        where = f"{settings.web.host}:{settings.web.port}"
        raise StartError(f"{where} cannot be listened on: {error.strerror}; set web.port to a free one") from error
    return door


async def _until(stop: asyncio.Event, loops: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the signal; a loop that ends by itself is a fault of ours and is raised."""
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait({stopped, *loops}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopped}:
            task.result()
    finally:
        for task in (stopped, *loops):
            task.cancel()
        await asyncio.gather(stopped, *loops, return_exceptions=True)
