"""The call log and its recordings: who sees and hears what, the filter, the file, ranges, marks, listenings."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appeals import commands
from appeals.model import Actor
from appeals.ports import Tx
from appeals.store import draft_of_call
from contact_centre import access_log, bookmarks, jobs, playbacks, seen_calls
from contact_centre.console.calls import pages
from contact_centre.finalise import Finaliser
from contact_centre.health import Metrics
from contact_centre.listening import PREPARE, TRIED_AGAIN
from contact_centre.playbacks import Playback
from recordings.service import RecordingService
from recordings.store import get_recording
from telephony.core.call import Call
from tests import recorded_calls, town
from tests.integration.console_rig import Browser, Console, browser, console

CALL = "cc1-1795383430.11"
HOSTILE = '=HYPERLINK("http://evil.example","Жанна")'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.everybody()
        await one.person("olena", "operator", name="Олена Ткачук")
        yield one


async def kept(site: Console, call: Call, number: str | None = recorded_calls.NUMBER, *, over: bool = True) -> Call:
    await site.town.site.writer.run(lambda tx: recorded_calls.keep(tx, call, number, over=over))
    return call


async def a_call(site: Console, call_id: str = CALL, ago: timedelta = timedelta(minutes=5)) -> Call:
    return await kept(site, recorded_calls.everything(call_id, site.town.clock.now() - ago))


async def recorded(site: Console, call: Call, *, sound: bool = True, ready: bool = True) -> Call:
    """Its audio goes through the finaliser; then it is made ready for listening."""
    of, spool = site.town.site, site.town.path.parent / "spool"
    if sound:
        recorded_calls.write_raw(spool, call.call_id)
    await of.writer.run(lambda tx: recorded_calls.due(tx, call))
    service = RecordingService.on_disk(spool, site.town.path.parent, of.clock)
    loops = [Finaliser(service, of.engine, of.writer, of.clock, Metrics(), workers=1).run()]
    if ready:
        loops.append(site.shell._console.listening.run())
    async with running(*loops), asyncio.timeout(40):
        while not await done(site, call.call_id, ready=ready):
            site.town.clock.move(timedelta(seconds=1))
            await asyncio.sleep(0.05)
    return call


@asynccontextmanager
async def running(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def done(site: Console, call_id: str, *, ready: bool) -> bool:
    async with site.town.site.reading() as connection:
        found = await get_recording(connection, call_id)
        due = await jobs.due(connection, PREPARE, site.town.clock.now(), 10)
    return found is not None and (not ready or not due)


async def confidential(site: Console, call: Call) -> None:
    """Its appeal becomes one of a restricted desk."""
    actor = Actor("olena", town.OPERATOR.roles, desks=frozenset({"violence"}))

    def register(tx: Tx) -> None:
        appeal_id = draft_of_call(tx, call.call_id)
        told = {"category": "education.bullying", "description": "булінг", "applicant": "Дитина"}
        site.town.site.desk.perform(tx, appeal_id, commands.Edit(changes=told), actor)

    await site.town.site.writer.run(register)


async def listenings(site: Console, call_id: str = CALL) -> list[Playback]:
    async with site.town.site.reading() as connection:
        return await playbacks.of_call(connection, call_id, 50)


def listed(page: str) -> list[str]:
    return re.findall(r'href="/console/calls/([^"#]*)">\d\d\.', page)


async def lines(one: Browser, query: str = "") -> list[list[str]]:
    answer = await one.get(f"/calls.csv{query}")
    assert answer.status == 200
    assert answer.content_type == "text/csv"
    return list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"), newline="")))


async def test_the_log_is_filtered_by_the_address_and_tells_its_filter_as_a_sentence(site: Console) -> None:
    now = site.town.clock.now()
    await a_call(site)
    await kept(site, recorded_calls.abandoned("cc1-1.2", now - timedelta(minutes=3), line="15-80"))
    await kept(
        site, recorded_calls.abandoned("cc1-1.3", now - timedelta(days=40), number="+380671112233"), "+380671112233"
    )
    wanted = {
        "": {CALL, "cc1-1.2", "cc1-1.3"},
        "?line=588-888": {CALL, "cc1-1.3"},
        "?outcome=abandoned": {"cc1-1.2", "cc1-1.3"},
        "?outcome=abandoned&line=588-888": {"cc1-1.3"},
        "?number=067 111-22-33": {"cc1-1.3"},
        "?operator=olena": {CALL},
        "?operator=nobody": set(),
        f"?since={now - timedelta(days=2):%Y-%m-%d}": {CALL, "cc1-1.2"},
        f"?until={now - timedelta(days=2):%Y-%m-%d}": {"cc1-1.3"},
        "?since=nonsense&outcome=nonsense&cursor=nonsense": {CALL, "cc1-1.2", "cc1-1.3"},
    }
    async with browser(site) as one:
        await one.sign_in("supervisor")
        for query, expected in wanted.items():
            page = await (await one.get(f"/calls{query}")).text()
            assert set(listed(page)) == expected, query
        page = await (await one.get("/calls?line=588-888&outcome=abandoned&operator=olena")).text()
        assert "Дзвінки на 588-888, прийняв(-ла) Олена Ткачук, втрачено" in page


async def test_a_long_log_is_leafed_through_with_its_filter(site: Console) -> None:
    now = site.town.clock.now()
    for number in range(55):
        await kept(site, recorded_calls.abandoned(f"cc1-2.{number}", now - timedelta(minutes=number + 1)))
    seen: list[str] = []
    async with browser(site) as one:
        await one.sign_in("auditor")
        page = await (await one.get("/calls?outcome=abandoned")).text()
        seen += listed(page)
        following = re.search(r'href="(\?[^"]*)" rel="next"', page)
        assert following is not None
        assert "outcome=abandoned" in following[1]
        seen += listed(await (await one.get(f"/calls{following[1].replace('&amp;', '&')}")).text())
    assert (len(seen), len(set(seen))) == (55, 55)


async def test_each_leg_of_a_call_stands_on_one_axis_of_time_without_a_style(site: Console) -> None:
    await a_call(site)
    async with browser(site) as one:
        await one.sign_in("auditor")
        page = await (await one.get("/calls")).text()
        assert " style=" not in page
        starts = re.findall(r'<rect class="talks" x="([\d.]+)%"', page)
        assert [float(start) for start in starts] == pytest.approx([18.75, 47.917, 68.75], abs=0.01)
        assert "Олена Ткачук" in page


async def test_the_mayor_sees_calls_without_people_and_hears_none(site: Console) -> None:
    await recorded(site, await a_call(site))
    async with browser(site) as one:
        await one.sign_in("mayor")
        shown = await (await one.get("/calls")).text() + await (await one.get(f"/calls/{CALL}")).text()
        assert "588-888" in shown
        for secret in ("050 123", "50 123 45 67", "ІВАН", "data-player"):
            assert secret not in shown
        assert "Вам його слухати не можна" in shown
        for path in ("outline", "flac"):
            assert (await one.get(f"/calls/{CALL}/{path}")).status == 403


async def test_the_exported_log_is_the_filtered_one_whole_and_harmless(
    site: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "EXPORTED_AT_ONCE", 7)
    now = site.town.clock.now()
    for number in range(30):
        call = recorded_calls.abandoned(f"cc1-3.{number}", now - timedelta(minutes=number + 1))
        await kept(site, replace(call, caller_name=HOSTILE if number == 3 else "ІВАН, «Ґава»\n2"))
    goes_on = replace(recorded_calls.everything("cc1-4.1", now), ended_at=None, answered_at=None, wait_time=None)
    await kept(site, goes_on, None, over=False)
    async with browser(site) as one:
        await one.sign_in("auditor")
        found = await lines(one, "?line=588-888")
        assert len(found) == 32
        assert all(len(line) == len(found[0]) for line in found)
        by_name = [dict(zip(found[0], line, strict=True)) for line in found[1:]]
        assert by_name[0]["Дзвінок"] == "cc1-4.1"
        assert by_name[0]["Завершено"] == ""
        assert by_name[1]["Ім'я з мережі"] == "ІВАН, «Ґава»\n2"
        assert by_name[1]["Номер громадянина"] == recorded_calls.NUMBER
        assert by_name[4]["Ім'я з мережі"] == "'" + HOSTILE
        assert len(await lines(one, "?line=15-80")) == 1
    async with site.town.site.reading() as connection:
        entries = await access_log.latest(connection, "auditor", 5)
    exported = [(one.event.value, one.about) for one in entries if one.about]
    assert exported == [("calls_exported", "line=15-80"), ("calls_exported", "line=588-888")]


async def test_an_export_that_is_not_waited_for_to_the_end_disturbs_nobody(
    site: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "EXPORTED_AT_ONCE", 1)
    now = site.town.clock.now()
    for number in range(40):
        await kept(site, recorded_calls.abandoned(f"cc1-5.{number}", now - timedelta(minutes=number + 1)))
    async with browser(site) as one, browser(site) as other:
        await one.sign_in("auditor")
        await other.sign_in("supervisor")
        answer = await one.get("/calls.csv")
        await answer.content.read(10)
        answer.close()
        assert len(await lines(other)) == 41


async def test_half_an_export_does_not_look_like_a_whole_one(site: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXPORTED_AT_ONCE", 2)
    now = site.town.clock.now()
    for number in range(5):
        await kept(site, recorded_calls.abandoned(f"cc1-5.{number}", now - timedelta(minutes=number + 1)))
    find, asked = seen_calls.find, []

    async def fails(*told: Any) -> Any:  # noqa: ANN401
        asked.append(told)
        if len(asked) == 2:
            raise OSError("the disk is gone")
        return await find(*told)

    monkeypatch.setattr(seen_calls, "find", fails)
    async with browser(site) as one:
        await one.sign_in("auditor")
        answer = await one.get("/calls.csv")
        with pytest.raises(Exception, match=r"(?i)payload|closed|disconnect|reset"):
            await answer.read()


async def test_a_call_of_a_restricted_desk_is_masked_for_others_and_heard_by_its_own(site: Console) -> None:
    call = await recorded(site, await a_call(site))
    await confidential(site, call)
    await site.person("psychologist", "operator", desks=("violence",))
    for role in ("supervisor", "auditor", "operator"):
        async with browser(site) as one:
            await one.sign_in(role)
            shown = await (await one.get("/calls")).text() + await (await one.get(f"/calls/{CALL}")).text()
            for secret in (recorded_calls.NUMBER, "050 123", "50 123 45 67", "ІВАН", "Олена", "data-player", "flac"):
                assert secret not in shown.replace('<option value="olena">Олена Ткачук</option>', ""), (role, secret)
            for path in ("outline", "sound", "sound?listening=x"):
                assert (await one.get(f"/calls/{CALL}/{path}")).status == 404
            assert (await one.send(f"/calls/{CALL}/playbacks")).status == 404
            if role != "operator":
                assert (await one.get(f"/calls/{CALL}/flac")).status == 404
                [_, line] = await lines(one)
                assert recorded_calls.NUMBER not in ",".join(line)
                assert line[-1] == "так"
            if role != "auditor":
                assert (await one.send(f"/calls/{CALL}/bookmarks", {"kind": "own"})).status == 404
    async with browser(site) as one:
        await one.sign_in("psychologist")
        assert (await one.send(f"/calls/{CALL}/playbacks")).status == 200
    assert [one.login for one in await listenings(site)] == ["psychologist"]


async def test_a_finalised_recording_is_measured_side_by_side_and_made_ready(site: Console) -> None:
    await recorded(site, await a_call(site))
    async with browser(site) as one:
        await one.sign_in("supervisor")
        told = json.loads(await (await one.get(f"/calls/{CALL}/outline")).read())
    citizen, others = told["sides"]
    assert told["duration"] == pytest.approx(recorded_calls.SECONDS, abs=0.01)
    assert len(citizen["peaks"]) == pytest.approx(told["duration"] / told["step"], abs=2)
    assert citizen["heard"] == pytest.approx(33, abs=1.5)
    assert others["heard"] == pytest.approx(6 + 32, abs=1.5)
    assert citizen["silences"][0] == [0.0, pytest.approx(18, abs=0.2)]
    assert others["silences"][0] == [pytest.approx(6, abs=0.2), pytest.approx(21, abs=0.2)]


async def test_sound_comes_in_the_pieces_that_players_ask_for(site: Console) -> None:
    call = await recorded(site, await a_call(site))
    async with browser(site) as one:
        await one.sign_in("auditor")
        address = (await (await one.send(f"/calls/{CALL}/playbacks", {"second": "12.5"})).json())["address"]
        path = address.removeprefix("/console")
        whole = await one.get(path)
        sound, etag = await whole.read(), whole.headers["ETag"]
        assert (whole.status, whole.content_type, sound[:4]) == (200, "audio/ogg", b"OggS")
        assert whole.headers["Accept-Ranges"] == "bytes"
        size = len(sound)
        pieces = {
            "bytes=0-99": (206, sound[:100], f"bytes 0-99/{size}"),
            f"bytes=100-{size * 2}": (206, sound[100:], f"bytes 100-{size - 1}/{size}"),
            "bytes=500-": (206, sound[500:], f"bytes 500-{size - 1}/{size}"),
            "bytes=-100": (206, sound[-100:], f"bytes {size - 100}-{size - 1}/{size}"),
            f"bytes={size}-": (416, None, f"bytes */{size}"),
            "bytes=-0": (416, None, f"bytes */{size}"),
            "bytes=0-9,20-29": (200, sound, None),
            "bytes=9-0": (200, sound, None),
            "nonsense": (200, sound, None),
        }
        for asked, (status, expected, told) in pieces.items():
            answer = await one.get(path, Range=asked)
            body = await answer.read()
            assert (answer.status, answer.headers.get("Content-Range")) == (status, told), asked
            assert expected is None or body == expected, asked
        assert (await one.get(path, **{"Range": "bytes=0-9", "If-Range": etag})).status == 206
        for other in ('"other"', f"W/{etag}", "Mon, 23 Nov 2026 10:00:00 GMT"):
            assert (await one.get(path, **{"Range": "bytes=0-9", "If-Range": other})).status == 200
        stored = await one.get(f"/calls/{CALL}/flac", Range="bytes=0-3")
        async with site.town.site.reading() as connection:
            found = await get_recording(connection, call.call_id)
        assert found is not None
        assert (await stored.read(), stored.headers["ETag"]) == (b"fLaC", f'"{found.sha256}"')
        await one.get(f"/calls/{CALL}/flac", Range="bytes=4-")
    heard = [(one.login, one.how.value, one.second) for one in await listenings(site)]
    assert heard == [("auditor", "downloaded", 0.0), ("auditor", "listened", 12.5)]


async def test_nothing_is_heard_without_being_written_down_nor_by_another_person(site: Console) -> None:
    await recorded(site, await a_call(site))
    async with browser(site) as one, browser(site) as other:
        await one.sign_in("auditor")
        await other.sign_in("supervisor")
        assert (await one.get(f"/calls/{CALL}/sound")).status == 404
        answer = await (await one.send(f"/calls/{CALL}/playbacks")).json()
        path = answer["address"].removeprefix("/console")
        assert (await other.get(path)).status == 404
        assert (await one.get(path.replace(CALL, "cc1-1.1"))).status == 404
        page = await (await other.get(f"/calls/{CALL}")).text()
        assert page.count("прослухано") == 1
        site.town.clock.move(playbacks.LASTS)
        await one.sign_in("auditor")
        assert (await one.get(path)).status == 404


async def test_a_recording_can_be_heard_before_its_copy_is_made(site: Console) -> None:
    await recorded(site, await a_call(site), ready=False)
    async with browser(site) as one:
        await one.sign_in("supervisor")
        answer = await one.get(f"/calls/{CALL}/outline")
        assert (answer.status, await answer.json()) == (202, {"making": True})
        address = (await (await one.send(f"/calls/{CALL}/playbacks")).json())["address"]
        sound = await one.get(address.removeprefix("/console"))
        assert (sound.content_type, (await sound.read())[:4]) == ("audio/flac", b"fLaC")
        async with running(site.shell._console.listening.run()), asyncio.timeout(30):
            while (await one.get(f"/calls/{CALL}/outline")).status != 200:  # noqa: ASYNC110 - as the page asks
                await asyncio.sleep(0.1)
        assert not list((site.town.path.parent / "listening" / ".making").iterdir())


async def test_a_recording_that_was_changed_or_is_gone_says_so(site: Console) -> None:
    call = await recorded(site, await a_call(site), ready=False)
    [file] = (site.town.path.parent / "recordings").rglob("*.flac")
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    listening = site.shell._console.listening
    async with browser(site) as one:
        await one.sign_in("supervisor")
        for trouble, told in (("altered", "змінено"), ("gone", "немає")):
            async with site.town.site.reading() as connection:
                found = await get_recording(connection, call.call_id)
            assert found is not None
            listening.want(found)
            assert await listening._one()
            assert listening.trouble(found) == trouble
            answer = await one.get(f"/calls/{CALL}/outline")
            assert answer.status == 422
            assert told in (await answer.json())["message"]
            assert told in await (await one.get(f"/calls/{CALL}")).text()
            file.unlink(missing_ok=True)
        refused = await one.send(f"/calls/{CALL}/playbacks")
        assert (refused.status, "немає" in (await refused.json())["message"]) == (422, True)
        assert await listenings(site) == []
        site.town.clock.move(TRIED_AGAIN)
        assert (await one.get(f"/calls/{CALL}/outline")).status == 202


async def test_a_call_without_sound_says_so(site: Console) -> None:
    await recorded(site, await a_call(site), sound=False)
    async with browser(site) as one:
        await one.sign_in("supervisor")
        page = await (await one.get(f"/calls/{CALL}")).text()
        assert "Звуку цього дзвінка немає" in page
        assert "data-wave" not in page
        assert (await one.get(f"/calls/{CALL}/outline")).status == 404


async def test_places_are_marked_by_who_was_in_the_call_and_by_supervisors(site: Console) -> None:
    call = recorded_calls.everything(CALL, site.town.clock.now() - timedelta(seconds=30))
    await kept(site, replace(call, ended_at=None), over=False)
    async with browser(site) as mine, browser(site) as another, browser(site) as above:
        await mine.sign_in("olena")
        await another.sign_in("operator")
        await above.sign_in("supervisor")
        path = f"/calls/{CALL}/bookmarks"
        answer = await mine.send(path, {"kind": "address", "ago": "10"})
        assert (answer.status, (await answer.json())["kind"]) == (200, "address")
        assert (await another.send(path, {"kind": "own"})).status == 404
        assert (await mine.send(path, {"kind": "nonsense"})).status == 404
        assert (await mine.send("/calls/cc1-0.0/bookmarks", {"kind": "own"})).status == 404
        assert (await above.send(path, {"kind": "threat", "ago": "900", "note": HOSTILE})).status == 200
        async with site.town.site.reading() as connection:
            made = (await bookmarks.of_calls(connection, [CALL]))[CALL]
        seconds = [(one.kind.value, round((one.at - call.started_at).total_seconds())) for one in made]
        assert seconds == [("threat", 0), ("address", 20)]
        taken = f"{path}/{made[1].bookmark_id}/remove"
        assert (await above.send(taken)).status == 404
        assert (await mine.send(taken)).status == 303
        page = await (await above.get(f"/calls/{CALL}")).text()
        assert "Погроза" in page
        assert "<HYPERLINK" not in page
        assert 'value="address"' not in page.partition('id="marks"')[2].partition("</div>")[0]


async def test_a_place_of_a_recording_is_marked_by_its_second(site: Console) -> None:
    await recorded(site, await a_call(site))
    async with browser(site) as one:
        await one.sign_in("supervisor")
        assert (await one.send(f"/calls/{CALL}/bookmarks", {"kind": "promise", "second": "24"})).status == 200
        page = await (await one.get(f"/calls/{CALL}")).text()
    assert '<line x1="25.0%"' in page
    assert 'data-to="24.0"' in page
