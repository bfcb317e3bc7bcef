"""Times and durations as people in the city read them."""

from datetime import date, datetime

from appeals.reference import CITY_TIME


def moment(at: datetime | None) -> str:
    """A time as people in the city read it."""
    return "" if at is None else f"{at.astimezone(CITY_TIME):%d.%m.%Y %H:%M}"


def day(at: date | None) -> str:
    """A day as people in the city read it."""
    return "" if at is None else f"{at:%d.%m.%Y}"


def duration(seconds: float | None) -> str:
    """A duration as people read it: ``1:05``, ``0:04``, ``1:00:00``."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
