"""The one writer: order, savepoints, durability before the answer, and what happens when it is in trouble."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from contact_centre.writer import SqliteTx, Writer, WriterClosedError, connect, transaction

things = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("word", String, nullable=False))
ADD = insert(things)
ALL = select(things.c.word).order_by(things.c.id)
LIKE = select(things.c.id).where(things.c.word == bindparam("word"), things.c.id < 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "database.db"
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE)")
    return path


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    writer = Writer(path, busy_timeout_s=0.5)
    yield writer
    await asyncio.to_thread(writer.close)


def words(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM things ORDER BY id")]


def add(word: str | None) -> Callable[[SqliteTx], int]:
    return lambda tx: tx.execute(ADD, {"id": None, "word": word})


@pytest.fixture
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection, in the middle of a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_job_has_committed_when_its_future_resolves(writer: Writer, path: Path) -> None:
    for number in range(5):
        assert await writer.run(add(f"word {number}")) == 1
        assert words(path)[-1] == f"word {number}"


async def test_jobs_run_in_the_order_in_which_they_were_given(writer: Writer, path: Path) -> None:
    await asyncio.gather(*(writer.run(add(f"{number:03d}")) for number in range(200)))
    assert words(path) == [f"{number:03d}" for number in range(200)]


async def test_a_job_that_fails_leaves_nothing_and_spares_the_others(writer: Writer, path: Path) -> None:
    def half(tx: SqliteTx) -> None:
        add("half")(tx)
        raise ValueError("no")

    jobs: list[Callable[[SqliteTx], Any]] = [add("before"), half, add("before"), add(None), add("after")]
    done = await asyncio.gather(*(writer.run(job) for job in jobs), return_exceptions=True)
    assert [type(one) for one in done] == [int, ValueError, sqlite3.IntegrityError, sqlite3.IntegrityError, int]
    assert words(path) == ["before", "after"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
async def test_a_job_alone_that_fails_leaves_nothing_and_the_writer_goes_on(
    writer: Writer, path: Path, error: BaseException
) -> None:
    def half(tx: SqliteTx) -> None:
        add("half")(tx)
        raise error

    with pytest.raises((ValueError, RuntimeError), match=r"no|SystemExit\(3\)"):
        await writer.run(half)
    await writer.run(add("whole"))
    assert words(path) == ["whole"]


async def test_a_job_reads_what_it_and_those_before_it_wrote(writer: Writer) -> None:
    def read(tx: SqliteTx) -> list[tuple[Any, ...]]:
        tx.execute_many(ADD, [{"id": 1, "word": "one"}, {"id": 7, "word": "seven"}])
        assert tx.fetch_all(LIKE, {"word": "one"}) == [(1,)]
        return tx.fetch_all(ALL)

    assert await writer.run(read) == [("one",), ("seven",)]


async def test_it_waits_for_another_program_and_then_writes(writer: Writer, path: Path, held: Any) -> None:  # noqa: ANN401
    waiting = asyncio.create_task(writer.run(add("later")))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    held.execute("COMMIT")
    await waiting
    assert words(path) == ["later"]


@pytest.mark.usefixtures("held")
async def test_a_job_fails_whole_when_another_program_holds_the_database_too_long(writer: Writer, path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await writer.run(add("never"))
    assert words(path) == []


@pytest.mark.usefixtures("held")
async def test_closing_does_not_wait_for_another_program(path: Path) -> None:
    writer = Writer(path, busy_timeout_s=30)
    waiting = asyncio.create_task(writer.run(add("never")))
    await asyncio.sleep(0.1)
    await asyncio.wait_for(asyncio.to_thread(writer.close), 2)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await waiting


async def test_closing_finishes_what_was_given_before_and_refuses_what_comes_after(path: Path) -> None:
    writer = Writer(path)
    waiting = [asyncio.create_task(writer.run(add(f"{number}"))) for number in range(100)]
    await asyncio.sleep(0)
    await asyncio.to_thread(writer.close)
    await asyncio.gather(*waiting)
    assert len(words(path)) == 100
    with pytest.raises(WriterClosedError):
        await writer.run(add("late"))


async def test_a_caller_who_gives_up_does_not_undo_the_job(writer: Writer, path: Path) -> None:
    giving_up = asyncio.create_task(writer.run(add("done anyway")))
    await asyncio.sleep(0)
    giving_up.cancel()
    await asyncio.gather(giving_up, return_exceptions=True)
    await writer.run(add("next"))
    assert words(path) == ["done anyway", "next"]


@pytest.mark.parametrize("keep", [True, False])
def test_a_transaction_without_the_thread_is_kept_or_taken_back_as_asked(path: Path, *, keep: bool) -> None:
    with closing(connect(path)) as connection:
        with transaction(connection, keep=keep) as tx:
            add("word")(tx)
        with pytest.raises(sqlite3.IntegrityError), transaction(connection) as tx:
            tx.execute_many(ADD, [{"id": None, "word": "other"}, {"id": None, "word": None}])
    assert words(path) == (["word"] if keep else [])


def test_the_database_is_opened_so_that_a_commit_is_on_the_disk_and_readers_go_on(path: Path) -> None:
    with closing(connect(path)) as connection:
        settings = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]
