"""The real clock; see the ``Clock`` ports."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)
