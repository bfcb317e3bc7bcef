"""How many recorded talks at once have no gap in what is recorded: with everything attached, and bare.

*Bare* is the same Asterisk with a dialplan of nothing but answer, greeting, notice, MixMonitor, Queue
(``exchange.BARE_DIALPLAN``). So many citizens call, so many operators answer, all of them SIPp with a steady tone each;
while they talk another citizen calls every second and hangs up after a few, so that our service has its work to do:
look-up, ledger, draft, finalising. Judged are the recordings themselves, both sides: a hundredth of a second that is
silent, or has a jump in it, is broken. The number of talks grows until both sides have broken ones; load generators
and Asterisk share the processors. Both run in real time, as Asterisk does where our unit starts it, lest other work on
this machine be measured; our service does not. A number counts as flawless if one of two tries is.

    python -m tests.bench.bench_gaps
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from contact_centre.demo.processes import Processes
from contact_centre.demo.root import Kit
from tests.bench.exchange import Exchange, ahead_of_neighbours, bare, cpu, in_real_time
from tests.hearing import broken

FIRST: Final = 90
STEP: Final = 30
LAST: Final = 240
FINE: Final = 15
"""Between the last flawless number and the first broken one this close is looked."""
TRIES: Final = 2
RATE: Final = 20.0
"""Calls a second, while the talks begin."""
SETTLE_S: Final = 1.5
LISTEN_S: Final = 6.0
WRITTEN_LATE_S: Final = 2.1
"""Asterisk writes audio in pieces of 32 KiB."""
PASSING_TALK_S: Final = 4.0
CITIZEN: Final = 437
OPERATOR: Final = 883
"""Whole waves of these fit into a second and into no frame of 20 ms."""
GOAL: Final = 0.9
EVERYTHING: Final = "everything"
BARE: Final = "bare"
GENERATORS: Final = 3
"""SIPp processes on each side; one alone would be what breaks first."""
RATE_OF_SAMPLES: Final = 8000


@dataclass
class Tried:
    """What one try at a number of talks showed: the share of broken hundredths, and processors in use."""

    worst: float
    broken: float
    asterisk: float
    sipp: float
    service: float

    def __str__(self) -> str:
        said = "flawless" if self.broken == 0 else f"{self.broken:.3%} broken, {self.worst:.2%} in the worst"
        return f"{said}; processors: Asterisk {self.asterisk:.2f}, SIPp {self.sipp:.2f}, service {self.service:.2f}"


def attempt(exchange: Exchange, talks: int) -> Tried:
    """So many talks, all of them listened to while nobody comes or goes but the passing citizens."""
    exchange.start(tone=OPERATOR)
    with ahead_of_neighbours():
        citizens = [
            exchange.telephones.crowd(
                talks // GENERATORS + (one < talks % GENERATORS),
                rate=RATE / GENERATORS,
                caller=f"38050{one}23[call_number]",
                tone=CITIZEN,
            )
            for one in range(GENERATORS)
        ]
    try:
        steady = await_talks(exchange, talks, talks / RATE + 20)
        citizens.append(exchange.telephones.crowd(60, rate=1.0, caller="380671[call_number]", talk=PASSING_TALK_S))
        time.sleep(SETTLE_S + WRITTEN_LATE_S)
        measured = (
            [exchange.process],
            [run.process for run in (*citizens, *exchange.answering)],
            [exchange.service.process] if exchange.service and exchange.service.process else [],
        )
        before = [sum(map(cpu, group)) for group in measured]
        time.sleep(LISTEN_S)
        used = [(sum(map(cpu, group)) - one) / LISTEN_S for group, one in zip(measured, before, strict=True)]
        found = listen(exchange, steady)
        return Tried(max(found), float(np.mean(found)), *used)
    finally:
        for run in citizens:
            run.process.kill()
        exchange.kill()


def await_talks(exchange: Exchange, talks: int, seconds: float) -> list[str]:
    """Wait until so many are recorded; their names.

    Raises:
        TimeoutError: it takes longer than ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while (
        len(names := [file.name.removesuffix("-other.raw") for file in exchange.asterisk.audio.glob("*-other.raw")])
        < talks
    ):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(names)} of {talks} talks after {seconds:.0f} s")
        time.sleep(0.1)
    return names


def listen(exchange: Exchange, names: list[str]) -> list[float]:
    """The broken share of each side of each recording, of the last seconds written; a talk that ended is broken."""
    found = []
    for name in names:
        for side, hertz in (("caller", CITIZEN), ("other", OPERATOR)):
            file = exchange.asterisk.audio / f"{name}-{side}.raw"
            samples = np.fromfile(file, "<i2") if file.exists() else np.zeros(0, "<i2")
            tail = samples[-round(LISTEN_S * RATE_OF_SAMPLES) :].astype(np.float64)
            found.append(broken(tail, RATE_OF_SAMPLES, hertz))
    return found


class Side:
    """One exchange and what is known of it."""

    def __init__(self, name: str, exchange: Exchange) -> None:
        self.name = name
        self.exchange = exchange
        self.flawless = 0
        self.broken: int | None = None

    def carries(self, talks: int) -> bool:
        """Try a number; whether it is flawless."""
        for _ in range(TRIES):
            try:
                tried = attempt(self.exchange, talks)
            except TimeoutError as error:
                sys.stdout.write(f"{talks:>4} {self.name:<11} {error}\n")
                continue
            sys.stdout.write(f"{talks:>4} {self.name:<11} {tried}\n")
            sys.stdout.flush()
            if tried.broken == 0:
                self.flawless = talks
                return True
        self.broken = talks
        return False


def main() -> int:
    """Print every try and the ratio; 1 if the goal is missed."""
    began = time.monotonic()
    kit = Kit.provide()
    sys.stdout.write(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        sides = [
            Side(
                name,
                Exchange.build(
                    kit, Path(folder) / name, processes, *changes,
                    phones=LAST + 20, with_service=name == EVERYTHING, prompts_s=0.2, ports=GENERATORS,
                ),
            )
            for name, changes in ((BARE, (bare, in_real_time)), (EVERYTHING, (in_real_time,)))
        ]  # fmt: skip
        for talks in range(FIRST, LAST + 1, STEP):
            sides.reverse()
            for side in sides:
                if side.broken is None:
                    side.carries(talks)
        for side in sides:
            while side.broken is not None and side.broken - side.flawless > FINE:
                side.carries((side.flawless + side.broken) // 2)
        most = {side.name: side.flawless for side in sides}
    ratio = most[EVERYTHING] / most[BARE] if most[BARE] else 0.0
    reached = ratio >= GOAL
    sys.stdout.write(
        f"flawless: {most[EVERYTHING]} with everything attached, {most[BARE]} bare; {ratio:.2f} times, goal at least "
        f"{GOAL}: {'reached' if reached else 'NOT reached'} ({time.monotonic() - began:.0f} s)\n"
    )
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
