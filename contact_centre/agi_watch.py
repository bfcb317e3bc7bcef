"""How FastAGI fares: counted for Prometheus, told by ``/healthz``, and logged, but never once for every stranger."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter

from contact_centre.probes import Finding
from telephony.links.fastagi import Ended, Outcome
from telephony.ports import Clock

UNWELL_FOR: Final = timedelta(minutes=1)
"""How long a call that went on without us is told by ``/healthz``."""
LOG_EVERY: Final = timedelta(seconds=10)
"""Of each outcome one line at most within this; the counter has them all."""

_OURS: Final = frozenset({Outcome.FAILED, Outcome.LATE, Outcome.BUSY, Outcome.NO_ROUTE})
"""Ends that a citizen had because of us; the others are strangers, or callers who hung up."""

_log = structlog.get_logger()


class AgiWatch:
    """Is told the end of every FastAGI connection."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._sessions = Counter(
            "contact_centre_fastagi_sessions", "FastAGI connections by how they ended", ["outcome"], registry=registry
        )
        self._counters = {outcome: self._sessions.labels(outcome.value) for outcome in Outcome}
        self._logged: dict[Outcome, datetime] = {}
        self._last: tuple[datetime, str] | None = None

    def ended(self, end: Ended) -> None:
        """Count and, now and then, log."""
        self._counters[end.outcome].inc()
        if end.outcome in {Outcome.SERVED, Outcome.HUNG_UP}:
            return
        now = self._clock.now()
        if end.outcome in _OURS:
            self._last = (now, f"{end.outcome.value}: {end.reason}")
        if now - self._logged.get(end.outcome, datetime.min.replace(tzinfo=now.tzinfo)) >= LOG_EVERY:
            self._logged[end.outcome] = now
            say = _log.error if end.outcome in _OURS else _log.info
            call_id = end.request.argument(2) if end.request is not None else None
            say("fastagi session not served", outcome=end.outcome.value, reason=end.reason, call_id=call_id)

    def finding(self) -> Finding:
        """Whether the calls of the last minute were told who calls."""
        if self._last is None or self._clock.now() - self._last[0] > UNWELL_FOR:
            return Finding("fastagi", ok=True, seen="every call was told who calls")
        remedy = "the calls went on with defaults; see the log for the reason"
        return Finding("fastagi", ok=False, seen=f"a call went on without us ({self._last[1]})", remedy=remedy)
