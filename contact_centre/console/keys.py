"""Giving somebody a password from outside: what else ends with the one before."""

from datetime import datetime, timedelta
from typing import Final

from contact_centre import access_log
from contact_centre.access_log import Event
from contact_centre.console import credentials, sessions, throttle
from telephony.ports import Tx

ONE_TIME_FOR: Final = timedelta(days=3)
"""How long a password that was given out can be used."""


def give(tx: Tx, login: str, password_hash: str, at: datetime, *, one_time: bool, without_second_factor: bool) -> int:
    """A new password. It ends every session, and what was guessed before is forgotten: its owner begins anew.

    Returns how many sessions there were.
    """
    until = at + ONE_TIME_FOR if one_time else None
    credentials.set_password(tx, login, password_hash, at, must_change=one_time, valid_until=until)
    if without_second_factor:
        credentials.without_totp(tx, login)
        access_log.note(tx, at, login, Event.SECOND_FACTOR_OFF, None)
    ended = sessions.end_all(tx, login)
    throttle.forgive(tx, login)
    access_log.note(tx, at, login, Event.PASSWORD_GIVEN, None)
    return ended
