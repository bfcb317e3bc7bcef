"""How much memory the service's ingest takes over a million lines: many calls, and one call that never ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from contact_centre import casework, database
from contact_centre.clock import SystemClock
from contact_centre.collecting import seldom_collected
from contact_centre.config import Settings
from contact_centre.numbers import number_reader
from contact_centre.writer import connect, transaction
from telephony.ingest import Ingest
from tests.bench import ledgers

LINES: Final = 1_000_000
MARKS: Final = (10, 2, 1)
"""Looked at after a tenth, a half and all of the lines."""

KINDS: Final = {"many_calls": "many calls", "one_call": "one call, waiting"}

_MUSIC: Final = b'"eventtype":"STREAM_'


def run(lines: int = LINES) -> dict[str, float]:
    """Resident memory of the process in MiB, by kind of ledger and lines read: ``many_calls_100000`` and so on."""
    found: dict[str, float] = {}
    for kind in KINDS:
        command = [sys.executable, __file__, kind, str(lines)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for line in said.splitlines():
            mark, mib = line.split()
            found[f"{kind}_{mark}"] = float(mib)
    return found


def ingest(kind: str, lines: int) -> Iterator[tuple[int, float]]:
    """Follow a ledger as the service does, batch by batch; lines read and MiB resident at each mark."""
    with TemporaryDirectory() as folder:
        ledger, path, clock = Path(folder) / "cel_master.jsonl", Path(folder) / "contact-centre.db", SystemClock()
        with ledger.open("wb") as file:
            for line in islice(_many_calls(lines) if kind == "many_calls" else _one_call(), lines):
                file.write(line)
        database.migrate(path, clock.now())
        to_e164 = number_reader(Settings())
        following = Ingest(ledger, clock, to_e164)
        marks = [lines // part for part in MARKS]
        read = 0
        with closing(connect(path)) as connection, seldom_collected():
            while marks and (batch := following.read()) is not None:
                with transaction(connection) as tx:
                    casework.apply(tx, following.apply(tx, batch), to_e164)
                following.committed(batch)
                read += batch.facts
                if read >= marks[0]:
                    yield marks.pop(0), _resident_mib()


def _many_calls(lines: int) -> Iterator[bytes]:
    return (line for _, line in ledgers.lines(lines // 25, apart_s=10))


def _one_call() -> Iterator[bytes]:
    """A citizen who is told their place and hears music, again and again."""
    lines = [line for _, line in ledgers.lines(1, apart_s=10, kinds=("abandoned",))]
    last = max(number for number, line in enumerate(lines) if _MUSIC in line)
    yield from lines[:last]
    music = [line for line in lines if _MUSIC in line]
    while True:
        yield from music


def _resident_mib() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the system does not say how much memory a process has")


def main(arguments: list[str]) -> None:
    """Print the table; or, started by ``run`` with a kind and a number of lines, what one process found."""
    if arguments:
        kind, lines = arguments
        for mark, mib in ingest(kind, int(lines)):
            click.echo(f"{mark} {mib:.1f}")
        return
    found = run()
    marks = [LINES // part for part in MARKS]
    click.echo("Memory of the ingest, MiB resident, after so many lines")
    click.echo(f"{'':20}" + "".join(f"{mark:>12,}" for mark in marks))
    for kind, text in KINDS.items():
        click.echo(f"{text:20}" + "".join(f"{found[f'{kind}_{mark}']:>12.1f}" for mark in marks))


if __name__ == "__main__":
    main(sys.argv[1:])
