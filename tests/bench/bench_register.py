"""The searches of a working day in registers of 100,000 and of 5,000 appeals, and what registering costs.

Every search is asked for with other values each time, of both registers in turn, a page of twenty; the medians are
compared. ``search`` is finding the ids; ``page`` is reading the appeals with their history and duties too. Of the
appeals of either register a tenth is under way, and half of that overdue. Goal: at most 1.5.

Registering: ``Register`` with an applicant, an address and a description, each in a durable transaction, against a bare
insert of the rows that it left (the appeal's own, history, duties, messages, the terms and their index) in one
transaction by sqlite3 alone. Goal: at most 3.

    python -m tests.bench.bench_register
"""

import asyncio
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from appeals import queries
from appeals.commands import Edit, Register
from appeals.model import Actor, Channel, Role, Status
from appeals.search import AppealQuery, Between, Order
from appeals.search_sqlite import SqliteSearch
from contact_centre import database
from contact_centre.config import Settings
from contact_centre.register_desk import desk_of
from contact_centre.writer import connect, transaction
from tests.bench.registers import CALLERS, CATEGORIES, NOW, SERVICES, STREETS, SURNAMES, make, phone, registration

SMALL: Final = 5_000
LARGE: Final = 100_000
ROUNDS: Final = 60
PAGE: Final = 20
GOAL: Final = 1.5
REGISTERED: Final = 300
REGISTERING_GOAL: Final = 3.0

OPERATOR: Final = Actor("oksana", frozenset({Role.OPERATOR}))
LEAVES: Final = ("housing.pipes", "housing.lift", "housing.roof", "housing.stairwell", "emergency.no_water")
INDEX: Final = SqliteSearch()

Asked = Callable[[int, int], AppealQuery]
"""The query of a round in a register of a size."""


def _spread(turn: int, size: int) -> int:
    """Another appeal each round, from all over the register."""
    return turn * 7919 % size


