"""Guessing is slow; nobody is locked out by it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_centre.console import throttle
from contact_centre.console.throttle import Attempt
from contact_centre.writer import SqliteTx, connect
from tests.databases import new_database

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NO_WAIT = timedelta()
GUESSER = Attempt("olena", "198.51.100.7", None)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[SqliteTx]:
    path = tmp_path / "contact-centre.db"
    new_database(path)
    with closing(connect(path)) as connection:
        yield SqliteTx(connection)


def test_a_few_slips_cost_nothing(tx: SqliteTx) -> None:
    assert [throttle.allow(tx, GUESSER, NOW) for _ in range(throttle.FREE_BY_LOGIN)] == [NO_WAIT] * 5
    assert throttle.allow(tx, GUESSER, NOW) > NO_WAIT


def test_waits_double_and_end_at_a_quarter_of_an_hour(tx: SqliteTx) -> None:
    at, waits = NOW, []
    for _ in range(30):
        wait = throttle.allow(tx, GUESSER, at)
        if wait > NO_WAIT:
            waits.append(wait.total_seconds())
            at += wait
            assert throttle.allow(tx, GUESSER, at) == NO_WAIT
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 900
    assert max(waits) == 900


def test_what_comes_during_a_wait_does_not_prolong_it(tx: SqliteTx) -> None:
    for _ in range(8):
        throttle.allow(tx, GUESSER, NOW)
    first = throttle.allow(tx, GUESSER, NOW)
    for _ in range(100):
        throttle.allow(tx, GUESSER, NOW)
    assert throttle.allow(tx, GUESSER, NOW) == first
    assert throttle.allow(tx, GUESSER, NOW + first) == NO_WAIT


def test_whoever_guesses_elsewhere_does_not_slow_the_person_down_at_their_own_desk(tx: SqliteTx) -> None:
    browser = throttle.new_browser()
    own = Attempt("olena", "203.0.113.5", browser)
    throttle.allow(tx, own, NOW)
    throttle.succeeded(tx, own, browser, NOW)
    for second in range(400):
        throttle.allow(tx, GUESSER, NOW + timedelta(seconds=second))
    assert throttle.allow(tx, GUESSER, NOW + timedelta(seconds=400)) > NO_WAIT
    assert throttle.allow(tx, own, NOW + timedelta(seconds=400)) == NO_WAIT


def test_a_known_browser_is_slowed_down_too_but_only_itself(tx: SqliteTx) -> None:
    browser = throttle.new_browser()
    own = Attempt("olena", "203.0.113.5", browser)
    throttle.allow(tx, own, NOW)
    throttle.succeeded(tx, own, browser, NOW)
    for _ in range(10):
        throttle.allow(tx, own, NOW)
    assert throttle.allow(tx, own, NOW) > NO_WAIT
    assert throttle.allow(tx, Attempt("olena", "203.0.113.9", None), NOW) == NO_WAIT


def test_a_browser_known_for_one_login_is_not_known_for_another(tx: SqliteTx) -> None:
    browser = throttle.new_browser()
    own = Attempt("iryna", "198.51.100.7", browser)
    throttle.allow(tx, own, NOW)
    throttle.succeeded(tx, own, browser, NOW)
    waits = [throttle.allow(tx, Attempt("olena", "198.51.100.7", browser), NOW) for _ in range(8)]
    assert waits[-1] > NO_WAIT


def test_an_address_that_tries_many_logins_is_slowed_down(tx: SqliteTx) -> None:
    waits = [throttle.allow(tx, Attempt(f"login{one}", "198.51.100.7", None), NOW) for one in range(40)]
    assert waits[: throttle.FREE_BY_ADDRESS] == [NO_WAIT] * throttle.FREE_BY_ADDRESS
    assert waits[-1] > NO_WAIT


def test_one_right_password_does_not_wash_off_the_wrong_ones_of_an_address(tx: SqliteTx) -> None:
    for one in range(throttle.FREE_BY_ADDRESS - 1):
        throttle.allow(tx, Attempt(f"login{one}", "198.51.100.7", None), NOW)
    mine = Attempt("mine", "198.51.100.7", None)
    assert throttle.allow(tx, mine, NOW) == NO_WAIT
    throttle.succeeded(tx, mine, throttle.new_browser(), NOW)
    waits = [throttle.allow(tx, Attempt(f"other{one}", "198.51.100.7", None), NOW) for one in range(3)]
    assert waits[0] == NO_WAIT
    assert waits[-1] > NO_WAIT


def test_a_new_password_forgives(tx: SqliteTx) -> None:
    for _ in range(10):
        throttle.allow(tx, GUESSER, NOW)
    throttle.forgive(tx, "olena")
    assert throttle.allow(tx, GUESSER, NOW) == NO_WAIT


def test_failures_of_yesterday_are_forgotten(tx: SqliteTx) -> None:
    for _ in range(10):
        throttle.allow(tx, GUESSER, NOW)
    later = NOW + throttle.FORGOTTEN_AFTER + timedelta(minutes=1)
    assert throttle.allow(tx, GUESSER, later) == NO_WAIT
    throttle.sweep(tx, later + timedelta(days=2))
    assert tx.fetch_all(throttle.sign_in_attempts.select()) == []


def test_what_was_typed_as_a_login_is_not_kept(tx: SqliteTx) -> None:
    throttle.allow(tx, Attempt("my secret password", "198.51.100.7", None), NOW)
    assert "secret" not in str(tx.fetch_all(throttle.sign_in_attempts.select()))
