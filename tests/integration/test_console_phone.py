"""The telephone of the desk page: who gets which account, and whose call a SIP phone may be moved in."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from telephony.live import Snapshot
from telephony.phones import Phone, add
from telephony.provision import AsteriskPaths, Settings, install
from tests.fake_switchboard import FakeCall
from tests.integration.console_rig import Browser, Console, browser, console
from tests.integration.test_console_board import RINGS, member

SOURCE = Path(__file__).parents[2] / "asterisk-config"
CALL = "cc1-1.1"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    """Olena telephones in her page, ``operator`` has a phone on the table, Stefan has none yet."""
    async with console(tmp_path) as one:
        etc = one.asterisk.config_dir
        install(SOURCE, etc, AsteriskPaths.under(tmp_path / "asterisk-itself", Path("/modules")), Settings())
        for phone in (
            Phone("operator", "olena", "201", browser=True),
            Phone("operator", "operator", "202"),
            Phone("specialist", "water", "301"),
        ):
            add(SOURCE, etc, phone)
        for login in ("olena", "operator", "stefan"):
            await one.person(login, "operator")
        yield one


async def json_of(answer: ClientResponse) -> dict[str, str]:
    told: dict[str, str] = json.loads(await answer.text())
    return told


async def in_the_page(site: Console, who: Browser) -> None:
    """The citizen's call rings on the table of ``operator``, as the live view tells it."""
    await who.sign_in("operator")
    site.feed.hear(Snapshot(datetime.now(UTC), (member("operator", event="QueueMember"),), ()))
    for event in RINGS:
        site.feed.hear(event)
    with site.feed.subscribe() as subscription:
        site.shell._console.live.tell(await subscription.next())
    site.switchboard.calls[CALL] = FakeCall()


async def test_a_page_is_given_an_account_of_its_own_each_time_and_others_what_they_have(site: Console) -> None:
    async with browser(site) as page, browser(site) as table, browser(site) as nobody:
        await page.sign_in("olena")
        first, second = [await json_of(await page.send("/desk/phone")) for _ in range(2)]
        assert (first["kind"], first["username"], first["ws_uri"]) == (
            "browser",
            "operator-olena",
            "wss://localhost:8089/ws",
        )
        assert first["password"] != second["password"]
        policy = (await page.get("/account")).headers["Content-Security-Policy"]
        assert "connect-src 'self' wss://localhost:8089" in policy
        await table.sign_in("operator")
        assert (await json_of(await table.send("/desk/phone")))["kind"] == "sip"
        await nobody.sign_in("stefan")
        told = await json_of(await nobody.send("/desk/phone"))
        assert told["kind"] == "none"
        assert "contact-centre operators phone" in told["message"]


async def test_an_account_that_cannot_be_written_is_told_in_words(site: Console) -> None:
    (site.asterisk.config_dir / "generated" / "browser-phones.sqlite3").unlink()
    async with browser(site) as page:
        await page.sign_in("olena")
        answer = await page.send("/desk/phone")
        assert answer.status == 409
        assert "адміністратора" in (await json_of(answer))["message"]


async def test_a_phone_on_the_table_is_moved_in_its_own_call_alone(site: Console) -> None:
    async with browser(site) as mine, browser(site) as theirs:
        await in_the_page(site, mine)
        await theirs.sign_in("olena")
        for who, call_id in ((theirs, CALL), (mine, "cc1-1.9"), (mine, "")):
            assert (await who.send("/desk/phone/hang-up", {"call_id": call_id})).status == 409
            forwarded = {"call_id": call_id, "extension": "301"}
            assert (await who.send("/desk/phone/forward", forwarded)).status == 409
        assert site.switchboard.transfers == []
        for extension in ("999", "", "301;", "*11"):
            refused = await mine.send("/desk/phone/forward", {"call_id": CALL, "extension": extension})
            assert refused.status == 422
        for attended in ("1", ""):
            wanted = {"call_id": CALL, "extension": "301", "attended": attended}
            assert (await mine.send("/desk/phone/forward", wanted)).status == 200
        assert site.switchboard.transfers == [(CALL, "301", True), (CALL, "301", False)]
        assert (await mine.send("/desk/phone/hang-up", {"call_id": CALL})).status == 200
        assert site.switchboard.calls == {}


async def test_what_asterisk_does_not_do_is_told_in_words(site: Console) -> None:
    async with browser(site) as mine:
        await in_the_page(site, mine)
        site.switchboard.calls[CALL] = FakeCall(talks=False)
        early = await mine.send("/desk/phone/forward", {"call_id": CALL, "extension": "301"})
        assert (early.status, (await json_of(early))["message"]) == (409, "Громадянин зараз ні з ким не розмовляє.")
        site.switchboard.down = True
        away = await mine.send("/desk/phone/hang-up", {"call_id": CALL})
        assert away.status == 409
        assert "Asterisk не відповідає" in (await json_of(away))["message"]
