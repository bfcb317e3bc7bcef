"""Loopback ports for programs that run at the same time.

Ports are drawn below the kernel's own range: one that the kernel gives out for an outgoing connection a moment later
would be taken again. Seconds pass between the drawing of a port and the start of the program that binds it, and UDP
programs bind a taken port without a word; so each port drawn is locked until this process ends, among all processes
of this user, by one byte of one file.
"""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

RTP_SPAN: Final = 2400
"""Ports of one Asterisk's RTP range: 300 recorded calls with two legs each."""

_LOW: Final = 3000
_RTP_LOW: Final = 10000
_MEDIA_LOW: Final = 22000
_MEDIA_HIGH: Final = 32000
_EVEN: Final = 2
_CALL: Final = 4
"""Ports of one SIPp call: sound and picture, each with its RTCP."""
_BLOCKED: Final = frozenset({3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697})
"""Ports between ``_LOW`` and ``_RTP_LOW`` that browsers refuse to open (WHATWG Fetch, port blocking)."""
_ATTEMPTS: Final = 200

_chance: Final = random.SystemRandom()
_given: Final[set[int]] = set()


def free_udp_port(address: str = "127.0.0.1") -> int:
    """A UDP port that nobody has, that no other process was given, and that this one was not given before."""
    return _free_port(socket.SOCK_DGRAM, address)


def free_tcp_port(address: str = "127.0.0.1") -> int:
    """A TCP port that nobody has, that no other process was given, and that this one was not given before."""
    return _free_port(socket.SOCK_STREAM, address)


def rtp_range(span: int = RTP_SPAN) -> tuple[int, int]:
    """First and last port of a range for an Asterisk's RTP, below the kernel's own; it passes over taken ports."""
    first = _chance.randrange(_RTP_LOW, _MEDIA_LOW - span, _EVEN)
    return first, first + span - 1


def media_range(span: int) -> tuple[int, int]:
    """First and last port of a range for SIPp's RTP. Those of its first call are given to nobody else.

    SIPp passes over taken ports too, but sends keys from the first port of its range, whichever its sound has got:
    Asterisk would not hear them (strictrtp).
    """
    for _ in range(_ATTEMPTS):
        first = _chance.randrange(_MEDIA_LOW, _MEDIA_HIGH, _CALL)
        if first not in _given and _locked(first, _CALL) and _unbound(first, socket.SOCK_DGRAM, ""):
            _given.add(first)
            return first, first + span - 1
    raise OSError(f"no free port for RTP between {_MEDIA_LOW} and {_MEDIA_HIGH}")


def _free_port(kind: socket.SocketKind, address: str) -> int:
    for _ in range(_ATTEMPTS):
        port = _chance.randrange(_LOW, _RTP_LOW)
        if port in _given or port in _BLOCKED or not _locked(port):
            continue
        if _unbound(port, kind, address):
            _given.add(port)
            return port
    raise OSError(f"no free port on {address} between {_LOW} and {_RTP_LOW}")


def _unbound(port: int, kind: socket.SocketKind, address: str) -> bool:
    """Whether nobody has it at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _locked(port: int, count: int = 1) -> bool:
    """Whether this process has the locks of so many ports now. It keeps them, whatever becomes of the ports."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, count, port)
    except (BlockingIOError, PermissionError):
        return False
    return True


@cache
def _locks() -> int:
    """The file of locks, open as long as this process lives: closing it would give them all back."""
    file = Path(tempfile.gettempdir()) / f"contact-centre-ports-{os.getuid()}"
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
