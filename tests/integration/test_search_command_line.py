"""``appeals list``, ``search`` and ``reindex`` on a register that commands have filled."""

import json
from contextlib import closing
from typing import Any

import pytest
from click.testing import CliRunner

from contact_centre import accounts
from contact_centre.cli import cli
from contact_centre.writer import connect, transaction
from tests.integration.ledgers import MORNING
from tests.integration.rig import Place

TOLD = {
    "applicant": "Ковальчук Марія",
    "applicant_phone": "050 123 45 67",
    "address": "вул. Головна, 15",
    "description": "Немає води у під'їзді",
    "category": "emergency.no_water",
}


def run(place: Place, *words: str) -> str:
    result = CliRunner().invoke(cli, ["--config", str(place.config), *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def found(place: Place, *words: str) -> list[Any]:
    listed: list[Any] = json.loads(run(place, "appeals", *words, "--json"))
    return [one["registration_number"] for one in listed]


@pytest.fixture
def register(place: Place) -> Place:
    place.migrated()
    with closing(connect(place.settings.database)) as connection, transaction(connection) as tx:
        for login, role, desks in (
            ("olena", "operator", []),
            ("mayor", "mayor", []),
            ("iryna", "operator", ["violence"]),
        ):
            accounts.add(
                tx, login=login, name="", roles=[role], extension=None, sip_account=None, at=MORNING, desks=desks
            )
    for more in ({}, {"category": "social.domestic_violence", "description": "вода"}, {"description": "Ліфт стоїть"}):
        changes = [word for name, value in (TOLD | more).items() for word in ("--set", f"{name}={value}")]
        made = json.loads(run(place, "appeals", "create", "--channel", "web", "--as", "iryna", *changes, "--json"))
        run(place, "appeals", "register", made["appeal_id"], "--as", "iryna")
    return place


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["search", "вода"], {1, 2}),
        (["search", "водою", "--as", "olena"], {1}),
        (["search", "під’їзд"], {1}),
        (["search", "коваль", "--as", "olena"], {1, 3}),
        (["search", "коваль", "--as", "mayor"], set()),
        (["search", "4567", "--limit", "1"], {3}),
        (["search", "000003"], {3}),
        (["list", "--category", "emergency", "--as", "olena"], {1, 3}),
        (["list", "--phone", "0501234567", "--as", "olena"], {1, 3}),
        (["list", "--as", "olena"], {1, 2, 3}),
        (["list", "--status", "closed"], set()),
        (["list", "--since", "2099-01-01"], set()),
    ],
)
def test_what_was_registered_is_found(register: Place, words: list[str], expected: set[int]) -> None:
    assert {int(number.partition("-")[2]) for number in found(register, *words)} == expected


def test_a_restricted_appeal_is_listed_without_its_words(register: Place) -> None:
    shown = run(register, "appeals", "list", "--as", "olena")
    assert shown.count("restricted") == 1
    assert shown.count("Ковальчук") == 2


def test_an_index_that_was_lost_is_made_anew(register: Place) -> None:
    register.sql("INSERT INTO appeal_search (appeal_search) VALUES ('delete-all')")
    register.sql("DELETE FROM appeal_terms")
    assert found(register, "search", "вода") == []
    run(register, "appeals", "reindex")
    assert len(found(register, "search", "вода")) == 2
    register.sql("INSERT INTO appeal_search (appeal_search, rank) VALUES ('integrity-check', 1)")


def test_who_is_not_there_sees_nothing(place: Place) -> None:
    result = CliRunner().invoke(cli, ["--config", str(place.config), "appeals", "search", "вода", "--as", "nobody"])
    assert (result.exit_code, "there is no nobody" in result.stderr) == (6, True)


def test_an_appeal_is_shown_by_its_number(register: Place) -> None:
    [number] = found(register, "search", "ліфт")
    assert json.loads(run(register, "appeals", "show", number, "--json"))["description"] == "Ліфт стоїть"
