"""The call log and the player in a real browser: two waveforms, sound that plays and seeks, marks with one key."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from contact_centre import casework
from contact_centre.bookmarks import bookmarks
from contact_centre.console.route import BASE
from contact_centre.playbacks import playbacks
from recordings.disk import DirectoryStore
from recordings.listening import ListeningCopies
from recordings.service import RecordingService
from recordings.store import upsert_recording
from telephony.core.call import Call
from telephony.ports import Tx
from tests import recorded_calls
from tests.e2e.console.conftest import look, sign_in
from tests.e2e.console.console_site import ConsoleSite, served
from tests.e2e.console.test_desk import JANE, Line, desk
from tests.e2e.console.test_looks import LOOKS, looks

HEARD_AT, SILENT_AT = 19.5, 10.0
"""Seconds at which the citizen is heard, and at which nobody is."""


@dataclass(frozen=True)
class Log:
    """A console with calls in it, one of them recorded."""

    site: ConsoleSite
    folder: Path
    call: Call

    def address(self) -> str:
        return f"{self.site.address}/calls/{self.call.call_id}"

    def rows(self, table: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - a table
        return self.site.write(lambda tx: tx.fetch_all(select(table)))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    folder = tmp_path_factory.mktemp("calls")
    with served(folder) as site:
        site.people()
        site.town()
        now = site.clock.now()
        call = recorded_calls.everything("cc1-1795383430.11", now - timedelta(minutes=30))
        running = replace(
            recorded_calls.everything("cc1-1795383430.12", now - timedelta(seconds=70), number="+380671112233"),
            ended_at=None,
            transfers=(),
        )
        lost = recorded_calls.abandoned("cc1-1795383430.13", now - timedelta(minutes=50))

        def keep(tx: Tx) -> None:
            recorded_calls.keep(tx, call)
            recorded_calls.keep(tx, running, "+380671112233", over=False)
            recorded_calls.keep(tx, lost)

        site.write(keep)
        recorded_calls.write_raw(folder / "spool", call.call_id)
        service = RecordingService.on_disk(folder / "spool", folder, site.clock)
        recording = service.finalise(casework.audio_due(call))
        site.write(lambda tx: upsert_recording(tx, recording))
        ListeningCopies(folder, DirectoryStore(folder)).make(recording)
        yield Log(site, folder, call)


@pytest.fixture
def quiet(window: BrowserContext) -> Iterator[Callable[[], Page]]:
    """Pages that report nothing to the browser's console: no policy is hurt, no script fails."""
    said: list[str] = []

    def new() -> Page:
        page = window.new_page()
        page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield new
    assert said == []


def opened(page: Page, log: Log, login: str = "maria") -> None:
    sign_in(page, log.site, login)
    page.goto(log.address())
    page.wait_for_selector("[data-player][data-ready]")


PIXELS = """([second, duration]) => {
  const shadow = document.querySelector("[data-wave]").firstElementChild.shadowRoot;
  return [...shadow.querySelectorAll(".canvases > div")].map((side) => {
    const canvas = side.querySelector("canvas");
    const x = Math.round(canvas.width * second / duration);
    const { data } = canvas.getContext("2d").getImageData(Math.max(0, x - 6), 0, 12, canvas.height);
    return data.filter((value, at) => at % 4 === 3 && value > 128).length;
  });
}"""


def test_both_sides_are_drawn_on_one_axis_with_the_legs_over_them(quiet: Callable[[], Page], log: Log) -> None:
    page = quiet()
    opened(page, log)
    assert page.evaluate("player.wave.getDecodedData().numberOfChannels") == 2
    heard = page.evaluate(PIXELS, [HEARD_AT, recorded_calls.SECONDS])
    silent = page.evaluate(PIXELS, [SILENT_AT, recorded_calls.SECONDS])
    assert len(heard) == 2, "two sides"
    assert heard[0] > 4 * max(1, silent[0]), "the citizen speaks here"
    assert heard[1] <= 2 * max(1, silent[1]), "and the others do not"
    wave, ribbon = (page.locator(one).bounding_box() for one in (".wave", "svg.ribbon"))
    assert wave is not None
    assert ribbon is not None
    assert abs(wave["x"] - ribbon["x"]) < 1
    assert abs(wave["width"] - ribbon["width"]) < 1
    told = page.locator("svg.ribbon").get_attribute("aria-label") or ""
    assert [part.split()[0] for part in told.split(", ")] == [
        "привітання", "черга", "оператор", "утримання", "оператор", "з'єднання", "спеціаліст",
    ]  # fmt: skip


