"""How SQLite answers the searches of a working day: along an index in the order asked for, in few queries."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from appeals import queries
from appeals.model import Status
from appeals.search import AppealQuery, Between, Order, Scope
from appeals.search_sqlite import SqliteSearch
from contact_centre import database
from tests.contract.appeals.searching import NOW, OPERATOR, Sqlite, appeal
from tests.databases import new_database

INDEX = SqliteSearch()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    path = tmp_path / "contact-centre.db"
    new_database(path)
    await Sqlite(path).keep(
        *(
            appeal(
                f"appeal-{number:03}",
                NOW - timedelta(hours=number),
                registration_number=f"2026-{number:06}",
                status=Status.CLOSED if number % 3 else Status.ROUTED,
                category="housing.lift",
                service="vodokanal",
                applicant_phone="+380501234567",
                description="немає води",
                due_at=NOW - timedelta(hours=1),
                calls=(f"call-{number}",),
            )
            for number in range(300)
        )
    )
    opened = database.readers(path)
    yield opened
    await opened.dispose()


async def plan(engine: AsyncEngine, query: AppealQuery) -> list[str]:
    statement = INDEX.statement(query, Scope.of(OPERATOR), NOW).limit(20)
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    async with engine.connect() as connection:
        rows = await connection.execute(text(f"EXPLAIN QUERY PLAN {str(compiled).replace(':', chr(92) + ':')}"))
        return [row.detail for row in rows]


@pytest.mark.parametrize(
    ("query", "way"),
    [
        (AppealQuery(), "USING INDEX appeals_created_at"),
        (AppealQuery(created=Between(NOW - timedelta(days=9), NOW)), "USING INDEX appeals_created_at"),
        (AppealQuery(service="vodokanal"), "USING INDEX appeals_service ("),
        (AppealQuery(category="housing.lift"), "USING INDEX appeals_category ("),
        (AppealQuery(statuses=frozenset({Status.CLOSED})), "USING INDEX appeals_status ("),
        (AppealQuery(statuses=frozenset({Status.CLOSED, Status.ROUTED})), "USING INDEX appeals_created_at"),
        (AppealQuery(text="вода"), "appeal_search VIRTUAL TABLE INDEX"),
        (AppealQuery(text="вода", service="vodokanal", category="housing.lift"), "appeal_search VIRTUAL TABLE INDEX"),
        (AppealQuery(order=Order.DUE), "USING INDEX appeals_deadline"),
        (AppealQuery(order=Order.DUE, overdue=True), "USING INDEX appeals_deadline"),
        (AppealQuery(order=Order.DUE, overdue=True, service="vodokanal"), "USING INDEX appeals_service_deadline"),
    ],
)
async def test_a_page_is_read_in_its_order_and_not_sorted(engine: AsyncEngine, query: AppealQuery, way: str) -> None:
    steps = await plan(engine, query)
    assert way in steps[0]
    whole = [
        one for one in steps if one.startswith("USE TEMP B-TREE") and "RIGHT PART" not in one and "LAST" not in one
    ]
    assert whole == []


@pytest.mark.parametrize(
    "query", [AppealQuery(number="2026-000007"), AppealQuery(text="000007"), AppealQuery(phone="0501234567")]
)
async def test_numbers_and_telephones_are_looked_up(engine: AsyncEngine, query: AppealQuery) -> None:
    assert not any(one.startswith("SCAN") and "VIRTUAL TABLE INDEX" not in one for one in await plan(engine, query))


@pytest.mark.parametrize("query", [AppealQuery(), AppealQuery(text="вода"), AppealQuery(order=Order.DUE)])
async def test_a_page_takes_the_same_number_of_queries_however_long_it_is(
    engine: AsyncEngine, query: AppealQuery
) -> None:
    seen: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    counts = []
    async with engine.connect() as connection:
        for limit in (1, 20, 100):
            seen.clear()
            wanted = AppealQuery(text=query.text, order=query.order, limit=limit)
            found, _ = await queries.look_for(connection, INDEX, wanted, OPERATOR, NOW)
            assert len(found) == limit
            counts.append(len(seen))
    assert len(set(counts)) == 1
    assert counts[0] <= 7
