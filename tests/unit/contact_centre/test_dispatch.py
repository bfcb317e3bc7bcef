"""When a message is tried again, and when a peer is left alone."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contact_centre.dispatch import LONGEST_PAUSE, LONGEST_RETRY, TROUBLED, Circuit, retry_after

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_a_message_waits_longer_each_time_an_hour_at_most() -> None:
    waits = [retry_after(attempts) // timedelta(minutes=1) for attempts in range(1, 10)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_jitter_only_adds_and_a_fifth_at_most(attempts: int, jitter: float) -> None:
    plain = retry_after(attempts)
    assert plain <= retry_after(attempts, jitter) <= plain * 1.2 <= LONGEST_RETRY * 1.2


def test_a_peer_that_is_down_is_left_alone_longer_each_time_a_minute_at_most() -> None:
    circuit, now, pauses = Circuit(), NOW, []
    for _ in range(8):
        until = circuit.down(now, "connecting: refused")
        pauses.append((until - now).total_seconds())
        assert circuit.is_open(until - timedelta(milliseconds=1))
        assert not circuit.is_open(until)
        now = until
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert circuit.reason == "connecting: refused"


def test_a_peer_that_says_when_to_come_again_is_left_alone_until_then_but_not_for_ever() -> None:
    assert Circuit().down(NOW, "HTTP 503", timedelta(minutes=10)) == NOW + timedelta(minutes=10)
    assert Circuit().down(NOW, "HTTP 503", timedelta(days=300)) == NOW + LONGEST_RETRY
    assert Circuit().down(NOW, "HTTP 503", timedelta(0)) == NOW + timedelta(seconds=2)


def test_failures_in_a_row_are_the_peers_and_one_success_ends_them() -> None:
    circuit = Circuit()
    for _ in range(TROUBLED - 1):
        circuit.failed(NOW, "HTTP 500")
    circuit.works()
    for _ in range(TROUBLED - 1):
        circuit.failed(NOW, "HTTP 500")
        assert not circuit.is_open(NOW)
    circuit.failed(NOW, "HTTP 500")
    assert circuit.is_open(NOW)


def test_a_peer_that_works_again_starts_afresh() -> None:
    circuit = Circuit()
    for _ in range(9):
        circuit.down(NOW, "connecting: refused")
    assert circuit.is_open(NOW + LONGEST_PAUSE - timedelta(seconds=1))
    circuit.works()
    assert (circuit.is_open(NOW), circuit.reason) == (False, None)
    assert circuit.down(NOW, "again") == NOW + timedelta(seconds=2)
