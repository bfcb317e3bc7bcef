"""Hours as somebody types them: when a specialist is there, and until when that stays so."""

from datetime import date, datetime, time

import pytest

from appeals.reference import CITY_TIME, Calendar, Hours
from contact_centre.hours import changes_at, days_told, parse

OFFICE = Hours({day: ((time(8), time(12)), (time(13), time(17))) for day in range(1, 6)})
CALENDAR = Calendar(OFFICE, {date(2026, 11, 25): None}, years=frozenset({2026}))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Of November 2026, whose 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=CITY_TIME)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("24/7", {(1, 7): "00:00–24:00"}),
        ("office", {(1, 5): "08:00–12:00, 13:00–17:00"}),
        ("mon-fri 08:00-20:00", {(1, 5): "08:00–20:00"}),
        ("08:00-20:00 mon-fri", {(1, 5): "08:00–20:00"}),
        (
            "mon-thu 08:00-12:00 13:00-17:00, fri 08:00-12:00",
            {(1, 4): "08:00–12:00, 13:00–17:00", (5, 5): "08:00–12:00"},
        ),
        ("mon 09:00-10:00;  wed 09:00-10:00", {(1, 1): "09:00–10:00", (3, 3): "09:00–10:00"}),
    ],
)
def test_what_is_typed_is_a_week(text: str, told: dict[tuple[int, int], str]) -> None:
    assert days_told(parse(text, CALENDAR)) == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "always",
        "08:00-20:00",
        "mon-fri",
        "mon 08:00",
        "mon 20:00-08:00",
        "mon tue 08:00-09:00",
        "mon-fri 8-20",
        "mon 08:00-09:00, mon 10:00-11:00",
        "mon-fri 08:00-09:00, fri 10:00-11:00",
        "fri-mon 08:00-09:00",
    ],
)
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text, CALENDAR)


@pytest.mark.parametrize(
    ("text", "now", "there", "until"),
    [
        ("office", at(23, 10), True, at(23, 12)),
        ("office", at(23, 12), False, at(23, 13)),
        ("office", at(24, 18), False, at(26, 8)),  # the 25th is a day off of the city's
        ("mon-fri 08:00-12:00 13:00-17:00", at(24, 18), False, at(26, 8)),  # they are the city's own hours
        ("mon-fri 08:00-20:00", at(24, 21), False, at(25, 8)),
        ("mon-fri 08:00-20:00", at(27, 20), False, at(30, 8)),
        ("mon 22:00-24:00, tue 00:00-06:00", at(23, 23), True, at(24, 6)),
        ("24/7", at(23, 3), True, None),
        ("sun 10:00-11:00", at(29, 10, 30), True, at(29, 11)),
    ],
)
def test_somebody_is_there_or_not_and_for_how_long(
    text: str, now: datetime, there: bool, until: datetime | None
) -> None:
    assert changes_at(parse(text, CALENDAR), now, CALENDAR) == (there, until)
