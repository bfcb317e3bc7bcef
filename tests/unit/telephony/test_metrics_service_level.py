"""The service level, by our formula: answered within T / (offered - abandoned within S)."""

from datetime import UTC, datetime

import pytest

from telephony.core.call import Call, Direction, QueueOutcome
from telephony.core.metrics import service_level

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def call(outcome: QueueOutcome, wait: float | None, talk: float = 0.0, hold: float = 0.0, rna: int = 0) -> Call:
    return Call(
        call_id="cc1-1.1",
        line="588-888",
        direction=Direction.INBOUND,
        caller_number_raw=None,
        caller_name=None,
        dialled_number=None,
        started_at=START,
        answered_at=None,
        ended_at=None,
        queue="contact-centre",
        queue_outcome=outcome,
        operator=None,
        wait_time=wait,
        talk_time=talk,
        hold_time=hold,
        ring_no_answers=rna,
        transfers=(),
        legs=(),
        purpose=None,
        dial_status=None,
        recovered=False,
        group_id="cc1-1.1",
        recorded_from=None,
        promised_at=None,
        refused=None,
        anomalies=(),
    )


DAY = [
    call(QueueOutcome.ANSWERED, 2.0, talk=60.0, hold=10.0),
    call(QueueOutcome.ANSWERED, 20.0, talk=30.0, rna=2),
    call(QueueOutcome.ANSWERED, 20.001, talk=90.0),
    call(QueueOutcome.ABANDONED, 5.0, rna=1),
    call(QueueOutcome.ABANDONED, 40.0),
    call(QueueOutcome.TIMED_OUT, 60.0),
    call(QueueOutcome.WITHDRAWN, 10.0),
    call(QueueOutcome.EXITED_BY_KEY, 7.0),
    call(QueueOutcome.EXITED_EMPTY, 0.0),
    call(QueueOutcome.NOT_QUEUED, None),
]


def test_the_formula_counts_late_answers_and_long_abandons_against_us() -> None:
    level = service_level(DAY)

    assert (level.offered, level.answered, level.answered_in_time) == (9, 3, 2)
    assert (level.abandoned, level.short_abandons) == (2, 1)
    assert level.service_level == pytest.approx(2 / 8)
    assert (level.withdrawn, level.timed_out, level.exited) == (1, 1, 2)


def test_times_are_averaged_over_the_calls_that_have_them() -> None:
    level = service_level(DAY)

    assert (level.average_wait, level.longest_wait) == (18.222, 60.0)
    assert (level.average_talk, level.average_hold, level.ring_no_answers) == (60.0, 3.333, 3)


def test_the_parameters_are_published_with_the_result() -> None:
    level = service_level(DAY, threshold=30.0, short=60.0)

    assert (level.threshold, level.short) == (30.0, 60.0)
    assert level.service_level == pytest.approx(3 / 7)


def test_no_calls_have_no_service_level() -> None:
    level = service_level([call(QueueOutcome.NOT_QUEUED, None)])

    assert (level.offered, level.service_level, level.average_wait, level.longest_wait) == (0, None, None, None)
    assert (level.average_talk, level.average_hold) == (None, None)


def test_only_short_abandons_leave_nothing_to_measure() -> None:
    assert service_level([call(QueueOutcome.ABANDONED, 1.0)]).service_level is None
