import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appeals.numbers import Number, NumberKind, NumberPlan, format_number, mask_number, parse_number

CITY = Number(NumberKind.NATIONAL, "+380372588888")
MOBILE = Number(NumberKind.NATIONAL, "+380501234567")


@pytest.mark.parametrize(
    "raw",
    [
        "588888",
        "588-888",
        "0372588888",
        "372588888",
        "380372588888",
        "+380372588888",
        "(0372) 58-88-88",
        "80372588888",
        "+380372588888;phone-context=x",
        "+380372588888@10.0.0.1",
    ],
)
def test_a_city_number_in_every_form_is_one_number(raw: str) -> None:
    assert parse_number(raw) == CITY


@pytest.mark.parametrize(
    "raw",
    [
        "0501234567",
        "501234567",
        "380501234567",
        "+380501234567",
        "00380501234567",
        "80501234567",
        "810380501234567",
        " 050 123-45-67 ",
        "+38\N{NO-BREAK SPACE}050.123.45.67",
    ],
)
def test_a_mobile_number_in_every_form_is_one_number(raw: str) -> None:
    assert parse_number(raw) == MOBILE


def test_local_numbers_belong_to_the_city_of_the_plan() -> None:
    assert parse_number("588888", NumberPlan(area_code="322")).e164 == "+380322588888"


def test_a_national_number_of_a_range_unknown_to_the_library_is_a_number() -> None:
    assert parse_number("0311234567") == Number(NumberKind.NATIONAL, "+380311234567")


@pytest.mark.parametrize("raw", ["+48221234567", "48221234567", "0048221234567", "81048221234567"])
def test_a_foreign_number_is_told_apart(raw: str) -> None:
    assert parse_number(raw) == Number(NumberKind.FOREIGN, "+48221234567")


@pytest.mark.parametrize(
    ("plan", "raw", "expected"),
    [
        (NumberPlan("PL", "48", "22", 7), "221234567", Number(NumberKind.NATIONAL, "+48221234567")),
        (NumberPlan("PL", "48", "22", 7), "+380501234567", Number(NumberKind.FOREIGN, "+380501234567")),
    ],
)
def test_another_countrys_plan_reads_its_own_numbers_as_national(plan: NumberPlan, raw: str, expected: Number) -> None:
    assert parse_number(raw, plan) == expected


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("anonymous", NumberKind.WITHHELD),
        ("Anonymous@anonymous.invalid", NumberKind.WITHHELD),
        ("Restricted", NumberKind.WITHHELD),
        ("", NumberKind.UNAVAILABLE),
        (None, NumberKind.UNAVAILABLE),
        ("  ", NumberKind.UNAVAILABLE),
        ("unknown", NumberKind.UNAVAILABLE),
        ("1580", NumberKind.SHORT),
        ("15-80", NumberKind.SHORT),
        ("101", NumberKind.SHORT),
        ("116111", NumberKind.SHORT),
        ("+380", NumberKind.SHORT),
        ("0900123456", NumberKind.INVALID),
        ("+", NumberKind.INVALID),
        ("++380501234567", NumberKind.INVALID),
        ("0000000000", NumberKind.INVALID),
        ("+00000000000", NumberKind.INVALID),
        ("1234567", NumberKind.INVALID),
        ("٠٥٠١٢٣٤٥٦٧", NumberKind.INVALID),
        ("0800FLOWERS", NumberKind.INVALID),
        ("0" * 5000, NumberKind.INVALID),
        ("'; DROP TABLE appeals; --", NumberKind.INVALID),
        ("$(reboot)", NumberKind.INVALID),
        ("\x01%0d%0a\r\n", NumberKind.INVALID),
        ('\\"', NumberKind.INVALID),
        ("oksana", NumberKind.INVALID),
    ],
)
def test_what_cannot_be_called_has_no_e164_and_says_why(raw: str | None, kind: NumberKind) -> None:
    assert parse_number(raw) == Number(kind)


@given(st.one_of(st.text(), st.text(string.digits + "+-() ;@", max_size=20)))
def test_any_string_is_read_without_an_exception_and_the_answer_is_stable(raw: str) -> None:
    number = parse_number(raw)
    assert (number.e164 is not None) == (number.kind in {NumberKind.NATIONAL, NumberKind.FOREIGN})
    if number.e164 is not None:
        assert parse_number(number.e164) == number
        assert 8 <= len(number.e164) <= 16


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+380501234567", "+380 50 123 45 67"),
        ("+380372588888", "+380 372 588 888"),
        ("+48221234567", "+48 22 123 45 67"),
        ("not a number", "not a number"),
    ],
)
def test_a_number_is_shown_as_people_read_it(e164: str, shown: str) -> None:
    assert format_number(e164) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+380501234567", "+380*****4567"),
        ("380501234567", "380*****4567"),
        ("0501234567", "******4567"),
        ("588888", "****88"),
        ("+48221234567", "+482****4567"),
        ("1580", "1580"),
        ("anonymous", "-"),
        ("", "-"),
        (None, "-"),
    ],
)
def test_a_number_in_a_log_hides_its_middle(number: str | None, shown: str) -> None:
    assert mask_number(number) == shown


@given(st.text())
def test_a_mask_shows_no_text_and_few_digits(text: str) -> None:
    shown = mask_number(text)
    assert set(shown) <= set("+*-" + string.digits)
    assert sum(character in string.digits for character in shown) <= 7
