"""What messages are sent to: a real SMTP server (aiosmtpd) and a real HTTP server (aiohttp), told how to behave."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from contact_centre.demo.network import free_tcp_port

TAKEN = "250 OK: queued as 4711"

OnData = Callable[[SMTP, EmailMessage], Awaitable[str]]
OnRecipient = Callable[[SMTP, str], str]


async def take(_smtp: SMTP, _mail: EmailMessage) -> str:
    return TAKEN


@dataclass
class MailServer:
    """Keeps what it was given; ``on_recipient`` and ``on_data`` say how it answers."""

    port: int = field(default_factory=free_tcp_port)
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    sessions: int = 0
    on_data: OnData = take
    on_recipient: OnRecipient = lambda _smtp, _address: "250 OK"
    credentials: tuple[bytes, bytes] | None = None

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _smtp: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.on_recipient(smtp, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        answer = await self.on_data(smtp, mail)
        if answer.startswith("250"):
            self.mails.append(mail)
            self.envelopes.append((envelope.mail_from or "", envelope.rcpt_tos))
        return answer

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        given = (data.login, data.password) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self.credentials, handled=False)

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    @asynccontextmanager
    async def running(
        self, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator["MailServer"]:
        loop = asyncio.get_running_loop()

        def conversation() -> SMTP:
            return SMTP(
                self,
                loop=loop,
                hostname="mail.test",
                tls_context=starttls,
                auth_required=self.credentials is not None,
                auth_require_tls=starttls is not None,
                authenticator=self.authenticate if self.credentials else None,
            )

        server = await loop.create_server(conversation, "127.0.0.1", self.port, ssl=tls)
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[web.Request, Received], Awaitable[web.StreamResponse]]


async def fine(_request: web.Request, _received: Received) -> web.StreamResponse:
    return web.json_response({"result": [{"id": "g-1"}]})


@dataclass
class HttpServer:
    """Keeps the requests; ``answer`` says what comes back."""

    port: int = field(default_factory=free_tcp_port)
    requests: list[Received] = field(default_factory=list)
    answer: Answering = fine

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        received = Received(
            request.method, request.path, dict(request.query), dict(request.headers), await request.read()
        )
        if request.method != "HEAD":
            self.requests.append(received)
        return await self.answer(request, received)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["HttpServer"]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
            yield self
        finally:
            await runner.cleanup()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that signs itself, and a server's context with it."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context
