"""The loops we are measured against: the same lines, the same disk, and nothing that could be left out."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from contact_centre.writer import connect

CALLS_AT_ONCE: Final = 1000
_INSERT: Final = "INSERT INTO calls VALUES (?, ?, ?, ?)"

Row = tuple[str, str, str, int]


def database(path: Path) -> sqlite3.Connection:
    """A new database with one table, opened as ours is: WAL, every commit flushed."""
    connection = connect(path)
    connection.execute("CREATE TABLE calls (call_id TEXT PRIMARY KEY, started_at TEXT, ended_at TEXT, facts INTEGER)")
    return connection


def rebuild(ledger: Path, connection: sqlite3.Connection) -> int:
    """Every line decoded by orjson, grouped by linkedid, a row a call, one bulk insert per 1,000 calls."""
    groups: dict[str, list[dict[str, Any]]] = {}
    rows: list[Row] = []
    calls = 0
    with ledger.open("rb") as file:
        for line in file:
            fact = orjson.loads(line)
            linkedid = fact["linkedid"]
            group = groups.get(linkedid)
            if group is None:
                groups[linkedid] = [fact]
            else:
                group.append(fact)
            if fact["eventtype"] == "LINKEDID_END":
                rows.append(_row(linkedid, groups.pop(linkedid)))
                if len(rows) == CALLS_AT_ONCE:
                    calls += _keep(connection, rows)
                    rows = []
    return calls + _keep(connection, rows)


def one_call(connection: sqlite3.Connection, lines: bytes) -> None:
    """The lines of one call decoded by orjson, grouped by linkedid, its row inserted in a transaction of its own."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines.splitlines():
        fact = orjson.loads(line)
        groups.setdefault(fact["linkedid"], []).append(fact)
    _keep(connection, [_row(linkedid, group) for linkedid, group in groups.items()])


def _row(linkedid: str, group: list[dict[str, Any]]) -> Row:
    return linkedid, group[0]["eventtime"], group[-1]["eventtime"], len(group)


def _keep(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
    return len(rows)
