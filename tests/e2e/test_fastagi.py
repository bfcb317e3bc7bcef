"""FastAGI and a real Asterisk: who is known is told, who was cut off goes ahead, and nothing holds a citizen up."""

import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest

from contact_centre.demo.city import City
from contact_centre.writer import connect
from telephony.wire import agi
from tests.e2e.kits import brief_kit

GUARD_S = 2.0
SLACK_S = 0.5
"""What a busy machine may add: Asterisk's timers are checked once for each frame of silence."""

Peer = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("city")) as built:
        yield built.start()


def facts_of(city: City, caller: str) -> list[dict[str, str]]:
    facts = city.asterisk.facts()
    mine = {
        fact["linkedid"]
        for fact in facts
        if fact["eventtype"] == "CALLER" and fact["appdata"].startswith(f"CALLER,{caller} ")
    }
    return [fact for fact in facts if fact["uniqueid"] in mine]


def waited(city: City, caller: str) -> float:
    """Seconds from the citizen's channel to the answer of the line, from the ledger's own times."""
    facts = facts_of(city, caller)
    times = {fact["eventtype"]: datetime.fromisoformat(fact["eventtime"]) for fact in reversed(facts)}
    return (times["ANSWER"] - times["CHAN_START"]).total_seconds()


def ring(city: City, caller: str) -> float:
    """One call without anybody to answer it: how long the citizen waited for the line."""
    city.telephones.citizen(caller=caller, tone=None, talk=0.5).succeed(30)
    deadline = time.monotonic() + 10
    while not any(fact["eventtype"] == "CHAN_END" for fact in facts_of(city, caller)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return waited(city, caller)


def variable(city: City, caller: str, name: str) -> str:
    """A variable of a call that goes on."""
    for line in city.asterisk.cli("core show channels concise").splitlines():
        channel = line.split("!")
        if channel[7] == caller:
            for one in city.asterisk.cli(f"core show channel {channel[0]}").splitlines():
                key, equals, value = one.strip().partition("=")
                if equals and key == name:
                    return value
    return ""


def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_citizen_is_told_apart_and_waits_no_longer_for_it(city: City) -> None:
    assert ring(city, "0501110001") < 0.5
    city.service.wait_for_calls(1, recorded=False)
    with closing(connect(city.service.state / "contact-centre.db")) as connection:
        connection.execute("UPDATE calls SET caller_name = 'Їжак, \"Ж\"', queue_outcome = 'timed_out'")
    citizen = city.telephones.citizen(caller="0501110001", tone=None, talk=8)
    until(lambda: variable(city, "0501110001", "QUEUE_PRIO") != "")
    assert variable(city, "0501110001", "QUEUE_PRIO") == "010"
    assert variable(city, "0501110001", "CC_KNOWN") == "1"
    assert variable(city, "0501110001", "CC_NAME") == "%D0%87%D0%B6%D0%B0%D0%BA%2C%20%22%D0%96%22"
    citizen.succeed()
    assert 'fastagi_sessions_total{outcome="served"} 2.0' in city.service.metrics()


def test_whom_we_sent_away_goes_ahead_of_those_who_wait(city: City) -> None:
    others = [city.telephones.citizen(caller=f"067111000{one}", tone=None, talk=40) for one in range(2)]
    until(lambda: city.asterisk.cli("queue show contact-centre").count("(wait:") == 2)
    with closing(connect(city.service.state / "contact-centre.db")) as connection:
        connection.execute(
            "UPDATE calls SET queue_outcome = 'exited_empty', recovered = 0 WHERE caller_number = '+380501110001'"
        )
    ahead = city.telephones.citizen(caller="0501110001", tone=None, talk=25)
    until(lambda: city.asterisk.cli("queue show contact-centre").count("(wait:") == 3)
    places = [line for line in city.asterisk.cli("queue show contact-centre").splitlines() if "(wait:" in line]
    assert "prio: 10" in places[0]
    assert all("prio: 0" in place for place in places[1:])
    for run in (ahead, *others):
        run.succeed(60)


def test_a_callers_text_cannot_speak_to_the_service_or_set_a_variable(city: City) -> None:
    for number, name in enumerate(("x%0a%0a200 result=0", 'a\\",CC_PRIORITY=99', "agi_network_script: y", "Ї" * 60)):
        caller = f"063111000{number}"
        citizen = city.telephones.citizen(caller=caller, name=name, tone=None, talk=4)
        until(lambda caller=caller: variable(city, caller, "QUEUE_PRIO") != "")  # type: ignore[misc]
        assert int(variable(city, caller, "QUEUE_PRIO")) == 0
        citizen.succeed()
        assert waited(city, caller) < GUARD_S


def test_a_frozen_service_costs_two_seconds_and_a_thawed_one_nothing(city: City) -> None:
    city.service.freeze()
    try:
        assert ring(city, "0501110010") <= GUARD_S + SLACK_S
    finally:
        city.service.thaw()
    assert ring(city, "0501110011") < 0.5


def test_strangers_at_the_port_hold_no_citizen_up(city: City) -> None:
    port = city.asterisk.settings.ports.agi
    assert city.service.process is not None
    chance = random.Random(22)  # noqa: S311 - repeatable bytes

    def resident() -> int:
        assert city.service.process is not None
        return int(Path(f"/proc/{city.service.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def attack() -> None:
        for said in (
            b"",
            b"GET / HTTP/1.0\r\n\r\n",
            agi.FIRST_LINE,
            chance.randbytes(400),
            agi.FIRST_LINE + b"x" * 10_000_000,
        ):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as peer:
                peer.sendall(said)

    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
    assert ring(city, "0501110020") < 0.5
    for one in idle:
        one.close()
    for _ in range(10):
        attack()
    before = resident()
    for _ in range(40):
        attack()
    assert ring(city, "0501110021") < 0.5
    assert resident() - before < 8_000_000
    until(lambda: 'fastagi_sessions_total{outcome="silent"}' in city.service.metrics())
    assert city.service.healthz()["probes"]["fastagi"]["ok"]


def test_a_stopped_service_costs_nothing(city: City) -> None:
    city.service.stop()
    try:
        assert ring(city, "0501110030") < 0.5
    finally:
        city.service.start()


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_after_header(peer: socket.socket) -> None:
    peer.recv(4096)
    reset(peer)


def garbage(peer: socket.socket) -> None:
    """Lines of anything but NUL: with that, Asterisk takes a line for half a one and waits for the rest (ADR 10)."""
    chance = random.Random(7)  # noqa: S311 - repeatable bytes
    with suppress(OSError):
        while True:
            peer.sendall(chance.randbytes(200).translate(None, b"\n\0") + b"\n")
            peer.recv(4096)


def slow(peer: socket.socket) -> None:
    """A command that does nothing, once in half a second, for ever."""
    with suppress(OSError):
        while True:
            peer.sendall(b"NOOP\n")
            time.sleep(0.5)
            if not peer.recv(4096):
                return


def silent(peer: socket.socket) -> None:
    with suppress(OSError):
        while peer.recv(4096):
            pass


def wrong_command(peer: socket.socket) -> None:
    peer.sendall(b"EXEC NoSuchApplication x\n")
    time.sleep(0.2)


@contextmanager
def impostor(port: int, behave: Peer) -> Iterator[None]:
    """Something else answers where the service should."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", port), backlog=50) as server:
        server.settimeout(0.1)

        def serve() -> None:
            while not stopping.is_set():
                with suppress(TimeoutError):
                    peer, _ = server.accept()
                    threading.Thread(target=one, args=(peer,), daemon=True).start()

        def one(peer: socket.socket) -> None:
            with peer, suppress(OSError):
                peer.settimeout(10)
                behave(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()


@pytest.mark.parametrize(
    ("behave", "caller", "at_most"),
    [
        (reset, "0501110040", 0.5),
        (reset_after_header, "0501110041", 0.5),
        (wrong_command, "0501110042", 1.0),
        (garbage, "0501110043", GUARD_S + SLACK_S),
        (slow, "0501110044", GUARD_S + SLACK_S),
        (silent, "0501110045", GUARD_S + SLACK_S),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_whatever_answers_in_our_place_costs_two_seconds_at_most(
    city: City, behave: Peer, caller: str, at_most: float
) -> None:
    if city.service.process is not None and city.service.process.running:
        city.service.stop()
    with impostor(city.asterisk.settings.ports.agi, behave):
        assert ring(city, caller) <= at_most
