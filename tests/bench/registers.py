"""Registers of any size, made of what people of a city complain of; the same every time."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from appeals import register_store
from appeals.model import Appeal, HistoryEntry, Kind, Status
from appeals.search_sqlite import SqliteSearch
from contact_centre import database
from contact_centre.writer import connect, transaction
from tests.contract.appeals.searching import appeal

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPAN: Final = timedelta(days=320)
UNDER_WAY: Final = 0.1
"""Of all appeals; half of them are overdue."""
CALLERS: Final = 3
"""Appeals of one telephone."""
AT_ONCE: Final = 2000

SERVICES: Final = tuple(f"service-{number}" for number in range(10))
CATEGORIES: Final = tuple(f"group-{number % 5}.leaf-{number}" for number in range(20))


def _words(text: str) -> list[str]:
    return text.split()


STREETS: Final = _words("""
    Головна Незалежності Руська Героїв-Майдану Комарова Небесної-Сотні Воробкевича Шевченка Франка Кобилянської Садова
    Університетська Українська Хотинська Вінницька Калинівська Прутська Заставнянська Сторожинецька Фастівська Зелена
    Південно-Кільцева Щербанюка Полєтаєва Рівненська Ентузіастів Кармелюка Чорноморська Федьковича Буковинська Яремчука
""")
SURNAMES: Final = _words("""
    Ковальчук Мельник Шевчук Бойко Ткачук Гудзь Козак Марчук Савчук Поліщук Мазур Руснак Гнатюк Остафійчук Бабюк Чобан
    Тодорюк Унгурян Бурденюк Кифорук Штефанюк Маковійчук Гаврилюк Романюк Паламарчук
""")
NAMES: Final = _words("Марія Ганна Олена Ірина Оксана Василь Іван Петро Микола Тарас Євген Наталія Світлана Ярослав")
PATRONYMICS: Final = _words("Іванівна Петрівна Василівна Миколаївна Іванович Петрович Васильович Миколайович")
COMPLAINTS: Final = (
    *("немає води", "немає гарячої води", "прорвало трубу", "не працює ліфт", "не вивозять сміття", "яма на дорозі"),
    *("переповнені контейнери", "не горить ліхтар", "впало дерево", "відкритий люк", "немає опалення", "немає світла"),
    *("протікає дах", "затопило підвал", "холодні батареї", "запах газу", "сусіди шумлять", "бродячі собаки"),
    *("не прибраний сніг", "ожеледь на тротуарі", "зламана гойдалка", "автобус не приїхав", "зіпсований домофон"),
    *("іржава вода", "низький тиск", "неправильно нарахували субсидію", "незаконна торгівля", "не працює світлофор"),
)
REMARKS: Final = (
    *("уже третій день", "з самого ранку", "у під'їзді", "на першому поверсі", "біля школи", "біля дитячого садка"),
    *("прошу перевірити", "прошу терміново усунути", "ніхто не реагує", "зверталися раніше", "у всьому будинку"),
    *("диспетчер не відповідає", "тільки в нашій квартирі", "поряд із зупинкою", "після ремонту", "вночі"),
    *("з минулого тижня", "маленькі діти", "людина з інвалідністю"),
)


def phone(number: int) -> str:
    """The telephone of the ``number``-th caller."""
    return f"+38050{number * 7919 % 10_000_000:07}"


def registration(number: int) -> str:
    """The registration number of the ``number``-th appeal."""
    return f"2026-{number + 1:06}"


def make(path: Path, count: int) -> None:
    """A database with so many appeals, three lines of history each, and the index of their terms."""
    database.migrate(path, NOW)
    index = SqliteSearch()
    with closing(connect(path)) as connection:
        connection.execute("INSERT INTO registration_counters VALUES (?, ?)", (NOW.year, count))
        made = _appeals(count)
        for _ in range(0, count, AT_ONCE):
            with transaction(connection) as tx:
                for _, one in zip(range(AT_ONCE), made, strict=False):
                    register_store.insert_appeal(tx, one)
                    for event in ("created", "registered", "routed"):
                        entry = HistoryEntry(one.created_at, one.operator, event, {"service": one.service})
                        register_store.append(tx, one.appeal_id, entry)
                    index.put(tx, one)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _appeals(count: int) -> Iterator[Appeal]:
    random = Random(20261122)  # noqa: S311 - the same register every time
    for number in range(count):
        at = NOW - SPAN + SPAN * number / count
        under_way = random.random() < UNDER_WAY
        street, house = random.choice(STREETS), random.randint(1, 150)
        words = [random.choice(COMPLAINTS), *random.sample(REMARKS, 4), f"вхідний {number}"]
        yield appeal(
            f"0193{number:08x}",
            at,
            registration_number=registration(number),
            kind=Kind.OPERATIONAL,
            status=random.choice((Status.ROUTED, Status.IN_PROGRESS)) if under_way else Status.CLOSED,
            category=random.choice(CATEGORIES),
            service=random.choice(SERVICES),
            operator=f"operator-{random.randint(1, 20)}",
            line="15-80",
            caller_number=phone(number // CALLERS),
            applicant=" ".join(map(random.choice, (SURNAMES, NAMES, PATRONYMICS))),
            applicant_phone=phone(number // CALLERS),
            address=f"вул. {street}, {house}",
            description=", ".join(words),
            registered_at=at,
            due_at=NOW + random.choice((-1, 1)) * timedelta(hours=random.randint(1, 500)),
            closed_at=None if under_way else at + timedelta(days=2),
        )
