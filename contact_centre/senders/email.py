"""E-mail through the city's mail server (RFC 5321), as plain text.

Connecting, TLS and signing in come before any message is in play. What remains between the moment that a message is
claimed and the moment that its fate is known is MAIL, RCPT and DATA on an open connection.
"""

from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from contact_centre.message_settings import EmailSettings
from contact_centre.senders.ports import Accepted, Outgoing, Permanent, Result, Temporary, Uncertain, Unreachable
from contact_centre.senders.secrets import SecretError, read_lines

GOODBYE_S: Final = 0.5
"""How long QUIT may take."""
SERVICE_CLOSING: Final = 421
"""RFC 5321, 3.8: may answer any command; the server goes."""
PERMANENT_FROM: Final = 500
_LONGEST_ID: Final = 200


class EmailSender:
    """One connection to the mail server, held while there is mail."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._domain = settings.sender.partition("@")[2]
        self._smtp: SMTP | None = None

    @property
    def recognises(self) -> bool:
        """Mail servers need not compare Message-IDs, so the city decides."""
        return self._settings.resend_uncertain

    async def open(self) -> Unreachable | None:
        """Connect, EHLO, TLS, sign in; or see that the connection of the message before still stands."""
        if self._smtp is not None and self._smtp.is_connected:
            return None
        try:
            smtp = self._connection()
        except SecretError as error:
            return Unreachable(f"secret: {error}")
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:  # neither TLS nor sign-in has said it
                await smtp.ehlo()
        except (SMTPException, OSError) as error:
            smtp.close()
            return _unreachable(error)
        self._smtp = smtp
        return None

    async def send(self, message: Outgoing) -> Result:
        """MAIL, RCPT, DATA."""
        smtp = self._smtp
        if smtp is None:
            return Unreachable("not connected")
        try:
            to = _mailbox(message.to)
            content = self.compose(message, to)
        except (ValueError, MessageError) as error:
            return Permanent("address: none that mail can be sent to", str(error))
        result = await self._envelope(smtp, to) or await _content(smtp, content)
        match result:
            case Temporary() | Permanent():
                with suppress(SMTPException, OSError):  # if it fails, the next message finds no connection
                    await smtp.rset()
            case Unreachable() | Uncertain():  # where the conversation stands is unknown
                self._smtp = None
                smtp.close()
            case Accepted():
                pass
        return result

    async def close(self) -> None:
        """QUIT, if the server listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None and smtp.is_connected:
            with suppress(SMTPException, OSError):
                await smtp.quit(timeout=GOODBYE_S)
            smtp.close()

    async def probe(self) -> Unreachable | None:
        """Connect, EHLO, TLS, sign in, and go."""
        refused = await self.open()
        await self.close()
        return refused

    def compose(self, message: Outgoing, to: str) -> bytes:
        """The mail, the same bytes however often: date and Message-ID are the message's own (RFC 5322, 3.6).

        Raises:
            ValueError, MessageError: It cannot be a mail.
        """
        settings = self._settings
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = Address(settings.sender_name, addr_spec=settings.sender)
        mail["To"] = Address(addr_spec=to)
        if settings.reply_to is not None:
            mail["Reply-To"] = Address(addr_spec=settings.reply_to)
        mail["Subject"] = message.subject or ""
        mail["Date"] = message.created_at
        mail["Message-ID"] = f"<{message.message_id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices in answer
        mail.set_content(message.body)
        return mail.as_bytes()

    def _connection(self) -> SMTP:
        """A connection that is still to be made.

        Raises:
            SecretError: The password's file cannot be read.
        """
        settings = self._settings
        return SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=read_lines(settings.password_file)[0] if settings.password_file else None,
            local_hostname=self._domain,
            timeout=settings.timeout_s,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            cert_bundle=str(settings.ca_file) if settings.ca_file else None,
        )

    async def _envelope(self, smtp: SMTP, to: str) -> Result | None:
        """MAIL and RCPT; None when the server takes both."""
        stage = "MAIL"
        try:
            await smtp.mail(self._settings.sender)
            stage = "RCPT"
            await smtp.rcpt(to)
        except SMTPSenderRefused as error:
            return Unreachable(f"MAIL: {error.code}", error.message)
        except SMTPRecipientRefused as error:
            return _refused("RCPT", error)
        except (SMTPException, OSError) as error:
            lost = Unreachable if stage == "MAIL" else Temporary  # at RCPT this recipient may be the reason
            return lost(f"{stage}: connection lost", str(error))
        return None


async def _content(smtp: SMTP, content: bytes) -> Result:
    """DATA and the mail itself. If the server is silent after it, only the server knows (RFC 1047)."""
    try:
        response = await smtp.data(content)
    except SMTPResponseException as error:
        return _refused("DATA", error)
    except (SMTPException, OSError) as error:
        return Uncertain("DATA: no answer", str(error))
    return Accepted(response.message[:_LONGEST_ID])


def _refused(stage: str, error: SMTPResponseException) -> Result:
    reason = f"{stage}: {error.code}"
    if error.code == SERVICE_CLOSING:
        return Unreachable(reason, error.message)
    return (Permanent if error.code >= PERMANENT_FROM else Temporary)(reason, error.message)


def _unreachable(error: SMTPException | OSError) -> Unreachable:
    if isinstance(error, SMTPResponseException):
        return Unreachable(f"signing in: {error.code}", error.message)
    if isinstance(error, TimeoutError):
        return Unreachable("connecting: no answer in time")
    return Unreachable(f"connecting: {error}")


def _mailbox(address: str) -> str:
    """An address as it stands in RCPT: a domain in its ASCII form (RFC 5890).

    Raises:
        ValueError: It is none, or its local part needs SMTPUTF8.
    """
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError("a local part that is not ASCII")
    parsed = Address(addr_spec=f"{local}@{domain.encode('idna').decode()}")
    if not parsed.username or not parsed.domain:
        raise ValueError("not of the form name@domain")
    return parsed.addr_spec
