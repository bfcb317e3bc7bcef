"""The live path, one durable transaction a call, against a bare loop; and how soon a draft follows the bridge."""

import asyncio
import logging
import random
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import click
import structlog

from contact_centre import casework, database
from contact_centre.clock import SystemClock
from contact_centre.collecting import seldom_collected
from contact_centre.config import Settings
from contact_centre.follow import LedgerFollower
from contact_centre.health import Metrics
from contact_centre.numbers import number_reader
from contact_centre.writer import SqliteTx, Writer, connect, transaction
from telephony.ingest import Batch, Ingest
from tests.bench import bare, ledgers

CALLS: Final = 1_500
ROUNDS: Final = 5
FOLLOWED: Final = 300
GOAL: Final = 0.4

_BRIDGED: Final = b'{"eventtype":"BRIDGE_ENTER"'

T = TypeVar("T")


def run(calls: int = CALLS, rounds: int = ROUNDS, followed: int = FOLLOWED) -> dict[str, float]:
    """Seconds and ratios to the bare loop (bare / ours), medians of interleaved rounds; Bridge to draft in ms."""
    made = _one_after_the_other(calls)
    seconds: dict[str, list[float]] = {"bare": [], "one_thread": [], "writer": []}
    with TemporaryDirectory() as folder:
        for number in range(rounds):
            for name, work in (("bare", _bare), ("one_thread", _one_thread), ("writer", _through_the_writer)):
                state = Path(folder) / f"{name}-{number}"
                state.mkdir()
                seconds[name].append(work(made, state))
        state = Path(folder) / "followed"
        state.mkdir()
        with seldom_collected():
            waits = sorted(asyncio.run(_follow(_one_after_the_other(followed), state)))
    ratios = {
        f"{name}_ratio": statistics.median(b / o for b, o in zip(seconds["bare"], seconds[name], strict=True))
        for name in ("one_thread", "writer")
    }
    latency = {
        "drafts": len(waits),
        "bridge_to_draft_median_ms": statistics.median(waits) * 1000,
        "bridge_to_draft_p99_ms": waits[int(len(waits) * 0.99)] * 1000,
    }
    return {"calls": calls} | {name: statistics.median(times) for name, times in seconds.items()} | ratios | latency


def _one_after_the_other(calls: int) -> list[bytes]:
    """The lines of each call."""
    made: list[bytes] = [b""] * calls
    for number, line in ledgers.lines(calls, apart_s=3600):
        made[number] += line
    return made


def _bare(made: Sequence[bytes], state: Path) -> float:
    with closing(bare.database(state / "bare.db")) as connection:
        begin = time.perf_counter()
        for lines in made:
            bare.one_call(connection, lines)
        return time.perf_counter() - begin


class _Live:
    """Our side: a ledger that grows by a call at a time, and the time that it takes until the call is committed."""

    def __init__(self, state: Path) -> None:
        self.path = state / "contact-centre.db"
        self.clock = SystemClock()
        database.migrate(self.path, self.clock.now())
        self.to_e164 = number_reader(Settings())
        ledger = state / "cel_master.jsonl"
        self._file = ledger.open("ab", buffering=0)
        self.ingest = Ingest(ledger, self.clock, self.to_e164)
        self.taken = 0.0

    def write(self, lines: bytes) -> None:
        self._file.write(lines)

    def read(self) -> Batch:
        batch = self.ingest.read()
        if batch is None or not any(change.over for change in batch.changes):
            raise SystemExit("a call was not read whole: this is no measurement")
        return batch

    def keep(self, tx: SqliteTx, batch: Batch) -> casework.Outcome:
        return casework.apply(tx, self.ingest.apply(tx, batch), self.to_e164)


def _one_thread(made: Sequence[bytes], state: Path) -> float:
    """Read, fold, keep the call, its draft, evidence, job and the position, commit: without the service's threads."""
    live = _Live(state)
    with closing(connect(live.path)) as connection, seldom_collected():
        for lines in made:
            live.write(lines)
            begin = time.perf_counter()
            batch = live.read()
            with transaction(connection) as tx:
                live.keep(tx, batch)
            live.ingest.committed(batch)
            live.taken += time.perf_counter() - begin
    return live.taken


