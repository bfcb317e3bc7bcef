"""From Asterisk's AgentCalled to the caller's card in the page, against a bare socket that reads the same event.

An AMI server of ours says what Asterisk says when a telephone rings, to the service and to a bare socket, in turns to
either first. The service is a process of its own on uvloop, with a town in its database; the page is Chromium's, at the
desk of one operator. So many operators' telephones ring at the same moment: the others' pages are a process that
listens to their streams and asks for their cards as pages do. *Added* is the time at which the page's own observer saw
the card of this caller, less the time at which the bare socket had the event.

    python -m tests.bench.bench_pop
"""

import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
import structlog
import uvloop
from playwright.sync_api import Page, sync_playwright

from contact_centre import accounts
from contact_centre.console import sessions
from contact_centre.console.cookies import SESSION
from contact_centre.console.sessions import Stage
from contact_centre.writer import SqliteTx
from telephony.links.ami import AmiLink
from tests.e2e.console.console_site import served
from tests.integration.asterisk_double import SECRET, AmiServer, Clock

AT_ONCE: Final = (1, 20, 50)
ROUNDS: Final = 60
KNOWN: Final = ("+380501112201", "+380501112202", "+380671112203", "+380931112204", "+380661112205")
"""Of the town's story: callers with appeals and calls."""
PATIENCE_S: Final = 15.0
BETWEEN_S: Final = 0.15

_WATCH: Final = """() => {
  const card = document.getElementById("card");
  let last = null;
  window.seen = new Map();
  new MutationObserver(() => {
    if (card.dataset.number === last || !card.querySelector(".who")) return;
    last = card.dataset.number;
    window.seen.set(desk.callId, performance.timeOrigin + performance.now());
  }).observe(card, { childList: true, subtree: true, attributes: true });
}"""
"""One caller after the other has another number."""


def login(number: int) -> str:
    return f"operator{number}"


# ---- the service, and the pages of colleagues


def serve(port: int) -> None:
    """The console with its link to an Asterisk at this port; tells its address and who is signed in."""
    uvloop.install()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as site:
        site.people()
        site.town()
        now = site.clock.now()

        def begin(tx: SqliteTx) -> list[str]:
            for one in map(login, range(max(AT_ONCE))):
                accounts.add(
                    tx,
                    login=one,
                    name=one,
                    roles=("operator",),
                    extension=None,
                    sip_account=f"operator-{one}",
                    at=now,
                )
            return [sessions.begin(tx, login(number), Stage.IN, now) for number in range(max(AT_ONCE))]

        tokens = site.write(begin)
        link = AmiLink("127.0.0.1", port, lambda: SECRET, Clock())
        link.listen(site.feed.hear)
        running = asyncio.run_coroutine_threadsafe(link.run(), site.loop)
        click.echo(json.dumps({"address": site.address, "tokens": tokens}))
        sys.stdin.read()
        running.cancel()


async def colleagues(address: str, tokens: Sequence[str]) -> None:
    """Pages that listen, and ask for the card of each call that rings."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        await asyncio.gather(*(_colleague(client, address, token) for token in tokens))


async def _colleague(client: aiohttp.ClientSession, address: str, token: str) -> None:
    headers, shown = {"Cookie": f"{SESSION}={token}"}, None
    while True:  # a stream ends every two minutes
        async with client.get(f"{address}/live", headers=headers, timeout=aiohttp.ClientTimeout()) as stream:
            kind = ""
            async for line in stream.content:
                if line.startswith(b"event: "):
                    kind = line[7:].decode().strip()
                elif line.startswith(b"data: ") and kind == "desk":
                    told = json.loads(line[6:])
                    call = told["call_id"] if told["call"] else None
                    if call and call != shown:
                        shown = call
                        async with client.get(f"{address}/desk/card/{call}", headers=headers) as card:
                            await card.read()


# ---- Asterisk


class Exchange:
    """Asterisk's side: an AMI server in a thread of its own."""

    def __init__(self) -> None:
        self.server = AmiServer()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self._run(self.server.start())

    def operators(self, count: int) -> None:
        """So many are in the queue and free."""
        self.server.members[:] = [_member(number, 1) for number in range(count)]

    def say(self, text: str, *, turned: bool) -> None:
        """To everybody who is logged in; ``turned``: the last first."""

        async def write() -> None:
            for session in reversed(self.server.sessions) if turned else self.server.sessions:
                session.write(text.encode())

        self._run(write())

    def _run(self, work: Any) -> None:  # noqa: ANN401 - any coroutine
        asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


def _member(number: int, status: int) -> str:
    interface = f"PJSIP/operator-{login(number)}"
    return (
        f"Queue: contact-centre\r\nInterface: {interface}\r\nLocation: {interface}\r\nStatus: {status}\r\nPaused: 0\r\n"
    )


