"""Recomputing all call records from the kept ledgers, and what follows from them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contact_centre import casework
from contact_centre.collecting import seldom_collected
from contact_centre.writer import transaction
from telephony import ingest, store, workers
from telephony.core.call import CallChanged
from telephony.ingest import Folded, ToE164
from telephony.ports import Clock
from telephony.store import Difference


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: what differs, how much was folded, from how many files."""

    differences: list[Difference]
    folded: Folded
    files: int


def rebuild(
    connection: sqlite3.Connection, ledger: Path, to_e164: ToE164, clock: Clock, *, dry_run: bool = False
) -> Rebuilt:
    """Recompute the calls of all kept ledgers, a thousand in a transaction; a running service may go on beside it.

    Raises:
        OSError: A ledger cannot be read.
        sqlite3.Error: The database cannot be written.
    """
    with transaction(connection, keep=False) as tx:
        positions = store.ledger_positions(tx)
    extent = ingest.ingested(ledger, positions)
    folded = Folded()
    differences: list[Difference] = []
    with seldom_collected():
        for changes in workers.fold_files(extent.paths, folded, extent.stops):
            differences += _keep(connection, changes, to_e164, clock, dry_run=dry_run)
    return Rebuilt(differences, folded, len(extent.paths))


def _keep(
    connection: sqlite3.Connection, changes: Sequence[CallChanged], to_e164: ToE164, clock: Clock, *, dry_run: bool
) -> list[Difference]:
    with transaction(connection, keep=not dry_run) as tx:
        differences = ingest.rebuild(tx, changes, to_e164, clock)
        casework.apply(tx, [change for change in changes if change.over], to_e164)
    return differences
