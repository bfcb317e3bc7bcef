"""Which ids calls have been given: Asterisk may use a uniqueid again, and then it names another call."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from telephony.core.call import Call

KNOWN_CALLS: Final = 10_000
"""So many ids of calls are remembered, to tell a uniqueid that Asterisk used again from a record that changed."""


class CallIds:
    """The newest ``KNOWN_CALLS`` ids, and when the call of each began."""

    __slots__ = ("_started",)

    def __init__(self) -> None:
        self._started: dict[str, datetime] = {}

    def remember(self, calls: Iterable[tuple[str, datetime]]) -> None:
        """Ids already given and when those calls started, oldest first."""
        for call_id, started_at in calls:
            self._remember(call_id, started_at)

    def distinct(self, call: Call) -> Call:
        """The call itself; with an id of its own if another call had this one before."""
        if self._remember(call.call_id, call.started_at) == call.started_at:
            return call
        own = f"{call.call_id}@{int(call.started_at.timestamp())}"
        return replace(call, call_id=own, anomalies=(*call.anomalies, "uniqueid_reused"))

    def _remember(self, call_id: str, started_at: datetime) -> datetime:
        if len(self._started) >= KNOWN_CALLS and call_id not in self._started:
            del self._started[next(iter(self._started))]
        return self._started.setdefault(call_id, started_at)
