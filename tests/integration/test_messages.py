"""From the transaction that announces something to the peer that takes it: in order, once, and nothing is lost."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from appeals.errors import UnknownReferenceError
from appeals.messages import Announcement, MessageChannel
from appeals.ports import Tx
from appeals.reference import Template
from appeals.service import new_id
from contact_centre import database, dispatch, outbox, outbox_queries
from contact_centre.dispatch import CUT_OFF, NO_SENDER, Dispatcher
from contact_centre.health import Metrics
from contact_centre.message_settings import EmailSettings, MessageSettings, SmsSettings, WebhookSettings
from contact_centre.outbox import Delivered, Message, State, TableOutbox
from contact_centre.outbox_queries import MessageFilter
from contact_centre.senders.build import build
from contact_centre.senders.ports import Accepted, Outgoing, Sender
from contact_centre.writer import Writer
from tests.databases import new_database
from tests.integration.message_peers import HttpServer, MailServer, Received
from tests.integration.rig import until

TEMPLATES = {("result", "uk"): Template("result", "uk", "{number}", "Виконано: {text}", "{number}: {text}")}
KEY = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass
class ManualClock:
    """Stands still until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at


@dataclass
class Post:
    """A database with an outbox, and dispatchers for it."""

    path: Path
    writer: Writer
    engine: AsyncEngine
    clock: ManualClock = field(default_factory=ManualClock)
    metrics: Metrics = field(default_factory=Metrics)
    settings: MessageSettings = field(default_factory=MessageSettings)
    delivered: list[Delivered] = field(default_factory=list)

    async def put(self, *announcements: Announcement) -> None:
        box = TableOutbox(lambda _tx: TEMPLATES, self.settings.webhooks, self.clock, new_id)

        def job(tx: Tx) -> None:
            for one in announcements:
                box.put(tx, one)

        await self.writer.run(job)

    async def messages(self, *states: State) -> list[Message]:
        async with self.engine.connect() as connection:
            return (await outbox_queries.list_messages(connection, MessageFilter(states=states)))[::-1]

    async def only(self) -> Message:
        [message] = await self.messages()
        return message

    async def log(self) -> list[str]:
        async with self.engine.connect() as connection:
            return [one.result for one in await outbox_queries.attempts_of(connection, (await self.only()).message_id)]

    def note(self, _tx: Tx, delivered: Delivered) -> None:
        self.delivered.append(delivered)

    @asynccontextmanager
    async def dispatching(
        self, on_delivered: dispatch.OnDelivered | None = None, senders: Mapping[str, Sender] | None = None
    ) -> AsyncIterator[Dispatcher]:
        one = Dispatcher(
            self.settings,
            build(self.settings, self.clock) if senders is None else senders,
            self.engine,
            self.writer,
            self.clock,
            self.metrics,
            on_delivered or self.note,
            jitter=lambda: 0.0,
        )
        running = asyncio.create_task(one.run())
        try:
            yield one
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def after(self, dispatcher: Dispatcher, passed: timedelta) -> None:
        self.clock.at += passed
        dispatcher.wake()
        await asyncio.sleep(0)

    def attempts(self, peer: str, result: str) -> float:
        return (
            self.metrics.registry.get_sample_value("contact_centre_messages_total", {"peer": peer, "result": result})
            or 0.0
        )

    async def all_in(self, state: State) -> bool:
        return {one.state for one in await self.messages()} == {state}


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    path = tmp_path / "state" / "contact-centre.db"
    new_database(path)
    writer, engine = Writer(path), database.readers(path)
    yield Post(path, writer, engine)
    await engine.dispose()
    await asyncio.to_thread(writer.close)


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with MailServer().running() as server:
        yield server


@pytest.fixture
async def http_server() -> AsyncIterator[HttpServer]:
    async with HttpServer().running() as server:
        yield server


def mail(number: str = "17", **changes: Any) -> Announcement:  # noqa: ANN401 - any field
    given: dict[str, Any] = {
        "event_id": new_id(),
        "appeal_id": "appeal-1",
        "duty_id": "duty-1",
        "template": "result",
        "language": "uk",
        "channel": MessageChannel.EMAIL,
        "address": "olena@example.org",
        "parameters": {"number": number, "text": "світло є, під’їзд № 4"},
    }
    return Announcement(**given | changes)


def sms(number: str = "17", **changes: Any) -> Announcement:  # noqa: ANN401 - any field
    return mail(number, channel=MessageChannel.SMS, address="+380501234567", **changes)


def event(name: str = "appeal.closed", **changes: Any) -> Announcement:  # noqa: ANN401 - any field
    return mail(template=name, channel=MessageChannel.WEBHOOK, address=None, duty_id=None, **changes)


