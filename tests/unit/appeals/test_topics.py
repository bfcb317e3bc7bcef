"""What an operator types, and which categories are offered."""

import pytest

from appeals import topics
from appeals.reference_store import shipped

CITY = shipped()


def found(text: str) -> list[str]:
    return [one.code for one in topics.suggest(text, CITY)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("лі", "housing.lift"),
        ("ліфт", "housing.lift"),
        ("ліфту", "housing.lift"),
        ("немає св", "emergency.no_power"),
        ("немає води", "emergency.no_water"),
        ("витік", "emergency.burst_main"),
        ("тролейбуси", "transport.trolleybus"),
        ("manhole", "emergency.open_manhole"),
    ],
)
def test_the_beginning_of_a_word_or_another_form_of_it_leads_to_its_category(typed: str, first: str) -> None:
    assert first in found(typed)[:3]


@pytest.mark.parametrize("typed", ["", "л", "  ", "квазар", "ліфт квазар", "!?"])
def test_what_says_nothing_or_of_which_a_word_fits_nowhere_offers_nothing(typed: str) -> None:
    assert found(typed) == []


def test_a_group_offers_its_categories_after_those_that_are_called_so() -> None:
    offered = found("аварії")
    assert offered
    assert all(CITY.categories[code].parent is not None for code in offered)
    assert len(offered) <= 8