SEARCHES: Final[dict[str, Asked]] = {
    "first page of the list": lambda _turn, _size: AppealQuery(),
    "a month's page": lambda turn, _size: AppealQuery(
        created=Between(NOW - timedelta(days=60 + turn), NOW - timedelta(days=30 + turn))
    ),
    "telephone": lambda turn, size: AppealQuery(phone=phone(_spread(turn, size) // CALLERS)),
    "telephone's last seven digits": lambda turn, size: AppealQuery(text=phone(_spread(turn, size) // CALLERS)[-7:]),
    "registration number": lambda turn, size: AppealQuery(text=registration(_spread(turn, size))),
    "registration number without its year": lambda turn, size: AppealQuery(
        text=registration(_spread(turn, size)).partition("-")[2]
    ),
    "two common words": lambda _turn, _size: AppealQuery(text="немає води"),
    "a word that one appeal has": lambda turn, size: AppealQuery(text=f"вхідний {_spread(turn, size)}"),
    "word and street": lambda turn, _size: AppealQuery(text=f"ліфт {STREETS[turn % len(STREETS)]}"),
    "beginning of a surname": lambda turn, _size: AppealQuery(text=SURNAMES[turn % len(SURNAMES)][:5]),
    "common word of one service": lambda turn, _size: AppealQuery(text="вода", service=SERVICES[turn % len(SERVICES)]),
    "routed": lambda _turn, _size: AppealQuery(statuses=frozenset({Status.ROUTED})),
    "closed of a category": lambda turn, _size: AppealQuery(
        statuses=frozenset({Status.CLOSED}), category=CATEGORIES[turn % len(CATEGORIES)]
    ),
    "overdue of a service": lambda turn, _size: AppealQuery(overdue=True, service=SERVICES[turn % len(SERVICES)]),
    "overdue of a service, newest first": lambda turn, _size: AppealQuery(
        overdue=True, order=Order.NEWEST, service=SERVICES[turn % len(SERVICES)]
    ),
    "due first of all": lambda _turn, _size: AppealQuery(order=Order.DUE),
}


class Clock:
    """Goes on by a minute with each registration."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    began = time.process_time()
    result = await work()
    return time.process_time() - began, result


async def compare(small: AsyncConnection, large: AsyncConnection, asked: Asked) -> dict[str, float]:
    """Medians of one search in milliseconds, and their ratios."""
    spent: dict[str, list[float]] = {name: [] for name in ("small", "large", "small_page", "large_page")}
    rows = []
    for turn in range(-3, ROUNDS):  # the first rounds warm the caches
        for name, connection, size in (("small", small, SMALL), ("large", large, LARGE)):
            query = replace(asked(abs(turn), size), limit=PAGE)
            find_s, found = await timed(lambda q=query, c=connection: INDEX.find(c, q, OPERATOR, NOW))  # type: ignore[misc]
            page_s, _ = await timed(lambda q=query, c=connection: queries.look_for(c, INDEX, q, OPERATOR, NOW))  # type: ignore[misc]
            if turn >= 0:
                spent[name].append(find_s)
                spent[f"{name}_page"].append(page_s)
                rows.append(len(found.appeal_ids))
    ms = {name: round(statistics.median(values) * 1000, 3) for name, values in spent.items()}
    return {
        "found": statistics.mean(rows),
        "small_ms": ms["small"],
        "large_ms": ms["large"],
        "ratio": round(ms["large"] / ms["small"], 2),
        "page_ratio": round(ms["large_page"] / ms["small_page"], 2),
    }


async def searches(folder: Path) -> dict[str, dict[str, float]]:
    engines: list[AsyncEngine] = []
    for size in (SMALL, LARGE):
        began = time.perf_counter()
        path = folder / f"{size}.db"
        make(path, size)
        spent, megabytes = time.perf_counter() - began, path.stat().st_size / 2**20
        sys.stderr.write(f"{size} appeals made in {spent:.0f} s, {megabytes:.0f} MiB\n")
        engines.append(database.readers(path))
    small, large = engines
    async with small.connect() as few, large.connect() as many:
        found = {name: await compare(few, many, asked) for name, asked in SEARCHES.items()}
    for engine in engines:
        await engine.dispose()
    return found


def registering(path: Path) -> dict[str, float]:
    """Microseconds that a registration takes, and a bare insert of its rows into a copy of the register, in turns."""
    clock = Clock()
    desk = desk_of(Settings(state=path.parent), clock)
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    spent: list[tuple[float, float]] = []
    left: dict[str, list[tuple[Any, ...]]] = {}
    with closing(connect(path)) as ours, closing(connect(copy)) as bare:
        listed = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0"
        tables = [name for (name,) in ours.execute(listed) if not name.startswith(("sqlite_", "appeal_search"))]
        for turn in range(-REGISTERED // 10, REGISTERED):  # the first warm the caches
            clock.at += timedelta(minutes=1)
            changes = {
                "applicant": f"{SURNAMES[turn % len(SURNAMES)]} Марія Іванівна",
                "applicant_phone": phone(1_000_000 + turn),
                "address": f"вул. {STREETS[turn % len(STREETS)]}, {turn % 90 + 1}",
                "category": LEAVES[turn % len(LEAVES)],
                "description": "Немає води з самого ранку, у під'їзді тече труба, диспетчер не відповідає",
            }
            with transaction(ours) as tx:
                draft = desk.create(tx, OPERATOR, Channel.PHONE, Edit(changes={}))
            before = {name: _last(ours, name) for name in tables}
            began = time.perf_counter()
            with transaction(ours) as tx:
                desk.perform(tx, draft.appeal_id, Register(changes=changes), OPERATOR)
            own = time.perf_counter() - began
            left = _rows(ours, draft.appeal_id, before)
            plain = _bare(bare, left)
            if turn >= 0:
                spent.append((own, plain))
    own_s, plain_s = (statistics.median(values) for values in zip(*spent, strict=True))
    return {
        "ours_us": round(own_s * 1e6),
        "bare_us": round(plain_s * 1e6),
        "ratio": round(statistics.median(own / plain for own, plain in spent), 2),
        "rows": sum(map(len, left.values())),
    }


def _last(connection: sqlite3.Connection, table: str) -> int:
    [last] = connection.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()  # noqa: S608 - our tables
    return int(last)


def _rows(connection: sqlite3.Connection, appeal_id: str, before: dict[str, int]) -> dict[str, list[tuple[Any, ...]]]:
    """What a registration left, by table: the appeal's own row as it now is, and all that is new."""
    new = "SELECT * FROM {} WHERE rowid > ?"
    appeal = connection.execute("SELECT * FROM appeals WHERE appeal_id = ?", (appeal_id,)).fetchall()
    left = {"appeals": appeal} | {
        name: connection.execute(new.format(name), (last,)).fetchall()
        for name, last in before.items()
        if name != "appeals"
    }
    return {name: rows for name, rows in left.items() if rows}


def _bare(connection: sqlite3.Connection, left: dict[str, list[tuple[Any, ...]]]) -> float:
    """One transaction, a statement a table, nothing computed."""
    inserts = {name: f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})" for name, rows in left.items()}  # noqa: S608
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE registration_counters SET issued = issued + 1 WHERE year = 2026")
    for name, rows in left.items():
        connection.executemany(inserts[name], rows)
    for place, _, terms in left["appeal_terms"]:
        connection.execute("INSERT INTO appeal_search (rowid, terms) VALUES (?, ?)", (place, terms))
    connection.execute("COMMIT")
    return time.perf_counter() - began


def run() -> dict[str, object]:
    """Measure; the figures by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = asyncio.run(searches(folder))
        cost = registering(folder / f"{SMALL}.db")
    return {
        "name": f"searches in {LARGE} appeals against {SMALL}",
        "searches": found,
        "goal": f"at most {GOAL}",
        "registering against a bare insert": cost,
        "registering_goal": f"at most {REGISTERING_GOAL}",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2, ensure_ascii=False) + "\n")
