"""Ends wrap-ups when their time is over, and writes down what it sees of them.

Asterisk begins them and knows since when each lasts; nothing is counted here. So a restart of the service changes no
limit, and whatever ended a wrap-up (the operator's code, their telephone, signing out), it has ended.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from contact_centre import wrap_ups
from contact_centre.live_feed import LiveFeed, Update
from contact_centre.writer import SqliteTx, Writer
from telephony.live import WRAP_UP, Operator, Table
from telephony.ports import Clock
from telephony.switchboard import NotInQueueError, Switchboard, endpoint_of
from telephony.wire.ami import AmiError

AGAIN: Final = timedelta(seconds=5)
"""After this an operator is set free once more who was not, and what could not be written is written once more."""

_log = structlog.get_logger()


class WrapUpKeeper:
    """``run`` must run beside the live feed."""

    def __init__(
        self,
        feed: LiveFeed,
        switchboard: Switchboard,
        writer: Writer,
        clock: Clock,
        limit: timedelta,
        last_call: Callable[[str], str | None],
    ) -> None:
        """``last_call`` tells the call in which an operator, by login, has talked last."""
        self._feed = feed
        self._switchboard = switchboard
        self._writer = writer
        self._clock = clock
        self._limit = limit
        self._last_call = last_call
        self._seen: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}
        self._next_try: dict[str, datetime] = {}
        self._forced: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        self._written = await self._writer.run(wrap_ups.unfinished)
        with self._feed.subscribe() as subscription:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._wait()):
                        self._take(await subscription.next())
                if self._feed.up:
                    await self._write_down()
                    await self._end_what_is_over()

    def _wait(self) -> float | None:
        """Seconds until there is something to do even if nothing happens; None: there will not be."""
        due = [max(self._due(login), self._next_try.get(login, began)) for login, began in self._seen.items()]
        if self._seen != self._written:
            due.append(self._clock.now() + AGAIN)
        return max(0.0, (min(due) - self._clock.now()).total_seconds()) if due and self._feed.up else None

    def _due(self, login: str) -> datetime:
        return self._seen[login] + self._limit

    def _take(self, update: Update) -> None:
        if update.fresh:
            self._seen.clear()
        for change in update.changes:
            if change.table is not Table.OPERATORS:
                continue
            row = change.row
            if isinstance(row, Operator) and row.reason == WRAP_UP and row.paused_at is not None:
                self._seen[change.key] = row.paused_at
            else:
                self._seen.pop(change.key, None)
        self._next_try = {login: at for login, at in self._next_try.items() if login in self._seen}

    async def _write_down(self) -> None:
        seen, now = dict(self._seen), self._clock.now()
        began = {login: at for login, at in seen.items() if self._written.get(login) != at}
        ended = [login for login, at in self._written.items() if seen.get(login) != at]
        if not began and not ended:
            return

        def write(tx: SqliteTx) -> None:
            for login in ended:
                wrap_ups.end(tx, login, now, forced=login in self._forced)
            for login, at in began.items():
                wrap_ups.begin(tx, login, self._last_call(login), at)

        try:
            await self._writer.run(write)
        except Exception as error:  # noqa: BLE001 - statistics; operators must be set free all the same
            _log.warning("wrap-ups could not be written down and are tried again", error=type(error).__name__)
            return
        self._written = seen
        self._forced -= set(ended)

    async def _end_what_is_over(self) -> None:
        now = self._clock.now()
        for login in [*self._seen]:
            if now < max(self._due(login), self._next_try.get(login, now)):
                continue
            self._next_try[login] = now + AGAIN
            try:
                await self._switchboard.unpause(endpoint_of(login))
            except NotInQueueError:
                continue  # they have just signed out, and the feed is about to say so
            except AmiError as error:
                _log.warning("a wrap-up is over and could not be ended yet", login=login, error=str(error))
            else:
                self._forced.add(login)
