"""The loop that makes recordings ready for listening: one at a time, behind everything else, those asked for first."""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contact_centre import jobs
from contact_centre.jobs import Job
from contact_centre.writer import Writer
from recordings.errors import AudioMismatch, RecordingError
from recordings.listening import ListeningCopies
from recordings.model import Recording
from recordings.store import get_recording
from telephony.ports import Clock

PREPARE: Final = "prepare_listening"
"""The kind of job that makes a recording ready for listening; its key is the call's id."""
IDLE_S: Final = 2.0
"""How often jobs that were postponed are looked for."""
ATTEMPTS: Final = 4
"""After so many failures it is given up until somebody wants to listen: it is a convenience, not the recording."""
TRIED_AGAIN: Final = timedelta(minutes=5)
"""After this somebody who wants to listen has it tried once more: the file may be there again."""
REMEMBERED: Final = 1000

_log = structlog.get_logger()


class Trouble(StrEnum):
    """Why a recording cannot be listened to."""

    GONE = "gone"
    """The stored file is not there."""
    ALTERED = "altered"
    """The stored file is not what was hashed."""
    UNREADABLE = "unreadable"


class Listening:
    """Makes listening copies and outlines. ``run`` must run beside whoever wants them."""

    def __init__(self, copies: ListeningCopies, engine: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self.copies = copies
        self._engine = engine
        self._writer = writer
        self._clock = clock
        self._wake = asyncio.Event()
        self._wanted: OrderedDict[str, Recording] = OrderedDict()
        self._troubles: OrderedDict[str, tuple[Trouble, datetime]] = OrderedDict()

    def want(self, recording: Recording) -> None:
        """Somebody waits for it: it is made next."""
        self._wanted[recording.call_id] = recording
        self._wake.set()

    def trouble(self, recording: Recording) -> Trouble | None:
        """What stood against making it ready when that was tried a moment ago."""
        trouble, since = self._troubles.get(recording.recording_id, (None, self._clock.now()))
        return trouble if self._clock.now() - since < TRIED_AGAIN else None

    async def run(self) -> None:
        """Make ready for ever."""
        try:
            await asyncio.to_thread(self.copies.sweep)
            while True:
                self._wake.clear()
                try:
                    busy = await self._one()
                except Exception:  # noqa: BLE001
                    _log.exception("looking for recordings to make ready failed, will try again")
                    busy = False
                if not busy:
                    await self._rest()
        finally:
            self.copies.stop()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _one(self) -> bool:
        """Whether there was anything to do."""
        if self._wanted:
            call_id, recording = next(iter(self._wanted.items()))
            try:
                await self._make(recording)
            finally:
                self._wanted.pop(call_id, None)
            return True
        async with self._engine.connect() as connection:
            due = await jobs.due(connection, PREPARE, self._clock.now(), 1)
            found = await get_recording(connection, due[0].key) if due else None
        for job in due:
            await self._do(job, found)
        return bool(due)

    async def _do(self, job: Job, recording: Recording | None) -> None:
        trouble = None if recording is None or recording.path is None else await self._make(recording)
        now = self._clock.now()
        if trouble is Trouble.UNREADABLE and job.attempts + 1 < ATTEMPTS:
            until = now + jobs.backoff(job.attempts)
            await self._writer.run(lambda tx: jobs.postpone(tx, job, until, trouble.value))
        else:
            await self._writer.run(lambda tx: jobs.finish(tx, job, now))

    async def _make(self, recording: Recording) -> Trouble | None:
        if await asyncio.to_thread(self.copies.outline, recording) is not None:
            return None
        try:
            await asyncio.to_thread(self.copies.make, recording)
        except FileNotFoundError:
            return self._failed(recording, Trouble.GONE, "the stored file is gone")
        except AudioMismatch as error:
            return self._failed(recording, Trouble.ALTERED, str(error))
        except (RecordingError, OSError) as error:
            return self._failed(recording, Trouble.UNREADABLE, str(error))
        self._troubles.pop(recording.recording_id, None)
        return None

    def _failed(self, recording: Recording, trouble: Trouble, why: str) -> Trouble:
        _log.error(
            "recording not made ready for listening", call_id=recording.call_id, trouble=trouble.value, error=why
        )
        self._troubles[recording.recording_id] = (trouble, self._clock.now())
        while len(self._troubles) > REMEMBERED:
            self._troubles.popitem(last=False)
        return trouble
