"""What operators do with their state from a page, what ends their wrap-ups, and what signing out takes from them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_centre import wrap_ups
from contact_centre.console.route import BASE
from contact_centre.demo.root import CONFIG_SOURCE
from contact_centre.wrap_up_keeper import AGAIN, WrapUpKeeper
from telephony import phones
from telephony.links.ami import Gap
from telephony.live import Snapshot
from telephony.phones import Phone
from telephony.ports import Tx
from telephony.provision import AsteriskPaths, install
from telephony.provision import Settings as Provision
from telephony.wire.ami import Message
from tests.integration.console_rig import PASSWORD, Browser, Console, browser, console

OLENA = "operator-olena"
CALL = "cc1-1795383430.11"
LIMIT = timedelta(seconds=45)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.person("olena", "operator", phone=True)
        live = asyncio.create_task(one.shell._console.live.run())
        yield one
        live.cancel()
        await asyncio.gather(live, return_exceptions=True)


@pytest.fixture
async def olena(site: Console) -> AsyncIterator[Browser]:
    async with browser(site) as one:
        await one.sign_in("olena")
        yield one


async def act(one: Browser, path: str, **fields: str) -> tuple[int, str | None]:
    answer = await one.send(f"/presence/{path}", fields)
    return answer.status, (await answer.json()).get("message")


def member(
    site: Console, reason: str = "", *, status: str = "1", began: int = 0, event: str = "QueueMemberPause"
) -> Message:
    """Asterisk tells of olena in the queue."""
    at = site.town.clock.now().timestamp()
    return Message.of(
        ("Event", event),
        ("Timestamp", f"{at:.6f}"),
        ("Queue", "contact-centre"),
        ("Interface", f"PJSIP/{OLENA}"),
        ("Location", f"PJSIP/{OLENA}"),
        ("Status", status),
        ("Paused", "1" if reason else "0"),
        ("PausedReason", reason),
        ("LastPause", str(int(at) + began) if reason else "0"),
    )


def snapshot(site: Console, *members: Message) -> Snapshot:
    return Snapshot(site.town.clock.now(), members, ())


def rows(site: Console) -> list[dict[str, Any]]:
    with sqlite3.connect(site.town.path) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM wrap_ups ORDER BY began, wrap_up_id")]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - whatever a test waits for
            await asyncio.sleep(0.01)


# ---- in and out of the queue


async def test_an_operator_comes_pauses_with_a_reason_returns_and_leaves(site: Console, olena: Browser) -> None:
    assert await act(olena, "sign-in") == (200, None)
    assert site.switchboard.members == {OLENA: None}
    assert await act(olena, "pause", reason="lunch") == (200, None)
    assert site.switchboard.members == {OLENA: "lunch"}
    assert await act(olena, "ready") == (200, None)
    assert site.switchboard.members == {OLENA: None}
    assert await act(olena, "sign-out") == (200, None)
    assert site.switchboard.members == {}


@pytest.mark.parametrize("reason", ["", "wrapup", "outbound", "pub", "break\r\nAction: Originate"])
async def test_a_pause_has_a_reason_of_ours(site: Console, olena: Browser, reason: str) -> None:
    await act(olena, "sign-in")
    status, _ = await act(olena, "pause", reason=reason)
    assert status == 422
    assert site.switchboard.members == {OLENA: None}


async def test_what_asterisk_cannot_do_now_is_said_and_nothing_changes(site: Console, olena: Browser) -> None:
    assert (await act(olena, "pause", reason="break"))[0] == 409
    site.switchboard.down = True
    status, told = await act(olena, "sign-in")
    assert (status, site.switchboard.members) == (409, {})
    assert told is not None
    assert "Asterisk" in told


async def test_who_has_no_telephone_is_told_so(site: Console) -> None:
    await site.person("taras", "operator")
    async with browser(site) as taras:
        await taras.sign_in("taras")
        assert (await act(taras, "sign-in"))[0] == 409
    assert site.switchboard.members == {}


# ---- after a talk


@pytest.fixture
async def keeper(site: Console) -> AsyncIterator[WrapUpKeeper]:
    made = keeper_of(site)
    running = asyncio.create_task(made.run())
    site.feed.hear(snapshot(site, member(site, event="QueueMember")))
    site.switchboard.members[OLENA] = None
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def keeper_of(site: Console, limit: timedelta = LIMIT) -> WrapUpKeeper:
    town = site.town
    return WrapUpKeeper(site.feed, site.switchboard, town.site.writer, town.clock, limit, lambda _: CALL)


async def wrap_up(site: Console) -> None:
    """Asterisk has paused olena after a talk."""
    site.switchboard.members[OLENA] = "wrapup"
    site.feed.hear(member(site, "wrapup"))
    await until(lambda: any(row["ended"] is None for row in rows(site)))


@pytest.mark.usefixtures("keeper")
async def test_a_result_ends_the_wrap_up(site: Console, olena: Browser) -> None:
    await wrap_up(site)
    assert await act(olena, "wrap-up", code="consultation") == (200, None)
    assert site.switchboard.members == {OLENA: None}
    site.feed.hear(member(site))
    await until(lambda: rows(site)[0]["ended"] is not None)
    [row] = rows(site)
    assert (row["login"], row["call_id"], row["code"], row["forced"]) == ("olena", CALL, "consultation", 0)


@pytest.mark.usefixtures("keeper")
async def test_out_of_wrap_up_leads_a_result_or_a_pause_and_nothing_else(site: Console, olena: Browser) -> None:
    await wrap_up(site)
    assert (await act(olena, "ready"))[0] == 409
    assert (await act(olena, "wrap-up", code="nonsense"))[0] == 422
    assert site.switchboard.members == {OLENA: "wrapup"}
    assert await act(olena, "pause", reason="break") == (200, None)
    site.feed.hear(member(site, "break"))
    await until(lambda: rows(site)[0]["ended"] is not None)
    assert (rows(site)[0]["code"], rows(site)[0]["forced"]) == (None, 0)


@pytest.mark.usefixtures("keeper")
async def test_when_its_time_is_over_a_wrap_up_ends_and_a_result_that_was_just_chosen_counts(
    site: Console, olena: Browser
) -> None:
    await wrap_up(site)
    site.town.clock.move(LIMIT)
    site.feed.hear(member(site, "wrapup", began=-45, status="2"))
    await until(lambda: site.switchboard.members == {OLENA: None})
    site.feed.hear(member(site))
    await until(lambda: rows(site)[0]["ended"] is not None)
    assert await act(olena, "wrap-up", code="appeal") == (200, None)
    [row] = rows(site)
    assert (row["code"], row["forced"]) == ("appeal", 1)
    site.town.clock.move(wrap_ups.LATEST + timedelta(seconds=1))
    assert (await act(olena, "wrap-up", code="misdial"))[0] == 409


@pytest.mark.usefixtures("keeper")
async def test_a_late_result_does_not_end_a_pause_that_was_asked_for_since(site: Console, olena: Browser) -> None:
    await wrap_up(site)
    site.switchboard.members[OLENA] = "break"
    site.feed.hear(member(site, "break"))
    await until(lambda: rows(site)[0]["ended"] is not None)
    assert await act(olena, "wrap-up", code="appeal") == (200, None)
    assert site.switchboard.members == {OLENA: "break"}


@pytest.mark.usefixtures("keeper")
async def test_whose_time_is_over_while_asterisk_is_away_is_set_free_when_it_is_back(
    site: Console,
) -> None:
    await wrap_up(site)
    site.feed.hear(Gap("restart"))
    site.switchboard.down = True
    site.town.clock.move(LIMIT)
    site.feed.hear(snapshot(site, member(site, "wrapup", began=-45, event="QueueMember")))
    await asyncio.sleep(0.05)
    assert site.switchboard.members == {OLENA: "wrapup"}
    site.switchboard.down = False
    site.town.clock.move(AGAIN)
    site.feed.hear(member(site, "wrapup", began=-50, status="5"))
    await until(lambda: site.switchboard.members == {OLENA: None})


async def test_after_a_restart_of_the_service_the_same_wrap_up_goes_on_and_one_that_ended_meanwhile_is_closed(
    site: Console,
) -> None:
    at = site.town.clock.now().replace(microsecond=0)

    def before(tx: Tx) -> None:
        wrap_ups.begin(tx, "olena", CALL, at)
        wrap_ups.begin(tx, "taras", "cc1-1.1", at)

    await site.town.site.writer.run(before)
    running = asyncio.create_task(keeper_of(site).run())
    site.feed.hear(snapshot(site, member(site, "wrapup", event="QueueMember")))
    await until(lambda: rows(site)[1]["ended"] is not None or rows(site)[0]["ended"] is not None)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert {(row["login"], row["ended"] is None) for row in rows(site)} == {("olena", True), ("taras", False)}


async def test_without_a_wrap_up_one_that_is_left_from_before_ends_at_once(site: Console) -> None:
    running = asyncio.create_task(keeper_of(site, timedelta()).run())
    site.switchboard.members[OLENA] = "wrapup"
    site.feed.hear(snapshot(site, member(site, "wrapup", event="QueueMember")))
    await until(lambda: site.switchboard.members == {OLENA: None})
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# ---- out of the console


@pytest.fixture
def telephone(site: Console) -> Callable[[], bool]:
    """Whether olena's page, which has been given an account, still telephones."""
    etc = site.asterisk.config_dir
    install(CONFIG_SOURCE, etc, AsteriskPaths.under(etc, etc), Provision())
    phones.add(CONFIG_SOURCE, etc, Phone("operator", "olena", "201", browser=True))
    accounts = site.shell._console.phones
    accounts.issue("olena", site.town.clock.now())

    def works() -> bool:
        with sqlite3.connect(etc / "generated" / "browser-phones.sqlite3") as database:
            return bool(database.execute("SELECT 1 FROM accounts WHERE expires_at > 0").fetchall())

    assert works()
    return works


