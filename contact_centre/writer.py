"""The one writer of the database (ADR 2).

SQLite allows one writer at a time, so writing is one thread's work: jobs are plain functions of a transaction, those
that wait together share one ``BEGIN IMMEDIATE`` with a savepoint each, and a job's future resolves after the commit.
Statements are SQLAlchemy Core, compiled once to SQL text and run raw: measured, per-statement SQLAlchemy execution
would cost more than the disk's own flush.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import Executable

T = TypeVar("T")

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for another process (the CLI writes too) before it gives up."""
PATIENCE_S: Final = 0.25
"""How long the service's writer waits at a time, so that it can be closed meanwhile."""
MAX_JOBS_PER_COMMIT: Final = 64

_DIALECT: Final = sqlite.dialect(paramstyle="qmark")
"""Values by position: by name, SQLite's module looks each one up again for every row."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as SQL; ``order`` names the value for each of its question marks."""

    sql: str
    order: tuple[str, ...]
    defaults: dict[str, Any]
    pick: Callable[[Mapping[str, object]], Any]

    def values(self, parameters: Mapping[str, object]) -> Sequence[object]:
        """The parameters in the order of the question marks.

        Raises:
            KeyError: One is missing.
        """
        given = {**self.defaults, **parameters} if self.defaults else parameters
        if len(self.order) > 1:
            picked: tuple[object, ...] = self.pick(given)
            return picked
        return [given[name] for name in self.order]


_compiled: Final[dict[Executable, _Compiled]] = {}


def _compile(statement: Executable) -> _Compiled:
    found = _compiled.get(statement)
    if found is None:
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        defaults = {key: bind.value for key, bind in compiled.binds.items() if not bind.required}
        order = tuple(compiled.positiontup)
        found = _compiled[statement] = _Compiled(str(compiled), order, defaults, itemgetter(*order or ("",)))
    return found


class SqliteTx:
    """An open transaction on a raw connection; see the ``Tx`` ports of the packages."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _run(self, statement: Executable, parameters: Mapping[str, object]) -> sqlite3.Cursor:
        compiled = _compile(statement)
        return self._connection.execute(compiled.sql, compiled.values(parameters))

    def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> int:
        """Run a statement; how many rows it touched."""
        return self._run(statement, parameters or {}).rowcount

    def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each mapping."""
        compiled = _compile(statement)
        self._connection.executemany(compiled.sql, map(compiled.values, parameters))

    def fetch_all(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query, as plain tuples in the order of its columns."""
        return self._run(statement, parameters or {}).fetchall()


def connect(path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """Open the database for writing: WAL, every commit flushed to the disk.

    Raises:
        sqlite3.OperationalError: The file cannot be opened or created.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=busy_timeout_s, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, *, keep: bool = True) -> Iterator[SqliteTx]:
    """One transaction, for commands that write without the thread; taken back at its end unless it is to be kept."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield SqliteTx(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT" if keep else "ROLLBACK")


@dataclass(slots=True)
class _Job:
    run: Callable[[SqliteTx], Any]
    done: Callable[[Any, Exception | None], None]
    result: Any = None
    error: Exception | None = field(default=None)


class WriterClosedError(RuntimeError):
    """A job came after the writer was closed."""


class Writer:
    """``await writer.run(job)``: the job has committed when it returns, and nothing of it remains when it raises."""

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._connection = connect(path)
        self._connection.execute(f"PRAGMA busy_timeout = {int(PATIENCE_S * 1000)}")
        self._busy_timeout_s = busy_timeout_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[SqliteTx], T]) -> T:
        """Run a job in a transaction; returns its result once that is on the disk.

        Raises:
            WriterClosedError: The writer is closed.
            Exception: Whatever the job or the commit raised; nothing of the job is kept.
        """
        if self._closed:
            raise WriterClosedError("the database writer is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def resolve(result: T, error: Exception | None) -> None:
            if future.done():  # the caller gave up waiting; the job stands as it is
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def done(result: T, error: Exception | None) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(resolve, result, error)

        self._jobs.put(_Job(job, done))
        return await future

    def close(self) -> None:
        """Finish the jobs that wait, then close the connection; one that another process holds up is given up."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            self._connection.close()
            with suppress(queue.Empty):
                while True:
                    late = self._jobs.get_nowait()
                    if late is not None:
                        late.done(None, WriterClosedError("the database writer is closed"))

    def _work(self) -> None:
        more = True
        while more and (first := self._jobs.get()) is not None:
            batch, more = self._collect(first)
            self._commit(batch)
            for job in batch:
                job.done(job.result, job.error)

    def _collect(self, first: _Job) -> tuple[list[_Job], bool]:
        batch = [first]
        while len(batch) < MAX_JOBS_PER_COMMIT:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, False
            batch.append(job)
        return batch, True

    def _begin(self) -> None:
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or self._closed or time.monotonic() >= deadline:
                    raise
            else:
                return

    def _commit(self, batch: list[_Job]) -> None:
        execute = self._connection.execute
        tx = SqliteTx(self._connection)
        try:
            self._begin()
            for job in batch:
                if len(batch) == 1:
                    job.result = job.run(tx)
                else:
                    self._attempt(job, tx)
            execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - whatever it was, it belongs to those who wait
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            failure = error if isinstance(error, Exception) else RuntimeError(f"a job raised {error!r}")
            for job in batch:
                job.error = job.error or failure

    def _attempt(self, job: _Job, tx: SqliteTx) -> None:
        execute = self._connection.execute
        execute("SAVEPOINT job")
        try:
            job.result = job.run(tx)
        except Exception as error:  # one job fails, the others do not
            if not self._connection.in_transaction:  # a full disk rolls everything back
                raise
            execute("ROLLBACK TO job")
            job.error = error
        execute("RELEASE job")
