"""Records what a real Asterisk says over AMI during calls of every kind: ``python -m tests.captures.capture_ami``.

Two files come of it, both with fictional numbers only. ``service.ami.gz`` is what the service's own user hears, with
QueueStatus and CoreShowChannels asked four times a second, so that Asterisk's own view stands between the events;
``everything.ami.gz`` is what a user without filters hears of the first calls.
"""

import gzip
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from contact_centre.demo.sipp import Hold, Keys, Refer, Step, Telephones, Unhold
from telephony.phones import NewPhone

HERE: Final = Path(__file__).parent
EVERY_S: Final = 0.25
EVERYTHING_BYTES: Final = 700_000
WIDE: Final = "wide"


class Session(threading.Thread):
    """One AMI session that writes down all it hears."""

    def __init__(self, port: int, user: str, secret: str) -> None:
        super().__init__(daemon=True)
        self.heard = bytearray()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self.send(Action="Login", Username=user, Secret=secret)

    def send(self, **fields: str) -> None:
        """Send one action."""
        self._socket.sendall("".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n")

    def run(self) -> None:
        """Listen until the other side ends."""
        while data := self._socket.recv(1 << 16):
            self.heard += data


def main() -> None:
    """Record and write both files."""
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        asterisk = Asterisk.install(Kit.provide(), Path(folder) / "a", processes)
        manager = asterisk.host.etc / "manager.conf"
        manager.write_text(
            manager.read_text("utf-8") + f"\n[{WIDE}]\nsecret = {WIDE}\nread = all\nwrite = reporting\n", "utf-8"
        )
        asterisk.start()
        port = asterisk.settings.ports.ami
        service, wide = Session(port, "contact-centre", asterisk.ami_secret), Session(port, WIDE, WIDE)
        service.start()
        wide.start()
        over = threading.Event()
        asker = threading.Thread(target=_ask, args=(service, over))
        asker.start()
        _calls(asterisk)
        over.set()
        asker.join()
        time.sleep(1)
        _write("service", bytes(service.heard))
        everything = bytes(wide.heard)[:EVERYTHING_BYTES]
        _write("everything", everything[: everything.rfind(b"\r\n\r\n") + 4])


def _ask(session: Session, over: threading.Event) -> None:
    number = 0
    while not over.is_set():
        number += 1
        session.send(Action="QueueStatus", ActionID=f"snapshot-{number}-queue", Queue="contact-centre")
        session.send(Action="CoreShowChannels", ActionID=f"snapshot-{number}-channels")
        time.sleep(EVERY_S)


def _calls(asterisk: Asterisk) -> None:
    telephones = Telephones(asterisk)
    code = telephones.specialist("water", "301")
    telephones.phone(code, tone=660, talk=2)
    patient = telephones.specialist("roads", "302")
    telephones.phone(patient, tone=550)

    def operator(login: str, extension: str, *steps: Step, answer_after: float | None = 0.3, talk: float) -> NewPhone:
        made = telephones.operator(login, extension)
        telephones.phone(made, answer_after=answer_after, talk=talk, steps=steps)
        telephones.dial(made, "*11")
        return made

    telephones.citizen("1580", "0372511001", talk=9, tone=None)  # nobody is there: gives up
    time.sleep(7)
    olena = operator("olena", "201", talk=2.5)
    taras = operator("taras", "202", Hold(after=0.5), Unhold(after=0.7), talk=1.5)
    deaf = operator("ivan", "203", answer_after=None, talk=1)
    crowd = telephones.crowd(6, rate=3, caller="38050123000[call_number]", name="Жанна Їжак")
    time.sleep(4)
    telephones.citizen("588888", "0501234567", name='a"b\\c', talk=2.5)
    crowd.wait(90)
    telephones.dial(deaf, "*12")
    telephones.dial(olena, "*13")
    telephones.dial(taras, "*12")
    blind = operator("maria", "204", Refer("301", after=1.5), talk=1)
    telephones.citizen("588888", "0501110007").wait(60)
    telephones.dial(blind, "*12")
    operator("petro", "205", Keys("*2", 1.0), Keys("302", 0.8), talk=5.0)
    telephones.citizen("588888", "0501110008", talk=20).wait(60)
    telephones.dial(olena, "*14")
    telephones.citizen("1580", "0501110009", keys=(Keys("1", 9),), talk=25).wait(60)
    telephones.crowd(4, rate=5, caller="38050123100[call_number]", talk=6)
    time.sleep(10)


def _write(name: str, data: bytes) -> None:
    (HERE / f"{name}.ami.gz").write_bytes(gzip.compress(data, mtime=0))
    sys.stdout.write(f"{name}: {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
