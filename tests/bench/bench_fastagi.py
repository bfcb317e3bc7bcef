"""FastAGI with our look-up inside against panoramisk's bare Application: sessions a second, and how long each takes.

Ours looks the citizen up in a real database (50,000 calls, 20,000 appeals, each session another of 30,000 citizens) and
sets six variables in one command; panoramisk's, which knows nothing, sets three in three commands. Each server is a
process of its own, so is the load; both answer in turns within one run, so that a busy machine disturbs both alike, and
the medians of the rounds count. ``cpu us`` is the server's own processor time for a session, the figure that other
work on the machine disturbs least; ``load`` is how much of a processor the asking took: near 1 it, not the server,
would be measured. Each is measured on Python's own event loop and on uvloop: as each ships, ours runs on uvloop and
panoramisk's on asyncio; on the same loop the two programs are compared alone. One thing is better for panoramisk's than
it ships: as many connections may wait in the kernel as with ours. With the 100 of ``asyncio.start_server`` some of 200
are not taken at once, and try again after a second or more.

    python -m tests.bench.bench_fastagi
"""

import asyncio
import json
import os
import random
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import uvloop
from panoramisk.fast_agi import Application

from contact_centre import database
from contact_centre.clock import SystemClock
from contact_centre.config import Settings
from contact_centre.lookup import Incoming, SqliteLookup
from contact_centre.numbers import number_reader
from contact_centre.writer import connect, transaction
from telephony import store
from telephony.links.fastagi import BACKLOG, FastAgi
from tests.integration.agi_peers import header

CALLS: Final = 50_000
APPEALS: Final = 20_000
CITIZENS: Final = 30_000
AT_ONCE: Final = (50, 200)
ROUNDS: Final = 5
ROUND_S: Final = 1.0
GOAL_RATE: Final = 1.5
GOAL_P99: Final = 0.6
COMPARED: Final = (
    ("as each ships", "uvloop", "asyncio"),
    ("same loop", "uvloop", "uvloop"),
    ("same loop", "asyncio", "asyncio"),
)
"""What it is called, the loop of ours, the loop of panoramisk's."""
KINDS: Final = (("ours", "asyncio"), ("panoramisk", "asyncio"), ("ours", "uvloop"), ("panoramisk", "uvloop"))
LOOPS: Final = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def number(citizen: int) -> str:
    return f"050{citizen:07d}"


def fill(path: Path) -> None:
    """A database of some months."""
    chance = random.Random(3)  # noqa: S311 - repeatable data
    now = datetime.now(UTC)
    database.migrate(path, now)
    with closing(connect(path)) as connection, transaction(connection):
        names = [row[1] for row in connection.execute("PRAGMA table_info(calls)")]
        known = {"direction": "inbound", "queue_outcome": "answered", "transfers": "[]", "anomalies": "[]"}
        whole = {"talk_time": 0, "hold_time": 0, "ring_no_answers": 0, "recovered": 0, "sealed": 1, "version": 1}
        rows = []
        for one in range(CALLS):
            at = store.stamp(now - timedelta(minutes=3 * (CALLS - one)))
            mine = {
                "call_id": f"cc1-{one}.1",
                "group_id": f"cc1-{one}.1",
                "caller_number": "+38" + number(chance.randrange(CITIZENS)),
                "caller_name": "Жанна Їжак",
                "started_at": at,
                "ended_at": at,
            }
            row = known | whole | mine
            rows.append([row.get(name) for name in names])
        marks = ",".join("?" * len(names))
        connection.executemany(f"INSERT INTO calls VALUES ({marks})", rows)  # noqa: S608 - our own question marks
        connection.executemany(
            "INSERT INTO appeals (appeal_id, status, channel, caller_number, caller_name, created_at) "
            "VALUES (?, 'new', 'phone', ?, 'Жанна Їжак', ?)",
            [
                (f"appeal-{one}", "+38" + number(chance.randrange(CITIZENS)), store.stamp(now - timedelta(minutes=one)))
                for one in range(APPEALS)
            ],
        )


async def serve(kind: str, path: Path) -> None:
    """One server, for ever; tells its port first."""
    if kind == "ours":
        lookup = SqliteLookup(path, number_reader(Settings()), SystemClock())
        server = FastAgi(lambda _end: None)
        server.add_route("incoming", Incoming(lookup).serve)
        server.start("127.0.0.1", 0)
        port = server.port
    else:
        application = Application(loop=asyncio.get_running_loop())
        application.add_route("incoming", _three_variables)
        listening = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=BACKLOG)
        port = listening.sockets[0].getsockname()[1]
    click.echo(port)
    await asyncio.Event().wait()


async def _three_variables(request: Any) -> None:  # noqa: ANN401 - panoramisk has no types
    await request.send_command('SET VARIABLE CC_NAME "Zhanna"')
    await request.send_command('SET VARIABLE CC_LANGUAGE "uk"')
    await request.send_command('SET VARIABLE CC_OPEN "2"')


