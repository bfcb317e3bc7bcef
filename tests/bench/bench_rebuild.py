"""Rebuild of all call records from the ledger, against a bare loop over the same lines."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from contact_centre import database
from contact_centre.clock import SystemClock
from contact_centre.collecting import seldom_collected
from contact_centre.config import Settings
from contact_centre.numbers import number_reader
from contact_centre.rebuild import rebuild
from contact_centre.writer import connect, transaction
from telephony import ingest, workers
from telephony.core.call import CallChanged
from tests.bench import bare, ledgers

CALLS: Final = 20_000
ROUNDS: Final = 3
GOAL: Final = 0.4

Fold = Callable[[Sequence[Path]], Iterator[list[CallChanged]]]


def run(calls: int = CALLS, rounds: int = ROUNDS) -> dict[str, float]:
    """Times in seconds and their ratio to the bare loop (bare / ours), medians of so many interleaved rounds."""
    seconds: dict[str, list[float]] = {"bare": [], "records_alone": [], "records": [], "records_and_casework": []}
    with TemporaryDirectory() as folder:
        made = ledgers.write(Path(folder) / "cel_master.jsonl", calls)
        for number in range(rounds):
            for name, work in (
                ("bare", _bare),
                ("records_alone", _records_alone),
                ("records", _records),
                ("records_and_casework", _everything),
            ):
                state = Path(folder) / f"{name}-{number}"
                state.mkdir()
                seconds[name].append(work(made, state))
    ratios = {
        f"{name}_ratio": statistics.median(b / o for b, o in zip(seconds["bare"], seconds[name], strict=True))
        for name in ("records_alone", "records", "records_and_casework")
    }
    figures = {name: statistics.median(times) for name, times in seconds.items()}
    return {"calls": calls, "lines": made.lines, **figures, **ratios}


def _bare(made: ledgers.Made, state: Path) -> float:
    with closing(bare.database(state / "bare.db")) as connection:
        return _timed(lambda: bare.rebuild(made.path, connection), made.calls)


def _records_alone(made: ledgers.Made, state: Path) -> float:
    """Calls and their legs, folded in one process."""
    return _folded_by(ingest.fold_files, made, state)


def _records(made: ledgers.Made, state: Path) -> float:
    """Calls and their legs, folded as the rebuild does it: on all processors."""
    return _folded_by(workers.fold_files, made, state)


def _folded_by(fold: Fold, made: ledgers.Made, state: Path) -> float:
    to_e164, clock, path = number_reader(Settings()), SystemClock(), state / "contact-centre.db"
    database.migrate(path, clock.now())

    def work() -> int:
        kept = 0
        with seldom_collected():
            for changes in fold([made.path]):
                with transaction(connection) as tx:
                    kept += len(ingest.rebuild(tx, changes, to_e164, clock))
        return kept

    with closing(connect(path)) as connection:
        return _timed(work, made.calls)


def _everything(made: ledgers.Made, state: Path) -> float:
    """``contact-centre ledger rebuild`` on an empty database: drafts, evidence, callbacks and jobs too."""
    to_e164, clock, path = number_reader(Settings()), SystemClock(), state / "contact-centre.db"
    database.migrate(path, clock.now())
    with closing(connect(path)) as connection:
        return _timed(lambda: len(rebuild(connection, made.path, to_e164, clock).differences), made.calls)


def _timed(work: Callable[[], int], calls: int) -> float:
    begin = time.perf_counter()
    kept = work()
    taken = time.perf_counter() - begin
    if kept != calls:
        raise SystemExit(f"{kept} calls were kept of {calls}: this is no measurement")
    return taken


def main() -> None:
    """Print the table."""
    found = run()
    click.echo(f"Rebuild of {found['calls']:,.0f} calls, {found['lines']:,.0f} lines; goal {GOAL} of the bare loop")
    click.echo(f"{'':28}{'seconds':>9}{'calls/s':>9}{'ratio':>7}")
    for name, text in (
        ("bare", "bare loop"),
        ("records_alone", "calls and legs, one process"),
        ("records", "calls and legs"),
        ("records_and_casework", "and drafts, evidence, jobs"),
    ):
        ratio = found.get(f"{name}_ratio", 1.0)
        click.echo(f"{text:28}{found[name]:>9.2f}{found['calls'] / found[name]:>9,.0f}{ratio:>7.2f}")


if __name__ == "__main__":
    main()
