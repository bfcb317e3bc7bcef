"""The service killed (SIGKILL) around the sending of a message: nothing is lost, and nothing is doubled unasked."""

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP

from appeals.messages import Announcement, MessageChannel
from appeals.reference import Template
from appeals.service import new_id
from contact_centre import outbox_queries
from contact_centre.clock import SystemClock
from contact_centre.demo.processes import Process, Processes
from contact_centre.outbox import Message, State, TableOutbox
from contact_centre.outbox_queries import MessageFilter
from contact_centre.writer import connect, transaction
from tests.integration.message_peers import HttpServer, MailServer, Received
from tests.integration.rig import PROGRAM, Place, until

TEMPLATES = {("result", "uk"): Template("result", "uk", "Звернення {number}", "Виконано.", "{number}: виконано")}
KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def start(place: Place, processes: Processes) -> Process:
    return processes.start("service", [PROGRAM, "--config", str(place.config), "run"], place.root / "service.log")


def configure(place: Place, *, mail: MailServer | None = None, hook: HttpServer | None = None) -> None:
    text = place.config.read_text("utf-8")
    if mail is not None:
        text += f'[messages.email]\nhost = "127.0.0.1"\nport = {mail.port}\ntls = "none"\nsender = "a@b.example"\n'
    if hook is not None:
        (place.root / "key").write_text(KEY)
        text += (
            f'[[messages.webhooks]]\nname = "portal"\nurl = "{hook.url}"\nsecret_file = "{place.root / "key"}"\n'
            'events = ["*"]\nallow_private = true\n'
        )
    place.config.write_text(text, "utf-8")


def announce(place: Place, *, channel: MessageChannel = MessageChannel.EMAIL, count: int = 1) -> None:
    """In a transaction of our own, as a command does it."""
    place.migrated()
    box = TableOutbox(lambda _tx: TEMPLATES, place.settings.messages.webhooks, SystemClock(), new_id)
    address = None if channel is MessageChannel.WEBHOOK else "olena@example.org"
    connection = connect(place.settings.database)
    with transaction(connection) as tx:
        for number in range(count):
            words = {"number": str(number)}
            box.put(tx, Announcement(new_id(), None, None, "result", "uk", channel, address, words))
    connection.close()


async def messages(place: Place) -> list[Message]:
    return await place.read(lambda connection: outbox_queries.list_messages(connection, MessageFilter()))


async def states(place: Place) -> list[State]:
    return [one.state for one in await messages(place)]


def killing(server: MailServer, process: Callable[[], Process]) -> Callable[[SMTP, EmailMessage], Any]:
    """Takes the mail; the first time, the service is dead before it hears of it."""

    async def answer(_smtp: SMTP, mail: EmailMessage) -> str:
        if not server.mails:
            server.mails.append(mail)
            process().kill()
            return "451 nobody hears this"
        return "250 OK"

    return answer


async def test_killed_between_commit_and_sending_everything_leaves_once_at_the_next_start(
    place: Place, processes: Processes
) -> None:
    server = MailServer()
    configure(place, mail=server)
    first = start(place, processes)  # the mail server is not there: what is announced now waits
    await until(lambda: "contact-centre is up" in (place.root / "service.log").read_text("utf-8"), 60)
    announce(place, count=5)
    await asyncio.sleep(1)
    first.kill()
    assert await states(place) == [State.QUEUED] * 5

    async with server.running():
        start(place, processes)
        await until(lambda: len(server.mails) == 5, 60)
    assert server.subjects == [f"Звернення {number}" for number in range(5)]


async def test_killed_between_sending_and_result_a_mail_waits_for_a_person_and_others_leave(
    place: Place, processes: Processes
) -> None:
    async with MailServer().running() as server:
        configure(place, mail=server)
        announce(place, count=2)
        running: list[Process] = []
        server.on_data = killing(server, lambda: running[-1])
        running.append(start(place, processes))
        await until(lambda: not running[-1].running, 60)
        assert sorted(await states(place)) == [State.QUEUED, State.SENDING]

        running.append(start(place, processes))
        await until(lambda: len(server.mails) == 2, 60)
        assert server.subjects == ["Звернення 0", "Звернення 1"]
        dead = [one for one in place.json("messages", "list") if one["state"] == "dead"]
        assert [one["last_error"] for one in dead] == ["in doubt: the service stopped while it was being sent"]

        replayed = place.command("messages", "replay", dead[0]["message_id"])
        assert replayed.returncode == 0, replayed.stderr
        await until(lambda: len(server.mails) == 3, 60)
    assert server.mails[0]["Message-ID"] == server.mails[2]["Message-ID"]


async def test_killed_between_sending_and_result_a_webhook_is_sent_again_under_the_same_id(
    place: Place, processes: Processes
) -> None:
    async with HttpServer().running() as server:
        configure(place, hook=server)
        announce(place, channel=MessageChannel.WEBHOOK)
        running: list[Process] = []

        async def answer(_request: web.Request, _received: Received) -> web.StreamResponse:
            if len(server.requests) == 1:
                running[-1].kill()
            return web.Response()

        server.answer = answer
        running.append(start(place, processes))
        await until(lambda: not running[-1].running, 60)
        running.append(start(place, processes))
        await until(lambda: len(server.requests) == 2, 60)
    assert len({one.headers["webhook-id"] for one in server.requests}) == 1
    assert server.requests[0].body == server.requests[1].body
