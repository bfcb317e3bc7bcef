"""The live view for whoever shows it: a feed of small changes, as fast as each listener takes them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from contact_centre.probes import Finding
from telephony.links.ami import AmiLink, Gap, Item
from telephony.live import Change, LiveState, Snapshot, Table

MAX_WAITING: Final = 5_000
"""So many changed rows wait for one subscriber; one that is further behind begins anew."""


@dataclass(frozen=True, slots=True)
class Update:
    """What changed since the last update. ``fresh``: forget what was before, ``changes`` is everything.

    ``up`` is whether the view is that of now; otherwise it is what was last known.
    """

    up: bool
    fresh: bool
    changes: tuple[Change, ...]


class Subscription:
    """One subscriber's place in the feed. Changes of one row that were not taken yet become one, the last."""

    def __init__(self, feed: "LiveFeed") -> None:
        self._feed = feed
        self._changed = asyncio.Event()
        self._rows: dict[tuple[Table, str], Change] = {}
        self._fresh = False
        self._begin()

    def put(self, changes: list[Change]) -> None:
        """These rows are different now, or whether the view is up is."""
        for change in changes:
            key = (change.table, change.key)
            self._rows.pop(key, None)
            self._rows[key] = change
        if len(self._rows) > MAX_WAITING:
            self._begin()
        self._changed.set()

    async def next(self) -> Update:
        """Wait for something new."""
        await self._changed.wait()
        self._changed.clear()
        rows, self._rows = self._rows, {}
        fresh, self._fresh = self._fresh, False
        return Update(self._feed.up, fresh, tuple(rows.values()))

    def _begin(self) -> None:
        self._rows = {(change.table, change.key): change for change in self._feed.state.rows()}
        self._fresh = True
        self._changed.set()


class LiveFeed:
    """Keeps the live state and tells subscribers what changes."""

    def __init__(self) -> None:
        self.state = LiveState()
        self.up = False
        self._subscriptions: list[Subscription] = []

    def hear(self, item: Item) -> None:
        """An item of AMI's stream."""
        if isinstance(item, Gap):
            self.up = False
            self._publish([], told=True)
        elif isinstance(item, Snapshot):
            changes = self.state.resync(item)
            returned, self.up = not self.up, True
            self._publish(changes, told=returned)
        else:
            self._publish(self.state.apply(item), told=False)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Be told of every change, beginning with all there is."""
        subscription = Subscription(self)
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)

    def _publish(self, changes: list[Change], *, told: bool) -> None:
        if changes or told:
            for subscription in self._subscriptions:
                subscription.put(changes)


def ami_finding(link: AmiLink, feed: LiveFeed) -> Finding:
    """How the AMI link is, for ``/healthz``."""
    status = link.status
    if status.up:
        state = feed.state
        shown = f"{len(state.waiting())} waiting, {len(state.operators())} operators, {len(state.calls())} calls"
        return Finding("ami", ok=True, seen=f"{status.greeting}: {shown}")
    remedy = (
        "run `asterisk -rx 'manager reload'` after `contact-centre asterisk install`"
        if status.refused
        else "calls and recordings go on, screens and commands do not: start Asterisk, or set asterisk.ami_port"
    )
    return Finding("ami", ok=False, seen=status.reason, remedy=remedy)
