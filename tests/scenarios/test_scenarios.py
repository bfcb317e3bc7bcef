"""Captured ledgers and the call records that a person reads out of them.

``ledger.jsonl`` is what a real Asterisk wrote, ``expected.json`` what a person reads out of it: written by hand, or,
of the outbound calls and the hold, folded first and then read against the ledger figure by figure.
"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest

from telephony.core.call import Call
from telephony.core.grouping import Grouping
from telephony.wire.cel import read_lines

SCENARIOS = sorted(path.parent for path in Path(__file__).parent.glob("*/ledger.jsonl"))


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def records(calls: list[Call]) -> object:
    return plain([asdict(call) for call in sorted(calls, key=lambda call: call.started_at)])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_the_ledger_gives_the_records_that_a_person_reads_out_of_it(scenario: Path) -> None:
    lines = read_lines((scenario / "ledger.jsonl").read_bytes())
    grouping = Grouping()
    for offset, fact in lines.facts:
        grouping.feed(offset, fact)
    changes = grouping.changes()

    assert records([change.call for change in changes]) == json.loads((scenario / "expected.json").read_text("utf-8"))
    assert all(change.over for change in changes)
    assert not lines.bad
    assert grouping.resume_from is None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_the_ledger_read_line_by_line_ends_in_the_same_records(scenario: Path) -> None:
    grouping = Grouping()
    last: dict[str, Call] = {}
    for position, line in enumerate((scenario / "ledger.jsonl").read_bytes().splitlines(keepends=True)):
        for _, fact in read_lines(line).facts:
            grouping.feed(position, fact)
        last |= {change.call.call_id: change.call for change in grouping.changes()}

    assert records(list(last.values())) == json.loads((scenario / "expected.json").read_text("utf-8"))
