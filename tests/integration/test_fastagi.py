"""The FastAGI server on real sockets: Asterisk is served, whoever else comes cannot stop that."""

import asyncio
import os
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from telephony.links.fastagi import Ended, FastAgi, Limits, LoopbackError, Outcome, Session
from telephony.wire import agi
from telephony.wire.agi import AgiError
from tests.integration.agi_peers import call, connected, header

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy. fixture")

SET = agi.set_variables({"CC_OPEN": "2"})


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    made: asyncio.AbstractEventLoopPolicy = request.param()
    return made


@dataclass
class Served:
    """A server under test, and how its connections ended."""

    server: FastAgi
    ended: list[Ended] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def outcomes(self) -> list[Outcome]:
        return [one.outcome for one in self.ended]

    async def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.outcomes
            await asyncio.sleep(0.01)


async def answer(session: Session) -> None:
    reply = await session.command(SET)
    assert reply.result == 0


async def hang(_session: Session) -> None:
    await asyncio.Event().wait()


def serve(limits: Limits) -> Served:
    ended: list[Ended] = []
    server = FastAgi(ended.append, limits)
    server.add_route("incoming", answer)
    server.add_route("hang", hang)
    server.start("127.0.0.1", 0)
    return Served(server, ended)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = serve(Limits())
    yield made
    await made.server.close()


async def test_asterisk_is_given_one_command_in_one_piece_and_the_connection_is_closed(served: Served) -> None:
    assert await call(served.port) == [SET]
    assert served.outcomes == [Outcome.SERVED]
    assert served.ended[0].request is not None
    assert served.ended[0].request.argument(2) == "cc1-1795383430.11"


async def test_every_command_is_one_write(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    send = socket.socket.send

    def watched(self: socket.socket, data: bytes) -> int:
        written.append(data)
        return send(self, data)

    async def talkative(session: Session) -> None:
        monkeypatch.setattr(socket.socket, "send", watched)
        for number in range(3):
            await session.command(agi.set_variables({"A": str(number), "B": "Ї" * 200}))
        monkeypatch.undo()

    served.server.add_route("talkative", talkative)
    async with connected(served.port) as (reader, writer):
        writer.write(header(script="talkative"))
        while await reader.readline():
            writer.write(b"200 result=0\n")
    ours = [one for one in written if one != b"200 result=0\n"]
    assert len(ours) == 3
    assert all(one.startswith(b"EXEC MSet ") and one.find(b"\n") == len(one) - 1 for one in ours)


async def test_a_header_in_pieces_is_understood(served: Served) -> None:
    async with connected(served.port) as (reader, writer):
        for byte in header():
            writer.write(bytes([byte]))
            await writer.drain()
        assert await reader.readline() == SET
        writer.write(b"HANGUP\n200 resu")
        await asyncio.sleep(0.05)
        writer.write(b"lt=0\n")
        assert await reader.read() == b""
    assert served.outcomes == [Outcome.SERVED]


async def test_connect_and_close_costs_nothing(served: Served) -> None:
    async def come_and_go() -> None:
        async with connected(served.port):
            pass

    await asyncio.gather(*(come_and_go() for _ in range(100)))
    await served.until(lambda: len(served.ended) == 100)
    used = time.process_time()
    await asyncio.sleep(0.3)
    assert time.process_time() - used < 0.1
    assert set(served.outcomes) == {Outcome.HUNG_UP}
    assert served.server.connections == 0


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x02\x00", os.urandom(3000), b"agi_network: yes\n\n\n", b"\n"]
)
async def test_what_is_not_asterisk_is_refused_at_once(served: Served, said: bytes) -> None:
    async with connected(served.port) as (reader, writer):
        began = time.monotonic()
        writer.write(said)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert time.monotonic() - began < 0.3
    assert served.outcomes[0] in {Outcome.NOT_AGI, Outcome.NO_ROUTE}


async def test_a_path_that_nobody_serves_is_closed(served: Served) -> None:
    async with connected(served.port) as (reader, writer):
        writer.write(header(script="outgoing"))
        assert await reader.read() == b""
    assert served.outcomes == [Outcome.NO_ROUTE]


async def test_half_a_header_is_waited_for_half_a_second_at_most(served: Served) -> None:
    async with connected(served.port) as (reader, writer):
        began = time.monotonic()
        writer.write(header()[:200])
        assert await reader.read() == b""
        assert 0.4 < time.monotonic() - began < 0.9
    assert served.outcomes == [Outcome.SILENT]


async def test_a_session_ends_before_the_dialplans_guard_whatever_either_side_does(served: Served) -> None:
    async def stay(script: str) -> float:
        async with connected(served.port) as (reader, writer):
            began = time.monotonic()
            writer.write(header(script=script))
            await reader.read()
            return time.monotonic() - began

    hanging, unanswering = await asyncio.gather(stay("hang"), stay("incoming"))
    assert 1.3 < hanging < 1.9
    assert 1.3 < unanswering < 1.9
    assert served.outcomes == [Outcome.LATE, Outcome.LATE]
    assert not served.server.serving


@pytest.mark.parametrize("said", [b"\xff\xfe\n", b"200 result=0\n200 result=0\n", b"x" * 20000, b"agi_x: y\n"])
async def test_answers_that_are_none_end_the_session(served: Served, said: bytes) -> None:
    async with connected(served.port) as (reader, writer):
        writer.write(header())
        await reader.readline()
        writer.write(said)
        with suppress(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 1)
    await served.until(lambda: bool(served.ended))
    assert served.outcomes[0] in {Outcome.NOT_AGI, Outcome.SERVED}


