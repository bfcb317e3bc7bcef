"""One installation in a folder: the ledger's folder, the state, and a follower of the ledger without Asterisk."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import queries
from appeals.duties import Callback
from appeals.model import Appeal
from appeals.queries import CallbackFilters
from contact_centre import database
from contact_centre.casework import _operator
from contact_centre.clock import SystemClock
from contact_centre.config import PREFIX, Settings, load
from contact_centre.demo.network import free_tcp_port
from contact_centre.demo.processes import Processes
from contact_centre.demo.service import Service
from contact_centre.follow import LedgerFollower
from contact_centre.health import Metrics
from contact_centre.numbers import number_reader
from contact_centre.writer import Writer
from telephony import store
from telephony.core.call import Call
from telephony.ingest import Ingest, fold_files
from telephony.links.ledger_tail import kept_files
from telephony.store import CallFilter, CallRecord
from tests.register import every_appeal

T = TypeVar("T")
PROGRAM = str(Path(sys.executable).with_name("contact-centre"))


@dataclass(frozen=True)
class Place:
    """Folders and config file of one installation."""

    root: Path
    port: int

    @classmethod
    def make(cls, root: Path) -> "Place":
        place = cls(root, free_tcp_port())
        for folder in (place.ledger.parent, place.audio, place.etc):
            folder.mkdir(parents=True)
        place.config.write_text(
            f'state = "{place.state}"\n[asterisk]\nledger = "{place.ledger}"\naudio_dir = "{place.audio}"\n'
            f'config_dir = "{place.etc}"\nami_port = {free_tcp_port()}\n'
            f"[agi]\nport = {free_tcp_port()}\n[web]\nport = {place.port}\n"
        )
        return place

    @property
    def ledger(self) -> Path:
        return self.root / "cel" / "cel_master.jsonl"

    @property
    def audio(self) -> Path:
        return self.root / "audio"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def config(self) -> Path:
        return self.root / "contact-centre.toml"

    @property
    def settings(self) -> Settings:
        return load(self.config)

    def write(self, *lines: bytes) -> None:
        """Append to the ledger as Asterisk does: open, write, close."""
        with self.ledger.open("ab") as file:
            file.write(b"".join(lines))

    def rotate(self, suffix: str) -> Path:
        return self.ledger.rename(self.ledger.with_name(f"{self.ledger.name}.{suffix}"))

    def service(self, processes: Processes) -> Service:
        return Service(self.root, processes, self.port)

    def command(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the program."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return subprocess.run(
            [PROGRAM, "--config", str(self.config), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=clean | variables,
            cwd=self.root,
        )

    def json(self, *words: str) -> Any:  # noqa: ANN401 - whatever the command prints
        done = self.command(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def migrated(self) -> None:
        database.migrate(self.settings.database, SystemClock().now())

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.settings.database, timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    async def read(self, query: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        engine = database.readers(self.settings.database)
        try:
            async with engine.connect() as connection:
                return await query(connection)
        finally:
            await engine.dispose()

    async def records(self) -> dict[str, CallRecord]:
        found = await self.read(lambda connection: store.list_calls(connection, CallFilter()))
        return {record.call.call_id: record for record in found}

    async def drafts(self) -> list[Appeal]:
        return await self.read(every_appeal)

    async def callbacks(self) -> list[Callback]:
        return await self.read(lambda connection: queries.list_callbacks(connection, CallbackFilters(state=None)))


def folded(paths: Iterable[Path]) -> dict[str, Call]:
    """The calls that whole ledgers give, folded in one go."""
    return {change.call.call_id: change.call for changes in fold_files(list(paths)) for change in changes}


async def assert_complete(place: Place) -> dict[str, Call]:
    """Every call of the kept ledgers is there as folding them in one go gives it, and what follows from it, once."""
    expected = folded(found.path for found in kept_files(place.ledger))
    records = await place.records()
    assert {call_id: record.call for call_id, record in records.items()} == expected
    assert all(record.version == 1 for record in records.values())
    answered = [call.call_id for call in expected.values() if _operator(call)]
    missed = [call.call_id for call in expected.values() if not _operator(call) and call.ended_at]
    assert sorted(call_id for draft in await place.drafts() for call_id in draft.calls) == sorted(answered)
    assert sorted(call_id for entry in await place.callbacks() for call_id in entry.call_ids) == sorted(missed)
    return expected


async def until(condition: Callable[[], bool | Coroutine[Any, Any, bool]], seconds: float = 15.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


class Following:
    """A follower at work on a place."""

    def __init__(self, place: Place, follower: LedgerFollower, metrics: Metrics, writer: Writer) -> None:
        self._place = place
        self.follower = follower
        self.metrics = metrics
        self.writer = writer

    async def caught_up(self) -> None:
        """Wait until all kept ledgers are read to their end (or to the torn line at the end of the live one)."""
        await until(self._is_caught_up)

    def _is_caught_up(self) -> bool:
        at = dict(self._place.sql("SELECT fingerprint, position FROM ledger_files"))
        for found in kept_files(self._place.ledger):
            data = found.path.read_bytes()
            if at.get(found.fingerprint, 0) < data.rfind(b"\n") + 1:
                return False
        return True


@asynccontextmanager
async def following(place: Place, *, busy_timeout_s: float = 30.0, max_lag_s: float = 5.0) -> AsyncIterator[Following]:
    """Follow the ledger of a place meanwhile."""
    place.migrated()
    clock, metrics = SystemClock(), Metrics()
    writer = Writer(place.settings.database, busy_timeout_s)
    to_e164 = number_reader(place.settings)
    follower = LedgerFollower(
        Ingest(place.ledger, clock, to_e164), writer, to_e164, clock, metrics, lambda: None, max_lag_s
    )
    task = asyncio.create_task(follower.run())
    try:
        yield Following(place, follower, metrics, writer)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(writer.close)
