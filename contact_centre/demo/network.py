"""Loopback ports for programs that run at the same time."""

import random
import socket
from typing import Final

RTP_SPAN: Final = 2400
"""Ports of one Asterisk's RTP range: 300 recorded calls with two legs each."""

_RTP_LOW: Final = 10000
_RTP_HIGH: Final = 32000
_EVEN: Final = 2


def free_udp_port(address: str = "127.0.0.1") -> int:
    """A UDP port that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def free_tcp_port(address: str = "127.0.0.1") -> int:
    """A TCP port that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def rtp_range(span: int = RTP_SPAN) -> tuple[int, int]:
    """First and last port of a range for RTP, below the kernel's own; whoever uses it passes over taken ports."""
    first = random.SystemRandom().randrange(_RTP_LOW, _RTP_HIGH - span, _EVEN)
    return first, first + span - 1
