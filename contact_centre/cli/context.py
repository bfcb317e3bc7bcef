"""What every command shares: settings, error codes, JSON and tables."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import click
from sqlalchemy.ext.asyncio import AsyncConnection
from tabulate import tabulate

from contact_centre import config, database, logs
from contact_centre.clock import SystemClock
from contact_centre.writer import SqliteTx, connect, transaction

T = TypeVar("T")

KYIV: Final = ZoneInfo("Europe/Kyiv")


class NotFoundError(Exception):
    """There is no such thing."""


EXIT_CODES: Final[Mapping[str, int]] = {
    "contact_centre.config.SettingsError": 3,
    "contact_centre.bootstrap.StartError": 4,
    "contact_centre.database.SchemaError": 5,
    "contact_centre.cli.context.NotFoundError": 6,
    "telephony.wire.ami.AmiError": 7,
    "telephony.phones.PhoneError": 8,
    "telephony.provision.ProvisionError": 8,
    "telephony.certificates.CertificateError": 8,
    "recordings.errors.RecordingError": 9,
    "builtins.OSError": 10,
    "sqlite3.Error": 11,
    "contact_centre.outbound.CallRefusedError": 12,
    "contact_centre.api.tokens.TokenError": 14,
    "appeals.errors.RegisterError": 15,
    "sqlalchemy.exc.DBAPIError": 11,
    "contact_centre.outbox.MessageStateError": 13,
}
"""Errors that people can mend, and the exit code of each; 1 says that something was found wrong, 2 wrong usage.

By name, so that a command loads only what it needs.
"""


def exit_code(error: BaseException) -> int | None:
    """The code of an error, or of what it is a kind of; None if it is a fault of ours."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((EXIT_CODES[name] for name in names if name in EXIT_CODES), None)


class ErrorsWithCodes(click.Group):
    """Says an error in one line, without a traceback, and exits with its code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            told = getattr(error, "orig", None) or error  # of SQLAlchemy's words, the database's own
            for line in str(told).splitlines() or [type(told).__name__]:
                click.echo(f"contact-centre: {printable(line)}", err=True)
            ctx.exit(code)


@dataclass
class Context:
    """Where the settings come from, and the way to the database."""

    config_file: Path | None
    overrides: Mapping[str, Any]

    @cached_property
    def settings(self) -> config.Settings:
        """The settings, read when first needed; logs go to standard error from then on."""
        settings = config.load(self.config_file, self.overrides)
        logs.configure(settings.log.level)
        return settings

    def read(self, query: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run a query on the database."""

        async def work() -> T:
            now = SystemClock().now()
            async with database.reading(self.settings.database, now) as engine, engine.connect() as connection:
                return await query(connection)

        return asyncio.run(work())

    def write(self, job: Callable[[SqliteTx], T]) -> T:
        """Run a job in a transaction of its own, beside a service that may be running."""
        with self.writing() as connection, transaction(connection) as tx:
            return job(tx)

    def writing(self) -> closing[sqlite3.Connection]:
        """The database for several transactions."""
        database.migrate(self.settings.database, SystemClock().now())
        return closing(connect(self.settings.database))


pass_context = click.make_pass_decorator(Context)
json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """One JSON value, readable, UTF-8."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2).encode())


def print_table(rows: Iterable[Sequence[object]], headers: Sequence[str], empty: str) -> None:
    """A table for people, or the sentence that says why there is none."""
    listed = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    click.echo(tabulate(listed, headers, tablefmt="simple", disable_numparse=True) if listed else empty)


def print_fields(values: Mapping[str, object], indent: str = "") -> None:
    """One thing, a field a line; lists below their name."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            click.echo(f"{indent}{name}:")
            for one in value:
                shown = {key: item for key, item in one.items() if item not in (None, [], "")}
                click.echo(printable(f"{indent}  - " + "  ".join(f"{key}={item}" for key, item in shown.items())))
        else:
            shown_value = ", ".join(map(str, value)) if isinstance(value, list) else value
            click.echo(printable(f"{indent}{name:<{width}}  {'' if shown_value is None else shown_value}".rstrip()))


def printable(text: str) -> str:
    """What callers call themselves must not steer a terminal: control characters become U+FFFD."""
    return "".join(one if one.isprintable() or one == "\xa0" else "\ufffd" for one in text)


def local(at: datetime | None) -> str:
    """A time as people in the city read it."""
    return "" if at is None else at.astimezone(KYIV).strftime("%d.%m.%Y %H:%M:%S")


def seconds(value: float | None) -> str:
    """A duration as people read it: ``1:05``, ``0:04``."""
    return "" if value is None else f"{int(value) // 60}:{int(value) % 60:02d}"


class Moment(click.ParamType[datetime]):
    """A day or a moment, in the city's time unless it carries an offset."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """From text to an aware time."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-11-22 or 2026-11-22T14:30", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=KYIV)


MOMENT: Final = Moment()