def by_mail(server: MailServer, **settings: Any) -> MessageSettings:  # noqa: ANN401 - any setting
    given: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "tls": "none", "sender": "noreply@city.example"}
    return MessageSettings(email=EmailSettings(**given | {"timeout_s": 1.0} | settings))


def by_sms(server: HttpServer, **settings: Any) -> MessageSettings:  # noqa: ANN401 - any setting
    given: dict[str, Any] = {"url": server.url, "body": {"to": "{to}", "text": "{text}"}, "timeout_s": 1.0}
    return MessageSettings(sms=SmsSettings(**given | settings))


def by_webhook(folder: Path, servers: Iterable[HttpServer], events: tuple[str, ...] = ("*",)) -> MessageSettings:
    key = folder / "key"
    key.write_text(KEY)
    return MessageSettings(
        webhooks=tuple(
            WebhookSettings(
                name=f"portal-{at}", url=one.url, secret_file=key, events=events, allow_private=True, timeout_s=1.0
            )
            for at, one in enumerate(servers)
        )
    )


async def test_an_announcement_is_delivered_and_its_delivery_is_told_in_the_same_transaction(
    post: Post, mail_server: MailServer
) -> None:
    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching():
        await until(lambda: post.all_in(State.DELIVERED))

    [received] = mail_server.mails
    assert received["Subject"] == "17"
    assert received.get_content().strip() == "Виконано: світло є, під’їзд № 4"
    message = await post.only()
    assert (message.attempts, message.delivered_at, message.last_error) == (1, START, None)
    assert post.delivered == [
        Delivered(message.message_id, message.event_id, "appeal-1", "duty-1", MessageChannel.EMAIL, START)
    ]
    assert await post.log() == ["accepted"]
    assert post.attempts("email", "accepted") == 1


async def test_what_is_not_committed_does_not_leave(post: Post, mail_server: MailServer) -> None:
    post.settings = by_mail(mail_server)
    box = TableOutbox(lambda _tx: TEMPLATES, (), post.clock, new_id)

    def refused(tx: Tx) -> None:
        box.put(tx, mail())
        raise ValueError("the command is refused after all")

    with pytest.raises(ValueError, match="after all"):
        await post.writer.run(refused)
    await post.put(mail("18"))
    async with post.dispatching():
        await until(lambda: post.all_in(State.DELIVERED))
    assert mail_server.subjects == ["18"]


async def test_what_is_put_twice_for_one_event_and_address_leaves_once(post: Post, mail_server: MailServer) -> None:
    post.settings = by_mail(mail_server)
    once = mail(event_id="event-1")
    await post.put(once, once)
    await post.put(once, mail("18", event_id="event-1", address="ivan@example.org"))
    async with post.dispatching():
        await until(lambda: post.all_in(State.DELIVERED))
    assert mail_server.subjects == ["17", "18"]


async def test_an_announcement_without_a_template_is_refused_with_its_transaction(post: Post) -> None:
    with pytest.raises(UnknownReferenceError):
        await post.put(mail(template="none"))
    assert await post.messages() == []


async def test_messages_of_a_channel_that_is_off_wait_and_say_so(post: Post) -> None:
    await post.put(mail(), sms())
    async with post.dispatching() as dispatcher:
        await dispatcher.sweep()
        finding = dispatcher.finding()
    assert [(one.state, one.last_error) for one in await post.messages()] == [(State.QUEUED, NO_SENDER)] * 2
    assert not finding.ok
    assert finding.seen == "2 messages wait, 0 are dead letters; email: 1, no sender configured; sms: 1, " + NO_SENDER


async def test_a_channel_that_is_switched_on_later_sends_what_waited(post: Post, mail_server: MailServer) -> None:
    await post.put(mail())
    async with post.dispatching() as dispatcher:
        await dispatcher.sweep()
    post.settings = by_mail(mail_server)
    async with post.dispatching():
        await until(lambda: post.all_in(State.DELIVERED))
    assert mail_server.subjects == ["17"]


async def test_a_mail_that_is_refused_for_now_is_tried_later_and_closes_nothing_before(
    post: Post, mail_server: MailServer
) -> None:
    mail_server.on_recipient = lambda _smtp, _address: "450 greylisted"
    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.attempts("email", "temporary") == 1)
        await post.after(dispatcher, timedelta(seconds=59))
        await asyncio.sleep(0.2)
        assert post.attempts("email", "temporary") == 1
        assert (await post.only()).last_error == "temporary: RCPT: 450 greylisted"
        mail_server.on_recipient = lambda _smtp, _address: "250 OK"
        await post.after(dispatcher, timedelta(seconds=2))
        await until(lambda: post.all_in(State.DELIVERED))
    assert await post.log() == ["temporary", "accepted"]
    assert len(post.delivered) == 1


