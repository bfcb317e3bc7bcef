"""The loop behind the ledger: read, fold, keep, and what follows from it, one transaction a batch."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from contact_centre import casework
from contact_centre.health import Metrics
from contact_centre.probes import Finding
from contact_centre.writer import SqliteTx, Writer
from telephony.core.call import CallChanged
from telephony.ingest import Batch, Ingest, ToE164, committed
from telephony.ports import Clock

POLL_S: Final = 0.05
"""New lines are read within this, well below the 100 ms that a screen-pop may cost."""
FIRST_RETRY_S: Final = 0.2
LAST_RETRY_S: Final = 10.0

_log = structlog.get_logger()


class LedgerFollower:
    """Keeps the database behind the ledger by at most a moment, whatever stops in between."""

    def __init__(
        self,
        ingest: Ingest,
        writer: Writer,
        to_e164: ToE164,
        clock: Clock,
        metrics: Metrics,
        audio_due: Callable[[], None],
        max_lag_s: float,
        recorded: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        """``audio_due`` is told that recordings can be finalised, ``recorded`` of which calls something was kept."""
        self._ingest = ingest
        self._writer = writer
        self._to_e164 = to_e164
        self._clock = clock
        self._metrics = metrics
        self._audio_due = audio_due
        self._recorded = recorded
        self._max_lag = timedelta(seconds=max_lag_s)
        self._trouble: str | None = None
        self._up_to_date_at = clock.now()
        self.caught_up_at: datetime | None = None
        """When the ledger was last read to its end; None before the first time. What it held then is kept."""

    def finding(self) -> Finding:
        """Whether the ledger is being followed, and not too far behind."""
        lag = f"{self._ingest.lag_bytes()} bytes behind the ledger"
        behind = self._clock.now() - self._up_to_date_at
        late = behind > self._max_lag
        if self._trouble is None and not late:
            return Finding("ingest", ok=True, seen=lag)
        seen = self._trouble or f"{lag}, not up to date for {behind.total_seconds():.0f} s"
        remedy = "nothing is lost: the facts wait in the ledger and are read as soon as this is mended"
        return Finding("ingest", ok=False, seen=seen, remedy=remedy)

    async def run(self) -> None:
        """Follow for ever; after any failure begin again from what is committed."""
        wait = FIRST_RETRY_S
        while True:
            try:
                await self._follow()
            except asyncio.CancelledError:
                self._ingest.close()
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the ledger stays and we come back
                progressed, self._trouble = self._trouble is None, f"{type(error).__name__}: {error}"
                wait = FIRST_RETRY_S if progressed else min(LAST_RETRY_S, wait * 2)
                _log.error("ledger not followed, will try again", error=self._trouble, wait_s=wait, exc_info=progressed)
                await asyncio.sleep(wait)

    async def _follow(self) -> None:
        known = await self._writer.run(committed)
        for file in await asyncio.to_thread(self._ingest.restore, known):
            _log.warning(
                "a ledger file is gone; what it held beyond the position, if anything, was not read",
                file=file.name,
                position=file.position,
                remedy="put it back beside the ledger, if it was longer",
            )
        while True:
            batch = await asyncio.to_thread(self._ingest.read)
            if batch is None:
                self._trouble = None
                self._up_to_date_at = self.caught_up_at = self._clock.now()
                self._metrics.ledger_lag.set(self._ingest.lag_bytes())
                await asyncio.sleep(POLL_S)
                continue
            outcome = await self._writer.run(lambda tx, batch=batch: self._keep(tx, batch))  # type: ignore[misc]
            self._ingest.committed(batch)
            self._trouble = None
            self._recorded(change.call.call_id for change in batch.changes)
            self._count(batch, outcome)

    def _keep(self, tx: SqliteTx, batch: Batch) -> casework.Outcome:
        changes = self._ingest.apply(tx, batch)
        return casework.apply(tx, changes, self._to_e164)

    def _count(self, batch: Batch, outcome: casework.Outcome) -> None:
        now = self._clock.now()
        self._metrics.facts.inc(batch.facts)
        self._metrics.quarantined.inc(len(batch.bad))
        for position, _, reason in batch.bad:
            _log.error("ledger line quarantined", file=batch.file.name, position=position, reason=reason)
        for _, bridged_at in outcome.drafted:
            self._metrics.drafts.inc()
            self._metrics.bridge_to_draft.observe(max(0.0, (now - bridged_at).total_seconds()))
        over = [change for change in batch.changes if change.over]
        if any(change.call.recorded_from is not None for change in over):
            self._audio_due()
        _log_calls(over, self._metrics)


def _log_calls(over: Sequence[CallChanged], metrics: Metrics) -> None:
    for change in over:
        call = change.call
        metrics.calls_over.labels(call.line or "", call.queue_outcome.value).inc()
        _log.info(
            "call over",
            call_id=call.call_id,
            line=call.line,
            outcome=call.queue_outcome.value,
            operator=call.operator,
            caller_number=call.caller_number_raw,
            wait_time=call.wait_time,
            talk_time=call.talk_time,
            recovered=call.recovered,
            anomalies=list(call.anomalies),
        )
