"""An operator's page in a real browser: Chromium without a window, a steady tone for a microphone."""

import contextlib
import json
import os
import shutil
import signal
import socket
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from typing import Any
from urllib.parse import quote

import numpy as np
from playwright.sync_api import Page, sync_playwright

from telephony.browser_phones import BrowserPhones

HERE = Path(__file__).parent
CONSOLE = HERE.parents[2] / "contact_centre" / "console"
MICROPHONE_RATE = 48000


def write_microphone(file: Path, hertz: int) -> Path:
    """Ten seconds of a tone as Chromium's fake microphone plays it, over and over."""
    at = np.arange(MICROPHONE_RATE * 10) / MICROPHONE_RATE
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(MICROPHONE_RATE)
        out.writeframes((9000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes())
    return file


class _Site(SimpleHTTPRequestHandler):
    """The bare page, the console's modules, and an account for whoever asks: what the service does after sign-in."""

    def __init__(
        self, connection: socket.socket, client: tuple[str, int], server: BaseServer, *, desk: tuple[BrowserPhones, str]
    ) -> None:
        self.phones, self.login = desk
        super().__init__(connection, client, server)

    def translate_path(self, path: str) -> str:
        path = path.partition("?")[0]
        return str(HERE / "page.html" if path in {"/", "/favicon.ico"} else CONSOLE / path.removeprefix("/console/"))

    def do_GET(self) -> None:
        if self.path != "/account":
            super().do_GET()
            return
        given = self.phones.issue(self.login, datetime.now(UTC))
        body = json.dumps({"ws_uri": given.ws_uri, "username": given.username, "password": given.password}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Desk:
    """One operator's page; ``page`` is the youngest tab."""

    login: str
    phones: BrowserPhones
    url: str
    page: Page
    profile: Path
    frozen: list[int] = field(default_factory=list)

    def open(self, query: str = "answer") -> None:
        self.page.goto(f"{self.url}/?{query}")

    def open_another(self, query: str = "answer") -> Page:
        """A second tab with the same account, as a link opened twice has."""
        account = self.page.evaluate("JSON.stringify(window.account)")
        other = self.page.context.new_page()
        other.goto(f"{self.url}/?{query}&same={quote(account)}")
        return other

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.page.evaluate("window.phone?.state ?? {line: null, call: null}")
        return state

    def do(self, command: str, argument: str | None = None) -> None:
        self.page.evaluate("([name, argument]) => window.phone[name](argument)", [command, argument])

    def until(self, condition: str, seconds: float = 20.0) -> None:
        """Wait for a condition on ``s``, the telephone's state."""
        self.page.wait_for_function(
            f"(() => {{ const s = window.phone?.state; return s && ({condition}); }})()", timeout=seconds * 1000
        )

    def ready(self, seconds: float = 20.0) -> None:
        self.until("s.line === 'ready'", seconds)

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
    """The way of the page's connection to Asterisk, which can be cut."""

    def __init__(self, listener: socket.socket, port: int) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener, self._to = listener, port
        self._open: set[socket.socket] = set()

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

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
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
def desk_of(phones: BrowserPhones, login: str, folder: Path, *, tone: int) -> Iterator[Desk]:
    """Start a browser for an operator; ``open`` opens the page."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, desk=(phones, login)))
    serving = threading.Thread(target=site.serve_forever, daemon=True)
    serving.start()
    folder.mkdir(parents=True, exist_ok=True)
    microphone = write_microphone(folder / "microphone.wav", tone)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder / "profile"),
            executable_path=chromium,
            headless=True,
            ignore_https_errors=True,
            args=[
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
            ],
        )
        desk = Desk(login, phones, f"http://localhost:{site.server_port}", context.pages[0], folder / "profile")
        try:
            yield desk
        finally:
            desk.thaw()
            context.close()
            site.shutdown()


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
