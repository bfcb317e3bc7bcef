"""Who comes in, how far, and what they may ask: every route with every role, signed out, and from a foreign page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from yarl import URL

from contact_centre import access_log, accounts
from contact_centre.accounts import ROLES
from contact_centre.config import ConsoleSettings
from contact_centre.console import credentials, keys, passwords, sessions
from contact_centre.console.cookies import BROWSER, SESSION
from contact_centre.console.route import BASE, Route
from contact_centre.console.routes import ROUTES
from contact_centre.console.sessions import Stage
from contact_centre.writer import SqliteTx
from tests.integration.console_rig import HASHED, PASSWORD, Console, browser, console, hidden

NEW = "інший довгий пароль"
PARTS = {
    "appeal_id": "01a20699-c86d-776e-b4e7-24e4e1d47cdb",
    "duty_id": "01a20699-c86d-776e-b4e7-24e4e1d47cdc",
    "bookmark_id": "01a20699-c86d-776e-b4e7-24e4e1d47cde",
    "call_id": "nowhere-out-01a20699-c86d-776e-b4e7-24e4e1d47cdd",
    "action": "accept",
    "code": "water",
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        yield one


def path_of(route: Route) -> str:
    return route.path.format_map(PARTS)


async def log(site: Console, login: str) -> list[str]:
    async with site.town.site.reading() as connection:
        return [entry.event.value for entry in await access_log.latest(connection, login, 50)]


async def test_every_route_lets_in_its_roles_and_nobody_else(site: Console) -> None:
    await site.everybody()
    guarded = [route for route in ROUTES if route.roles is not None and route.stage is Stage.IN]
    assert len(guarded) > 10
    for role in ROLES:
        async with browser(site) as one:
            await one.sign_in(role)
            for route in guarded:
                if route.name == "sign_out_everywhere":
                    continue
                if route.method == "GET":
                    status = (await one.get(path_of(route))).status
                else:
                    status = (await one.send(path_of(route), {"version": "1"})).status
                assert route.roles is not None
                assert (status == 403) == (role not in route.roles), (role, route.name, status)
                assert status not in {401, 500}, (role, route.name)


async def test_without_a_session_pages_lead_to_the_door_and_actions_are_refused(site: Console) -> None:
    async with browser(site) as one:
        for route in ROUTES:
            if route.roles is None:
                continue
            if route.method == "GET" and not route.lasting:
                answer = await one.get(path_of(route))
                assert (answer.status, URL(answer.headers["Location"]).path) == (303, f"{BASE}/sign-in"), route.name
            else:
                refused = await (one.get if route.lasting else one.post)(path_of(route))
                assert refused.status == 401, route.name


async def test_no_action_is_taken_that_no_page_of_ours_asked_for(site: Console) -> None:
    await site.everybody()
    for role in ("operator", "executor"):
        async with browser(site) as one:
            await one.sign_in(role)
            csrf = await one.csrf()
            for route in ROUTES:
                if route.method == "GET" or (route.roles is not None and role not in route.roles):
                    continue
                path, right = path_of(route), {"csrf": csrf}
                assert (await one.post(path, {})).status == 403, route.name
                assert (await one.post(path, {"csrf": "0" * 64})).status == 403, route.name
                assert (await one.post(path, right, origin="https://evil.example")).status == 403, route.name
                assert (await one.post(path, right, origin=None)).status == 403, route.name
                assert (await one.post(path, right, **{"Sec-Fetch-Site": "cross-site"})).status == 403, route.name
            assert (await one.get("/account")).status == 200


async def test_somebody_who_is_half_way_in_sees_nothing_but_the_next_step(site: Console) -> None:
    await site.person("new", "operator", one_time=True)
    async with browser(site) as one:
        assert (await one.sign_in("new")).headers["Location"] == f"{BASE}/new-password"
        for route in ROUTES:
            if route.roles is None or route.stage is None or "new-password" in route.path:
                continue
            answer = await (one.get if route.method == "GET" else one.send)(path_of(route))
            expected = {303} if route.method == "GET" and not route.lasting else {403}
            assert answer.status in expected, route.name


async def test_every_answer_carries_the_headers_and_pages_hold_no_inline_code(site: Console) -> None:
    await site.everybody()
    appeal = await site.town.appeal()
    async with browser(site) as one:
        await one.sign_in("operator")
        for path in (
            "/",
            "/appeals",
            f"/appeals/{appeal.appeal_id}",
            "/account",
            "/appeals/new",
            "/nowhere",
            "/session",
        ):
            answer = await one.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Server"] == "contact-centre"
            text = await answer.text()
            for inline in ("style=", "<style", "onclick=", "javascript:", "<script>"):
                assert inline not in text, (path, inline)


async def test_whoever_names_the_host_or_the_console_alone_is_led_in(site: Console) -> None:
    async with browser(site) as one:
        for path in ("/", BASE):
            answer = await one.client.get(path, allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (303, f"{BASE}/")


async def test_static_files_are_kept_by_browsers_under_a_name_that_changes_with_them(site: Console) -> None:
    async with browser(site) as one:
        page = await (await one.get("/sign-in")).text()
        address = page.split('<link rel="stylesheet" href="')[-1].split('"')[0].removeprefix(BASE)
        answer = await one.get(address)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert (await one.get(address.replace("/static/", "/static/0"))).status == 404
        assert (await one.get("/static/x/../../config.py")).status == 404


async def test_the_cookie_of_a_session_is_for_the_browser_alone(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        answer = await one.sign_in("olena")
        cookie = answer.cookies[SESSION]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", BASE, "")
        assert cookie["max-age"] == ""
        kept = await site.town.site.writer.run(lambda tx: tx.fetch_all(sessions.sessions.select()))
        assert cookie.value not in str(kept)


async def test_behind_a_proxy_that_is_trusted_cookies_are_for_tls_alone(tmp_path: Path) -> None:
    trusting = ConsoleSettings.model_validate({"trusted_proxies": ["127.0.0.0/8"]})
    by_tls = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    async with console(tmp_path, trusting) as site, browser(site) as one:
        await site.person("olena", "operator")
        fields = {"login": "olena", "password": PASSWORD}
        host = f"https://{one.client.host}:{one.client.port}"
        answer = await one.post("/sign-in", fields, origin=host, **by_tls)
        assert answer.status == 303
        assert answer.cookies[SESSION]["secure"]
        assert "Strict-Transport-Security" in answer.headers
        async with site.town.site.reading() as connection:
            [entry, *_] = await access_log.latest(connection, "olena", 1)
        assert entry.address == "203.0.113.9"


async def test_nobody_elses_word_on_an_address_counts(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        answer = await one.post("/sign-in", {"login": "olena", "password": PASSWORD}, **headers)
        assert answer.cookies[SESSION]["secure"] == ""
        async with site.town.site.reading() as connection:
            assert (await access_log.latest(connection, "olena", 1))[0].address == "127.0.0.1"


async def test_a_wrong_password_an_unknown_login_and_one_without_a_password_are_told_alike(site: Console) -> None:
    await site.person("olena", "operator")
    now = site.town.clock.now()
    await site.town.site.writer.run(
        lambda tx: accounts.add(
            tx, login="ghost", name="Ghost", roles=("operator",), extension=None, sip_account=None, at=now
        )
    )
    told = []
    for login in ("olena", "nobody", "ghost"):
        async with browser(site) as one:
            answer = await one.sign_in(login, "не той пароль зовсім")
            assert answer.status == 422
            told.append((await answer.text()).replace(login, "LOGIN"))
    assert len(set(told)) == 1
    assert await log(site, "olena") == ["refused", "password_given"]


async def test_sessions_end_when_they_are_not_used_and_after_a_shift(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        await one.sign_in("olena")
        for _ in range(12):
            site.town.clock.move(timedelta(minutes=59))
            assert (await one.get("/")).status == 200
        site.town.clock.move(timedelta(minutes=13))
        assert (await one.get("/")).status == 303
        await one.sign_in("olena")
        site.town.clock.move(timedelta(minutes=60))
        assert (await one.get("/")).status == 303
    limits = sessions.Limits(timedelta(minutes=60), timedelta(hours=12))
    now = site.town.clock.now()
    await site.town.site.writer.run(lambda tx: sessions.sweep(tx, limits, now))
    assert await site.town.site.writer.run(lambda tx: tx.fetch_all(sessions.sessions.select())) == []


async def test_signing_out_ends_the_session_here_and_everywhere_all(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one, browser(site) as other:
        for each in (one, other):
            await each.sign_in("olena")
        assert (await one.send("/sign-out")).status == 303
        assert (await one.get("/")).status == 303
        assert (await other.get("/")).status == 200
        await one.sign_in("olena")
        await one.send("/sign-out-everywhere")
        assert (await other.get("/")).status == 303
    assert await log(site, "olena") == [
        "signed_out_everywhere",
        "signed_in",
        "signed_out",
        "signed_in",
        "signed_in",
        "password_given",
    ]


async def test_an_account_that_is_removed_or_loses_a_role_is_out_at_once(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        await one.sign_in("olena")
        assert (await one.get("/appeals")).status == 200
        update = accounts.accounts.update().values(roles="specialist")
        await site.town.site.writer.run(lambda tx: tx.execute(update))
        assert (await one.get("/appeals")).status == 403
        await site.town.site.writer.run(lambda tx: accounts.remove(tx, "olena"))
        assert (await one.get("/")).status == 303
        await site.town.site.writer.run(
            lambda tx: accounts.add(
                tx,
                login="olena",
                name="Another",
                roles=("operator",),
                extension=None,
                sip_account=None,
                at=site.town.clock.now(),
            )
        )
        assert (await one.get("/")).status == 303
        assert (await one.sign_in("olena")).status == 422


async def test_a_password_that_was_given_out_is_replaced_at_the_first_sign_in_and_ends_by_itself(site: Console) -> None:
    await site.person("olena", "operator", one_time=True)
    async with browser(site) as one:
        await one.sign_in("olena")
        before = (await one.client.session.get(one.client.make_url(f"{BASE}/session"))).cookies
        assert (await one.send("/new-password", {"new_password": "короткий", "again": "короткий"})).status == 422
        assert (await one.send("/new-password", {"new_password": NEW, "again": f"{NEW}!"})).status == 422
        assert (await one.send("/new-password", {"new_password": PASSWORD, "again": PASSWORD})).status == 422
        answer = await one.send("/new-password", {"new_password": NEW, "again": NEW})
        assert answer.headers["Location"] == f"{BASE}/"
        assert answer.cookies[SESSION].value not in str(before)
        assert (await one.get("/")).status == 200
        await one.send("/sign-out")
        assert (await one.sign_in("olena", PASSWORD)).status == 422
        assert (await one.sign_in("olena", NEW)).headers["Location"] == f"{BASE}/"
    await site.person("late", "operator", one_time=True)
    site.town.clock.move(keys.ONE_TIME_FOR)
    async with browser(site) as one:
        assert (await one.sign_in("late")).status == 422


async def test_changing_the_password_asks_for_the_one_before_and_ends_other_sessions(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one, browser(site) as other:
        await one.sign_in("olena")
        await other.sign_in("olena")
        fields = {"password": "не той пароль зовсім", "new_password": NEW, "again": NEW}
        assert (await one.send("/account/password", fields)).status == 422
        assert (await one.send("/account/password", fields | {"password": PASSWORD})).status == 303
        assert (await one.get("/")).status == 200
        assert (await other.get("/")).status == 303


async def test_the_second_factor_from_its_picture_to_a_lost_telephone(site: Console) -> None:
    await site.person("olena", "operator")
    clock = site.town.clock
    async with browser(site) as one:
        await one.sign_in("olena")
        assert (await one.send("/account/second-factor", {"password": PASSWORD})).headers["Location"].endswith("factor")
        page = await (await one.get("/account/second-factor")).text()
        assert "<svg" in page
        secret = page.split('<code class="secret">')[1].split("</code>")[0].replace(" ", "").strip()
        totp = pyotp.TOTP(secret)
        assert (await one.send("/account/second-factor/code", {"code": "000000"})).status == 422
        shown = await (await one.send("/account/second-factor/code", {"code": totp.at(clock.now())})).text()
        codes = [part.split("</code>")[0] for part in shown.split("<li><code>")[1:]]
        assert len(codes) == 10
        await one.send("/sign-out")

        clock.move(timedelta(seconds=60))
        assert (await one.sign_in("olena")).headers["Location"] == f"{BASE}/second-factor"
        assert (await one.get("/appeals")).headers["Location"] == f"{BASE}/second-factor"
        assert (await one.send("/second-factor", {"code": "000000"})).status == 422
        code = totp.at(clock.now())
        assert (await one.send("/second-factor", {"code": code})).headers["Location"] == f"{BASE}/"
        await one.send("/sign-out")

        await one.sign_in("olena")
        assert (await one.send("/second-factor", {"code": code})).status == 422, "a code works once"
        assert (await one.send("/second-factor", {"code": codes[0].upper()})).headers["Location"] == f"{BASE}/"
        await one.send("/sign-out")
        await one.sign_in("olena")
        assert (await one.send("/second-factor", {"code": codes[0]})).status == 422, "and so does a recovery code"
    kept = await site.town.site.writer.run(lambda tx: str(tx.fetch_all(credentials.recovery_codes.select())))
    assert all(code not in kept for code in codes)

    def lost(tx: SqliteTx) -> None:
        keys.give(tx, "olena", HASHED, clock.now(), one_time=False, without_second_factor=True)

    await site.town.site.writer.run(lost)
    async with browser(site) as one:
        assert (await one.sign_in("olena")).headers["Location"] == f"{BASE}/"
    assert (await log(site, "olena"))[:2] == ["signed_in", "password_given"]


async def test_guessing_is_paused_and_the_pause_is_told(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as known, browser(site) as stranger:
        await known.sign_in("olena")
        await known.send("/sign-out")
        for _ in range(8):
            last = await stranger.sign_in("olena", "не той пароль зовсім")
        assert "Забагато спроб" in await last.text()
        assert "Забагато спроб" in await (await stranger.sign_in("olena")).text()
        assert (await known.sign_in("olena")).status == 303, "the person at their own desk is not slowed down"
        assert BROWSER in {cookie.key for cookie in known.client.session.cookie_jar}


async def test_an_old_hash_is_renewed_when_its_password_is_typed(site: Console) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    await site.person("olena", "operator")
    weak, now = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD), site.town.clock.now()
    await site.town.site.writer.run(lambda tx: credentials.set_password(tx, "olena", weak, now))
    async with browser(site) as one:
        assert (await one.sign_in("olena")).status == 303
    found = await site.town.site.writer.run(lambda tx: credentials.load(tx, "olena"))
    assert found is not None
    assert not passwords.outdated(found.password_hash)


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example/", "/console//evil", "/console\\evil", "/api/v1"]
)
async def test_the_way_on_leads_only_to_pages_of_the_console(site: Console, away: str) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        page = await (await one.get(f"/sign-in?next={URL.build(path=away, encoded=False).raw_path}")).text()
        assert hidden(page, "next") == f"{BASE}/"
        assert (await one.sign_in("olena", next=away)).headers["Location"] == f"{BASE}/"
        answer = await one.send("/preferences", {"language": "en", "back": away})
        assert answer.headers["Location"] == f"{BASE}/"
        assert "First page" in await (await one.get("/")).text()


async def test_a_page_that_is_open_can_renew_its_session_in_place(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        refused = await one.sign_in("olena", "не той пароль зовсім", in_place="1")
        assert (refused.status, "message" in await refused.json()) == (422, True)
        told = await (await one.sign_in("olena", in_place="1")).json()
        assert told == {"stage": "in", "csrf": await one.csrf()}


async def test_forms_that_are_none_and_too_long_ones_are_refused(site: Console) -> None:
    await site.person("olena", "operator")
    async with browser(site) as one:
        await one.sign_in("olena")
        assert (await one.send("/appeals/new", {"description": "я" * 300_000})).status == 413
        origin = str(one.client.make_url("")).rstrip("/")
        url = one.client.make_url(f"{BASE}/appeals/new")
        answer = await one.client.session.post(url, json={"a": 1}, headers={"Origin": origin})
        assert answer.status == 415