async def test_a_mail_that_is_refused_for_good_is_a_dead_letter_until_somebody_replays_it(
    post: Post, mail_server: MailServer
) -> None:
    mail_server.on_recipient = lambda _smtp, _address: "550 no such user"
    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.all_in(State.DEAD))
        await dispatcher.sweep()
        assert dispatcher.finding().seen == "0 messages wait, 1 are dead letters"
        assert not dispatcher.finding().ok
        mail_server.on_recipient = lambda _smtp, _address: "250 OK"
        message_id = (await post.only()).message_id
        assert await post.writer.run(lambda tx: outbox.replay(tx, message_id, post.clock.now()))
        dispatcher.wake()
        await until(lambda: post.all_in(State.DELIVERED))
        assert not await post.writer.run(lambda tx: outbox.replay(tx, message_id, post.clock.now()))
        await dispatcher.sweep()
        assert dispatcher.finding().ok
    assert await post.log() == ["permanent", "replayed", "accepted"]
    assert len(mail_server.mails) == 1


async def test_a_dead_letter_that_is_discarded_is_nobodys_alarm(post: Post, mail_server: MailServer) -> None:
    mail_server.on_recipient = lambda _smtp, _address: "550 no such user"
    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.all_in(State.DEAD))
        message_id = (await post.only()).message_id
        assert await post.writer.run(lambda tx: outbox.discard(tx, message_id, post.clock.now(), "told by telephone"))
        await dispatcher.sweep()
        assert dispatcher.finding().ok
    assert (await post.only()).last_error == "told by telephone"


async def test_what_is_too_old_is_given_up_with_the_last_reason(post: Post, mail_server: MailServer) -> None:
    mail_server.on_recipient = lambda _smtp, _address: "450 full"
    post.settings = by_mail(mail_server)
    await post.put(mail(), sms())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.attempts("email", "temporary") == 1)
        await dispatcher.sweep()
        post.clock.at += timedelta(hours=73)
        await dispatcher.sweep()
        await until(lambda: post.all_in(State.DEAD))
    reasons = {one.channel: one.last_error for one in await post.messages()}
    assert reasons[MessageChannel.SMS] == f"too old: {NO_SENDER}"
    assert str(reasons[MessageChannel.EMAIL]).startswith("too old: temporary: RCPT: 450")


async def test_a_mail_server_that_is_down_for_an_hour_gets_everything_once_and_in_order(post: Post) -> None:
    server = MailServer()
    post.settings = by_mail(server)
    numbers = [str(number) for number in range(30)]
    await post.put(*(mail(number, appeal_id=f"appeal-{int(number) % 3}") for number in numbers))
    async with post.dispatching() as dispatcher:
        for minute in range(60):
            tried = post.attempts("email", "unreachable")
            await post.after(dispatcher, timedelta(minutes=1))
            await until(lambda before=tried: post.attempts("email", "unreachable") > before)  # type: ignore[misc]
            if minute == 30:
                await dispatcher.sweep()
                assert not dispatcher.finding().ok
                assert "email: since 2026-11-23T08:00Z, connecting: " in dispatcher.finding().seen
        assert post.attempts("email", "unreachable") <= 61, "a server that is down is left alone"
        assert [one.attempts for one in await post.messages()] == [0] * 30, "no message was in play"
        async with server.running():
            await post.after(dispatcher, timedelta(minutes=1))
            await until(lambda: post.all_in(State.DELIVERED))
        await dispatcher.sweep()
        assert dispatcher.finding().ok
    assert server.subjects == numbers
    assert len({str(one["Message-ID"]) for one in server.mails}) == 30


async def test_a_gateway_that_is_down_gets_everything_once_and_in_order(post: Post) -> None:
    server = HttpServer()
    post.settings = by_sms(server)
    numbers = [str(number) for number in range(10)]
    await post.put(*(sms(number, appeal_id=f"appeal-{int(number) % 3}") for number in numbers))
    async with post.dispatching() as dispatcher:
        for _ in range(10):
            tried = post.attempts("sms", "unreachable")
            await post.after(dispatcher, timedelta(minutes=1))
            await until(lambda before=tried: post.attempts("sms", "unreachable") > before)  # type: ignore[misc]
        async with server.running():
            await post.after(dispatcher, timedelta(minutes=1))
            await until(lambda: post.all_in(State.DELIVERED))
    sent = [json.loads(one.body)["text"].partition(":")[0] for one in server.requests]
    assert sent == numbers


