"""Accounts of operators' browsers: given to the page when it opens, ended by sign-out or by the clock.

They lie in a small SQLite file that Asterisk reads through a *view* (sorcery.conf, extconfig.conf), in which an account
that has expired has a password that nobody knows. So nothing needs to run for an account to end: neither our service
nor a timer; and nothing of ours needs to run for one to be used (docs/decisions/0019). Asterisk holds digests alone.

An account is good for one page: the next ``issue`` for the same login replaces it. What ends is the right to register
and to call; a talk in progress is not cut, and a page that is still registered is forgotten within a minute
(``maximum_expiration``).
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from telephony import phones
from telephony.phones import PhoneError
from telephony.provision import BROWSER_ACCOUNTS, Settings

LIFETIME: Final = timedelta(hours=14)
"""Longer than the longest shift (12 h), so that no page loses its telephone before its operator goes home."""

_PASSWORD_BYTES: Final = 24
_BUSY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a page needs to telephone; it keeps them in memory alone."""

    ws_uri: str
    username: str
    password: str = field(repr=False)
    expires_at: datetime


class BrowserPhones:
    """The accounts of one Asterisk. Calls take a millisecond or two of disk: not for the event loop's own thread."""

    def __init__(self, etc: Path, settings: Settings) -> None:
        """``etc`` is Asterisk's configuration folder as this process sees it."""
        self._etc = etc
        self._ws_uri = settings.ws_uri

    def issue(self, login: str, at: datetime) -> Credentials:
        """Give a page an account until ``at`` plus ``LIFETIME``; the one before, if any, ends now.

        Raises:
            PhoneError: This operator has no telephone in the browser.
            sqlite3.Error: The file is missing (``asterisk install`` makes it) or cannot be written.
        """
        phone = next((one for one in phones.listed(self._etc) if one.login == login and one.kind == "operator"), None)
        if phone is None or not phone.browser:
            raise PhoneError(f"{login} has no telephone in the browser; `contact-centre operators phone` gives one")
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        expires_at = at + LIFETIME
        with self._open() as database:
            database.execute(
                "INSERT OR REPLACE INTO accounts (endpoint, digest, expires_at) VALUES (?, ?, ?)",
                (phone.endpoint, phones.digest(phone.endpoint, password), int(expires_at.timestamp())),
            )
        return Credentials(self._ws_uri, phone.endpoint, password, expires_at)

    def revoke(self, login: str) -> bool:
        """End the account of an operator's page; whether there was one.

        Raises:
            sqlite3.Error: The file cannot be written.
        """
        if not (self._etc / BROWSER_ACCOUNTS).exists():
            return False
        with self._open() as database:
            done = database.execute(
                "UPDATE accounts SET digest = '', expires_at = 0 WHERE endpoint = ? AND expires_at > 0",
                (f"operator-{login}",),
            )
            return done.rowcount > 0

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        uri = f"{(self._etc / BROWSER_ACCOUNTS).absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
