"""The live board in a real browser: it changes by itself, in place, and a caller's name is only ever text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from contact_centre.writer import SqliteTx
from telephony.core.call import CallChanged, QueueOutcome
from telephony.links.ami import Gap
from telephony.live import Snapshot
from telephony.store import save_call
from telephony.wire.ami import Message
from tests.e2e.console.conftest import look, sign_in
from tests.e2e.console.console_site import ConsoleSite, served
from tests.integration.test_queue_tally import call

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ConsoleSite]:
    with served(tmp_path) as one:
        one.people()
        yield one


def member(login: str, status: str, *more: tuple[str, str], event: str = "QueueMember") -> Message:
    interface = f"PJSIP/operator-{login}"
    told = (("Queue", "contact-centre"), ("Interface", interface), ("Location", interface), ("Status", status))
    return Message.of(("Event", event), *told, *more)


def entry(place: int, number: str, name: str, waits: int) -> Message:
    return Message.of(
        ("Event", "QueueEntry"),
        ("Queue", "contact-centre"),
        ("Position", str(place)),
        ("Channel", f"PJSIP/trunk-primary-0000000{place}"),
        ("Uniqueid", f"cc1-1795383500.{place}"),
        ("CallerIDNum", number),
        ("CallerIDName", name),
        ("Wait", str(waits)),
    )


def shift(at: datetime) -> Snapshot:
    since = str(int((at - timedelta(minutes=3)).timestamp()))
    paused = (("Paused", "1"), ("PausedReason", "lunch"), ("LastPause", since))
    members = (member("olena", "1"), member("maria", "1", *paused))
    return Snapshot(at, (*members, entry(1, "0501234567", HOSTILE, 75), entry(2, "0671112233", "Жанна Їжак", 12)), ())


def open_board(page: Page, site: ConsoleSite) -> None:
    sign_in(page, site, "maria")
    page.goto(f"{site.address}/board")


def test_the_board_shows_the_shift_changes_by_itself_and_says_when_it_cannot(
    window: BrowserContext, site: ConsoleSite
) -> None:
    page, dialogs = window.new_page(), []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    open_board(page, site)
    expect(page.locator("#trouble")).to_contain_text("Asterisk не чути")
    look(page, "board-empty-uk-light")

    site.hear(shift(datetime.now(UTC)))
    expect(page.locator("#waiting-count")).to_have_text("2")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#waiting tr").first).to_contain_text(HOSTILE)
    expect(page.locator("#waiting tr").first).to_contain_text("+380 50 123 45 67")
    expect(page.locator("#operators")).to_contain_text("Олена Ткачук")
    expect(page.locator("#operators")).to_contain_text("пауза: обід")
    expect(page.locator("#free-count")).to_have_text("1 / 2")
    look(page, "board-uk-light")

    kept = page.locator("#operators tr", has_text="Олена Ткачук").element_handle()
    site.hear(member("olena", "6", event="QueueMemberStatus"))
    expect(page.locator("#operators")).to_contain_text("виклик")
    assert kept is not None
    assert kept.evaluate("row => row.isConnected"), "the row was changed in place"
    site.hear(Gap("away"))
    expect(page.locator("#trouble")).to_contain_text("Asterisk не чути")
    assert dialogs == []


def keep_an_hour(site: ConsoleSite) -> None:
    """Calls as they come: more in the middle of the hour, then too many, of whom some give up."""
    now = site.clock.now().replace(second=5)
    told = [
        call(
            minute * 10 + number,
            QueueOutcome.ABANDONED if number > 3 else QueueOutcome.ANSWERED,
            3.0 + number * 11 + (minute % 7) * 2,
            at=now - timedelta(minutes=minute),
        )
        for minute in range(1, 58)
        if minute % 5
        for number in range((2 if minute > 20 else 5) + minute % 3)
    ]
    told.append(call(999, QueueOutcome.NOT_QUEUED, None, at=now, over=False))

    def keep(tx: SqliteTx) -> None:
        for one in told:
            save_call(tx, CallChanged(one, over=one.ended_at is not None), None, at=now, reason="told")

    site.write(keep)


def test_the_figures_follow_the_shift_without_making_the_board_jump(window: BrowserContext, site: ConsoleSite) -> None:
    page = window.new_page()
    site.hear(shift(datetime.now(UTC)))
    open_board(page, site)
    expect(page.locator("#waiting tr")).to_have_count(2)
    expect(page.locator("#figures rect")).to_have_count(0)
    place = page.locator("#h-calls").bounding_box()
    keep_an_hour(site)
    site.hear(member("olena", "2", event="QueueMemberStatus"))
    expect(page.locator("#figures rect").first).to_be_attached()
    assert page.locator("#h-calls").bounding_box() == place
    expect(page.locator("#figures title").first).to_contain_text("найдовше очікування")


@pytest.mark.parametrize(("language", "theme"), [("uk", "dark"), ("en", "light"), ("uk", "light")])
def test_the_board_in_other_dress(window: BrowserContext, site: ConsoleSite, language: str, theme: str) -> None:
    page = window.new_page()
    chosen = (("cc_language", language), ("cc_theme", theme))
    window.add_cookies([{"name": name, "value": value, "url": f"{site.address}/"} for name, value in chosen])
    site.hear(shift(datetime.now(UTC)))
    keep_an_hour(site)
    open_board(page, site)
    expect(page.locator("#waiting-count")).to_have_text("2")
    look(page, f"board-with-an-hour-{language}-{theme}")
