"""Operators at their desks: the real page of the real service in Chromium, a steady tone for each microphone."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import Page, Playwright

from contact_centre.demo.city import City
from contact_centre.demo.sipp import SippRun
from tests.e2e.console.conftest import AXE, RULES
from tests.hearing import CITIZEN, Sound, listen

SCREENSHOTS: Final = Path(__file__).parents[3] / "var" / "screenshots"
MICROPHONE_RATE: Final = 48000
PASSWORD: Final = "дощ іде над Прутом"  # noqa: S105 - of people who do not exist
QUEUE: Final = "contact-centre"
OTHER: Final = 660
"""Hertz: what says whoever is neither citizen nor page."""

DEVICES: Final = json.dumps({"processing": False})
"""Noise suppression takes a steady tone away within seconds."""


def write_microphone(file: Path, hertz: int) -> Path:
    """Ten seconds of a tone as Chromium's fake microphone plays it, over and over."""
    at = np.arange(MICROPHONE_RATE * 10) / MICROPHONE_RATE
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(MICROPHONE_RATE)
        out.writeframes((9000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes())
    return file


@dataclass
class Desk:
    """One operator's browser; ``page`` is the youngest tab."""

    login: str
    city: City
    page: Page
    profile: Path
    frozen: list[int] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.city.service.port}/console"

    def enter(self) -> None:
        """Sign in with the one-time password, and replace it."""
        given = self.city.service.json("operators", "password", self.login, "--generate")["one_time_password"]
        self.page.goto(f"{self.address}/sign-in")
        self.page.fill("input[name=login]", self.login)
        self.page.fill("input[name=password]", given)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/new-password*")
        self.page.fill("input[name=new_password]", PASSWORD)
        self.page.fill("input[name=again]", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.address}/")

    def open(self) -> None:
        self.page.goto(f"{self.address}/desk")

    def open_another(self) -> Page:
        """The desk in a second tab."""
        other = self.page.context.new_page()
        other.goto(f"{self.address}/desk")
        return other

    @property
    def state(self) -> dict[str, Any]:
        """The telephone's."""
        state: dict[str, Any] = self.page.evaluate("desk.phone.state")
        return state

    @property
    def notice(self) -> str:
        """What the strip says."""
        return self.page.inner_text("#phone-notice")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, condition: str, seconds: float = 20.0) -> None:
        """Wait for a condition on ``s``, the telephone's state; Playwright's own waiting is against the page's CSP."""
        asked = f"(() => {{ const s = window.desk?.phone?.state; return Boolean(s && ({condition})); }})()"
        wait_until(lambda: self.page.evaluate(asked), seconds, lambda: f"{condition}: {self.state}, {self.notice!r}")

    def says(self, text: str, seconds: float = 20.0) -> None:
        """Wait until the strip says this."""
        wait_until(lambda: text in self.notice, seconds, lambda: f"{text!r}: {self.notice!r}")

    def ready(self, seconds: float = 20.0) -> None:
        self.until("s.line === 'ready'", seconds)

    def answer(self, seconds: float = 20.0) -> None:
        """Pick up the call that rings, or will; both hear each other then, and the key may hang up again."""
        self.until("s.call?.phase === 'ringing'", seconds)
        self.press("F8")
        self.until("s.call?.phase === 'talking' && s.call.media === 'connected'")
        self.page.wait_for_selector("#phone-end:not([disabled])")

    def picture(self, name: str) -> None:
        """Keep a picture of the strip as it is, with what is open under it; of a talk in both themes."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark") if name in {"ringing", "talking", "devices-open"} else ("light",):
            self.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            clip = {"x": 0, "y": 0, "width": 1280, "height": 480 if "open" in name else 140}
            file = SCREENSHOTS / f"phone-{name}-{theme}.png"
            self.page.screenshot(path=file, clip=clip, animations="disabled")  # type: ignore[arg-type]
        self.page.evaluate("document.documentElement.dataset.theme = 'auto'")

    def accessible(self) -> list[str]:
        """What axe-core finds at the strip and what is open under it."""
        self.page.evaluate(AXE.read_text("utf-8"))
        found: dict[str, Any] = self.page.evaluate(f"axe.run('#phone', {{runOnly: {RULES}}})")
        return [f"{one['id']}: {node['target']}" for one in found["violations"] for node in one["nodes"]]

    def freeze(self) -> None:
        """Stop the whole browser, as a closed lid does."""
        self.frozen = _family(str(self.profile))
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.frozen = []


def _family(mark: str) -> list[int]:
    """The browser's processes: the one with our profile folder on its command line, and what it started."""
    parents: dict[int, int] = {}
    first: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if mark.encode() in (folder / "cmdline").read_bytes():
                first.add(int(folder.name))
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in first} - first
        first |= more
        grown = bool(more)
    return sorted(first)


