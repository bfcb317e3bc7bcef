"""Passwords on the command line: given once, kept as hashes, and the end of what was before."""

import json
from datetime import datetime

import pytest
from click.testing import CliRunner, Result

from contact_centre.cli import cli as main
from contact_centre.demo.root import CONFIG_SOURCE
from telephony.browser_phones import BrowserPhones
from telephony.provision import AsteriskPaths, install
from telephony.provision import Settings as Provision
from tests.integration.rig import Place


def cli(place: Place, *words: str, exit_with: int = 0, typed: str | None = None) -> Result:
    done = CliRunner().invoke(main, ["--config", str(place.config), *words], input=typed)
    assert done.exit_code == exit_with, done.output
    return done


def test_a_password_is_given_once_and_ends_what_was_before(place: Place) -> None:
    cli(place, "operators", "add", "petro", "--name", "Петро Лисак", "--role", "administrator")
    given = json.loads(cli(place, "operators", "password", "petro", "--generate", "--json").stdout)
    assert len(given["one_time_password"]) == 23
    [(kept, must_change)] = place.sql("SELECT password_hash, must_change FROM credentials")
    assert kept.startswith("$argon2id$")
    assert given["one_time_password"] not in kept
    assert must_change == 1
    now = "2026-11-23T09:00:00+00:00"
    place.sql("INSERT INTO sessions VALUES ('d', 'petro', 'in', ?, ?)", now, now)
    shown = cli(place, "operators", "password", "petro", "--generate").stdout
    assert "shown only now" in shown
    assert place.sql("SELECT * FROM sessions") == []
    assert place.sql("SELECT login, event, address FROM access_log") == [("petro", "password_given", None)] * 2
    assert "there is no x" in cli(place, "operators", "password", "x", "--generate", exit_with=6).stderr
    cli(place, "operators", "remove", "petro")
    assert place.sql("SELECT * FROM credentials") == []


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ("короткий\nкороткий\n", 2, "12 characters or more"),
        ("petropetropetro\npetropetropetro\n", 2, "the name"),
        ("дощ іде над Прутом\nдощ іде над Прутом\n", 0, "signs in with the new password"),
    ],
)
def test_a_password_that_is_typed_must_be_one(place: Place, typed: str, code: int, told: str) -> None:
    cli(place, "operators", "add", "petro", "--name", "Петро Лисак", "--role", "administrator")
    done = cli(place, "operators", "password", "petro", exit_with=code, typed=typed)
    assert told in done.stdout + done.stderr
    assert len(place.sql("SELECT login FROM credentials")) == (code == 0)


def test_who_loses_every_session_to_a_new_password_loses_the_pages_telephone_and_is_named_where_asterisk_is_away(
    place: Place,
) -> None:
    now = "2026-11-23T09:00:00+00:00"
    install(CONFIG_SOURCE, place.etc, AsteriskPaths.under(place.etc, place.etc), Provision())
    cli(place, "operators", "add", "olena", "--name", "Олена Ткачук", "--browser")
    accounts = BrowserPhones(place.etc, Provision())
    accounts.issue("olena", datetime.fromisoformat(now))
    assert "*12" not in cli(place, "operators", "password", "olena", "--generate").stderr
    place.sql("INSERT INTO sessions VALUES ('d', 'olena', 'in', ?, ?)", now, now)
    assert "*12" in cli(place, "operators", "password", "olena", "--generate").stderr
    assert accounts.revoke("olena") is False