def _through_the_writer(made: Sequence[bytes], state: Path) -> float:
    """The same as the service does it: read in a thread, keep in the writer's, wait for both."""

    async def work() -> float:
        live = _Live(state)
        writer = Writer(live.path)
        for lines in made:
            live.write(lines)
            begin = time.perf_counter()
            batch = await asyncio.to_thread(live.read)
            await writer.run(_job(live, batch))
            live.ingest.committed(batch)
            live.taken += time.perf_counter() - begin
        writer.close()
        return live.taken

    with seldom_collected():
        return asyncio.run(work())


def _job(live: _Live, batch: Batch) -> Callable[[SqliteTx], casework.Outcome]:
    return lambda tx: live.keep(tx, batch)


class _Watched(Writer):
    """The service's writer, which notes when each draft was on the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.drafted: dict[str, float] = {}

    async def run(self, job: Callable[[SqliteTx], T]) -> T:
        result = await super().run(job)
        if isinstance(result, casework.Outcome):
            self.drafted |= dict.fromkeys((call_id for call_id, _ in result.drafted), time.perf_counter())
        return result


async def _follow(made: Sequence[bytes], state: Path) -> list[float]:
    """Seconds from the line of the bridge to the committed draft, under the service's own loop."""
    live = _Live(state)
    writer = _Watched(live.path)
    follower = LedgerFollower(
        live.ingest, writer, live.to_e164, live.clock, Metrics(), lambda: None, Settings().health.max_ledger_lag_s
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    following = asyncio.create_task(follower.run())
    written: dict[str, float] = {}
    asterisk = threading.Thread(target=_write_by_and_by, args=(live, made, written))
    asterisk.start()
    await asyncio.to_thread(asterisk.join)
    await asyncio.sleep(1)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await asyncio.to_thread(writer.close)
    if set(writer.drafted) != set(written):
        raise SystemExit("drafts are missing: this is no measurement")
    return [writer.drafted[call_id] - at for call_id, at in written.items()]


def _write_by_and_by(live: _Live, made: Sequence[bytes], written: dict[str, float]) -> None:
    """Each call's lines in three pieces: until the bridge, the bridge, the rest; at moments that follow no beat."""
    chance = random.Random(2)  # noqa: S311 - no secret
    for lines in made:
        at = lines.find(_BRIDGED)
        if at < 0:
            live.write(lines)
            continue
        then = lines.index(b"\n", lines.index(_BRIDGED, at + 1)) + 1
        live.write(lines[:at])
        time.sleep(chance.uniform(0.02, 0.12))
        call_id = lines[lines.index(b'"linkedid":"') + 12 :].partition(b'"')[0].decode()
        written[call_id] = time.perf_counter()
        live.write(lines[at:then])
        time.sleep(chance.uniform(0.0, 0.1))
        live.write(lines[then:])


def main() -> None:
    """Print the table."""
    found = run()
    click.echo(f"Live: {found['calls']:,.0f} calls, one durable transaction each; goal {GOAL} of the bare loop")
    click.echo(f"{'':28}{'seconds':>9}{'calls/s':>9}{'ratio':>7}")
    for name, text in (("bare", "bare loop"), ("one_thread", "ours, one thread"), ("writer", "ours, service threads")):
        ratio = found.get(f"{name}_ratio", 1.0)
        click.echo(f"{text:28}{found[name]:>9.2f}{found['calls'] / found[name]:>9,.0f}{ratio:>7.2f}")
    click.echo(
        f"Bridge to draft, {found['drafts']:.0f} drafts: median {found['bridge_to_draft_median_ms']:.0f} ms, "
        f"p99 {found['bridge_to_draft_p99_ms']:.0f} ms"
    )


if __name__ == "__main__":
    main()