class Wire:
    """The way of the pages' connections to Asterisk, which can be cut."""

    def __init__(self, listener: socket.socket, port: int) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener, self._to = listener, port
        self._open: set[socket.socket] = set()
        self._refuses = False

    @classmethod
    @contextlib.contextmanager
    def to(cls, port: int) -> Iterator["Wire"]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            wire = cls(listener, port)
            threading.Thread(target=wire._accept, daemon=True).start()
            yield wire
            wire.cut()

    def cut(self) -> None:
        """Everything that is open now ends."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def refused(self) -> Iterator[None]:
        """Within the block no new connection comes about."""
        self._refuses = True
        yield
        self._refuses = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._refuses:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                self._open |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open -= {source}
        source.close()


@contextlib.contextmanager
def desk_of(
    playwright: Playwright, city: City, login: str, folder: Path, *, tone: int, trusting: bool = True
) -> Iterator[Desk]:
    """A browser in which an operator is signed in; ``open`` opens the desk.

    ``trusting``: the certificate that Asterisk has made for itself counts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    microphone = write_microphone(folder / "microphone.wav", tone)
    context = playwright.chromium.launch_persistent_context(
        str(folder / "profile"),
        executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
        headless=True,
        locale="uk-UA",
        timezone_id="Europe/Kyiv",
        viewport={"width": 1280, "height": 800},
        args=[
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}",
            *(["--ignore-certificate-errors"] if trusting else []),
        ],
    )
    context.add_init_script(f"try {{ localStorage.setItem('desk-devices', '{DEVICES}'); }} catch {{}}")
    desk = Desk(login, city, context.pages[0], folder / "profile")
    try:
        desk.enter()
        yield desk
    finally:
        desk.thaw()
        context.close()


# ---- the queue, as Asterisk has it


def join(city: City, login: str) -> None:
    city.asterisk.cli(f"queue add member PJSIP/operator-{login} to {QUEUE} penalty 0 as {login}")


def leave(city: City, login: str) -> None:
    city.asterisk.cli(f"queue remove member PJSIP/operator-{login} from {QUEUE}")


def waiting(city: City) -> list[str]:
    """The numbers of those who wait in the queue, the first first."""
    callers = city.asterisk.cli(f"queue show {QUEUE}").partition("Callers:")[2]
    numbers = {
        channel.split("!")[0]: channel.split("!")[7]
        for channel in city.asterisk.cli("core show channels concise").splitlines()
        if channel.startswith("PJSIP/trunk")
    }
    return [numbers[name] for name in re.findall(r"PJSIP/trunk-[^ ]+", callers)]


def state_of(city: City, login: str) -> str:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", city.asterisk.cli(f"queue show {QUEUE}"))
    line = next((one for one in shown.splitlines() if f"PJSIP/operator-{login}" in one), "")
    return next((state for state in ("Not in use", "Unavailable", "In use", "Ringing", "Busy") if state in line), line)


# ---- calls


def call(city: City, desk: Desk, number: str, name: str | None = None) -> SippRun:
    """A citizen calls, and talks with the page."""
    citizen = city.telephones.citizen("588888", number, tone=CITIZEN, name=name)
    desk.answer()
    return citizen


def record_of(city: City, number: str) -> dict[str, Any]:
    """The record of the call of a number (E.164), once it is over and recorded."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        calls = city.service.json("calls", "list")
        found[:] = [one for one in calls if one["caller_number"] == number and one["ended_at"] and one["recordings"]]
        return bool(found)

    wait_until(there, 30)
    return found[0]


def sound_of(city: City, record: dict[str, Any], folder: Path) -> Sound:
    audio = folder / f"{record['call_id']}.wav"
    city.service.command("recordings", "export", record["recordings"][0], str(audio))
    return listen(audio)


def wait_until(
    holds: Callable[[], bool], seconds: float = 20.0, told: Callable[[], str] = lambda: "it did not come"
) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
