"""The loop behind the outbox: what was announced leaves, in order, once as far as the peer allows.

One lane for each peer, one message at a time: a peer that is slow or down holds up nobody else. A lane opens its
sender, claims a row (committed), sends, and commits what became of it. If the process dies between the two, the next
start decides by ``Sender.recognises``: a peer that tells a repeated message by its id gets it again, otherwise it
becomes a dead letter for a person to decide on, because it may have been delivered.
"""

import asyncio
import random
import sqlite3
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from appeals.ports import Clock, Tx
from contact_centre import outbox, outbox_queries
from contact_centre.health import Metrics
from contact_centre.message_settings import MessageSettings
from contact_centre.outbox import Delivered, Message
from contact_centre.probes import Finding
from contact_centre.senders.ports import Accepted, Permanent, Sender, Temporary, Uncertain, Unreachable
from contact_centre.writer import SqliteTx, Writer, WriterClosedError

IDLE_S: Final = 1.0
"""How often a lane looks for what is due by now, or was put by another process."""
SWEEP_S: Final = 5.0
GRACE_S: Final = 1.0
"""How long a stop waits for the message that is being sent."""
TROUBLED: Final = 5
"""So many failures in a row are the peer's, whatever it says about each message."""
LONGEST_PAUSE: Final = timedelta(minutes=1)
"""How long a peer that is down is left alone at most: what waits leaves within this once it is back."""
LONGEST_RETRY: Final = timedelta(hours=1)
NO_SENDER: Final = "no sender configured"
CUT_OFF: Final = "in doubt: the service stopped while it was being sent"

_PASSING: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)
"""Errors of the database that are the disk's or another program's, and end."""

OnDelivered = Callable[[Tx, Delivered], None]
"""Called in the transaction that marks a message delivered; may be called again for a message that is replayed."""

_log = structlog.get_logger()


def retry_after(attempts: int, jitter: float = 0.0) -> timedelta:
    """How long one message waits after so many attempts: 1 min, 2, 4, ... an hour; up to a fifth more by ``jitter``.

    RFC 5321, 4.5.4.1 asks mail clients for about half an hour; greylisting ends after some minutes.
    """
    return min(LONGEST_RETRY, timedelta(minutes=2 ** min(max(attempts, 1) - 1, 6))) * (1 + jitter / 5)


@dataclass(slots=True)
class Circuit:
    """Whether a peer is to be left alone: opens when it is down or fails time and again, closes when it takes one."""

    reason: str | None = None
    until: datetime | None = None
    _failures: int = field(default=0)
    _downs: int = field(default=0)

    def is_open(self, now: datetime) -> bool:
        """Whether the peer is left alone at ``now``."""
        return self.until is not None and now < self.until

    def down(self, now: datetime, reason: str, at_least: timedelta | None = None, jitter: float = 0.0) -> datetime:
        """The peer takes nothing: leave it alone for 2 s, 4 s, ... a minute. Returns until when."""
        self._downs += 1
        pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(self._downs, 6))) * (1 + jitter / 5)
        self.reason, self.until = reason, now + max(pause, min(at_least or pause, LONGEST_RETRY))
        return self.until

    def failed(self, now: datetime, reason: str, jitter: float = 0.0) -> None:
        """One message failed, perhaps not by its own fault."""
        self._failures += 1
        if self._failures >= TROUBLED:
            self.down(now, reason, jitter=jitter)

    def works(self) -> None:
        """The peer has dealt with a message."""
        self.reason, self.until, self._failures, self._downs = None, None, 0, 0


@dataclass(slots=True)
class _Lane:
    peer: str
    sender: Sender
    circuit: Circuit = field(default_factory=Circuit)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


