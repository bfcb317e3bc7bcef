"""Accounts of browsers' phones, as Asterisk reads them from the view."""

import hashlib
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_centre.demo.root import CONFIG_SOURCE
from telephony.browser_phones import LIFETIME, BrowserPhones
from telephony.phones import Phone, PhoneError, add, listed
from telephony.provision import BROWSER_ACCOUNTS, AsteriskPaths, Browsers, Settings, install

SETTINGS = Settings(browsers=Browsers(host_names=("desk.city.example",)))


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    paths = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))
    install(CONFIG_SOURCE, tmp_path, paths, SETTINGS)
    add(CONFIG_SOURCE, tmp_path, Phone("operator", "olena", "201", browser=True))
    return tmp_path


def seen_by_asterisk(etc: Path) -> list[dict[str, str]]:
    with closing(sqlite3.connect(etc / BROWSER_ACCOUNTS)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM browser_auths")]


def opens(etc: Path, password: str) -> bool:
    """Whether Asterisk would take this password of olena's page."""
    [row] = seen_by_asterisk(etc)
    digest = hashlib.md5(f"operator-olena:contact-centre:{password}".encode()).hexdigest()  # noqa: S324
    assert re.fullmatch(r"MD5:[0-9a-f]{32}", row["password_digest"])  # else Asterisk would not read the account at all
    return row["password_digest"] == f"MD5:{digest}"


def test_a_page_gets_an_account_of_which_asterisk_has_the_digest_alone(etc: Path) -> None:
    now = datetime.now(UTC)
    given = BrowserPhones(etc, SETTINGS).issue("olena", now)
    assert given.ws_uri == "wss://desk.city.example:8089/ws"
    assert given.expires_at == now + LIFETIME
    assert given.password not in repr(given)
    digest = hashlib.md5(f"operator-olena:contact-centre:{given.password}".encode()).hexdigest()  # noqa: S324
    assert seen_by_asterisk(etc) == [
        {
            "id": "operator-olena",
            "auth_type": "digest",
            "username": "operator-olena",
            "realm": "contact-centre",
            "password_digest": f"MD5:{digest}",
        }
    ]
    assert given.password.encode() not in (etc / BROWSER_ACCOUNTS).read_bytes()


def test_an_account_outlives_a_shift_and_then_ends_without_anybodys_doing(etc: Path) -> None:
    now = datetime.now(UTC)
    phones = BrowserPhones(etc, SETTINGS)
    assert timedelta(hours=12) < LIFETIME < timedelta(hours=24)
    assert opens(etc, phones.issue("olena", now - LIFETIME + timedelta(minutes=1)).password)
    assert not opens(etc, phones.issue("olena", now - LIFETIME - timedelta(seconds=1)).password)


def test_the_next_page_takes_the_account_over(etc: Path) -> None:
    phones = BrowserPhones(etc, SETTINGS)
    first, second = phones.issue("olena", datetime.now(UTC)), phones.issue("olena", datetime.now(UTC))
    assert opens(etc, second.password)
    assert not opens(etc, first.password)


def test_signing_out_ends_the_account_and_leaves_no_password_to_guess(etc: Path) -> None:
    phones = BrowserPhones(etc, SETTINGS)
    given = phones.issue("olena", datetime.now(UTC))
    assert phones.revoke("olena")
    assert not phones.revoke("olena")
    assert not opens(etc, given.password)
    digests = {seen_by_asterisk(etc)[0]["password_digest"] for _ in range(5)}
    assert len(digests) == 5


def test_installing_again_keeps_the_accounts_of_open_pages(etc: Path) -> None:
    given = BrowserPhones(etc, SETTINGS).issue("olena", datetime.now(UTC))
    inode = (etc / BROWSER_ACCOUNTS).stat().st_ino
    paths = AsteriskPaths.under(Path("/srv/asterisk"), Path("/usr/lib/asterisk/modules"))
    install(CONFIG_SOURCE, etc, paths, SETTINGS)
    assert opens(etc, given.password)
    assert (etc / BROWSER_ACCOUNTS).stat().st_ino == inode  # Asterisk has it open


@pytest.mark.parametrize("login", ["taras", "water", "nobody", "olena' --"])
def test_only_an_operator_whose_telephone_is_the_page_gets_one(etc: Path, login: str) -> None:
    add(CONFIG_SOURCE, etc, Phone("operator", "taras", "202"))
    add(CONFIG_SOURCE, etc, Phone("specialist", "water", "301"))
    with pytest.raises(PhoneError, match="no telephone in the browser"):
        BrowserPhones(etc, SETTINGS).issue(login, datetime.now(UTC))
    assert seen_by_asterisk(etc) == []


def test_no_secret_of_a_browsers_phone_stands_in_its_file(etc: Path) -> None:
    text = (etc / "phones.d" / "operator-olena.conf").read_text("utf-8")
    assert "webrtc = yes\n" in text
    assert "type = auth" not in text
    assert "password" not in text
    assert listed(etc) == [Phone("operator", "olena", "201", browser=True)]
