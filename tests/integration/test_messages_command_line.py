"""``contact-centre messages``, and what ``doctor`` says of mail server, gateway, subscribers and dead letters."""

import asyncio
import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from appeals.messages import Announcement, MessageChannel
from appeals.reference import Template
from appeals.service import new_id
from contact_centre import outbox
from contact_centre.clock import SystemClock
from contact_centre.demo.network import free_tcp_port
from contact_centre.outbox import TableOutbox
from contact_centre.writer import SqliteTx, connect, transaction
from tests.integration.message_peers import HttpServer, MailServer
from tests.integration.rig import Place

TEMPLATES = {("result", "uk"): Template("result", "uk", "Звернення {number}", "Виконано.\nДякуємо.", "{number}")}


@contextmanager
def writing(place: Place) -> Iterator[SqliteTx]:
    place.migrated()
    connection = connect(place.settings.database)
    try:
        with transaction(connection) as tx:
            yield tx
    finally:
        connection.close()


def announce(place: Place, *, dead: bool = False) -> str:
    with writing(place) as tx:
        box = TableOutbox(lambda _tx: TEMPLATES, (), SystemClock(), new_id)
        told = {"number": "2026-000017"}
        box.put(
            tx,
            Announcement(new_id(), "appeal-1", "duty-1", "result", "uk", MessageChannel.EMAIL, "a@example.org", told),
        )
        message = outbox.claim(tx, "email", datetime.now(UTC))
        assert message is not None
        if dead:
            outbox.died(tx, message.message_id, "permanent: RCPT: 550 no such user")
        else:
            outbox.back(tx, message.message_id, datetime.now(UTC), "temporary: RCPT: 450")
        outbox.log(tx, message.message_id, datetime.now(UTC), "permanent" if dead else "temporary", "RCPT")
    return message.message_id


def test_a_dead_letter_is_listed_shown_replayed_and_discarded(place: Place) -> None:
    dead, waiting = announce(place, dead=True), announce(place)

    assert [one["message_id"] for one in place.json("messages", "list")] == [waiting, dead]
    listed = place.command("messages", "list", "--dead", "--appeal", "appeal-1").stdout
    assert (dead in listed, waiting in listed) == (True, False)
    assert "permanent: RCPT: 550 no such user" in listed

    assert place.command("messages", "replay", dead).returncode == 0
    assert place.command("messages", "discard", dead, "--reason", "told by telephone").returncode == 0
    shown = place.json("messages", "show", dead)
    assert (shown["subject"], shown["body"]) == ("Звернення 2026-000017", "Виконано.\nДякуємо.")
    assert (shown["state"], shown["last_error"]) == ("discarded", "told by telephone")
    assert [one["result"] for one in shown["log"]] == ["permanent", "replayed", "discarded"]


def test_what_cannot_be_replayed_or_is_not_there_is_said_in_one_line_with_its_code(place: Place) -> None:
    waiting = announce(place)
    refused = place.command("messages", "replay", waiting)
    assert (refused.returncode, refused.stderr) == (
        13,
        f"contact-centre: message {waiting} is no dead letter: `contact-centre messages show {waiting}`\n",
    )
    missing = place.command("messages", "discard", "x", "--reason", "y")
    assert (missing.returncode, missing.stderr) == (6, "contact-centre: there is no message x\n")


def doctor(place: Place) -> dict[str, dict[str, Any]]:
    """Its lines by probe; other lines are of an installation that is none."""
    return {one["probe"]: one for one in json.loads(place.command("doctor", "--json").stdout)}


def test_doctor_says_which_channels_are_off_and_that_letters_are_dead(place: Place) -> None:
    announce(place, dead=True)
    found = doctor(place)
    assert found["email"]["seen"] == "off: the settings have no [messages.email]"
    assert found["sms"]["ok"]
    assert not found["messages"]["ok"]
    assert found["messages"]["seen"] == "0 messages wait, 1 are dead letters"


async def test_doctor_connects_to_every_peer_and_sends_nothing(place: Place) -> None:
    key = place.root / "key"
    key.write_text("whsec_" + base64.b64encode(os.urandom(32)).decode())
    async with MailServer().running() as mail, HttpServer().running() as web:
        place.config.write_text(
            place.config.read_text("utf-8")
            + f'[messages.email]\nhost = "127.0.0.1"\nport = {mail.port}\ntls = "none"\nsender = "a@b.example"\n'
            f'[messages.sms]\nurl = "http://127.0.0.1:{free_tcp_port()}/"\nbody = {{ to = "{{to}}", t = "{{text}}" }}\n'
            f'[[messages.webhooks]]\nname = "portal"\nurl = "{web.url}"\nsecret_file = "{key}"\nevents = ["*"]\n'
            "allow_private = true\n",
            "utf-8",
        )
        found = await asyncio.to_thread(doctor, place)
        assert (mail.sessions, mail.mails, web.requests) == (1, [], [])
    assert found["email"]["seen"] == "would take messages"
    assert found["webhook:portal"]["ok"]
    assert not found["sms"]["ok"]
    assert found["sms"]["seen"].startswith("connecting: ")
    assert "[messages.sms]" in found["sms"]["remedy"]
