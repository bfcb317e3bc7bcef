"""The switchboard on a real Asterisk; the fake keeps the same contract (tests/contract/telephony)."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from telephony import control
from telephony.switchboard import AsteriskSwitchboard
from tests.switchboarding import Board, SwitchboardContract


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    processes = Processes()
    try:
        installed = Asterisk.install(Kit.provide(), tmp_path_factory.mktemp("asterisk"), processes)
        installed.start()
        installed.add_phone("operator", "olena", "201")
        yield installed
    finally:
        processes.close()


def members(asterisk: Asterisk) -> dict[str, str | None]:
    shown = asterisk.cli("queue show contact-centre").partition("Callers")[0]
    found = re.findall(r"\(PJSIP/(operator-[a-z]+)[^\n]*?(?:\(paused:(\w+)[^\n]*)?\n", shown)
    return {endpoint: reason or None for endpoint, reason in found}


class TestAsterisk(SwitchboardContract):
    @pytest.fixture
    async def board(self, asterisk: Asterisk) -> AsyncIterator[Board]:
        address = control.address(asterisk.host.etc, "127.0.0.1", asterisk.settings.ports.ami)
        async with control.session(address) as ami:
            yield Board(AsteriskSwitchboard(ami, lambda: address), lambda: members(asterisk))
