"""Today's figures on the board: as the settings say, again when asked, for those who see the board."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from contact_centre.writer import SqliteTx
from telephony.core.call import CallChanged, QueueOutcome
from telephony.store import save_call
from tests.integration.console_rig import Console, browser, console
from tests.integration.test_queue_tally import call


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.everybody()
        yield one


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def handle_data(self, data: str) -> None:
        self.told.append(data)


def text(page: str) -> str:
    parser = _Text()
    parser.feed(page)
    return " ".join(" ".join(parser.told).split())


async def test_the_figures_are_on_the_page_and_newer_ones_come_when_asked(site: Console) -> None:
    now = site.town.clock.now()
    calls = [
        call(1, QueueOutcome.ANSWERED, 19.0, at=now),
        call(2, QueueOutcome.ANSWERED, 90.0, at=now),
        call(3, QueueOutcome.ABANDONED, 3.0, at=now),
    ]

    async def keep(number: int) -> None:
        def job(tx: SqliteTx) -> None:
            save_call(tx, CallChanged(calls[number], over=True), None, at=now, reason="told")

        await site.town.site.writer.run(job)

    async with browser(site) as one:
        await one.sign_in("supervisor")
        await keep(0)
        page = await (await one.get("/board")).text()
        assert 'data-from="/console/board/figures"' in page
        assert "= 1 / (1 − 0)" in text(page)
        await keep(1)
        await keep(2)
        answer = await one.get("/board/figures")
        told = text(await answer.text())
        assert "<html" not in told
        assert "Рівень обслуговування 50 % мета 80 %" in told
        assert "прийнято за 20 с / (надійшло − втрачено за 5 с) = 1 / (3 − 1)" in told
        assert "Втрачено 1 1 – за 5 с" in told
        assert "найдовше очікування 1:30" in told
    async with browser(site) as other:
        await other.sign_in("executor")
        assert (await other.get("/board/figures")).status == 403


async def test_a_day_without_calls_has_no_service_level_and_an_empty_picture(site: Console) -> None:
    async with browser(site) as one:
        await one.sign_in("operator")
        drawn = await (await one.get("/board/figures")).text()
        assert "Рівень обслуговування –" in text(drawn)
        assert "<svg" in drawn
        assert not re.search("<rect|<polyline|<circle", drawn)
