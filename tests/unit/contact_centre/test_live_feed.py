"""The feed of the live view: everything first, then small changes, as fast as each subscriber takes them."""

import asyncio
from datetime import UTC, datetime

import pytest

from contact_centre import live_feed
from contact_centre.live_feed import LiveFeed, ami_finding
from telephony.links.ami import AmiLink, Gap
from telephony.live import Snapshot, Table
from telephony.wire.ami import Message

AT = datetime.fromtimestamp(1795383500, UTC)


def member(login: str, status: str = "1", event: str = "QueueMemberStatus") -> Message:
    return Message.of(
        ("Event", event),
        ("Queue", "contact-centre"),
        ("Interface", f"PJSIP/operator-{login}"),
        ("Location", f"PJSIP/operator-{login}"),
        ("Status", status),
    )


async def test_a_subscriber_gets_everything_first_then_changes() -> None:
    feed = LiveFeed()
    feed.hear(Snapshot(AT, (member("olena", event="QueueMember"),), ()))
    with feed.subscribe() as subscription:
        first = await subscription.next()
        assert (first.up, first.fresh, [one.key for one in first.changes]) == (True, True, ["olena"])
        feed.hear(member("taras"))
        second = await subscription.next()
        assert (second.fresh, [one.key for one in second.changes]) == (False, ["taras"])


async def test_changes_not_taken_yet_become_one() -> None:
    feed = LiveFeed()
    with feed.subscribe() as subscription:
        await subscription.next()
        for status in ("1", "6", "2", "1", "5"):
            feed.hear(member("olena", status))
        update = await subscription.next()
        [change] = update.changes
        assert change.table is Table.OPERATORS
        assert change.row == feed.state.operators()[0]


async def test_a_subscriber_is_told_that_asterisk_is_away_and_back() -> None:
    feed = LiveFeed()
    with feed.subscribe() as subscription:
        assert not (await subscription.next()).up
        feed.hear(Snapshot(AT, (), ()))
        assert (await subscription.next()).up
        feed.hear(Gap("away"))
        assert not (await subscription.next()).up


async def test_nothing_new_wakes_nobody() -> None:
    feed = LiveFeed()
    feed.hear(Snapshot(AT, (member("olena", event="QueueMember"),), ()))
    with feed.subscribe() as subscription:
        await subscription.next()
        feed.hear(Snapshot(AT, (member("olena", event="QueueMember"),), ()))
        feed.hear(member("olena"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(subscription.next(), 0.01)


async def test_who_is_too_far_behind_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "MAX_WAITING", 3)
    feed = LiveFeed()
    with feed.subscribe() as subscription:
        await subscription.next()
        for number in range(10):
            feed.hear(member(f"operator{number}"))
            feed.hear(member(f"operator{number}", event="QueueMemberRemoved"))
        feed.hear(member("olena"))
        update = await subscription.next()
        assert update.fresh
        assert len(update.changes) <= 4
        assert feed.state.operators()[0].login == "olena"


async def test_who_left_is_not_told() -> None:
    feed = LiveFeed()
    with feed.subscribe():
        pass
    feed.hear(member("olena"))
    assert feed._subscriptions == []


class Clock:
    def now(self) -> datetime:
        return AT


async def test_the_probe_says_what_is_wrong_and_what_to_do() -> None:
    link, feed = AmiLink("127.0.0.1", 5038, lambda: "", Clock()), LiveFeed()
    away = ami_finding(link, feed)
    assert not away.ok
    assert "calls and recordings go on" in (away.remedy or "")
    link.status.refused, link.status.reason = True, "refused"
    assert "manager reload" in (ami_finding(link, feed).remedy or "")
    link.status.up = True
    assert ami_finding(link, feed).seen.endswith("0 waiting, 0 operators, 0 calls")
