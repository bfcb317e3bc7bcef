"""``make demo`` as a newcomer runs it, and as somebody interrupts it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "var" / "screenshots"
STORY = [sys.executable, "-m", "contact_centre.demo.story"]


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that have to do with a folder: name it, or see it within a private root."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            mounts = (process / "mountinfo").read_text()
        except OSError:
            continue
        if str(folder) in words + mounts and int(process.name) != os.getpid():
            found.append(words)
    return found


@contextmanager
def told_by(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """The demo as it stays up, and the file in which it is read what it tells."""
    told = folder / "told"
    words = [*STORY, "--keep", "--folder", str(folder / "demo")]
    with told.open("w") as file:
        demo = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, text=True)
    try:
        yield demo, told
    finally:
        demo.kill()
        demo.wait()


def wait_for(told: Path, text: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while text not in told.read_text():
        assert time.monotonic() < deadline, told.read_text()
        time.sleep(0.1)


def newcomer(address: str, login: str, password: str, presses_enter: Callable[[], None]) -> str:
    """Do what the demo tells a newcomer to do, in a browser that has a microphone; whose call was answered."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    devices = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*devices, *as_root])
        page = browser.new_page(locale="uk-UA", viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        for field in ("new_password", "again"):
            page.fill(f"input[name={field}]", "дощ іде над Прутом")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Робоче місце").first.click()
        expect(page.locator("#presence-main")).to_be_enabled(timeout=20_000)
        expect(page.locator("#phone")).to_contain_text("Готовий", timeout=20_000)
        page.keyboard.press("F9")
        expect(page.locator("#presence-state")).to_have_text("Вільно", timeout=20_000)
        presses_enter()
        expect(page.locator("#presence-state")).to_have_text("Дзвонить", timeout=60_000)
        name = page.locator("#card .who h2").inner_text()
        page.keyboard.press("F8")
        expect(page.locator("#presence-state")).to_have_text("Розмова", timeout=20_000)
        page.screenshot(path=SCREENSHOTS / "demo-newcomer.png")
        expect(page.locator("#phone-end")).to_be_enabled(timeout=20_000)
        page.keyboard.press("F8")
        expect(page.locator("#presence-state")).to_have_text("Вільно", timeout=20_000)
        browser.close()
    return name


@pytest.mark.timeout(400)
def test_the_demo_tells_of_every_call_lets_a_newcomer_answer_one_and_leaves_nothing_running(tmp_path: Path) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with told_by(tmp_path) as (demo, told):
        wait_for(told, "or when you press Enter", 300)
        text = told.read_text()
        assert "5 of 5 calls arrived; each with recording and draft." in text
        assert "appeal № 20" in text
        assert "is closed, resolved" in text
        for said in ("15-80", "588-888", "Жанна Їжак", "waited", "talked", "recording ok", "draft appeal"):
            assert said in text
        address = re.search(r"http://localhost:\d+/console$", text, re.MULTILINE)
        given = re.search(r"oksana +(\S+) +Оксана Романюк", text)
        assert address is not None
        assert given is not None

        def press_enter() -> None:
            assert demo.stdin is not None
            demo.stdin.write("\n")
            demo.stdin.flush()

        assert newcomer(address[0], "oksana", given[1], press_enter) == "Жанна Їжак"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
        assert "Everything that was started has ended." in told.read_text()
        assert processes_of(tmp_path) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_demo_takes_everything_with_it(tmp_path: Path, how: signal.Signals) -> None:
    with told_by(tmp_path) as (demo, told):
        wait_for(told, "signed in to the queue", 60)
        assert len(processes_of(tmp_path)) > 2

        demo.send_signal(how)

        assert demo.wait(30) == (-signal.SIGKILL if how is signal.SIGKILL else 130)
        deadline = time.monotonic() + 10
        while processes_of(tmp_path):
            assert time.monotonic() < deadline, processes_of(tmp_path)
            time.sleep(0.1)
