"""Calls that pages ask for: checked and stored at once, placed while nobody waits for it."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from appeals.ports import Clock
from contact_centre import outbound
from contact_centre.config import Settings
from contact_centre.writer import SqliteTx, Writer
from telephony.outbound import NotPlacedError, OutboundCall
from telephony.switchboard import Switchboard
from telephony.wire.ami import AmiError

_log: Final = structlog.get_logger()


class Calling:
    """Rings an operator and then whom they want to speak with.

    What becomes of it is noted with the request (``outbound_results``); if we die meanwhile, or Asterisk does not say,
    the ledger tells.
    """

    def __init__(self, settings: Settings, writer: Writer, clock: Clock, switchboard: Switchboard) -> None:
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._switchboard = switchboard
        self._placing: set[asyncio.Task[None]] = set()

    async def call(
        self, number: str, operator: str, purpose: str | None, before: Callable[[SqliteTx], object] | None = None
    ) -> OutboundCall:
        """Ask for a call. It is stored when this returns, and the operator's telephone is about to ring.

        Args:
            number: as it was typed, or as the register has it.
            operator: the login of who calls.
            purpose: ``duty:<id>``, ``appeal:<id>`` or None.
            before: what must succeed for the call to be made, in the same transaction.

        Raises:
            contact_centre.outbound.CallRefusedError: The call may not be made.
        """

        def intend(tx: SqliteTx) -> OutboundCall:
            if before is not None:
                before(tx)
            at = self._clock.now()
            return outbound.intend(tx, self._settings, number=number, operator=operator, purpose=purpose, at=at)

        wanted = await self._writer.run(intend)
        task = asyncio.create_task(self._place(wanted))
        self._placing.add(task)
        task.add_done_callback(self._placing.discard)
        return wanted

    def close(self) -> None:
        """The service stops: what Asterisk has been asked for goes on."""
        for task in self._placing:
            task.cancel()

    async def _place(self, call: OutboundCall) -> None:
        try:
            result = await self._switchboard.place(call)
        except NotPlacedError as error:
            _log.warning("a call was not placed", call_id=call.call_id, result=error.result.value, error=str(error))
            result = error.result
        except AmiError as error:
            _log.warning("what became of a call is left to the ledger", call_id=call.call_id, error=str(error))
            return
        await self._writer.run(lambda tx: outbound.finish(tx, call.call_id, result))