def test_sound_plays_seeks_and_is_written_down_once(quiet: Callable[[], Page], log: Log) -> None:
    page, before = quiet(), len(log.rows(playbacks))
    opened(page, log)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_function("() => player.playing && player.at > 5.5")
    page.keyboard.press("3")
    assert page.evaluate("player.wave.getPlaybackRate()") == 2
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => player.at > 15.5")
    box = page.locator(".wave").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 30)
    page.wait_for_function("() => player.at > 72.5 && player.at < 80")
    page.keyboard.press("Space")
    page.wait_for_function("() => !player.playing")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.wait_for_function("() => player.playing")
    assert page.evaluate("performance.getEntriesByType('resource').some((one) => one.name.includes('/sound?'))")
    made = log.rows(playbacks)[before:]
    assert [(row[3], row[5], row[6]) for row in made] == [("maria", "listened", 5.0)]
    page.goto(log.address())
    expect(page.locator("#h-heard ~ table")).to_contain_text("Марія Бойчук")


def test_a_place_is_marked_where_the_recording_stands_and_becomes_a_flag(quiet: Callable[[], Page], log: Log) -> None:
    page = quiet()
    opened(page, log)
    flags = page.locator("[data-flags] g").count()
    page.evaluate("player.to(24)")
    page.fill("input[name=note]", "обіцяли до п'ятниці")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("player.at") == 24, "who types moves the cursor, not the recording"
    page.get_by_role("button", name="Обіцянка").click()
    expect(page.locator("[data-flags] g")).to_have_count(flags + 1)
    expect(page.locator("#marks")).to_contain_text("обіцяли до п'ятниці")
    assert page.locator("[data-flags] g.promise line").get_attribute("x1") == "25.0%"
    page.evaluate("player.to(0)")
    page.locator("[data-to]").first.click()
    assert page.evaluate("player.at") == 24


def test_one_hand_marks_the_running_call_while_the_other_types(page: Page, log: Log) -> None:
    line = Line(log.site)
    desk(page, log.site)
    page.keyboard.press("F3")
    expect(page.locator("#bookmarks")).to_contain_text("під час дзвінка")
    call_id = line.rings(JANE)
    line.answers(call_id, JANE)
    page.locator("#description").press_sequentially("яма ")
    page.keyboard.press("F3")
    page.keyboard.press("3")
    page.keyboard.type("тут")
    expect(page.locator("#description")).to_have_value("яма тут")
    expect(page.locator("#bookmarks")).to_contain_text("Позначено: Погроза")
    made = [row for row in log.rows(bookmarks) if row[1] == call_id]
    assert [(row[3], row[5]) for row in made] == [("threat", "olena")]
    look(page, "desk-mark")
    page.route("**/bookmarks", lambda route: route.abort())
    page.keyboard.press("F3")
    page.keyboard.press("1")
    expect(page.locator("#bookmarks")).to_contain_text("«Адреса» збережено тут")
    page.unroute("**/bookmarks")
    expect(page.locator("#bookmarks")).to_contain_text("Позначено: Адреса")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_the_log_and_a_call_as_people_see_them(window: BrowserContext, log: Log, language: str, theme: str) -> None:
    page, kind = window.new_page(), f"{language}-{theme}"
    looks(window, log.site, language, theme)
    opened(page, log)
    page.evaluate("player.to(30)")
    look(page, f"call-{kind}")
    page.goto(f"{log.site.address}/calls")
    page.locator("[data-opens]").nth(1).click()
    look(page, f"calls-{kind}")
    page.goto(f"{log.site.address}/calls?line=588-888&outcome=abandoned")
    look(page, f"calls-filtered-{kind}")


def test_a_call_is_heard_on_the_page_of_its_appeal(page: Page, log: Log) -> None:
    opened(page, log)
    page.locator(f'a[href^="{BASE}/appeals/"]').last.click()
    page.locator("details.recording summary").click()
    page.wait_for_selector("[data-player][data-ready]")
    look(page, "appeal-recording")
