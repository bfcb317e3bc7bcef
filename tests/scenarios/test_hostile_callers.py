"""Twenty callers whose names and numbers try to break what carries them, captured from a real Asterisk."""

from pathlib import Path

from telephony.core.grouping import Grouping
from telephony.wire.cel import read_lines

LEDGER = Path(__file__).parent / "hostile_callers" / "calls.jsonl"

NAMES = {
    "0501200000": 'evil\\\\\\" \\"x',
    "0501200001": "a\\\\",
    "0501200002": '%0d%0a{\\"eventtype\\":\\"CHAN_END\\"}',
    "0501200003": "one\x01two",
    "0501200004": "$(touch /contact-centre/pwned)",
    "0501200005": "; rm -rf /",
    "0501200006": "' OR 1=1 --",
    "0501200007": "${SHELL(id)}",
    "0501200008": "x)} ${EPOCH} (",
    "0501200009": "a,b,c",
    "0501200010": "Жанна Їжак",
    "0501200011": "дуже дуже дуже дуже дуже дуже дуже дуже дуж",
}
"""As pjsip hands them on: with SIP's own backslashes, and cut at about eighty bytes."""
NUMBERS = {'050"\\', "050\r\n123", "+380501234567", "${EPOCH}", "anonymous", "050\x01", '{"a"', "050"}


def test_every_hostile_caller_has_a_whole_call_of_the_own_name() -> None:
    lines = read_lines(LEDGER.read_bytes())
    grouping = Grouping()
    grouping.feed_all(lines.facts)
    calls = [change.call for change in grouping.changes() if change.over]

    assert lines.bad == []
    assert len(calls) == 20
    assert {call.caller_number_raw: call.caller_name for call in calls if call.caller_name} == NAMES
    assert {call.caller_number_raw for call in calls if not call.caller_name} == NUMBERS
    assert [call.anomalies for call in calls] == [()] * 20
