"""The senders against real peers: what is sent, and what is concluded from each answer, or from none."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from standardwebhooks import Webhook, WebhookVerificationError

from contact_centre.clock import SystemClock
from contact_centre.demo.network import free_tcp_port
from contact_centre.message_settings import EmailSettings, SmsSettings, WebhookSettings
from contact_centre.senders.email import EmailSender
from contact_centre.senders.ports import (
    Accepted,
    Outgoing,
    Permanent,
    Result,
    Sender,
    Temporary,
    Uncertain,
    Unreachable,
)
from contact_centre.senders.sms import SmsSender
from contact_centre.senders.webhook import WebhookSender
from tests.integration.message_peers import Answering, HttpServer, MailServer, Received, certificate

AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
MAIL = Outgoing(
    "0192-message",
    "0192-event",
    "olena@example.org",
    "Звернення 2026-000017: під’їзд №4",
    "Доброго дня, Олено!\n<b>Ваше</b> звернення & відповідь — нижче.\n.\nкрапка на початку рядка",
    AT,
)
SMS = Outgoing("0192-message", "0192-event", "+380501234567", None, 'Звернення "17" прийнято; {to} & 100%', AT)
EVENT = Outgoing("0192-message", "0192-event", "portal", None, '{"type": "appeal.registered", "data": {"а": "ї"}}', AT)


async def once(sender: Sender, message: Outgoing) -> Result:
    try:
        return await sender.open() or await sender.send(message)
    finally:
        await sender.close()


# ---------------------------------------------------------------------------------------------------- e-mail


def email(server: MailServer, **settings: Any) -> EmailSender:  # noqa: ANN401 - any setting
    given: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "tls": "none", "sender": "noreply@city.example"}
    return EmailSender(EmailSettings(**given | {"timeout_s": 1.0} | settings))


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with MailServer().running() as server:
        yield server


async def test_a_mail_arrives_as_it_was_written(mail_server: MailServer) -> None:
    result = await once(email(mail_server, reply_to="office@city.example"), MAIL)

    assert isinstance(result, Accepted)
    [mail] = mail_server.mails
    assert mail_server.envelopes == [("noreply@city.example", ["olena@example.org"])]
    assert mail["Subject"] == MAIL.subject
    assert mail["From"] == "Контактний центр 15-80 <noreply@city.example>"
    assert mail["To"] == "olena@example.org"
    assert mail["Reply-To"] == "office@city.example"
    assert mail["Message-ID"] == "<0192-message@city.example>"
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == MAIL.body.splitlines()


async def test_a_mail_is_plain_text_so_that_no_value_can_be_markup(mail_server: MailServer) -> None:
    await once(email(mail_server), MAIL)
    [mail] = mail_server.mails
    assert mail.get_content_type() == "text/plain"
    assert not mail.is_multipart()


async def test_a_mail_that_is_sent_again_is_the_same_to_the_byte(mail_server: MailServer) -> None:
    sender = email(mail_server)
    assert sender.compose(MAIL, MAIL.to) == sender.compose(MAIL, MAIL.to)


async def test_one_connection_carries_several_mails(mail_server: MailServer) -> None:
    sender = email(mail_server)
    for _ in range(3):
        assert await sender.open() is None
        assert isinstance(await sender.send(MAIL), Accepted)
    await sender.close()
    assert (len(mail_server.mails), mail_server.sessions) == (3, 1)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("450 4.2.1 mailbox busy", Temporary("RCPT: 450", "4.2.1 mailbox busy")),
        ("550 5.1.1 no such user", Permanent("RCPT: 550", "5.1.1 no such user")),
        ("421 4.3.2 shutting down", Unreachable("RCPT: 421", "4.3.2 shutting down")),
    ],
)
async def test_a_recipient_that_the_server_refuses(mail_server: MailServer, answer: str, result: Result) -> None:
    mail_server.on_recipient = lambda _smtp, _address: answer
    assert await once(email(mail_server), MAIL) == result
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("451 4.3.0 try later", Temporary("DATA: 451", "4.3.0 try later")),
        ("554 5.7.1 spam", Permanent("DATA: 554", "5.7.1 spam")),
    ],
)
async def test_a_mail_that_the_server_refuses(mail_server: MailServer, answer: str, result: Result) -> None:
    async def refuse(_smtp: SMTP, _mail: EmailMessage) -> str:
        return answer

    mail_server.on_data = refuse
    assert await once(email(mail_server), MAIL) == result


async def test_after_a_refused_mail_the_same_connection_takes_the_next(mail_server: MailServer) -> None:
    mail_server.on_recipient = lambda _smtp, address: "550 no" if address.startswith("gone") else "250 OK"
    sender = email(mail_server)
    await sender.open()
    gone = Outgoing("1", "1", "gone@example.org", "s", "b", AT)
    assert isinstance(await sender.send(gone), Permanent)
    assert await sender.open() is None
    assert isinstance(await sender.send(MAIL), Accepted)
    await sender.close()
    assert mail_server.sessions == 1


async def test_a_connection_that_is_lost_after_the_mail_leaves_it_in_doubt(mail_server: MailServer) -> None:
    async def vanish(smtp: SMTP, _mail: EmailMessage) -> str:
        assert smtp.transport is not None
        smtp.transport.abort()  # type: ignore[attr-defined]
        return "451 nobody hears this"

    mail_server.on_data = vanish
    sender = email(mail_server)
    assert isinstance(await once(sender, MAIL), Uncertain)
    assert await sender.open() is None, "the next mail gets a connection of its own"
    await sender.close()


async def test_half_an_answer_after_the_mail_leaves_it_in_doubt(mail_server: MailServer) -> None:
    async def begin(smtp: SMTP, _mail: EmailMessage) -> str:
        assert smtp._writer is not None
        smtp._writer.write(b"250 O")
        await smtp._writer.drain()
        smtp._writer.close()
        return "451 nobody hears this"

    mail_server.on_data = begin
    assert isinstance(await once(email(mail_server), MAIL), Uncertain)


async def test_no_answer_after_the_mail_leaves_it_in_doubt(mail_server: MailServer) -> None:
    async def sleep(_smtp: SMTP, _mail: EmailMessage) -> str:
        await asyncio.sleep(5)
        return "250 too late"

    mail_server.on_data = sleep
    assert isinstance(await once(email(mail_server, timeout_s=0.3), MAIL), Uncertain)


async def test_a_connection_that_is_lost_at_the_recipient_means_not_taken(mail_server: MailServer) -> None:
    def vanish(smtp: SMTP, _address: str) -> str:
        assert smtp.transport is not None
        smtp.transport.abort()  # type: ignore[attr-defined]
        return "250 OK"

    mail_server.on_recipient = vanish
    result = await once(email(mail_server), MAIL)
    assert isinstance(result, Temporary)
    assert result.reason == "RCPT: connection lost"


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [("олена@приклад.укр", None), ("olena@приклад.укр", "olena@xn--80aikifvh.xn--j1amh"), ("olena", None), ("", None)],
)
async def test_addresses_of_other_scripts(mail_server: MailServer, address: str, sent_to: str | None) -> None:
    result = await once(email(mail_server), Outgoing("1", "1", address, "s", "b", AT))
    assert isinstance(result, Permanent if sent_to is None else Accepted)
    assert [to for _, recipients in mail_server.envelopes for to in recipients] == ([sent_to] if sent_to else [])


async def test_a_line_end_in_an_address_is_no_second_recipient(mail_server: MailServer) -> None:
    message = Outgoing("1", "1", "a@example.org>\r\nRCPT TO:<b@example.org", "s", "b", AT)
    assert isinstance(await once(email(mail_server), message), Permanent)


async def test_nobody_listens() -> None:
    sender = email(MailServer())
    refused = await sender.open()
    assert isinstance(refused, Unreachable)
    assert refused.reason.startswith("connecting: ")
    assert isinstance(await sender.probe(), Unreachable)


async def test_a_server_that_listens_and_is_silent() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", port := free_tcp_port())
    async with server:
        assert await email(MailServer(port), timeout_s=0.3).open() == Unreachable("connecting: no answer in time")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # TLS from the first byte is not seen
@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_a_password_travels_over_tls_and_comes_from_a_file(tmp_path: Path, mode: str) -> None:
    authority, context = certificate(tmp_path)
    (tmp_path / "password").write_text("таємниця\n", "utf-8")
    server = MailServer(credentials=(b"city", "таємниця".encode()))
    tls = {"starttls": context} if mode == "starttls" else {"tls": context}
    async with server.running(**tls):
        sender = email(
            server,
            host="localhost",
            tls=mode,
            ca_file=authority,
            username="city",
            password_file=tmp_path / "password",
        )
        assert isinstance(await once(sender, MAIL), Accepted)
        (tmp_path / "password").write_text("wrong", "utf-8")
        refused = await sender.open()
        assert isinstance(refused, Unreachable)
        assert refused.reason == "signing in: 535"


async def test_a_certificate_of_nobody_is_not_trusted(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    async with MailServer().running(starttls=context) as server:
        refused = await email(server, host="localhost", tls="starttls").open()
    assert isinstance(refused, Unreachable)
    assert "certificate" in refused.reason


async def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(mail_server: MailServer) -> None:
    assert isinstance(await once(email(mail_server, tls="starttls"), MAIL), Unreachable)
    assert mail_server.mails == []


async def test_a_missing_password_file_says_what_to_do(tmp_path: Path) -> None:
    sender = email(MailServer(), tls="tls", username="city", password_file=tmp_path / "none")
    refused = await sender.open()
    assert refused == Unreachable(
        f"secret: {tmp_path}/none: No such file or directory; put the secret there, readable for the service's user"
    )


# ------------------------------------------------------------------------------------------------------- SMS


@pytest.fixture
async def http_server() -> AsyncIterator[HttpServer]:
    async with HttpServer().running() as server:
        yield server


def sms(server: HttpServer, **settings: Any) -> SmsSender:  # noqa: ANN401 - any setting
    given: dict[str, Any] = {
        "url": server.url,
        "body": {"phone": "{to_digits}", "messages": [{"text": "{text}", "ref": "{id}", "flash": False}]},
        "id_field": "result.0.id",
        "timeout_s": 1.0,
    }
    return SmsSender(SmsSettings(**given | settings))


def says(status: int, body: str = "", headers: dict[str, str] | None = None) -> Answering:
    async def answer(_request: web.Request, _received: Received) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers=headers)

    return answer


async def test_the_gateway_gets_the_described_json(http_server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    sender = sms(
        http_server,
        headers={"Authorization": "Bearer {secret}"},
        secret_file=tmp_path / "key",
        idempotency_header="Idempotency-Key",
    )
    assert await once(sender, SMS) == Accepted("g-1")
    [request] = http_server.requests
    assert json.loads(request.body) == {
        "phone": "380501234567",
        "messages": [{"text": SMS.body, "ref": "0192-message", "flash": False}],
    }
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.headers["Idempotency-Key"] == "0192-message"
    assert sender.recognises


async def test_the_gateway_gets_the_described_form(http_server: HttpServer) -> None:
    assert isinstance(
        await once(sms(http_server, encoding="form", body={"to": "{to}", "msg": "{text}"}), SMS), Accepted
    )
    [request] = http_server.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body.startswith(b"to=%2B380501234567&msg=%D0%97")


async def test_the_gateway_gets_the_described_query(http_server: HttpServer) -> None:
    sender = sms(http_server, method="GET", encoding="query", body={"to": "{to}", "msg": "{text}"})
    assert isinstance(await once(sender, SMS), Accepted)
    [request] = http_server.requests
    assert request.query == {"to": "+380501234567", "msg": SMS.body}


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (says(400, "bad number"), Permanent("HTTP 400", "bad number")),
        (says(500, "oops"), Temporary("HTTP 500", "oops")),
        (says(401), Temporary("HTTP 401")),
        (says(429, "", {"Retry-After": "120"}), Unreachable("HTTP 429", "", timedelta(seconds=120))),
        (says(503, "", {"Retry-After": "Mon, 23 Nov 2026 09:00:00 GMT"}), Unreachable("HTTP 503")),
        (says(504), Uncertain("HTTP 504")),
        (says(302, "", {"Location": "http://127.0.0.1/other"}), Uncertain("HTTP 302")),
        (says(200, '{"result": [{"id": 12}]}'), Accepted("12")),
        (says(200, '{"result": []}'), Accepted(None)),
        (says(200, '{"result": [{"i'), Uncertain("HTTP 200, and half an answer", '{"result": [{"i')),
    ],
)
async def test_what_the_gateways_answers_mean(http_server: HttpServer, answer: Answering, result: Result) -> None:
    http_server.answer = answer
    assert await once(sms(http_server), SMS) == result
    assert len(http_server.requests) == 1


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ('{"code": 0, "result": [{"id": "x"}]}', Accepted("x")),
        ('{"code": 406}', Permanent("code 406", '{"code": 406}')),
        ('{"code": 999}', Temporary("code 999", '{"code": 999}')),
        ("[]", Uncertain("code None", "[]")),
    ],
)
async def test_a_gateway_that_says_it_in_a_field_of_a_fine_answer(
    http_server: HttpServer, body: str, result: Result
) -> None:
    http_server.answer = says(200, body)
    sender = sms(http_server, status_field="code", status_accepted=("0",), status_permanent=("406",))
    assert await once(sender, SMS) == result


async def drop(request: web.Request, _received: Received) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def stall(_request: web.Request, _received: Received) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


async def half(request: web.Request, _received: Received) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"result"')
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.parametrize("answer", [drop, stall, half])
async def test_a_gateway_that_does_not_say_leaves_the_message_in_doubt(
    http_server: HttpServer, answer: Answering
) -> None:
    http_server.answer = answer
    assert isinstance(await once(sms(http_server, timeout_s=0.5), SMS), Uncertain)
    assert len(http_server.requests) == 1


async def test_a_gateway_that_is_not_there() -> None:
    sender = sms(HttpServer())
    refused = await once(sender, SMS)
    assert isinstance(refused, Unreachable)
    assert refused.reason.startswith("connecting: ")
    assert await sender.probe() == refused


async def test_a_gateway_is_reachable_whatever_it_answers_to_nothing(http_server: HttpServer) -> None:
    http_server.answer = says(405)
    assert await sms(http_server).probe() is None
    assert http_server.requests == []


# -------------------------------------------------------------------------------------------------- webhooks

KEY = "whsec_" + base64.b64encode(os.urandom(32)).decode()
OLD_KEY = "whsec_" + base64.b64encode(os.urandom(32)).decode()


def webhook(server: HttpServer, tmp_path: Path, *keys: str, **settings: Any) -> WebhookSender:  # noqa: ANN401 - any setting
    (tmp_path / "keys").write_text("\n".join(keys or (KEY,)))
    given: dict[str, Any] = {"name": "portal", "url": server.url, "secret_file": tmp_path / "keys", "events": ("*",)}
    return WebhookSender(WebhookSettings(**given | {"allow_private": True, "timeout_s": 1.0} | settings), SystemClock())


async def test_a_webhook_is_signed_so_that_another_implementation_verifies_it(
    http_server: HttpServer, tmp_path: Path
) -> None:
    assert await once(webhook(http_server, tmp_path), EVENT) == Accepted()
    [request] = http_server.requests
    headers = dict(request.headers)
    assert Webhook(KEY).verify(request.body, headers) == json.loads(EVENT.body)
    assert headers["webhook-id"] == "0192-event"
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_KEY).verify(request.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify(request.body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify(request.body, headers | {"webhook-id": "another"})


async def test_while_keys_are_changed_both_verify(http_server: HttpServer, tmp_path: Path) -> None:
    await once(webhook(http_server, tmp_path, KEY, OLD_KEY), EVENT)
    [request] = http_server.requests
    for key in (KEY, OLD_KEY):
        Webhook(key).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (says(204), Accepted()),
        (half, Accepted()),
        (says(400), Temporary("HTTP 400")),
        (says(302, "", {"Location": "http://127.0.0.1/other"}), Temporary("HTTP 302")),
        (says(410), Permanent("HTTP 410")),
        (says(503, "", {"Retry-After": "7"}), Unreachable("HTTP 503", "", timedelta(seconds=7))),
        (drop, Uncertain("no answer: ServerDisconnectedError")),
    ],
)
async def test_what_a_subscribers_answers_mean(
    http_server: HttpServer, tmp_path: Path, answer: Answering, result: Result
) -> None:
    http_server.answer = answer
    assert await once(webhook(http_server, tmp_path), EVENT) == result
    assert len(http_server.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_address_is_not_connected_to_however_it_is_named(
    http_server: HttpServer, tmp_path: Path, host: str
) -> None:
    url = f"https://{host}:{http_server.port}/"
    refused = await once(webhook(http_server, tmp_path, url=url, allow_private=False), EVENT)
    assert refused == Unreachable("connecting: a private address; webhooks.allow_private allows it")
    assert http_server.requests == []


@pytest.mark.parametrize("line", ["whsec_short", "whsec_" + "*" * 44, "a-password-of-a-person", ""])
async def test_a_bad_key_is_told_without_being_shown(http_server: HttpServer, tmp_path: Path, line: str) -> None:
    refused = await webhook(http_server, tmp_path, line or "\n").open()
    assert isinstance(refused, Unreachable)
    assert refused.reason.startswith(f"secret: {tmp_path}/keys: ")
    assert not line or line not in refused.reason