class Asking:
    """One session as Asterisk holds it."""

    __slots__ = ("began", "commands", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(0)
        self.began = time.perf_counter()
        self.commands = 0
        self.socket.connect_ex(("127.0.0.1", port))

    def goes_on(self) -> bool:
        """Read what has come and answer each command; False at the end."""
        try:
            data = self.socket.recv(4096)
            commands = data.count(b"\n")
            if commands:
                self.commands += commands
                self.socket.send(b"200 result=0\n" * commands)
        except ConnectionError:
            return False
        return bool(data)


def load(port: int, at_once: int, seconds: float) -> None:
    """So many sessions at once for some seconds; prints how many ended within them, and how long all took.

    One loop around epoll and nothing else: it must be faster than every server, or it is what would be measured. How
    much of a processor it took is told as ``load``.
    """
    chance = random.Random(at_once)  # noqa: S311 - repeatable data
    headers = [header(number(citizen)) for citizen in chance.sample(range(CITIZENS), CITIZENS)]
    took: list[float] = []
    in_time = 0
    commands: set[int] = set()
    asking: dict[int, Asking] = {}
    epoll = select.epoll()

    def ask() -> None:
        one = Asking(port)
        asking[one.socket.fileno()] = one
        epoll.register(one.socket, select.EPOLLOUT)

    began, used = time.perf_counter(), time.process_time()
    for _ in range(at_once):
        ask()
    while asking:
        for descriptor, event in epoll.poll():
            one = asking[descriptor]
            if event & select.EPOLLOUT:
                one.socket.send(headers[len(took) % len(headers)])
                epoll.modify(descriptor, select.EPOLLIN)
            elif not one.goes_on():
                now = time.perf_counter()
                took.append(now - one.began)
                commands.add(one.commands)
                one.socket.close()
                del asking[descriptor]
                if now - began < seconds:
                    in_time += 1
                    ask()
    lasted, spent = time.perf_counter() - began, time.process_time() - used
    took.sort()
    p50, p99 = (took[int(len(took) * part)] * 1000 for part in (0.5, 0.99))
    found = {"rate": in_time / seconds, "p50_ms": p50, "p99_ms": p99, "sessions": len(took)}
    click.echo(json.dumps(found | {"load": spent / lasted, "commands": sorted(commands)}))


def cpu(pid: int) -> float:
    """Processor seconds of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Contender:
    """A server and what was measured of it, by the number of sessions at once."""

    pid: int
    port: int
    rounds: dict[int, list[dict[str, float]]] = field(default_factory=lambda: {at_once: [] for at_once in AT_ONCE})

    def measure(self, at_once: int) -> None:
        before = cpu(self.pid)
        words = [sys.executable, __file__, "load", str(self.port), str(at_once)]
        found = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=ROUND_S * 20).stdout)
        assert found["commands"] in ([1], [3]), found
        self.rounds[at_once].append(found | {"cpu_us": (cpu(self.pid) - before) / found["sessions"] * 1e6})

    def median(self, at_once: int, name: str) -> float:
        return statistics.median(one[name] for one in self.rounds[at_once])


@contextmanager
def contender(kind: str, loop: str, path: Path) -> Iterator[Contender]:
    words = [sys.executable, __file__, "serve", kind, loop, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Contender(process.pid, int(process.stdout.readline()))
        finally:
            process.kill()


def main() -> None:
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "contact-centre.db"
        fill(path)
        contenders = {kind: stack.enter_context(contender(*kind, path)) for kind in KINDS}
        for turn in range(ROUNDS):
            for at_once in AT_ONCE:
                for kind in KINDS if turn % 2 else reversed(KINDS):
                    contenders[kind].measure(at_once)
        report(contenders)


def report(contenders: dict[tuple[str, str], Contender]) -> None:
    columns = ("rate", "p50_ms", "p99_ms", "cpu_us", "load")
    click.echo(
        f"{'server':<12}{'loop':<9}{'at once':>8}{'sessions/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'cpu us':>9}{'load':>7}"
    )
    for (kind, loop), one in contenders.items():
        for at_once in AT_ONCE:
            rate, p50, p99, spent, load = (one.median(at_once, name) for name in columns)
            click.echo(f"{kind:<12}{loop:<9}{at_once:>8}{rate:>12.0f}{p50:>9.1f}{p99:>9.1f}{spent:>9.0f}{load:>7.2f}")
    click.echo(f"\nOurs : panoramisk's (goal: rate at least {GOAL_RATE}, p99 at most {GOAL_P99})")
    for name, ours, theirs in COMPARED:
        for at_once in AT_ONCE:
            pairs = list(
                zip(
                    contenders["ours", ours].rounds[at_once],
                    contenders["panoramisk", theirs].rounds[at_once],
                    strict=True,
                )
            )
            rate, p99, spent = (
                statistics.median(mine[of] / bare[of] for mine, bare in pairs) for of in ("rate", "p99_ms", "cpu_us")
            )
            told = "reached" if rate >= GOAL_RATE and p99 <= GOAL_P99 else "NOT reached"
            click.echo(
                f"{name:<14}{ours:>8} : {theirs:<8}{at_once:>4} at once  rate {rate:.2f}  p99 {p99:.2f}  "
                f"cpu {spent:.2f}  {told}"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        with asyncio.Runner(loop_factory=LOOPS[sys.argv[3]]) as runner:
            runner.run(serve(sys.argv[2], Path(sys.argv[4])))
    elif sys.argv[1:2] == ["load"]:
        load(int(sys.argv[2]), int(sys.argv[3]), ROUND_S)
    else:
        main()
