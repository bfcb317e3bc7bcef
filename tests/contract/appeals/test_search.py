"""Every ``SearchIndex`` finds the same: the fake, SQLite and PostgreSQL."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from appeals.model import Actor, Appeal, Channel, Kind, Role, Status
from appeals.search import AppealQuery, BadQueryError, Between, Order
from tests.contract.appeals.searching import (
    NOW,
    OPERATOR,
    Fake,
    Postgres,
    Searching,
    Sqlite,
    appeal,
    postgres_server,
)
from tests.databases import new_database

Make = Callable[[str], Awaitable[Searching]]

SUPERVISOR = Actor("olena", frozenset({Role.SUPERVISOR}))
PSYCHOLOGIST = Actor("iryna", frozenset({Role.OPERATOR}), desks=frozenset({"counselling"}))
WATER = Actor("vasyl", frozenset({Role.EXECUTOR}), service="vodokanal")
MAYOR = Actor("mayor", frozenset({Role.MAYOR}))
CLERK = Actor("clerk", frozenset({Role.ADMINISTRATOR}))
SYSTEM = Actor("contact-centre", frozenset({Role.SYSTEM}))
ACTORS = (OPERATOR, SUPERVISOR, PSYCHOLOGIST, WATER, MAYOR, CLERK, SYSTEM)


def ago(**span: float) -> timedelta:
    return timedelta(**span)


CORPUS = (
    appeal(
        "burst",
        NOW - ago(days=9),
        registration_number="2026-000123",
        kind=Kind.OPERATIONAL,
        status=Status.ROUTED,
        category="emergencies.burst",
        service="vodokanal",
        operator="oksana",
        line="15-80",
        caller_number="+380501234567",
        caller_name="Марія Ковальчук",
        applicant="Ковальчук Марія Іванівна",
        address="вул. Головна, 15-А, кв. 7",
        district="centre",
        description="Прорвало трубу, немає води у під’їзді №3",
        registered_at=NOW - ago(days=9),
        due_at=NOW - ago(days=8),
        calls=("call-1",),
    ),
    appeal(
        "lift",
        NOW - ago(days=8),
        registration_number="2026-000124",
        kind=Kind.OPERATIONAL,
        status=Status.CLOSED,
        category="housing.lift",
        service="lifts",
        operator="petro",
        line="588-888",
        caller_number="+380372588888",
        applicant="Ґудзь-Їжакевич Євген",
        address="просп. Незалежності, 106",
        district="south",
        description="Ліфт не працює, у під'їзді темно",
        registered_at=NOW - ago(days=8),
        due_at=NOW - ago(days=7),
        closed_at=NOW - ago(days=7),
        calls=("call-2",),
    ),
    appeal(
        "yard",
        NOW - ago(days=7),
        registration_number="2025-000123",
        kind=Kind.FORMAL,
        status=Status.IN_PROGRESS,
        category="improvement.waste",
        service="spetskomuntrans",
        operator="oksana",
        channel=Channel.WEB,
        applicant="Ivan Petrenko",
        applicant_email="ivan.petrenko@example.com",
        applicant_phone="+380671588888",
        address="Івано-Франківська, 12/3",
        district="centre",
        description="Мусор не вывозят 15 дней, контейнери переповнені, garbage everywhere",
        registered_at=NOW - ago(days=7),
        legal_due_at=NOW + ago(days=8),
        incident_id="incident-1",
        escalated_at=NOW - ago(days=1),
    ),
    appeal(
        "quality",
        NOW - ago(days=6),
        registration_number="2026-000588",
        kind=Kind.FORMAL,
        status=Status.ACCEPTED,
        category="housing.quality",
        service="vodokanal",
        operator="petro",
        caller_number="+48221234567",
        applicant="Шевченко Тарас",
        address="вулиця Шевченка, 1",
        description="Вода іржава, прошу перевірити водогін. Водій не винен.",
        registered_at=NOW - ago(days=6),
        due_at=NOW + ago(days=1),
        legal_due_at=NOW - ago(hours=1),
        incident_id="incident-1",
    ),
    appeal(
        "crisis",
        NOW - ago(days=5),
        registration_number="2026-000777",
        kind=Kind.OPERATIONAL,
        status=Status.ROUTED,
        category="counselling.session",
        service="psychologists",
        operator="iryna",
        line="15-80",
        desk="counselling",
        caller_number="+380501234567",
        applicant="Ковальчук Марія",
        address="Головна 15",
        district="centre",
        description="Таємниця про воду",
        registered_at=NOW - ago(days=5),
        due_at=NOW - ago(days=4),
        calls=("call-3",),
    ),
    appeal(
        "violence",
        NOW - ago(days=4),
        registration_number="2026-000778",
        status=Status.ROUTED,
        category="social.violence",
        service="vodokanal",
        desk="violence",
        applicant="Мовчан",
        description="вода",
        registered_at=NOW - ago(days=4),
    ),
    appeal(
        "draft",
        NOW - ago(days=3),
        status=Status.NEW,
        operator="oksana",
        line="15-80",
        caller_number="+380501234567",
        caller_name="Марія",
        calls=("call-4",),
    ),
)


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "contact-centre.db"
    new_database(path)
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    async def of(kind: str) -> Searching:
        if kind == "fake":
            return Fake()
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("searching") / "contact-centre.db"
            shutil.copy(request.getfixturevalue("schema"), path)
            return Sqlite(path)
        made = Postgres(request.getfixturevalue("server"), f"search_{next(names)}")
        await made.create()
        return made

    names = count()
    return of


needs_server = pytest.mark.skipif(find_spec("pgserver") is None, reason="no PostgreSQL wheel for this Python")
KINDS = ["fake", "sqlite", pytest.param("postgres", marks=needs_server)]


@pytest.fixture(scope="module", params=KINDS)
def city(request: pytest.FixtureRequest, make: Make) -> Searching:
    """The corpus, for tests that change nothing."""

    async def kept() -> Searching:
        made = await make(request.param)
        await made.keep(*CORPUS)
        return made

    return asyncio.run(kept())


async def found(searching: Searching, query: AppealQuery, actor: Actor = OPERATOR) -> set[str]:
    return set((await searching.page(query, actor)).appeal_ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("вода", {"burst", "quality"}),
        ("води", {"burst", "quality"}),
        ("ВОДОЮ", {"burst", "quality"}),
        ("во\u0301да", {"burst", "quality"}),
        ("вoда", {"burst", "quality"}),  # a Latin o
        ("водій", {"quality"}),
        ("вода перевірте", {"quality"}),
        ("вода, труби", {"burst"}),
        ("вода ліфт", set()),
        ("ліфти", {"lift"}),
        ("не працюють", {"lift"}),
        ("у", {"burst", "lift"}),
        ("мусор", {"yard"}),
        ("вывозят", {"yard"}),
        ("GARBAGE", {"yard"}),
        ("водоп", set()),
    ],
)
async def test_words_are_found_in_every_form(city: Searching, text: str, expected: set[str]) -> None:
    assert await found(city, AppealQuery(text=text)) == expected


@pytest.mark.parametrize("apostrophe", ["'", "’", "ʼ", "‘", "`", "´", "′", "＇", "", "\u00ad’"])
@pytest.mark.parametrize("form", ["під{}їзд", "ПІД{}ЇЗДУ", "під{}їзди"])
async def test_every_apostrophe_and_none_is_the_same(city: Searching, apostrophe: str, form: str) -> None:
    assert await found(city, AppealQuery(text=form.format(apostrophe))) == {"burst", "lift"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ковальчук", {"burst"}),
        ("ковальчука", {"burst"}),
        ("Коваль", {"burst"}),
        ("Марія Ковальчук", {"burst"}),
        ("ковал мар", {"burst"}),
        ("гудзь", {"lift"}),
        ("Ґудзь", {"lift"}),
        ("їжакевич", {"lift"}),
        ("ґудзь-їжак", {"lift"}),
        ("Pet", {"yard"}),
        ("ivan.petrenko@example.com", {"yard"}),
        ("шевч", {"quality"}),
        ("овальчук", set()),
        ("к", set()),
    ],
)
async def test_names_are_found_by_their_beginning(city: Searching, text: str, expected: set[str]) -> None:
    assert await found(city, AppealQuery(text=text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Головна 15а", {"burst"}),
        ("головна, 15-а", {"burst"}),
        ("вул. Головна 15 А", {"burst"}),
        ("на Головній", {"burst"}),
        ("вулиця Головна, буд. 15", {"burst"}),
        ("Головна 16", set()),
        ("Головна 15б", set()),
        ("Франківська", {"yard"}),
        ("Івано Франківська 12/3", {"yard"}),
        ("проспект Незалежності", {"lift"}),
        ("106", {"lift"}),
        ("Шевченка", {"quality"}),
    ],
)
async def test_addresses_are_found_as_people_write_them(city: Searching, text: str, expected: set[str]) -> None:
    assert await found(city, AppealQuery(text=text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+380501234567", {"burst", "draft"}),
        ("0501234567", {"burst", "draft"}),
        ("050 123 45 67", {"burst", "draft"}),
        ("050-123-45-67", {"burst", "draft"}),
        ("8 (050) 123.45.67", {"burst", "draft"}),
        ("00380501234567", {"burst", "draft"}),
        ("380501234567", {"burst", "draft"}),
        ("1234567", {"burst", "quality"}),
        ("4567", {"burst", "quality"}),
        ("588888", {"lift", "yard"}),
        ("588-888", {"lift", "yard"}),
        ("(0372) 58-88-88", {"lift"}),
        ("0671588888", {"yard"}),
        ("+48 22 123 45 67", {"quality"}),
        ("0501234568", set()),
        ("567", set()),
        ("+", set()),
    ],
)
async def test_telephones_are_found_in_any_spelling_and_by_their_end(
    city: Searching, text: str, expected: set[str]
) -> None:
    assert await found(city, AppealQuery(text=text)) == expected
    assert await found(city, AppealQuery(phone=text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-000123", {"burst"}),
        ("2026-123", {"burst"}),
        ("№ 2026/123", {"burst"}),
        ("000123", {"burst", "yard"}),
        ("№000123", {"burst", "yard"}),
        ("2026-000999", set()),
        ("000999", set()),
    ],
)
async def test_registration_numbers_are_found_with_and_without_their_year(
    city: Searching, text: str, expected: set[str]
) -> None:
    assert await found(city, AppealQuery(text=text)) == expected
    assert await found(city, AppealQuery(number=text)) == expected


EVERYTHING = {one.appeal_id for one in CORPUS}

HOSTILE = [
    "%",
    "_",
    "*",
    '"',
    "'",
    "''; DROP TABLE appeals; --",
    '" OR "',
    "NEAR(вода ліфт)",
    "terms: вода",
    "appeal_search",
    "{вода}:*",
    "^вода",
    "-вода +ліфт",
    "(((((",
    "AND OR NOT",
    "вода:*",
    "@марія",
    "#7654",
    "@",
    "&|!<->\\",
    "\\'",
    "\N{GRINNING FACE}",
    "\u202e\u0000\ufeff",
    "\U000e0041",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_is_a_command_to_the_engine(city: Searching, text: str) -> None:
    for query in (AppealQuery(text=text), AppealQuery(phone=text), AppealQuery(number=text)):
        assert await found(city, query) <= {"burst", "quality"}
    assert await found(city, AppealQuery()) == EVERYTHING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("вода\x00", {"burst", "quality"}),
        ("вода%", {"burst", "quality"}),
        ("«вода»!", {"burst", "quality"}),
        ('"вода" "труба"', {"burst"}),
        ("вода AND труба", set()),
        ("водоп*", set()),
    ],
)
async def test_signs_between_words_are_only_that(city: Searching, text: str, expected: set[str]) -> None:
    assert await found(city, AppealQuery(text=text)) == expected


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
async def test_an_empty_text_does_not_narrow(city: Searching, text: str) -> None:
    assert await found(city, AppealQuery(text=text)) == EVERYTHING


async def test_an_endless_text_is_answered_by_its_beginning(city: Searching) -> None:
    assert await found(city, AppealQuery(text="вода " * 100_000)) == {"burst", "quality"}
    assert await found(city, AppealQuery(text="в" * 1_000_000)) == set()
    assert await found(city, AppealQuery(text="7" * 1_000_000)) == set()
    assert await found(city, AppealQuery(phone="7" * 1_000_000)) == set()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (AppealQuery(statuses=frozenset({Status.ROUTED})), {"burst", "crisis", "violence"}),
        (AppealQuery(statuses=frozenset({Status.NEW})), {"draft"}),
        (AppealQuery(statuses=frozenset({Status.NEW, Status.CLOSED})), {"draft", "lift"}),
        (AppealQuery(kind=Kind.FORMAL), {"yard", "quality"}),
        (AppealQuery(channel=Channel.WEB), {"yard"}),
        (AppealQuery(category="housing"), {"lift", "quality"}),
        (AppealQuery(category="housing.lift"), {"lift"}),
        (AppealQuery(category="hous"), set()),
        (AppealQuery(category="housin_"), set()),
        (AppealQuery(service="vodokanal"), {"burst", "quality", "violence"}),
        (AppealQuery(service="vodokanal", text="вода", statuses=frozenset({Status.ACCEPTED})), {"quality"}),
        (AppealQuery(district="centre"), {"burst", "yard"}),
        (AppealQuery(operator="petro"), {"lift", "quality"}),
        (AppealQuery(line="15-80"), {"burst", "draft"}),
        (AppealQuery(incident="incident-1"), {"yard", "quality"}),
        (AppealQuery(escalated=True), {"yard"}),
        (AppealQuery(overdue=True), {"burst", "quality", "crisis"}),
        (AppealQuery(overdue=True, service="vodokanal"), {"burst", "quality"}),
        (AppealQuery(overdue=True, text="іржава"), {"quality"}),
        (AppealQuery(created=Between(NOW - ago(days=8), NOW - ago(days=6))), {"lift", "yard"}),
        (AppealQuery(created=Between(until=NOW - ago(days=8))), {"burst"}),
        (AppealQuery(registered=Between(since=NOW - ago(days=4))), {"violence"}),
        (AppealQuery(due=Between(since=NOW)), {"yard"}),
        (AppealQuery(due=Between(NOW - ago(days=8), NOW)), {"burst", "lift", "quality", "crisis"}),
        (AppealQuery(text="вода", phone="0501234567"), {"burst"}),
        (AppealQuery(text="вода", number="000588"), {"quality"}),
    ],
)
async def test_filters_narrow_and_hold_together(city: Searching, query: AppealQuery, expected: set[str]) -> None:
    assert await found(city, query) == expected


@pytest.mark.parametrize(
    ("actor", "query", "expected"),
    [
        (PSYCHOLOGIST, AppealQuery(text="таємниця"), {"crisis"}),
        (SUPERVISOR, AppealQuery(text="таємниця"), set()),
        (SYSTEM, AppealQuery(text="вода"), {"burst", "quality", "crisis", "violence"}),
        (PSYCHOLOGIST, AppealQuery(phone="0501234567"), {"burst", "crisis", "draft"}),
        (SUPERVISOR, AppealQuery(category="counselling"), set()),
        (PSYCHOLOGIST, AppealQuery(category="counselling"), {"crisis"}),
        (SUPERVISOR, AppealQuery(operator="iryna"), set()),
        (SUPERVISOR, AppealQuery(number="2026-000777"), {"crisis"}),
        (SUPERVISOR, AppealQuery(service="psychologists"), {"crisis"}),
        (WATER, AppealQuery(), {"burst", "quality", "violence"}),
        (WATER, AppealQuery(text="вода"), {"burst", "quality"}),
        (WATER, AppealQuery(number="2026-000124"), set()),
        (WATER, AppealQuery(service="lifts"), set()),
        (MAYOR, AppealQuery(text="вода"), {"burst", "quality"}),
        (MAYOR, AppealQuery(text="Коваль"), set()),
        (MAYOR, AppealQuery(text="0501234567"), set()),
        (MAYOR, AppealQuery(phone="4567"), set()),
        (MAYOR, AppealQuery(number="000123"), {"burst", "yard"}),
        (OPERATOR, AppealQuery(call_id="call-1"), {"burst"}),
        (MAYOR, AppealQuery(call_id="call-1"), set()),
        (SUPERVISOR, AppealQuery(call_id="call-3"), set()),
        (PSYCHOLOGIST, AppealQuery(call_id="call-3"), {"crisis"}),
        (CLERK, AppealQuery(), set()),
        (CLERK, AppealQuery(number="000123"), set()),
    ],
)
async def test_what_is_hidden_from_somebody_is_not_found_by_it(
    city: Searching, actor: Actor, query: AppealQuery, expected: set[str]
) -> None:
    assert await found(city, query, actor) == expected


async def test_the_newest_are_first_and_pages_join_without_a_seam(city: Searching) -> None:
    every = tuple(one.appeal_id for one in sorted(CORPUS, key=lambda one: one.created_at, reverse=True))
    assert (await city.page(AppealQuery())).appeal_ids == every
    assert (await city.page(AppealQuery(text="вода"), SYSTEM)).appeal_ids == ("violence", "crisis", "quality", "burst")
    for query in (AppealQuery(), AppealQuery(text="вода"), AppealQuery(order=Order.DUE), AppealQuery(text="4567")):
        whole = (await city.page(query, SYSTEM)).appeal_ids
        for limit in (1, 2, 3):
            assert await paged(city, replace(query, limit=limit), SYSTEM) == whole


async def paged(searching: Searching, query: AppealQuery, actor: Actor = OPERATOR) -> tuple[str, ...]:
    ids: tuple[str, ...] = ()
    while True:
        page = await searching.page(query, actor)
        ids += page.appeal_ids
        if page.cursor is None:
            return ids
        assert len(page.appeal_ids) == query.limit
        query = replace(query, cursor=page.cursor)


async def test_what_is_due_first_is_first_by_the_earlier_of_both_deadlines(city: Searching) -> None:
    assert (await city.page(AppealQuery(order=Order.DUE))).appeal_ids == ("burst", "crisis", "quality", "yard")
    assert (await city.page(AppealQuery(order=Order.DUE, text="вода"))).appeal_ids == ("burst", "quality")


async def test_what_is_overdue_is_in_the_order_of_its_deadlines_unless_asked_otherwise(city: Searching) -> None:
    assert (await city.page(AppealQuery(overdue=True))).appeal_ids == ("burst", "crisis", "quality")
    assert (await city.page(AppealQuery(overdue=True, order=Order.NEWEST))).appeal_ids == ("crisis", "quality", "burst")


@pytest.mark.parametrize("cursor", ["", "x", "?", "ю", "WyJuZXdlc3QiXQ", "W" * 10_000, "e30", "bnVsbA"])
async def test_a_cursor_that_is_none_is_refused(city: Searching, cursor: str) -> None:
    with pytest.raises(BadQueryError) as refused:
        await city.page(AppealQuery(cursor=cursor))
    assert refused.value.parameters["field"] == "cursor"


async def test_a_cursor_belongs_to_an_order(city: Searching) -> None:
    cursor = (await city.page(AppealQuery(limit=1))).cursor
    with pytest.raises(BadQueryError):
        await city.page(AppealQuery(order=Order.DUE, cursor=cursor))


@pytest.fixture(params=KINDS)
async def empty(request: pytest.FixtureRequest, make: Make) -> Searching:
    return await make(request.param)


async def test_what_is_changed_is_found_by_what_it_now_says(empty: Searching) -> None:
    first = appeal("one", description="немає води", applicant="Марія", applicant_phone="+380501234567")
    await empty.keep(first, appeal("two", description="ліфт"))
    await empty.keep(replace(first, description="немає світла", applicant="Ганна", applicant_phone="+380671112233"))
    for text in ("вода", "марія", "4567"):
        assert await found(empty, AppealQuery(text=text)) == set()
    for text in ("світло", "ганна", "2233", "немає"):
        assert await found(empty, AppealQuery(text=text)) == {"one"}
    await empty.keep(first, first)
    assert await found(empty, AppealQuery(text="вода")) == {"one"}
    assert await found(empty, AppealQuery(text="світло")) == set()


async def test_an_appeal_without_any_text_is_kept_and_may_get_some(empty: Searching) -> None:
    await empty.keep(appeal("one"))
    assert await found(empty, AppealQuery(text="вода")) == set()
    await empty.keep(appeal("one", description="вода"))
    assert await found(empty, AppealQuery(text="вода")) == {"one"}


async def test_appeals_of_one_moment_are_paged_without_loss_or_double(empty: Searching) -> None:
    made = [appeal(f"appeal-{number * 7919 % 20:02}", description="вода") for number in range(20)]
    await empty.keep(*made)
    for query in (AppealQuery(limit=3), AppealQuery(limit=3, text="вода")):
        ids = await paged(empty, query)
        assert sorted(ids) == sorted(one.appeal_id for one in made)


@pytest.mark.parametrize("limit", [0, -1, 501, 10**9])
def test_a_page_is_no_longer_than_a_page(limit: int) -> None:
    with pytest.raises(BadQueryError):
        AppealQuery(limit=limit)


WORDS = (
    *("вода", "води", "під'їзд", "ліфт", "немає", "світло", "Головна", "15", "15а"),
    *("труба", "Ковальчук", "Марія", "яма", "дорога", "2026", "4567", "Мовчан", "сміття"),
)
PHONES = ("+380501234567", "+380671588888", "+380372588888", "+380932024567", None)


def any_appeal(random: Random, number: int) -> Appeal:
    def some(*of: str | None) -> str | None:
        return random.choice((None, *of))

    def words() -> str | None:
        return some(" ".join(random.choices(WORDS, k=random.randint(1, 6))))

    return appeal(
        f"appeal-{number:03}",
        NOW - ago(minutes=random.randint(0, 10_000)),
        status=random.choice([Status.ROUTED, Status.ACCEPTED, Status.CLOSED, Status.NEW]),
        category=some("housing.lift", "housing.quality", "emergencies.burst"),
        service=some("vodokanal", "lifts"),
        operator=some("oksana", "petro"),
        kind=random.choice([None, *Kind]),
        channel=random.choice(list(Channel)),
        line=some("15-80", "588-888"),
        district=some("centre", "south"),
        incident_id=some("incident-1"),
        escalated_at=random.choice([None, NOW]),
        registered_at=random.choice([None, NOW - ago(minutes=random.randint(0, 10_000))]),
        desk=some(None, None, "counselling", "violence"),
        caller_number=random.choice(PHONES),
        applicant_phone=random.choice(PHONES),
        applicant=words(),
        address=words(),
        description=words(),
        calls=("call-1",) if number % 7 == 0 else (),
        due_at=random.choice([None, NOW - ago(hours=random.randint(-9, 9))]),
        legal_due_at=random.choice([None, NOW - ago(hours=random.randint(-9, 9))]),
    )


def any_query(random: Random) -> AppealQuery:
    text = " ".join(random.choices([*WORDS, "0501234567", "Мар", "вул."], k=random.randint(1, 3)))
    narrowed = {
        "kind": random.choice(list(Kind)),
        "channel": random.choice(list(Channel)),
        "line": "15-80",
        "district": "centre",
        "operator": "petro",
        "incident": "incident-1",
        "escalated": True,
        "registered": Between(NOW - ago(days=3)),
        "due": Between(until=NOW),
        "call_id": "call-1",
    }
    name = random.choice([*narrowed, "nothing", "nothing"])
    more: dict[str, Any] = {name: narrowed[name]} if name in narrowed else {}
    return AppealQuery(
        **more,
        text=random.choice([None, None, text]),
        phone=random.choice([None, None, None, "0501234567", "4567", "588-888"]),
        statuses=frozenset(random.sample([Status.ROUTED, Status.CLOSED, Status.NEW], random.choice([0, 0, 1, 2]))),
        category=random.choice([None, None, None, "housing", "housing.lift"]),
        service=random.choice([None, None, None, "vodokanal"]),
        overdue=random.random() < 0.2,
        order=random.choice([None, Order.NEWEST, Order.DUE]),
        limit=random.choice([7, 50, 500]),
    )


@pytest.mark.parametrize("kind", KINDS[1:])
async def test_whatever_is_asked_of_whatever_there_is_the_engines_agree_with_the_rule(kind: str, make: Make) -> None:
    random = Random(20261122)  # noqa: S311 - the same register and questions every time
    register = [any_appeal(random, number) for number in range(200)]
    rule, engine = Fake(), await make(kind)
    for one in (rule, engine):
        await one.keep(*register)
    some = 0
    for _ in range(200):
        query, actor = any_query(random), random.choice(ACTORS)
        expected = await paged(rule, query, actor)
        assert set(await paged(engine, query, actor)) == set(expected), (query, actor)
        some += bool(expected)
    assert some > 50


async def test_the_index_of_sqlite_has_what_its_table_says(make: Make) -> None:
    searching = await make("sqlite")
    assert isinstance(searching, Sqlite)
    await searching.keep(*CORPUS)
    await searching.keep(*(replace(one, description="інше") for one in CORPUS if one.status is not Status.NEW))
    searching.check()