async def test_signing_out_of_the_last_browser_takes_queue_and_telephone(
    site: Console, olena: Browser, telephone: Callable[[], bool]
) -> None:
    await act(olena, "sign-in")
    async with browser(site) as second:
        await second.sign_in("olena")
        await second.send("/sign-out")
    assert (site.switchboard.members, telephone()) == ({OLENA: None}, True)
    assert (await olena.send("/sign-out")).headers["Location"] == f"{BASE}/sign-in"
    assert (site.switchboard.members, telephone()) == ({}, False)


async def test_signing_out_everywhere_takes_them_at_once(
    site: Console, olena: Browser, telephone: Callable[[], bool]
) -> None:
    await act(olena, "sign-in")
    async with browser(site) as second:
        await second.sign_in("olena")
        await second.send("/sign-out-everywhere")
    assert (site.switchboard.members, telephone()) == ({}, False)


async def test_signing_out_works_while_asterisk_is_down(site: Console, olena: Browser) -> None:
    await act(olena, "sign-in")
    site.switchboard.down = True
    assert (await olena.send("/sign-out")).status == 303
    assert (await olena.get("/session")).status == 401


async def test_a_session_that_is_not_used_any_more_takes_them_when_it_is_swept(
    site: Console, olena: Browser, telephone: Callable[[], bool]
) -> None:
    await act(olena, "sign-in")
    await site.shell.sweep()
    assert (site.switchboard.members, telephone()) == ({OLENA: None}, True)
    site.town.clock.move(site.shell._console.limits.idle)
    await site.shell.sweep()
    assert (site.switchboard.members, telephone()) == ({}, False)


async def test_a_new_password_takes_the_telephone_of_pages_that_were_signed_in(
    site: Console, olena: Browser, telephone: Callable[[], bool]
) -> None:
    await act(olena, "sign-in")
    answer = await olena.send(
        "/account/password",
        {"password": PASSWORD, "new_password": "сніг іде над Прутом", "again": "сніг іде над Прутом"},
    )
    assert "done=password" in answer.headers["Location"]
    assert (site.switchboard.members, telephone()) == ({OLENA: None}, False)
