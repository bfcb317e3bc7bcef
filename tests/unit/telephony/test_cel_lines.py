"""The ledger's lines become facts; what is no fact is quarantined, and never stops the rest."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.wire.cel import MAX_LINE, Bad, CelError, decode, read_lines, split_glued
from tests.unit.telephony.mutations import fuzzed, mutations

GOOD = (
    b'{"eventtype":"LINE","userdeftype":"LINE","eventtime":"2026-11-22T21:37:10.039+0000","exten":"s",'
    b'"context":"incoming","channame":"PJSIP/trunk-a-0000000b","appname":"CELGenUserEvent","appdata":"LINE,588-888",'
    b'"accountcode":"","uniqueid":"cc1-1795383430.11","linkedid":"cc1-1795383430.11","peer":"",'
    b'"eventextra":"{\\"extra\\":\\"588-888\\"}"}'
)
LEDGERS = sorted(Path(__file__).parents[2].glob("scenarios/*/ledger.jsonl"))
REAL = [file.read_bytes()[at : at + 1200] for file in LEDGERS for at in range(0, file.stat().st_size, 2400)]
NEWLINE = ord("\n")
MARKS = [b"\n", b'{"eventtype":"', b'"', b"\\", b'"uniqueid":""', b'"eventtime":"', b'"name":"', b"{", b"\xd0", b"\0"]


def line(**fields: str) -> bytes:
    defaults = {"eventtype": "ANSWER", "eventtime": "2026-11-22T21:37:10.039+0000", "uniqueid": "cc1-1.1"}
    return ("{" + ",".join(f'"{key}":"{value}"' for key, value in (defaults | fields).items()) + "}").encode()


def test_a_line_becomes_a_fact_with_an_aware_time() -> None:
    fact = decode(GOOD)

    assert fact.eventtype == "LINE"
    assert fact.eventtime == datetime(2026, 11, 22, 21, 37, 10, 39000, tzinfo=UTC)
    assert fact.uniqueid == fact.linkedid == "cc1-1795383430.11"
    assert fact.eventextra == '{"extra":"588-888"}'


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    assert decode(line(eventtime="2026-11-22T23:37:10.039+0200")).eventtime == decode(GOOD).eventtime


@pytest.mark.parametrize(
    ("bytes_", "reason"),
    [
        (b"", "truncated"),
        (b"garbage", "malformed"),
        (GOOD[:-5], "truncated"),
        (b"[1, 2]", "array"),
        (line(eventtime="yesterday"), "RFC3339"),
        (line(eventtime="2026-11-22T21:37:10.039"), "offset"),
        (line(eventtime="9999-12-31T23:59:59.000+0000"), "out of range"),
        (line(eventtime="0001-01-01T00:00:00.000+0000"), "out of range"),
        (line(uniqueid=""), "no uniqueid"),
        (b'{"eventtype":"ANSWER","uniqueid":"cc1-1.1"}', "eventtime"),
        (line(exten="\x01"), "malformed"),
        (line(exten="x").replace(b'"x"', b'"\xff"'), "not UTF-8"),
        (b'{"x":' * 5000, "nested too deeply"),
        (line(exten="5" * MAX_LINE), "longer than"),
    ],
)
def test_what_is_no_fact_says_why(bytes_: bytes, reason: str) -> None:
    with pytest.raises(CelError, match=reason):
        decode(bytes_)


def test_a_reason_quotes_nothing_of_the_line() -> None:
    with pytest.raises(CelError) as error:
        decode(line(eventtime="0501234567"))

    assert "0501234567" not in error.value.reason


def test_only_whole_lines_are_read_and_the_rest_stays() -> None:
    lines = read_lines(GOOD + b"\n\n" + GOOD + b"\n" + GOOD[:40])

    assert [offset for offset, _ in lines.facts] == [0, len(GOOD) + 2]
    assert lines.consumed == 2 * len(GOOD) + 3
    assert lines.bad == []


def test_a_bad_line_does_not_stop_the_next() -> None:
    lines = read_lines(b"garbage\n" + GOOD + b"\n")

    assert [offset for offset, _ in lines.facts] == [8]
    assert [(bad.offset, bad.line) for bad in lines.bad] == [(0, b"garbage")]


def test_a_fact_glued_to_a_torn_line_is_recovered_and_the_torn_head_quarantined() -> None:
    torn = GOOD[:100]

    lines = read_lines(GOOD + b"\n" + torn + GOOD + b"\n" + GOOD + b"\n")

    assert [offset for offset, _ in lines.facts] == [0, len(GOOD) + 101, 2 * len(GOOD) + 102]
    assert [(bad.offset, bad.line) for bad in lines.bad] == [(len(GOOD) + 1, torn)]


def test_two_torn_lines_glued_together_are_quarantined_as_one() -> None:
    lines = read_lines(GOOD[:50] + GOOD[:60] + b"\n")

    assert lines.facts == []
    assert lines.bad == [Bad(0, GOOD[:50] + GOOD[:60], lines.bad[0].reason)]


def test_nothing_is_glued_where_the_line_begins_with_its_only_head() -> None:
    assert split_glued(GOOD) == (GOOD, b"")
    assert split_glued(b"garbage") == (b"garbage", b"")


@given(st.binary(max_size=400))
def test_any_bytes_are_a_fact_or_a_cel_error(data: bytes) -> None:
    with contextlib.suppress(CelError):
        decode(data)


@fuzzed
def test_whatever_the_ledger_holds_each_line_is_a_fact_or_bad_and_none_is_passed_over(seed: int, salt: bytes) -> None:
    for _, data in mutations(seed, salt, REAL, MARKS):
        found = read_lines(data)
        for line in data.split(b"\n"):
            with contextlib.suppress(CelError):
                fact = decode(line)
                assert fact.uniqueid
                assert fact.eventtime.utcoffset() is not None
        assert found.consumed == data.rfind(b"\n") + 1
        told = {offset for offset, _ in found.facts} | {bad.offset for bad in found.bad}
        begins = [0, *(at + 1 for at, byte in enumerate(data[: found.consumed - 1]) if byte == NEWLINE)]
        assert told >= {at for at in begins if found.consumed and data[at] != NEWLINE}


@given(st.data())
def test_a_ledger_with_any_bytes_changed_never_raises_and_loses_only_the_lines_that_changed(
    data: st.DataObject,
) -> None:
    ledger = bytearray(data.draw(st.sampled_from(LEDGERS)).read_bytes())
    places = data.draw(st.lists(st.integers(0, len(ledger) - 1), max_size=10))
    whole = len(read_lines(bytes(ledger)).facts)
    for place in places:
        ledger[place] = data.draw(st.integers(0, 255))

    lines = read_lines(bytes(ledger))

    assert len(lines.facts) >= whole - 2 * len(places)


@given(st.data())
def test_a_ledger_read_in_any_pieces_gives_the_same_facts_at_the_same_places(data: st.DataObject) -> None:
    ledger = data.draw(st.sampled_from(LEDGERS)).read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ledger)), max_size=8)))
    facts, position = [], 0
    for cut in [*cuts, len(ledger)]:
        piece = read_lines(ledger[position:cut])
        facts += [(position + offset, fact) for offset, fact in piece.facts]
        position += piece.consumed

    assert facts == read_lines(ledger).facts
    assert position == len(ledger)
