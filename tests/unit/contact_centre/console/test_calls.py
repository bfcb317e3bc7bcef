"""The pure parts of the calls' pages: ranges of bytes, the filter as a sentence, harmless cells, the axis of time."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from contact_centre.console.calls import export, filters, timeline
from contact_centre.console.calls.filters import CallQuery
from contact_centre.console.calls.ranges import Piece, UnsatisfiableError, piece, unchanged
from contact_centre.console.calls.timeline import Axis, Phase
from contact_centre.console.calls.words import OUTCOMES, TONES
from contact_centre.seen_calls import Call, Leg
from telephony.core import call as core
from telephony.core.call import QueueOutcome, Role, Span, TransferKind
from tests import recorded_calls

MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CALL = "cc1-1795383430.11"


def seen(call: core.Call) -> Call:
    """The call as somebody sees it who sees everything."""
    kept = {name: getattr(call, name) for name in Call.__dataclass_fields__ if hasattr(call, name)}
    legs = tuple(Leg(**{name: getattr(leg, name) for name in Leg.__dataclass_fields__}) for leg in call.legs)
    return Call(**kept | {"legs": legs, "caller_number": call.caller_number_raw, "recordings": (), "appeal_ids": ()})


def english(text: str, **parameters: object) -> str:
    return text % parameters if parameters else text


# ---- ranges


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, None),
        ("bytes=0-0", Piece(0, 0, 1000)),
        ("bytes=0-", Piece(0, 999, 1000)),
        ("bytes=999-", Piece(999, 999, 1000)),
        ("bytes=10-5000", Piece(10, 999, 1000)),
        ("bytes=-1", Piece(999, 999, 1000)),
        ("bytes=-5000", Piece(0, 999, 1000)),
        ("BYTES=1-2", Piece(1, 2, 1000)),
        ("bytes=2-1", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("bytes=٣-٤", None),
        ("lines=0-1", None),
        ("bytes = 0-1", None),
        ("bytes=0-" + "9" * 40, None),
    ],
)
def test_a_range_is_what_the_rfc_says_and_what_is_not_understood_is_the_whole(
    asked: str | None, expected: Piece | None
) -> None:
    assert piece(asked, 1000) == expected


@pytest.mark.parametrize(
    ("asked", "size"), [("bytes=1000-", 1000), ("bytes=-0", 1000), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_range_of_nothing_cannot_be_satisfied(asked: str, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        piece(asked, size)


@given(st.integers(1, 10_000), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_piece_lies_within_the_file(size: int, first: int, last: int) -> None:
    for asked in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        try:
            found = piece(asked, size)
        except UnsatisfiableError:
            continue
        if found is not None:
            assert 0 <= found.first <= found.last < size
            assert found.length == found.last - found.first + 1


def test_only_the_very_file_goes_on_where_it_stopped() -> None:
    assert unchanged(None, '"a"')
    assert unchanged(' "a" ', '"a"')
    for other in ('"b"', 'W/"a"', "a", "Mon, 23 Nov 2026 10:00:00 GMT"):
        assert not unchanged(other, '"a"')


# ---- the filter


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({}, "All that you may know of"),
        ({"line": "588-888", "outcome": "abandoned", "since": "2026-11-23", "until": "2026-11-29"},
         "Calls to 588-888, abandoned, this week"),
        ({"since": "2026-11-23"}, "Calls, today"),
        ({"since": "2026-11-22", "until": "2026-11-22"}, "Calls, yesterday"),
        ({"since": "2026-11-16", "until": "2026-11-22"}, "Calls, last week"),
        ({"since": "2026-11-01", "until": "2026-11-30"}, "Calls, this month"),
        ({"since": "2026-10-01", "until": "2026-10-31"}, "Calls, last month"),
        ({"since": "2026-11-03", "until": "2026-11-03"}, "Calls, on 03.11.2026"),
        ({"since": "2026-11-03", "until": "2026-11-05"}, "Calls, from 03.11.2026 to 05.11.2026"),
        ({"since": "2026-11-03"}, "Calls, since 03.11.2026"),
        ({"until": "2026-11-03"}, "Calls, until the end of 03.11.2026"),
        ({"number": "0501234567", "operator": "olena"}, "Calls, with the number +380 50 123 45 67, taken by Олена"),
    ],
)  # fmt: skip
def test_a_filter_is_told_as_a_sentence(sent: dict[str, str], told: str) -> None:
    query = filters.query_of(MultiDict(sent), lambda raw: f"+38{raw}")
    assert filters.sentence(query, {"olena": "Олена"}, MONDAY, english) == told


def test_days_are_the_citys_and_both_are_included() -> None:
    wanted = CallQuery(since=date(2026, 3, 29), until=date(2026, 3, 29)).filter  # summer time begins: 23 hours
    assert wanted.since == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert wanted.until == datetime(2026, 3, 29, 21, tzinfo=UTC)


@given(
    st.dictionaries(st.sampled_from(["since", "until", "number", "line", "operator", "outcome", "cursor"]), st.text())
)
def test_any_address_is_understood(sent: dict[str, str]) -> None:
    query = filters.query_of(MultiDict(sent), lambda raw: raw)
    assert filters.sentence(query, {}, MONDAY, english)
    assert query.filter


@pytest.mark.parametrize("slip", ["0001-01-01", "0202-11-23", "9999-12-31"])
def test_a_day_that_cannot_be_meant_is_not_asked_for(slip: str) -> None:
    query = filters.query_of(MultiDict({"since": slip, "until": slip}), lambda raw: raw)
    assert (query.filter.since, query.filter.until) == (None, None)


def test_the_named_periods_are_whole_and_follow_each_other() -> None:
    named = {name: (first, last) for name, first, last in filters.periods(datetime(2026, 12, 31, 23, tzinfo=UTC))}
    assert named["today"] == (date(2027, 1, 1), date(2027, 1, 1))
    assert named["this month"] == (date(2027, 1, 1), date(2027, 1, 31))
    assert named["last month"] == (date(2026, 12, 1), date(2026, 12, 31))
    assert named["last week"][1] + timedelta(days=1) == named["this week"][0]


# ---- the file


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+380501234567+1", "'+380501234567+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("+380501234567", "+380501234567"),
        ("+٣٨٠", "'+٣٨٠"),
        ("0501234567", "0501234567"),
        ("Їжак", "Їжак"),
    ],
)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(text: str, cell: str) -> None:
    assert export.harmless(text) == cell


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=5))
def test_what_is_written_is_what_is_read(texts: list[str]) -> None:
    [read] = csv.reader(io.StringIO(export.line(texts), newline=""))
    assert [one.removeprefix("'") for one in read] == [one.removeprefix("'") for one in texts]
    assert not any(one.startswith(("=", "-", "@", "\t", "\r")) for one in read)


def test_times_are_the_citys_and_a_call_that_goes_on_has_no_end() -> None:
    call = seen(replace(recorded_calls.everything(CALL, MONDAY), ended_at=None))
    head = [name for name, _ in export.COLUMNS]
    [cells] = csv.reader(io.StringIO(export.row(call, english), newline=""))
    told = dict(zip(head, cells, strict=True))
    assert (told["Began"], told["Ended at"], told["Waited, s"]) == ("2026-11-23 11:30:00", "", "12.0")
    assert export.head(english).startswith("\N{ZERO WIDTH NO-BREAK SPACE}Call,")


# ---- the axis of time


def phases(call: core.Call, now: datetime = MONDAY) -> list[tuple[Phase, float, float]]:
    began = call.started_at
    return [
        (one.phase, (one.start - began).total_seconds(), (one.end - began).total_seconds())
        for one in timeline.stretches(seen(call), now)
    ]


def test_a_call_is_told_from_the_first_second_to_the_last() -> None:
    assert phases(recorded_calls.everything(CALL, MONDAY)) == [
        (Phase.GREETING, 0, 6),
        (Phase.QUEUE, 6, 18),
        (Phase.OPERATOR, 18, 40),
        (Phase.HOLD, 40, 46),
        (Phase.OPERATOR, 46, 60),
        (Phase.HANDOVER, 60, 66),
        (Phase.SPECIALIST, 66, 95),
    ]


def test_who_waits_while_the_operator_asks_another_is_on_hold() -> None:
    call = recorded_calls.everything(CALL, MONDAY)
    [transfer] = call.transfers
    attended = replace(transfer, kind=TransferKind.ATTENDED, at=call.started_at + timedelta(seconds=66))
    assert (Phase.HOLD, 60, 66) in phases(replace(call, transfers=(attended,)))


def test_who_gave_up_was_in_the_queue_to_the_end() -> None:
    assert phases(recorded_calls.abandoned(CALL, MONDAY)) == [(Phase.GREETING, 0, 6), (Phase.QUEUE, 6, 46)]


def test_three_in_a_talk_are_one_stretch_with_all_of_them() -> None:
    call = recorded_calls.everything(CALL, MONDAY)
    operator, specialist = call.legs[1], call.legs[2]
    both = Span(call.started_at + timedelta(seconds=50), call.started_at + timedelta(seconds=95))
    joined = replace(call, legs=(call.legs[0], operator, replace(specialist, talks=(both,))))
    there = [one for one in timeline.stretches(seen(joined), MONDAY) if len(one.parties) == 2]
    assert [(one.phase, one.parties) for one in there] == [(Phase.SPECIALIST, ("olena", "water"))]


def test_a_call_that_goes_on_reaches_to_now() -> None:
    call = replace(recorded_calls.everything(CALL, MONDAY), ended_at=None)
    first, second = call.legs[1].talks
    goes_on = replace(call.legs[1], talks=(first, replace(second, end=None)), ended_at=None)
    now = MONDAY + timedelta(seconds=200)
    assert timeline.axis_of(seen(call), now) == Axis(MONDAY, 200.0)
    told = phases(replace(call, legs=(call.legs[0], goes_on), transfers=()), now)
    assert told[-1] == (Phase.OPERATOR, 46, 200)


def test_each_leg_has_a_lane_the_citizen_first() -> None:
    lanes = timeline.lanes(seen(recorded_calls.everything(CALL, MONDAY)), MONDAY)
    assert [one.leg.role for one in lanes] == [Role.CITIZEN, Role.OPERATOR, Role.SPECIALIST]
    ringing = Span(MONDAY + timedelta(seconds=10), MONDAY + timedelta(seconds=18))
    assert [one.rings for one in lanes[:2]] == [None, ringing]


@given(st.floats(0, 90_000), st.floats(-1e5, 2e5), st.floats(0, 1e5))
def test_nothing_is_drawn_beside_the_axis(seconds: float, start: float, length: float) -> None:
    axis = Axis(MONDAY, seconds)
    begin = MONDAY + timedelta(seconds=start)
    at, wide = axis.at(begin), axis.width(begin, begin + timedelta(seconds=length))
    assert 0 <= at <= 100
    assert 0 <= wide <= 100
    assert at + wide <= 100.001
    assert len(axis.marks()) <= 27
    assert all(0 <= place <= 100 for place, _ in axis.marks())


@pytest.mark.parametrize("outcome", list(QueueOutcome))
def test_every_outcome_has_a_word_and_a_tone(outcome: QueueOutcome) -> None:
    assert OUTCOMES[outcome]
    assert TONES[outcome]
