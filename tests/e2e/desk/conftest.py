"""One city for each module, in which citizens come to the queue at once, and browsers for its operators."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from contact_centre.demo.city import City
from contact_centre.demo.root import Kit
from contact_centre.demo.sipp import SippRun
from telephony.phones import NewPhone
from tests.e2e.desk.rig import OTHER, Desk, Wire, desk_of, join, leave

NAMES = {"olena": "Олена Ткачук", "ivan": "Іван Ґудзь", "taras": "Тарас Мельник", "nina": "Ніна Їжакевич"}
TONES = {"olena": 1000, "ivan": 1300, "taras": 1600, "nina": 1900}
"""Hertz: what operators say into the microphone of their page."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Prompts are left out, since each test has a citizen or more."""
    with City.build(Kit.provide(), tmp_path_factory.mktemp("city")) as one:
        dialplan = one.asterisk.host.etc / "extensions.conf"
        text = dialplan.read_text("utf-8")
        dialplan.write_text(
            text.replace("Playback(greeting)", "NoOp()").replace("Playback(recording-notice)", "NoOp()")
        )
        yield one


@pytest.fixture(scope="module")
def wire(built: City) -> Iterator[Wire]:
    """The pages' way to Asterisk, by TLS."""
    ports = built.asterisk.settings.ports
    with Wire.to(ports.wss) as wire:
        config = built.service.config
        text = config.read_text("utf-8")
        config.write_text(text.replace(f"ws://localhost:{ports.ws}/ws", f"wss://localhost:{wire.port}/ws"), "utf-8")
        yield wire


@pytest.fixture(scope="module")
def city(built: City, wire: Wire) -> City:  # noqa: ARG001 - the service reads the wire's address when it starts
    """Olena, Ivan and Nina telephone in their pages, Taras has a phone on the table, which nobody answers yet."""
    built.start()
    built.asterisk.cli("logger add channel keys.log dtmf")
    for login in ("olena", "ivan", "nina"):
        built.browser_account(login, NAMES[login])
    return built


@pytest.fixture(scope="module")
def table(city: City) -> NewPhone:
    """Taras's account; his telephone is registered by whoever needs it."""
    return city.account("taras", NAMES["taras"])


@pytest.fixture(scope="module")
def water(city: City) -> SippRun:
    """A specialist who answers."""
    return city.telephones.phone(city.account("water", "Водоканал", "specialist"), tone=OTHER, answer_after=0.2)


class Desks:
    """The browsers of operators, signed in; one for each, begun when it is first asked for."""

    def __init__(self, city: City, stack: ExitStack, folder: Callable[[str], Path]) -> None:
        self._city, self._stack, self._folder = city, stack, folder
        self._playwright = stack.enter_context(sync_playwright())
        self.begun: dict[str, Desk] = {}

    def __call__(self, login: str) -> Desk:
        if login not in self.begun:
            browser = desk_of(self._playwright, self._city, login, self._folder(login), tone=TONES[login])
            self.begun[login] = self._stack.enter_context(browser)
        return self.begun[login]

    def doubting(self, login: str) -> Desk:
        """A further browser of an operator, which believes no certificate that Asterisk has made for itself."""
        made = desk_of(self._playwright, self._city, login, self._folder(login), tone=TONES[login], trusting=False)
        return self._stack.enter_context(made)

    def on_duty(self, login: str) -> Desk:
        """The desk is open, the telephone registered, the operator in the queue."""
        desk = self(login)
        desk.open()
        desk.ready()
        join(self._city, login)
        return desk

    def home(self) -> None:
        """Every page is closed, and nobody is in the queue."""
        for desk in self.begun.values():
            desk.page.goto("about:blank")
        for login in NAMES:
            leave(self._city, login)


@pytest.fixture(scope="module")
def browsers(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    with ExitStack() as stack:
        yield Desks(city, stack, tmp_path_factory.mktemp)


@pytest.fixture
def desks(city: City, browsers: Desks) -> Iterator[Desks]:
    """For one test; after it no call is left."""
    yield browsers
    browsers.home()
    city.asterisk.cli("channel request hangup all")
    city.asterisk.wait_idle(30)
