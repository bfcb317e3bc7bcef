"""Records what a real Asterisk says over FastAGI: ``python -m tests.captures.capture_agi``.

Two files come of it, with fictional callers only: ``requests.agi`` holds the headers of calls of every kind, one after
the other, ``replies.agi`` the answers to commands of every kind, wrong ones among them.
"""

import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from contact_centre.demo.sipp import Telephones
from telephony.wire.agi import set_variables

HERE: Final = Path(__file__).parent
QUIET_S: Final = 0.05
"""Asterisk has said all it had to say when it has been silent for so long; the dialplan waits two seconds in all."""

CALLERS: Final = (
    ("1580", "0501234567", None),
    ("588888", "+380372511001", "Жанна Їжак"),
    ("0372588888", "anonymous", 'a"b\\c'),
    ("588888", "050%0d%0aagi_x%3a%20y", "x%0ay"),
)
"""What each dials, and how the network names it."""

COMMANDS: Final = (
    set_variables({"CC_KNOWN": "1", "CC_NAME": "Їжак", "CC_LANGUAGE": "uk"}),
    b"SET VARIABLE CC_PRIORITY 1\n",
    b"GET VARIABLE CC_NAME\n",
    b"GET VARIABLE NOBODY_SET_THIS\n",
    b"GET FULL VARIABLE ${CALLERID(num)}\n",
    b"CHANNEL STATUS\n",
    b"DATABASE GET no such\n",
    b"NOOP\n",
    b"EXEC NoSuchApplication x\n",
    b"NO SUCH COMMAND\n",
    b"SET VARIABLE\n",
    b"WAIT FOR DIGIT 10\n",
    b"STREAM FILE no-such-file 0\n",
)


def main() -> None:
    """Record and write both files."""
    requests, replies = bytearray(), bytearray()
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        asterisk = Asterisk.install(Kit.provide(), Path(folder) / "a", processes)
        asterisk.start()
        telephones = Telephones(asterisk)
        with socket.create_server(("127.0.0.1", asterisk.settings.ports.agi)) as server:
            for dialled, number, name in CALLERS:
                telephones.citizen(dialled, number, name=name, talk=0.5, tone=None)
                peer, _ = server.accept()
                with peer:
                    peer.settimeout(QUIET_S)
                    requests += _said(peer)
                    began = time.monotonic()
                    for command in COMMANDS:
                        peer.sendall(command)
                        replies += _said(peer)
                    sys.stdout.write(f"{dialled}: {time.monotonic() - began:.1f} s\n")
        asterisk.wait_idle(60)
    (HERE / "requests.agi").write_bytes(requests)
    (HERE / "replies.agi").write_bytes(replies)


def _said(peer: socket.socket) -> bytes:
    said = bytearray()
    try:
        while data := peer.recv(1 << 16):
            said += data
    except TimeoutError:
        pass
    return bytes(said)


if __name__ == "__main__":
    main()
