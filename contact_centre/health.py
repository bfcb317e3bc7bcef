"""``/healthz`` for whoever watches the service, ``/metrics`` for Prometheus: every dependency by name."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from contact_centre.probes import Finding

_log = structlog.get_logger()

PROBE_INTERVAL_S: Final = 5.0

Probes = Callable[[], Awaitable[Sequence[Finding]]]


class Metrics:
    """What the service counts; one registry per process, made by bootstrap."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.facts = Counter("contact_centre_facts", "Ledger facts ingested", registry=self.registry)
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
    """Asks the probes now and then, remembers the answers, and logs when one changes."""

    def __init__(self, probes: Probes, metrics: Metrics) -> None:
        self._probes = probes
        self._metrics = metrics
        self.findings: tuple[Finding, ...] = ()

    async def watch(self) -> None:
        """Ask for ever."""
        while True:
            await self.ask()
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def ask(self) -> None:
        """Ask every probe once."""
        before = {one.probe: one.ok for one in self.findings}
        self.findings = tuple(await self._probes())
        for one in self.findings:
            self._metrics.up.labels(one.probe).set(int(one.ok))
            if one.ok != before.get(one.probe, True):
                say = _log.info if one.ok else _log.error
                say("probe recovered" if one.ok else "probe failed", probe=one.probe, seen=one.seen, remedy=one.remedy)

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 while everything is in order, otherwise 503; the body names each probe and the remedy."""
        await self.ask()
        ok = all(one.ok for one in self.findings)
        probes = {one.probe: {"ok": one.ok, "seen": one.seen, "remedy": one.remedy} for one in self.findings}
        return web.json_response({"ok": ok, "probes": probes}, status=200 if ok else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus text."""
        await self.ask()
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def application(health: Health) -> web.Application:
    """The web application."""
    app = web.Application()
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/metrics", health.metrics)
    return app
