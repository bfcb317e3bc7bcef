"""The loop behind finished calls: raw audio into recordings, one job a call, tried again until it is done."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from appeals import service as appeals
from contact_centre import casework, jobs
from contact_centre.health import Metrics
from contact_centre.jobs import Job
from contact_centre.listening import PREPARE
from contact_centre.probes import Finding
from contact_centre.writer import SqliteTx, Writer
from recordings import store
from recordings.errors import NotYet
from recordings.model import Recording
from recordings.service import RecordingService
from telephony.ports import Clock

IDLE_S: Final = 1.0
"""How often jobs that were postponed are looked for."""

_log = structlog.get_logger()


class Finaliser:
    """Does ``finalise`` jobs, a few at a time, in threads: the heavy part is ffmpeg's."""

    def __init__(
        self,
        service: RecordingService,
        engine: AsyncEngine,
        writer: Writer,
        clock: Clock,
        metrics: Metrics,
        workers: int,
    ) -> None:
        self._service = service
        self._engine = engine
        self._writer = writer
        self._clock = clock
        self._metrics = metrics
        self._workers = workers
        self._wake = asyncio.Event()
        self._backlog = jobs.Backlog(0, 0, None)

    @property
    def wake(self) -> Callable[[], None]:
        """Call it when a job may be due."""
        return self._wake.set

    def finding(self) -> Finding:
        """Whether recordings are being finalised."""
        seen = f"{self._backlog.waiting} recordings wait"
        if self._backlog.failing:
            remedy = "nothing is lost: the raw audio is kept and tried again; mend the reason"
            return Finding("recordings", ok=False, seen=f"{seen}; {self._backlog.last_error}", remedy=remedy)
        return Finding("recordings", ok=True, seen=seen)

    async def run(self) -> None:
        """Do jobs for ever; first what a sudden stop left half done."""
        await self._tidy()
        while True:
            self._wake.clear()
            try:
                busy = await self._round()
            except Exception:  # noqa: BLE001
                _log.exception("looking for recordings to finalise failed, will try again")
                busy = False
            if not busy:
                await self._rest()

    async def _tidy(self) -> None:
        """Raw files whose recording was committed just before the service stopped go now."""
        try:
            await asyncio.to_thread(self._service.start)
            for call_id in await asyncio.to_thread(self._service.waiting):
                async with self._engine.connect() as connection:
                    recording = await store.get_recording(connection, call_id)
                if recording is not None:
                    await self._discard(recording)
        except Exception:  # noqa: BLE001
            _log.exception("tidying up after the last run failed; raw files may be left in the spool folder")

    async def _discard(self, recording: Recording) -> None:
        """Let the raw files of a committed recording go; what grew meanwhile is finalised once more."""
        try:
            await asyncio.to_thread(self._service.discard_raw, recording)
        except NotYet as later:
            until = self._clock.now() + timedelta(seconds=later.retry_after)
            await self._writer.run(lambda tx: jobs.reopen(tx, casework.FINALISE, recording.call_id, until))
        except Exception as error:  # noqa: BLE001 - the recording is safe; the raw files simply stay
            _log.error("raw audio not removed", call_id=recording.call_id, error=str(error))

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _round(self) -> bool:
        async with self._engine.connect() as connection:
            due = await jobs.due(connection, casework.FINALISE, self._clock.now(), self._workers)
            self._backlog = await jobs.backlog(connection, casework.FINALISE)
        self._metrics.jobs_waiting.set(self._backlog.waiting)
        self._metrics.jobs_failing.set(self._backlog.failing)
        for done in await asyncio.gather(*(self._do(job) for job in due), return_exceptions=True):
            if isinstance(done, BaseException):  # only now: none of them is still at work when the next round begins
                raise done
        return bool(due)

    async def _do(self, job: Job) -> None:
        due = casework.load_due(job.key, job.payload)
        now = self._clock.now()
        try:
            recording = await asyncio.to_thread(self._service.finalise, due)
        except NotYet as later:
            until = now + timedelta(seconds=later.retry_after)
            await self._writer.run(lambda tx: jobs.postpone(tx, job, until, None))
            return
        except Exception as error:  # noqa: BLE001 - every failure is kept with the job, and tried again
            _log.error(
                "recording not finalised, will try again", call_id=job.key, error=str(error), attempts=job.attempts
            )
            until, why = now + jobs.backoff(job.attempts), f"{type(error).__name__}: {error}"
            await self._writer.run(lambda tx: jobs.postpone(tx, job, until, why))
            return
        await self._writer.run(lambda tx: self._keep(tx, job, recording))
        await self._discard(recording)
        self._metrics.recordings.labels(recording.status.value).inc()
        say = _log.info if recording.status.value == "ok" else _log.warning
        say("recording final", call_id=job.key, status=recording.status.value, duration=recording.duration)

    def _keep(self, tx: SqliteTx, job: Job, recording: Recording) -> None:
        recording_id = store.upsert_recording(tx, recording)
        appeals.attach_recording(tx, recording.call_id, recording_id)
        now = self._clock.now()
        if recording.path is not None:
            jobs.add(tx, PREPARE, recording.call_id, {}, now)
        jobs.finish(tx, job, now)
