"""What a search box's text means, cursors, and which changes touch the index."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appeals.model import Actor, Role, Status
from appeals.search import (
    BadQueryError,
    Between,
    Cursor,
    Order,
    Scope,
    Term,
    Wanted,
    needs_index,
    number_wanted,
    phone_wanted,
    terms_of,
    text_wanted,
)
from tests.contract.appeals.searching import NOW, appeal


def test_a_word_is_meant_in_its_forms_as_a_name_and_as_the_beginning_of_one() -> None:
    [clause] = text_wanted("водію", persons=True, now=NOW).clauses
    assert {Term("водій"), Term("@водій"), Term("@водію", prefix=True)} <= clause


def test_who_may_not_know_persons_means_neither_names_nor_telephones() -> None:
    for text in ("водію", "0501234567", "4567"):
        wanted = text_wanted(text, persons=False, now=NOW)
        assert wanted.phone is None
        assert not any(term.text[0] in "@#" for clause in wanted.clauses for term in clause)


def test_a_telephone_is_meant_whole_and_by_its_end() -> None:
    wanted = phone_wanted("8 050 123-45-67")
    assert wanted.phone == "+380501234567"
    assert wanted.clauses == (frozenset({Term("#76543210508", prefix=True), Term("#765432105083", prefix=True)}),)


def test_six_digits_may_be_a_telephone_or_a_registration_number_of_the_last_ten_years() -> None:
    wanted = text_wanted("588888", persons=True, now=NOW)
    assert wanted.phone == "+380372588888"
    assert {"2026-588888", "2016-588888", "2027-588888"} <= set(wanted.numbers)


@pytest.mark.parametrize("text", ["вода", "1234567", "2026-", "1026-000001", "000123 вода", "0001234"])
def test_what_is_no_registration_number_is_none(text: str) -> None:
    assert number_wanted(text, NOW) == Wanted()


def test_the_terms_of_an_appeal_keep_words_persons_and_telephones_apart() -> None:
    one = appeal("one", description="вода", applicant="Мовчан", caller_number="+380501234567")
    assert terms_of(one) == {"вода", "@мовчан", "#765432105083"}


def test_a_number_that_is_not_e164_is_known_by_its_digits() -> None:
    assert terms_of(appeal("one", caller_number_raw="0501234567")) == {"#7654321050"}
    assert terms_of(appeal("one", caller_number_raw="102")) == frozenset()


@pytest.mark.parametrize(
    ("changed", "needed"),
    [
        ({"status": Status.CLOSED}, False),
        ({"service": "vodokanal"}, False),
        ({"description": "вода"}, True),
        ({"report": "полагодили"}, True),
        ({"applicant": "Марія"}, True),
        ({"applicant_phone": "+380501234567"}, True),
        ({"address": "Головна"}, True),
    ],
)
def test_only_what_is_searched_for_is_indexed_again(changed: dict[str, str], needed: bool) -> None:
    before = appeal("one")
    assert needs_index(before, replace(before, **changed)) is needed  # type: ignore[arg-type]


def test_a_new_appeal_and_a_draft_that_becomes_one_are_indexed() -> None:
    draft = appeal("one", status=Status.NEW)
    assert needs_index(None, draft)
    assert needs_index(draft, replace(draft, status=Status.REGISTERED))


@given(st.sampled_from(Order), st.datetimes(timezones=st.just(UTC)), st.text(min_size=1, max_size=40))
def test_a_cursor_comes_back_as_it_went(order: Order, at: datetime, appeal_id: str) -> None:
    cursor = Cursor(order, at, appeal_id)
    text = str(cursor)
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()
    assert Cursor.parse(text, order) == cursor


@given(st.text(max_size=100))
def test_any_other_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(BadQueryError):
        Cursor.parse(text, Order.NEWEST)


def test_a_span_has_its_beginning_and_not_its_end() -> None:
    later = NOW + timedelta(hours=1)
    span = Between(NOW.astimezone(timezone(timedelta(hours=2))), later)
    assert [NOW in span, later in span, None in span] == [True, False, False]
    assert later in Between(since=NOW)
    assert not Between()


def test_what_somebody_may_compare_follows_from_what_they_see() -> None:
    def of(*roles: Role, service: str | None = None, desks: frozenset[str] = frozenset()) -> Scope:
        return Scope.of(Actor("somebody", frozenset(roles), service, desks))

    assert of(Role.OPERATOR, desks=frozenset({"violence"})) == Scope(None, frozenset({"violence"}), persons=True)
    assert of(Role.EXECUTOR, service="lifts") == Scope("lifts", frozenset(), persons=True)
    assert of(Role.MAYOR) == Scope(None, frozenset(), persons=False)
    assert of(Role.SYSTEM) == Scope(None, None, persons=True)
    assert of(Role.ADMINISTRATOR).nothing
    assert of(Role.EXECUTOR).nothing