async def test_a_later_message_about_an_appeal_waits_for_the_earlier_and_others_do_not(
    post: Post, mail_server: MailServer
) -> None:
    busy = True

    async def answer(_smtp: SMTP, received: EmailMessage) -> str:
        return "451 later" if busy and received["Subject"] == "first" else "250 OK"

    mail_server.on_data = answer
    post.settings = by_mail(mail_server)
    await post.put(mail("first"), mail("second"), mail("other", appeal_id="appeal-2"))
    async with post.dispatching() as dispatcher:
        await until(lambda: mail_server.subjects == ["other"])
        await asyncio.sleep(0.2)
        busy = False
        await post.after(dispatcher, timedelta(minutes=2))
        await until(lambda: post.all_in(State.DELIVERED))
    assert mail_server.subjects == ["other", "first", "second"]


async def test_a_mail_in_doubt_is_not_sent_again_by_itself(post: Post, mail_server: MailServer) -> None:
    post.settings = by_mail(mail_server)
    mail_server.on_data = keep_and_vanish(mail_server)
    await post.put(mail())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.all_in(State.DEAD))
        await post.after(dispatcher, timedelta(days=1))
        await asyncio.sleep(0.2)
    assert len(mail_server.mails) == 1
    assert str((await post.only()).last_error).startswith("uncertain: DATA: no answer")
    assert post.delivered == []


async def test_a_city_may_choose_that_a_mail_in_doubt_is_sent_again_under_its_message_id(
    post: Post, mail_server: MailServer
) -> None:
    post.settings = by_mail(mail_server, resend_uncertain=True)
    mail_server.on_data = keep_and_vanish(mail_server)
    await post.put(mail())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.attempts("email", "uncertain") == 1)
        await post.after(dispatcher, timedelta(minutes=2))
        await until(lambda: post.all_in(State.DELIVERED))
    assert len(mail_server.mails) == 2
    assert len({str(one["Message-ID"]) for one in mail_server.mails}) == 1


def keep_and_vanish(server: MailServer) -> Callable[[SMTP, EmailMessage], Any]:
    """Takes the first mail, and goes before it says so."""

    async def answer(smtp: SMTP, received: EmailMessage) -> str:
        if server.mails:
            return "250 OK"
        server.mails.append(received)
        assert smtp.transport is not None
        smtp.transport.abort()  # type: ignore[attr-defined]
        return "451 nobody hears this"

    return answer


async def test_each_subscriber_gets_the_events_it_wants_once_and_is_nobody_elses_delay(
    post: Post, tmp_path: Path
) -> None:
    async with HttpServer().running() as well, HttpServer().running() as stuck:

        async def stall(_request: web.Request, _received: Received) -> web.StreamResponse:
            await asyncio.sleep(10)
            return web.Response()

        stuck.answer = stall
        post.settings = by_webhook(tmp_path, (well, stuck), events=("appeal.*",))
        await post.put(event(), event("incident.ended"), event("appeal.registered"))
        async with post.dispatching():
            await until(lambda: len(well.requests) == 2)
    told = [json.loads(one.body) for one in well.requests]
    assert [one["type"] for one in told] == ["appeal.closed", "appeal.registered"]
    assert told[0]["data"] == {"appeal_id": "appeal-1", "number": "17", "text": "світло є, під’їзд № 4"}
    assert told[0]["timestamp"] == "2026-11-23T08:00:00.000+00:00"


async def test_a_webhook_without_an_answer_is_sent_again_under_the_same_id(
    post: Post, tmp_path: Path, http_server: HttpServer
) -> None:
    async def drop_once(request: web.Request, _received: Received) -> web.StreamResponse:
        if len(http_server.requests) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    http_server.answer = drop_once
    post.settings = by_webhook(tmp_path, (http_server,))
    await post.put(event(event_id="event-1"))
    async with post.dispatching() as dispatcher:
        await until(lambda: post.attempts("webhook:portal-0", "uncertain") == 1)
        await post.after(dispatcher, timedelta(minutes=2))
        await until(lambda: post.all_in(State.DELIVERED))
    assert [one.headers["webhook-id"] for one in http_server.requests] == ["event-1", "event-1"]
    assert http_server.requests[0].body == http_server.requests[1].body


