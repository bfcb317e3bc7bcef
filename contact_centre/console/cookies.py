"""The console's cookies. None can be read by scripts; all are for the console's own addresses."""

from datetime import timedelta
from typing import Final

from aiohttp import web

from contact_centre.console.browser import Browser

SESSION: Final = "cc_session"
BROWSER: Final = "cc_browser"
"""Knows the browser again in which somebody has signed in; see ``throttle``."""
LANGUAGE: Final = "cc_language"
THEME: Final = "cc_theme"

PATH: Final = "/console"
LONG: Final = timedelta(days=180)


def put(response: web.StreamResponse, browser: Browser, name: str, value: str, lasts: timedelta | None = None) -> None:
    """Give the browser a cookie; without ``lasts`` it forgets it when it is closed.

    Lax: whoever follows a link from a letter is still signed in; nothing is changed by GET.
    """
    response.set_cookie(
        name,
        value,
        path=PATH,
        httponly=True,
        secure=browser.secure,
        samesite="Lax",
        max_age=None if lasts is None else int(lasts.total_seconds()),
    )


def take(response: web.StreamResponse, name: str) -> None:
    """Have the browser forget a cookie."""
    response.del_cookie(name, path=PATH)
