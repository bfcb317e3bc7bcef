"""Decoding AMI: ours against panoramisk's own protocol, on what a real Asterisk said to a session without filters.

Both sides go all the way from the bytes of a read to a message of which three values are taken; once more with every
value taken, for ours finds values when they are asked for. Rounds are interleaved; what counts is the median of the
rounds' ratios. ``python tests/bench/bench_ami.py``
"""

import asyncio
import gzip
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from panoramisk.ami_protocol import AMIProtocol

from telephony.wire.ami import AmiError, Decoder

CAPTURED: Final = Path(__file__).parents[1] / "captures" / "everything.ami.gz"
COPIES: Final = 6
READ: Final = 1 << 16
ROUNDS: Final = 9
TEN: Final = (
    "Newchannel", "Newstate", "Hangup", "BridgeEnter", "BridgeLeave",
    "QueueCallerJoin", "QueueCallerLeave", "QueueMemberStatus", "QueueMemberPause", "AgentCalled",
)  # fmt: skip
CASES: Final[tuple[tuple[str, frozenset[str] | None, bool, float | None], ...]] = (
    ("all events", None, False, 2.5),
    ("ten kinds of them", frozenset(TEN), False, 5.0),
    ("all events, every value", None, True, None),
)
"""Name, wanted events, whether every value is taken, and the goal."""

Seen = list[tuple[str, str, str]]


class Hearer:
    """What panoramisk's protocol hands its messages to: notes three values of each wanted one."""

    save_stream = None

    def __init__(self, wanted: frozenset[str] | None, *, every: bool) -> None:
        self.wanted = wanted
        self.every = every
        self.seen: Seen = []

    def dispatch(self, event: Any) -> None:  # noqa: ANN401 - panoramisk's message
        """Take one event."""
        if self.wanted is None or event.event in self.wanted:
            self.seen.append((event.event, event.uniqueid, event.channel))
            if self.every:
                dict(event.items())


def panoramisk(reads: list[bytes], wanted: frozenset[str] | None, *, every: bool) -> Seen:
    """Feed its protocol as its transport would."""
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory = hearer = Hearer(wanted, every=every)
    protocol.encoding = "utf8"
    for data in reads:
        protocol.data_received(data)
    return hearer.seen


def ours(reads: list[bytes], wanted: frozenset[str] | None, *, every: bool) -> Seen:
    """Feed our decoder the same."""
    decoder = Decoder(wanted)
    seen: Seen = []
    for data in reads:
        for message in decoder.feed(data):
            if not isinstance(message, AmiError) and message.event:
                seen.append((message.event, message.get("Uniqueid"), message.get("Channel")))
                if every:
                    dict(message.lines())
    return seen


def timed(decode: Callable[[], Seen]) -> tuple[float, Seen]:
    """Seconds of the processor, and what was seen."""
    began = time.process_time()
    seen = decode()
    return time.process_time() - began, seen


async def main() -> int:
    """Print both sides and the ratio for each case; 1 if a goal is missed or the sides differ."""
    stream = gzip.decompress(CAPTURED.read_bytes())
    head, _, body = stream.partition(b"\r\n")
    data = head + b"\r\n" + body * COPIES
    reads = [data[at : at + READ] for at in range(0, len(data), READ)]
    events = data.count(b"Event: ")
    missed = False
    for case, wanted, every, goal in CASES:
        rounds = []
        for _ in range(ROUNDS):
            theirs, seen_by_them = timed(lambda: panoramisk(reads, wanted, every=every))  # noqa: B023 - called at once
            mine, seen_by_us = timed(lambda: ours(reads, wanted, every=every))  # noqa: B023
            missed |= not set(seen_by_them) <= set(seen_by_us)
            rounds.append((theirs / mine, theirs, mine))
        ratio, theirs, mine = (statistics.median(one) for one in zip(*rounds, strict=True))
        missed |= goal is not None and ratio < goal
        sys.stdout.write(
            f"{case}: {events / mine:,.0f} events/s, panoramisk {events / theirs:,.0f}; {ratio:.2f} times"
            f"{f' (goal {goal})' if goal else ''}, {min(rounds)[0]:.2f} to {max(rounds)[0]:.2f} in {ROUNDS} rounds\n"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
