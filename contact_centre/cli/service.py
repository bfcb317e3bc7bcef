"""``run`` and ``doctor``."""

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any, Final, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre import bootstrap, database, message_probes, probes
from contact_centre.cli.context import Context, json_option, pass_context, print_json
from contact_centre.clock import SystemClock
from contact_centre.config import Settings
from contact_centre.outbound_results import list_requests
from contact_centre.probes import Finding
from contact_centre.views import plain
from telephony import control
from telephony.gaps import list_gaps
from telephony.links.ami_session import AmiAddress
from telephony.outbound import Result
from telephony.provision import CLI_USER, ami_secret
from telephony.wire.ami import AmiError

T = TypeVar("T")

UNSETTLED_AFTER: Final = timedelta(minutes=5)
"""A service that runs has settled a call that was asked for long before."""


@click.command()
@click.option("--role", type=click.Choice(["all", "node", "console"]), default="all", show_default=True)
@pass_context
def run(context: Context, role: str) -> None:
    """Run the service: follow the ledger, finalise recordings, keep the register."""
    if role != "all":
        raise bootstrap.StartError(f"--role {role} is reserved for installations of several nodes and not built yet")
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(
            bootstrap.run(context.settings, lambda address: click.echo(f"contact-centre is up: {address}/healthz"))
        )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where that is available (Linux), otherwise Python's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - not on every platform, and other commands need none

    return uvloop.new_event_loop


@click.command()
@json_option
@pass_context
def doctor(context: Context, as_json: bool) -> None:
    """Say what is wrong with this installation, line by line; exit with 1 if anything is."""
    findings = list(_examine(context.settings))
    if as_json:
        print_json([plain(one) for one in findings])
    else:
        for one in findings:
            click.echo(f"{'ok   ' if one.ok else 'WRONG'}  {one.probe:<18} {one.seen}")
            if one.remedy:
                click.echo(f"       {'':<18} -> {one.remedy}")
    sys.exit(0 if all(one.ok for one in findings) else 1)


def _examine(settings: Settings) -> Iterator[Finding]:
    yield probes.ledger_format(settings)
    yield from probes.ask_disks(probes.disk_probes(settings))
    yield from probes.permissions(settings)
    schema = _database(settings)
    yield schema
    if schema.ok:
        yield _gaps(settings)
        yield _requests(settings)
        yield _letters(settings)
    yield from message_probes.peers(settings)
    yield _ami(settings)
    yield probes.browsers_certificate(settings, SystemClock().now())
    yield probes.clock_synchronised(_output)
    yield _sipp()


def _database(settings: Settings) -> Finding:
    finding = probes.schema(settings)
    if finding.ok:
        problem = database.foreign_schema(settings.database)
        if problem is not None:
            return Finding("database", ok=False, seen=problem)
    return finding


def _gaps(settings: Settings) -> Finding:
    """What the service noted while it ran: hang-ups of the last day that AMI told and the ledger lacks."""
    if not settings.database.exists():
        return Finding("ledger_watch", ok=True, seen="nothing watched yet")
    now = SystemClock().now()

    try:
        found = asyncio.run(_ask(settings, list_gaps))
    except SQLAlchemyError as error:
        return Finding("ledger_watch", ok=False, seen=f"cannot be told: {getattr(error, 'orig', error)}")
    count = sum(one.appeared_at is None and now - one.hangup_at < timedelta(days=1) for one in found)
    if count == 0:
        return Finding("ledger_watch", ok=True, seen="every hang-up told by AMI in the last day is in the ledger")
    remedy = "look at the ledger's disk (`df`, `dmesg`); which: `contact-centre ledger gaps`"
    return Finding(
        "ledger_watch", ok=False, seen=f"{count} hang-ups of the last day are not in the ledger", remedy=remedy
    )


def _requests(settings: Settings) -> Finding:
    """Calls of the last day that were asked for, and of which nobody knows: who asked died, or nobody settles them."""
    if not settings.database.exists():
        return Finding("outbound", ok=True, seen="no call was asked for yet")
    now = SystemClock().now()
    try:
        found = asyncio.run(_ask(settings, lambda connection: list_requests(connection, now - timedelta(days=1))))
    except SQLAlchemyError as error:
        return Finding("outbound", ok=False, seen=f"cannot be told: {getattr(error, 'orig', error)}")
    unsettled = sum(one.result is None and now - one.requested_at > UNSETTLED_AFTER for one in found)
    lost = sum(one.result is Result.NO_RECORD for one in found)
    seen = f"{len(found)} calls were asked for in the last day"
    if unsettled:
        remedy = "start the service: it settles them when it has read the ledger"
        return Finding("outbound", ok=False, seen=f"{seen}, {unsettled} have no result", remedy=remedy)
    if lost:
        remedy = "call these citizens again: `contact-centre calls requested --unplaced`"
        return Finding("outbound", ok=False, seen=f"{seen}, {lost} never became calls", remedy=remedy)
    return Finding("outbound", ok=True, seen=seen)


def _letters(settings: Settings) -> Finding:
    if not settings.database.exists():
        return Finding("messages", ok=True, seen="nothing was announced yet")
    try:
        return asyncio.run(_ask(settings, message_probes.letters))
    except SQLAlchemyError as error:
        return Finding("messages", ok=False, seen=f"cannot be told: {getattr(error, 'orig', error)}")


async def _ask(settings: Settings, query: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
    """A query on the database as it is."""
    engine = database.readers(settings.database)
    try:
        async with engine.connect() as connection:
            return await query(connection)
    finally:
        await engine.dispose()


def _ami(settings: Settings) -> Finding:
    asterisk = settings.asterisk
    try:
        secret = ami_secret(asterisk.config_dir, CLI_USER)
    except OSError as error:
        remedy = f"install the configuration into {asterisk.config_dir}, or set asterisk.config_dir to where it is"
        return Finding("ami", ok=False, seen=f"no secret: {error.strerror}", remedy=remedy)
    address = AmiAddress(asterisk.ami_host, asterisk.ami_port, CLI_USER, secret)
    try:
        version = asyncio.run(control.core_version(address))
    except AmiError as error:
        return Finding(
            "ami", ok=False, seen=str(error), remedy="calls and recordings go on; screens and commands do not"
        )
    return Finding("ami", ok=True, seen=f"Asterisk {version} on {asterisk.ami_host}:{asterisk.ami_port}")


def _sipp() -> Finding:
    """SIPp is for the demo and the tests alone: its absence is no fault of an installation."""
    program = shutil.which("sipp")
    if program is None:
        return Finding("sipp", ok=True, seen="not on this host (the demo and the tests bring their own)")
    words = (_output([program, "-v"]) or "").split()
    version = next((word for word in words if word.startswith("v3.")), "of an unknown version")
    recent = not version.startswith(("v3.6", "v3.7", "v3.5"))
    remedy = None if recent else "the demo and the tests need 3.8 and bring their own where they can"
    return Finding("sipp", ok=True, seen=f"{program} {version}", remedy=remedy)


def _output(command: list[str]) -> str | None:
    """What a program prints, or None if it is not there or fails without a word."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - our words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout or None
