"""The city's lines and the numbers that reach them."""

from itertools import chain

from telephony.core.lines import LINES


def test_no_number_reaches_two_lines() -> None:
    numbers = list(chain.from_iterable(LINES.values()))

    assert len(numbers) == len(set(numbers))


def test_588_888_is_reached_in_every_form_in_which_it_is_dialled() -> None:
    assert set(LINES["588-888"]) == {"588888", "0372588888", "380372588888", "+380372588888"}