async def test_a_webhook_may_be_replayed_though_it_was_delivered(
    post: Post, tmp_path: Path, http_server: HttpServer
) -> None:
    post.settings = by_webhook(tmp_path, (http_server,))
    await post.put(event())
    async with post.dispatching() as dispatcher:
        await until(lambda: post.all_in(State.DELIVERED))
        message_id = (await post.only()).message_id
        assert await post.writer.run(lambda tx: outbox.replay(tx, message_id, post.clock.now()))
        dispatcher.wake()
        await until(lambda: len(http_server.requests) == 2)
        await until(lambda: post.all_in(State.DELIVERED))
    assert len({one.headers["webhook-id"] for one in http_server.requests}) == 1
    assert await post.log() == ["accepted", "replayed", "accepted"]


async def test_after_a_sudden_stop_who_recognises_gets_it_again_and_a_person_decides_on_the_others(
    post: Post, tmp_path: Path, mail_server: MailServer, http_server: HttpServer
) -> None:
    hooks = by_webhook(tmp_path, (http_server,))
    post.settings = by_mail(mail_server).model_copy(update={"webhooks": hooks.webhooks})
    await post.put(mail(), sms(), event())
    for peer in ("email", "sms", "webhook:portal-0"):
        assert await post.writer.run(lambda tx, of=peer: outbox.claim(tx, of, START)) is not None  # type: ignore[misc]
    async with post.dispatching():
        await until(lambda: len(http_server.requests) == 1)
        await asyncio.sleep(0.2)
    states = {one.channel: (one.state, one.last_error) for one in await post.messages()}
    assert states == {
        MessageChannel.EMAIL: (State.DEAD, CUT_OFF),
        MessageChannel.SMS: (State.DEAD, CUT_OFF),
        MessageChannel.WEBHOOK: (State.DELIVERED, None),
    }
    assert mail_server.mails == []


async def test_a_stop_waits_for_the_mail_that_is_being_sent(post: Post, mail_server: MailServer) -> None:
    begun = asyncio.Event()

    async def slowly(_smtp: SMTP, _mail: EmailMessage) -> str:
        begun.set()
        await asyncio.sleep(0.4)
        return "250 OK"

    mail_server.on_data = slowly
    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching():
        await begun.wait()
    assert await post.all_in(State.DELIVERED)
    assert len(post.delivered) == 1


class SwallowsCancellation:
    """A sender whose library answers a cancellation with a result, as ``asyncio.wait_for`` may before Python 3.12."""

    recognises = True

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def open(self) -> None:
        return None

    async def send(self, message: Outgoing) -> Accepted:
        self.sent.append(message.message_id)
        return Accepted()

    async def close(self) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(30)

    async def probe(self) -> None:
        return None


async def test_a_stop_is_a_stop_also_where_a_library_swallows_it(post: Post) -> None:
    sender = SwallowsCancellation()
    await post.put(mail())
    async with asyncio.timeout(10):
        async with post.dispatching(senders={"email": sender}):
            await until(lambda: post.all_in(State.DELIVERED))
            await asyncio.sleep(0.1)
    assert len(sender.sent) == 1


async def test_a_delivery_that_the_register_does_not_take_is_still_a_delivery(
    post: Post, mail_server: MailServer
) -> None:
    def refuse(tx: Tx, _delivered: Delivered) -> None:
        tx.execute(outbox.outbox.delete())
        raise LookupError("no such duty")

    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching(refuse) as dispatcher:
        await until(lambda: post.all_in(State.DELIVERED))
        await post.after(dispatcher, timedelta(days=1))
        await asyncio.sleep(0.2)
    assert len(mail_server.mails) == 1
    assert (await post.only()).last_error == "delivered, but not kept as evidence: LookupError"


async def test_while_the_disk_takes_nothing_what_became_of_a_mail_is_remembered(
    post: Post, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "IDLE_S", 0.05)
    failures = 3

    def full(_tx: Tx, delivered: Delivered) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        post.delivered.append(delivered)

    post.settings = by_mail(mail_server)
    await post.put(mail())
    async with post.dispatching(full):
        await until(lambda: post.all_in(State.DELIVERED))
    assert len(mail_server.mails) == 1
    assert len(post.delivered) == 1


async def test_neither_address_nor_text_nor_the_servers_words_are_logged(post: Post, mail_server: MailServer) -> None:
    mail_server.on_recipient = lambda _smtp, address: f"550 {address} is unknown here"
    post.settings = by_mail(mail_server)
    await post.put(mail("secret-17"))
    with capture_logs() as logged:
        async with post.dispatching():
            await until(lambda: post.all_in(State.DEAD))
    said = str(logged)
    assert "message sent" in said
    assert (await post.only()).message_id in said
    for personal in ("olena", "example.org", "secret-17", "unknown here"):
        assert personal not in said
