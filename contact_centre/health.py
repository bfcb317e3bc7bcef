"""``/healthz`` for whoever watches the service, ``/metrics`` for Prometheus: every dependency by name."""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from contact_centre.probes import Finding

_log = structlog.get_logger()

PROBE_INTERVAL_S: Final = 5.0
FRESH_S: Final = 1.0
"""What the disks said within this is not asked again."""
ANSWER_WITHIN_S: Final = 0.5
"""How long an answer waits for disks that are slow, before it says what they said last."""

LoopFindings = Callable[[], Sequence[Finding]]
DiskFindings = Callable[[], Sequence[Finding]]


class Metrics:
    """What the service counts; one registry per process, made by bootstrap."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.facts = Counter("contact_centre_facts", "Ledger facts ingested", registry=self.registry)
        self.ledger_gaps = Counter(
            "contact_centre_ledger_gaps", "Hang-ups told by AMI and missing in the ledger", registry=self.registry
        )
        self.quarantined = Counter(
            "contact_centre_quarantined_lines", "Ledger lines that are no facts", registry=self.registry
        )
        self.calls_over = Counter(
            "contact_centre_calls", "Calls that ended", ["line", "outcome"], registry=self.registry
        )
        self.drafts = Counter("contact_centre_drafts", "Draft appeals made from calls", registry=self.registry)
        self.recordings = Counter(
            "contact_centre_recordings", "Recordings finalised", ["status"], registry=self.registry
        )
        self.ledger_lag = Gauge(
            "contact_centre_ledger_lag_bytes", "Ledger bytes not yet ingested", registry=self.registry
        )
        self.jobs_waiting = Gauge("contact_centre_jobs_waiting", "Jobs still to be done", registry=self.registry)
        self.jobs_failing = Gauge(
            "contact_centre_jobs_failing", "Jobs that failed and are tried again", registry=self.registry
        )
        self.messages = Counter(
            "contact_centre_messages",
            "What became of messages, each attempt",
            ["peer", "result"],
            registry=self.registry,
        )
        self.messages_waiting = Gauge(
            "contact_centre_messages_waiting", "Messages that have not left", registry=self.registry
        )
        self.messages_dead = Gauge(
            "contact_centre_messages_dead", "Messages that a person must decide on", registry=self.registry
        )
        self.bridge_to_draft = Histogram(
            "contact_centre_bridge_to_draft_seconds",
            "From the bridge of citizen and operator to the committed draft",
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
            registry=self.registry,
        )
        self.up = Gauge(
            "contact_centre_probe_ok", "1 while a dependency is in order", ["probe"], registry=self.registry
        )


class Health:
    """Asks the probes now and then, remembers the answers, and logs when one changes.

    Whoever asks us gets an answer at once, also when a disk hangs, and however often they ask: the disks are asked
    once a second at most.
    """

    def __init__(self, loops: LoopFindings, disks: DiskFindings, metrics: Metrics) -> None:
        """``loops`` says how our own loops are, at once; ``disks`` may block for a while and is run in a thread."""
        self._loops = loops
        self._disks = disks
        self._metrics = metrics
        self._of_disks: tuple[Finding, ...] = ()
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = -math.inf
        self._said: dict[str, bool] = {}

    async def watch(self) -> None:
        """Ask for ever."""
        while True:
            await self.findings()
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def findings(self) -> list[Finding]:
        """Every probe's answer, the disks' not older than a second, if they answer."""
        if self._asking is None and asyncio.get_running_loop().time() - self._asked_at > FRESH_S:
            self._asking = asyncio.create_task(self._ask_disks())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=ANSWER_WITHIN_S if self._of_disks else None)
        found = [*self._of_disks, *self._loops()]
        for one in found:
            self._metrics.up.labels(one.probe).set(int(one.ok))
            if one.ok != self._said.get(one.probe, True):
                say = _log.info if one.ok else _log.error
                say("probe recovered" if one.ok else "probe failed", probe=one.probe, seen=one.seen, remedy=one.remedy)
            self._said[one.probe] = one.ok
        return found

    async def _ask_disks(self) -> None:
        try:
            self._of_disks = tuple(await asyncio.to_thread(self._disks))
        except Exception as error:  # noqa: BLE001 - the watch goes on, and says so
            _log.exception("asking the disks failed")
            self._of_disks = (Finding("disks", ok=False, seen=f"{type(error).__name__}: {error}"),)
        finally:
            self._asked_at = asyncio.get_running_loop().time()
            self._asking = None

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 while everything is in order, otherwise 503; the body names each probe and the remedy."""
        found = await self.findings()
        ok = all(one.ok for one in found)
        probes = {one.probe: {"ok": one.ok, "seen": one.seen, "remedy": one.remedy} for one in found}
        return web.json_response({"ok": ok, "probes": probes}, status=200 if ok else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus text."""
        await self.findings()
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def application(health: Health) -> web.Application:
    """The web application."""
    app = web.Application()
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/metrics", health.metrics)
    return app