def _is_stopping() -> bool:
    """Whether the task that asks was cancelled.

    A library may have swallowed it: before Python 3.12 ``asyncio.wait_for``, which aiosmtplib uses, does so when the
    answer comes in the same moment.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Dispatcher:
    """Runs the lanes; says how they are."""

    def __init__(
        self,
        settings: MessageSettings,
        senders: Mapping[str, Sender],
        engine: AsyncEngine,
        writer: Writer,
        clock: Clock,
        metrics: Metrics,
        on_delivered: OnDelivered,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._max_age = timedelta(hours=settings.max_age_hours)
        self._alarm_after = timedelta(minutes=settings.alarm_after_minutes)
        self._lanes = {peer: _Lane(peer, sender) for peer, sender in senders.items()}
        self._engine = engine
        self._writer = writer
        self._clock = clock
        self._metrics = metrics
        self._on_delivered = on_delivered
        self._jitter = jitter
        self._backlog = outbox_queries.Backlog()

    def wake(self) -> None:
        """Call it when a message may have been put."""
        for lane in self._lanes.values():
            lane.wake.set()

    def finding(self) -> Finding:
        """Whether announcements leave."""
        now = self._clock.now()
        waiting = self._backlog.waiting
        seen = f"{sum(one.count for one in waiting)} messages wait, {self._backlog.dead} are dead letters"
        late = [self._late(one) for one in waiting if now - one.since > self._alarm_after]
        off = [f"{one.peer}: {one.count}, {NO_SENDER}" for one in waiting if one.peer not in self._lanes]
        if late or off or self._backlog.dead:
            remedy = "nothing is lost: mend the reason; `contact-centre messages list --dead`, then replay or discard"
            return Finding("messages", ok=False, seen="; ".join([seen, *off, *late]), remedy=remedy)
        return Finding("messages", ok=True, seen=seen)

    def _late(self, waiting: outbox_queries.Waiting) -> str:
        lane = self._lanes.get(waiting.peer)
        reason = lane.circuit.reason if lane is not None else None
        return f"{waiting.peer}: since {waiting.since:%Y-%m-%dT%H:%MZ}" + (f", {reason}" if reason else "")

    async def run(self) -> None:
        """Send for ever; first decide on what a sudden stop cut off."""
        await self._recover()
        async with asyncio.TaskGroup() as running:
            running.create_task(self._sweep_for_ever())
            for lane in self._lanes.values():
                running.create_task(self._serve(lane))

    async def _recover(self) -> None:
        again = [peer for peer, lane in self._lanes.items() if lane.sender.recognises]
        while True:
            try:
                cut_off = await self._writer.run(lambda tx: outbox.recover(tx, again, self._clock.now(), CUT_OFF))
            except Exception:  # noqa: BLE001
                _log.exception("messages that the last stop cut off cannot be decided on yet, will try again")
                await asyncio.sleep(IDLE_S)
            else:
                break
        if cut_off:
            _log.warning("messages were being sent when the service stopped", count=cut_off)

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001
                _log.exception("looking after waiting messages failed, will try again")
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Give up what is too old, note what nobody sends, count what waits."""
        now = self._clock.now()
        await self._look()
        before = now - self._max_age
        if any(one.since < before for one in self._backlog.waiting):
            for peer in await self._writer.run(lambda tx: outbox.expire(tx, before, now)):
                self._count(peer, "expired")
            await self._look()
        for one in self._backlog.waiting:
            if one.peer not in self._lanes:
                await self._writer.run(lambda tx, peer=one.peer: outbox.note(tx, peer, NO_SENDER))  # type: ignore[misc]
        self._metrics.messages_waiting.set(sum(one.count for one in self._backlog.waiting))
        self._metrics.messages_dead.set(self._backlog.dead)

    async def _look(self) -> None:
        async with self._engine.connect() as connection:
            self._backlog = await outbox_queries.backlog(connection)

    async def _serve(self, lane: _Lane) -> None:
        while True:
            lane.wake.clear()
            try:
                await self._drain(lane)
            except Exception:  # noqa: BLE001
                _log.exception("sending messages failed, will try again", peer=lane.peer)
            if _is_stopping():
                return
            try:
                async with asyncio.timeout(IDLE_S):
                    await lane.wake.wait()
            except TimeoutError:
                pass

    async def _drain(self, lane: _Lane) -> None:
        """Send what is due to a peer, until nothing is or the peer fails."""
        if lane.circuit.is_open(self._clock.now()) or not await self._is_due(lane.peer):
            return
        try:
            while not (lane.circuit.is_open(self._clock.now()) or _is_stopping()):
                refused = await lane.sender.open()
                if refused is not None:
                    self._down(lane, refused)
                    return
                now = self._clock.now()
                message = await self._writer.run(lambda tx, now=now: outbox.claim(tx, lane.peer, now))  # type: ignore[misc]
                if message is None:
                    return
                await self._finish(self._deliver(lane, message))
        finally:
            await lane.sender.close()

    async def _is_due(self, peer: str) -> bool:
        async with self._engine.connect() as connection:
            return await outbox_queries.is_due(connection, peer, self._clock.now())

    async def _finish(self, delivery: Coroutine[Any, Any, None]) -> None:
        """See a delivery through, also when the service is being stopped, unless the peer takes too long."""
        task = asyncio.create_task(delivery)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=GRACE_S)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise

    async def _deliver(self, lane: _Lane, message: Message) -> None:
        """Send a claimed message and keep what became of it."""
        try:
            result = await lane.sender.send(message.outgoing)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message may have left; its text is personal
            _log.error("a sender failed", peer=lane.peer, stack=traceback.format_tb(error.__traceback__))
            result = Uncertain(f"a fault of ours: {type(error).__name__}")
        now = self._clock.now()
        if isinstance(result, Accepted):
            lane.circuit.works()
            await self._keep_delivered(message, result, now)
        else:
            await self._keep_failed(lane, message, result, now)
        kind = type(result).__name__.lower()
        if not isinstance(result, Unreachable):  # counted where the peer is found to be down
            self._count(lane.peer, kind)
        say = _log.info if isinstance(result, Accepted) else _log.warning
        reason = None if isinstance(result, Accepted) else result.reason
        say("message sent", message_id=message.message_id, peer=lane.peer, result=kind, reason=reason)

    async def _keep_delivered(self, message: Message, result: Accepted, now: datetime) -> None:
        proof = Delivered(
            message.message_id, message.event_id, message.appeal_id, message.duty_id, message.channel, now
        )

        def close_duty(tx: SqliteTx) -> None:
            outbox.delivered(tx, message.message_id, now, result.provider_id)
            self._on_delivered(tx, proof)

        try:
            await self._keep(close_duty)
        except WriterClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - it was delivered whatever the register makes of it
            _log.exception("the register did not take a delivery", message_id=message.message_id)
            note = f"delivered, but not kept as evidence: {type(error).__name__}"
            await self._keep(lambda tx: outbox.delivered(tx, message.message_id, now, result.provider_id, note))

    async def _keep_failed(
        self, lane: _Lane, message: Message, result: Temporary | Permanent | Unreachable | Uncertain, now: datetime
    ) -> None:
        until: datetime | None = now + retry_after(message.attempts, self._jitter())
        match result:
            case Permanent():
                lane.circuit.works()
                until = None
            case Temporary():
                lane.circuit.failed(now, result.reason, self._jitter())
            case Uncertain():
                lane.circuit.failed(now, result.reason, self._jitter())
                until = until if lane.sender.recognises else None
            case Unreachable():
                until = self._down(lane, result)
        kind = type(result).__name__.lower()
        why = f"{kind}: {result.reason} {result.detail}".strip()

        def keep(tx: SqliteTx) -> None:
            if until is None:
                outbox.died(tx, message.message_id, why)
            else:
                outbox.back(tx, message.message_id, until, why)
            outbox.log(tx, message.message_id, now, kind, f"{result.reason} {result.detail}".strip())

        await self._keep(keep)

    async def _keep(self, job: Callable[[SqliteTx], None]) -> None:
        """Commit what became of a message, however long the database cannot be written: nobody else knows it."""
        while True:
            try:
                return await self._writer.run(job)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _PASSING:
                    raise
                _log.error("what became of a message cannot be kept yet", error=str(error))
                await asyncio.sleep(IDLE_S)

    def _down(self, lane: _Lane, refused: Unreachable) -> datetime:
        if lane.circuit.reason != refused.reason:
            _log.warning("a peer takes no messages", peer=lane.peer, reason=refused.reason)
        self._count(lane.peer, "unreachable")
        return lane.circuit.down(self._clock.now(), refused.reason, refused.retry_after, self._jitter())

    def _count(self, peer: str, result: str) -> None:
        self._metrics.messages.labels(peer, result).inc()
