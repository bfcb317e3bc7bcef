"""The loop behind services that do not accept: climbs their ladders (``appeals.escalation``), each rung once."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from appeals import escalation
from appeals.messages import MessageChannel
from appeals.ports import Clock, Outbox, Tx
from appeals.reference import Reference
from contact_centre.config import Settings
from contact_centre.writer import SqliteTx, Writer

EVERY_S: Final = 15.0
"""How often it is looked whose time is over; ladders are in minutes."""

_log = structlog.get_logger()


def channels(settings: Settings) -> frozenset[MessageChannel]:
    """The ways out that are set up."""
    ways = {MessageChannel.EMAIL: settings.messages.email, MessageChannel.SMS: settings.messages.sms}
    return frozenset(channel for channel, way in ways.items() if way is not None)


class Reminders:
    """Tells those on the ladder, in transactions of the writer."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        reference: Callable[[Tx], Reference],
        outbox: Outbox,
        ways_out: frozenset[MessageChannel],
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._reference = reference
        self._outbox = outbox
        self._ways_out = ways_out

    async def run(self) -> None:
        """Look for ever; after a failure, again."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - whatever it is, nobody was told twice and the next round tells them
                _log.exception("services that do not accept were not reminded, will try again")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Tell everybody whose time has come."""

        def climb(tx: SqliteTx) -> list[tuple[str, escalation.Alert]]:
            return escalation.climb(tx, self._clock.now(), self._reference, self._outbox, self._ways_out)

        for duty_id, alert in await self._writer.run(climb):
            _log.warning("appeal not accepted in time", duty_id=duty_id, rung=alert.rung, way=alert.way.value)
