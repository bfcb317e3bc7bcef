"""Versions of the reference data: which is in force, and that none is ever lost or changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from appeals import reference_store
from appeals.errors import UnknownReferenceError
from appeals.reference import Reference
from appeals.reference_files import SHIPPED, read_folder
from appeals.reference_store import Load, current, current_reference, load, loads, reference_of
from tests.contract.appeals.conftest import Register

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


@pytest.fixture
def shipped() -> Reference:
    return read_folder(SHIPPED)


@pytest.fixture
def changed(shipped: Reference) -> Reference:
    """The city's own: a holiday, one category fewer."""
    categories = {code: one for code, one in shipped.categories.items() if code != "improvement.animals"}
    holiday = date(2026, 12, 25)
    calendar = replace(shipped.calendar, days={holiday: None}, notes={holiday: "Різдво Христове"})
    return replace(shipped, version="of the city", categories=categories, calendar=calendar)


async def test_of_a_new_database_what_came_with_the_program_is_in_force(register: Register, shipped: Reference) -> None:
    assert await register.read(current_reference) == shipped
    assert await register.read(loads) == ()
    assert await register.read(lambda connection: reference_of(connection, shipped.version)) == shipped


async def test_what_a_transaction_went_by_is_kept_even_if_nobody_loaded_it(
    register: Register, shipped: Reference
) -> None:
    assert register.write(current) == shipped
    assert register.write(current) == shipped
    assert await register.read(loads) == (Load(shipped.version, None, None),)
    reference_store._known.clear()
    assert await register.read(lambda connection: reference_of(connection, shipped.version)) == shipped


async def test_a_version_is_in_force_from_its_loading_and_comes_back_whole(
    register: Register, shipped: Reference, changed: Reference
) -> None:
    assert register.write(lambda tx: load(tx, changed, NOW, "admin"))
    for known in (True, False):
        if not known:
            reference_store._known.clear()
        assert register.write(current) == changed
        assert await register.read(current_reference) == changed
    reference_store._known.clear()
    assert await register.read(current_reference) == changed
    assert await register.read(loads) == (Load(changed.version, NOW, "admin"), Load(shipped.version, None, None))


async def test_old_versions_stay_as_they_were_and_can_come_back(
    register: Register, shipped: Reference, changed: Reference
) -> None:
    register.write(lambda tx: load(tx, changed, NOW, "admin"))
    assert await register.read(lambda connection: reference_of(connection, shipped.version)) == shipped
    assert register.write(lambda tx: load(tx, shipped, LATER, "admin"))
    assert register.write(current) == shipped
    assert await register.read(lambda connection: reference_of(connection, changed.version)) == changed
    assert [one.version for one in await register.read(loads)] == [shipped.version, changed.version, shipped.version]


async def test_loading_what_is_in_force_changes_nothing(register: Register, changed: Reference) -> None:
    register.write(lambda tx: load(tx, changed, NOW, "admin"))
    assert not register.write(lambda tx: load(tx, changed, LATER, "other"))
    assert [one.actor for one in await register.read(loads)] == ["admin", None]


async def test_a_version_that_never_was_is_unknown(register: Register) -> None:
    with pytest.raises(UnknownReferenceError):
        await register.read(lambda connection: reference_of(connection, "none"))


async def test_no_database_gets_another_ones_version(
    new_register: Callable[[], AbstractContextManager[Any]], changed: Reference
) -> None:
    other = replace(changed, categories={})
    with new_register() as first, new_register() as second:
        first.write(lambda tx: load(tx, changed, NOW, None))
        second.write(lambda tx: load(tx, other, NOW, None))
        assert first.write(current) == changed
        assert second.write(current) == other


def test_memory_holds_only_so_many_versions(register: Register, changed: Reference) -> None:
    for number in range(20):
        version = replace(changed, version=str(number))
        register.write(lambda tx, version=version: load(tx, version, NOW, None))  # type: ignore[misc]
        assert register.write(current) == version
    assert len(reference_store._known) <= 16


def test_asking_what_is_in_force_is_one_statement(register: Register, changed: Reference) -> None:
    register.write(lambda tx: load(tx, changed, NOW, None))
    register.write(current)
    assert len([one for one in register.statements(current) if one.startswith("SELECT")]) == 1