def _waits(number: int, call: str, citizen: str) -> str:
    """A citizen's call is there, and in the queue."""
    channel = f"Channel: PJSIP/trunk-primary-{number:08x}\r\nUniqueid: {call}\r\nLinkedid: {call}\r\n"
    shown = f"CallerIDNum: {citizen}\r\nAccountCode: 588-888\r\n"
    return (
        f"Event: Newchannel\r\n{channel}ChannelState: 6\r\n{shown}\r\n"
        f"Event: QueueCallerJoin\r\nQueue: contact-centre\r\nPosition: {number + 1}\r\n{channel}{shown}\r\n"
    )


def _rings(number: int, call: str, citizen: str) -> str:
    """In the order in which Asterisk says it."""
    name = f"PJSIP/operator-{login(number)}-{number:08x}"
    leg = f"Channel: {name}\r\nUniqueid: {call}-2\r\nLinkedid: {call}\r\n"
    return (
        f"Event: Newchannel\r\n{leg}ChannelState: 0\r\n\r\n"
        f"Event: AgentCalled\r\nChannel: PJSIP/trunk-primary-{number:08x}\r\nUniqueid: {call}\r\nLinkedid: {call}\r\n"
        f"ChannelState: 6\r\nCallerIDNum: {citizen}\r\nAccountCode: 588-888\r\nDestChannel: {name}\r\n"
        f"DestUniqueid: {call}-2\r\nInterface: PJSIP/operator-{login(number)}\r\n\r\n"
        f"Event: Newstate\r\n{leg}ChannelState: 5\r\n\r\n"
        f"Event: QueueMemberStatus\r\n{_member(number, 6)}\r\n"
    )


def _ends(number: int, call: str) -> str:
    return (
        f"Event: QueueCallerLeave\r\nQueue: contact-centre\r\nUniqueid: {call}\r\n\r\n"
        f"Event: Hangup\r\nUniqueid: {call}-2\r\n\r\nEvent: Hangup\r\nUniqueid: {call}\r\n\r\n"
        f"Event: QueueMemberStatus\r\n{_member(number, 1)}\r\n"
    )


class Bare:
    """A socket that is logged in, and notes when it had the first AgentCalled of each round."""

    def __init__(self, port: int) -> None:
        self.had: dict[str, float] = {}
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(f"Action: Login\r\nActionID: 1\r\nUsername: x\r\nSecret: {SECRET}\r\n\r\n".encode())
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while data := self._socket.recv(1 << 16):
            now = time.time()
            *messages, rest = (rest + data).split(b"\r\n\r\n")
            for message in messages:
                if message.startswith(b"Event: AgentCalled"):
                    call = message.partition(b"Uniqueid: ")[2].partition(b"\r\n")[0].decode()
                    self.had[call] = now * 1000


# ---- the measurement


def measure(page: Page, exchange: Exchange, bare: Bare, at_once: int) -> list[float]:
    """Milliseconds added, of each round."""
    added = []
    for turn in range(ROUNDS):
        calls = [(number, f"cc1-{at_once}.{turn}.{number}", KNOWN[(turn + number) % 5]) for number in range(at_once)]
        exchange.say("".join(_waits(*one) for one in calls), turned=False)
        time.sleep(BETWEEN_S)
        exchange.say("".join(_rings(*one) for one in calls), turned=bool(turn % 2))
        call = calls[0][1]
        deadline = time.monotonic() + PATIENCE_S
        while (seen := page.evaluate("call => window.seen.get(call) ?? null", call)) is None:
            assert time.monotonic() < deadline, "the card was not shown"
            time.sleep(0.05)
        added.append(seen - bare.had[call])
        exchange.say("".join(_ends(number, one) for number, one, _ in calls), turned=False)
        time.sleep(BETWEEN_S)
    return added


@contextmanager
def _child(*words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, __file__, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def main() -> None:
    click.echo(f"{'calls at once':<15}{'added median ms':>17}{'p99 ms':>9}")
    for at_once in AT_ONCE:
        with ExitStack() as stack:
            exchange = Exchange()
            exchange.operators(at_once)
            service = stack.enter_context(_child("serve", str(exchange.server.port)))
            assert service.stdout is not None
            told = json.loads(service.stdout.readline())
            bare = Bare(exchange.server.port)
            stack.enter_context(_child("colleagues", told["address"], *told["tokens"][1:at_once]))
            page = stack.enter_context(_desk(told["address"], told["tokens"][0]))
            added = sorted(measure(page, exchange, bare, at_once))
        click.echo(f"{at_once:<15}{statistics.median(added):>17.1f}{added[int(len(added) * 0.99) - 1]:>9.1f}")


@contextmanager
def _desk(address: str, token: str) -> Iterator[Page]:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=as_root)
        context = browser.new_context(locale="uk-UA", viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": SESSION, "value": token, "url": f"{address}/"}])
        page = context.new_page()
        page.goto(f"{address}/desk")
        page.wait_for_selector("#presence-state.free", timeout=PATIENCE_S * 1000)
        page.evaluate(_WATCH)
        yield page
        browser.close()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    elif sys.argv[1:2] == ["colleagues"]:
        asyncio.run(colleagues(sys.argv[2], sys.argv[3:]))
    else:
        main()
