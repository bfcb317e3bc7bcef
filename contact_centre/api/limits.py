"""How many requests a token may make: a bucket of so many for a minute, refilled all the time. Pure."""

import math
from dataclasses import dataclass
from typing import Final

_MINUTE: Final = 60.0
BURST: Final = 0.1
"""The part of a minute's requests that may come at once."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class RateLimits:
    """Counts requests by token. Times are seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, token_id: str, per_minute: int, now: float) -> int:
        """Take a request out of the token's bucket: 0, or after how many seconds there is one again."""
        room = max(1.0, per_minute * BURST)
        bucket = self._buckets.setdefault(token_id, _Bucket(room, now))
        bucket.level = min(room, bucket.level + (now - bucket.at) * per_minute / _MINUTE)
        bucket.at = now
        if bucket.level < 1:
            return math.ceil((1 - bucket.level) * _MINUTE / per_minute)
        bucket.level -= 1
        return 0