async def test_bytes_after_the_header_answer_no_command_that_was_not_given(served: Served) -> None:
    async with connected(served.port) as (reader, writer):
        writer.write(header() + b"200 result=0\n")
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    assert served.outcomes == [Outcome.NOT_AGI]


async def test_a_caller_who_hangs_up_cancels_what_is_done_for_the_call(served: Served) -> None:
    cancelled = asyncio.Event()

    async def endpoint(_session: Session) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    served.server.add_route("wait", endpoint)
    async with connected(served.port) as (_, writer):
        writer.write(header(script="wait"))
        await served.until(lambda: bool(served.server.serving))
    await asyncio.wait_for(cancelled.wait(), 1)
    await served.until(lambda: not served.server.serving)
    assert served.outcomes == [Outcome.HUNG_UP]


async def test_a_faulty_endpoint_is_told_and_harms_nobody_else(served: Served) -> None:
    async def faulty(_session: Session) -> None:
        raise ZeroDivisionError

    served.server.add_route("faulty", faulty)
    async with connected(served.port) as (reader, writer):
        writer.write(header(script="faulty"))
        assert await reader.read() == b""
    assert served.outcomes == [Outcome.FAILED]
    assert isinstance(served.ended[0].error, ZeroDivisionError)
    assert await call(served.port) == [SET]


async def test_an_endpoint_gives_one_line_at_a_time(served: Served) -> None:
    async def impatient(session: Session) -> None:
        for line in (b"", b"ANSWER", b"ANSWER\nHANGUP\n"):
            with pytest.raises(AgiError):
                await session.command(line)
        first = asyncio.create_task(session.command(SET))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await session.command(SET)
        await first

    served.server.add_route("impatient", impatient)
    async with connected(served.port) as (reader, writer):
        writer.write(header(script="impatient"))
        assert await reader.readline() == SET
        writer.write(b"200 result=0\n")
        assert await reader.read() == b""
    assert served.outcomes == [Outcome.SERVED]


async def test_beyond_the_cap_the_call_is_told_at_once_to_go_on() -> None:
    served = serve(Limits(sessions=2))
    async with connected(served.port) as (_, first), connected(served.port) as (_, second):
        for writer in (first, second):
            writer.write(header(script="hang"))
        await served.until(lambda: len(served.server.serving) == 2)
        began = time.monotonic()
        [told] = await call(served.port)
        assert time.monotonic() - began < 0.3
    assert told.startswith(b'VERBOSE "contact-centre is busy')
    assert served.outcomes[0] is Outcome.BUSY
    await served.server.close()


async def test_five_hundred_idle_connections_keep_no_citizen_out(served: Served) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(500)]
    began = time.monotonic()
    assert await call(served.port) == [SET]
    assert time.monotonic() - began < 0.3
    assert served.server.connections <= Limits().connections
    await served.until(lambda: served.server.connections == 0)
    for _, writer in idle:
        writer.close()


async def test_an_endless_header_is_cut_off_and_memory_stays_flat(served: Served) -> None:
    async def flood() -> None:
        async with connected(served.port) as (_, writer):
            try:
                writer.write(agi.FIRST_LINE + b"agi_x: " + b"x" * 10_000_000)
                await writer.drain()
            except ConnectionError:
                pass

    await flood()
    before = resident()
    for _ in range(20):
        await flood()
        assert await call(served.port) == [SET]
    assert resident() - before < 12_000_000
    assert served.outcomes.count(Outcome.NOT_AGI) == 21


async def test_thousands_of_sessions_and_strangers_leave_nothing_behind(served: Served) -> None:
    async def stranger(number: int) -> None:
        async with connected(served.port) as (_, writer):
            writer.write(header()[: number % 300])

    async def hour() -> None:
        for start in range(0, 600, 30):
            await asyncio.gather(*(call(served.port) for _ in range(30)), *(stranger(start + one) for one in range(30)))
        served.ended.clear()

    await hour()
    before, opened = resident(), len(descriptors())
    for _ in range(3):
        await hour()
    await served.until(lambda: served.server.connections == 0)
    assert resident() - before < 4_000_000
    assert len(descriptors()) <= opened


async def test_without_file_descriptors_it_rests_and_comes_back(served: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = socket.socket()
    waiting.settimeout(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(descriptors()), hard))
    try:
        with suppress(BlockingIOError):
            waiting.connect(("127.0.0.1", served.port))
        used = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - used < 0.1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        waiting.close()
    assert await call(served.port) == [SET]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 - what must be refused
async def test_it_listens_on_loopback_only(host: str) -> None:
    server = FastAgi(lambda _: None)
    with pytest.raises(LoopbackError, match="loopback"):
        server.start(host, 0)
    with pytest.raises(RuntimeError):
        _ = server.port


async def test_what_panoramisk_would_run_wrongly_is_refused(served: Served) -> None:
    with pytest.raises(TypeError, match="coroutine"):
        served.server.add_route("sync", lambda _: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="already exists"):
        served.server.add_route("incoming", answer)
    async with connected(served.port) as (reader, writer):
        with pytest.raises(TypeError, match="start"):
            await served.server.handler(reader, writer)


async def test_stopping_ends_every_session_and_frees_the_port() -> None:
    served = serve(Limits())
    async with connected(served.port) as (reader, writer), connected(served.port):
        writer.write(header(script="hang"))
        await served.until(lambda: bool(served.server.serving))
        port = served.port
        await served.server.close()
        assert await reader.read() == b""
    assert served.outcomes == [Outcome.HUNG_UP, Outcome.HUNG_UP]
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def descriptors() -> list[int]:
    """File descriptors of this process."""
    return [int(one.name) for one in Path("/proc/self/fd").iterdir()]


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
