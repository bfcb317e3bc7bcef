"""``[messages]``: how announcements leave. Every channel is off until it is described; secrets are files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from contact_centre.sections import Port, Section

SMS_PLACEHOLDERS: Final = ("to", "to_digits", "text", "id", "secret")
"""Of the gateway's request: E.164 number, the same without its plus, text, our stable id, the secret file's content."""

Seconds = Annotated[float, Field(gt=0, le=300)]
HttpStatus = Annotated[int, Field(ge=100, le=599)]
Mailbox = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$")]
PeerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
EventPattern = Annotated[str, Field(pattern=r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$")]

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


class EmailSettings(Section):
    """The mail server that takes our mail, and in whose name it is sent.

    ``resend_uncertain``: send again a mail of which only the mail server knows whether it took it (an ADR says more).
    """

    host: str
    port: Port = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    sender: Mailbox
    sender_name: str = "Контактний центр 15-80"
    reply_to: Mailbox | None = None
    timeout_s: Seconds = 30.0
    resend_uncertain: bool = False

    @model_validator(mode="after")
    def _sign_in(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("set both username and password_file (the path of a file that holds the password)")
        if self.username is not None and self.tls == "none":
            raise ValueError('the password would travel in the clear: set tls = "starttls" or "tls"')
        return self


class SmsSettings(Section):
    """An SMS gateway over HTTP: the request that sends one message, and how to read the answer.

    ``body`` and ``headers`` hold the placeholders of ``SMS_PLACEHOLDERS``. ``id_field`` and ``status_field`` are paths
    into a JSON answer (``result.0.id``). Where ``status_field`` is set, its value decides about answers with an
    accepted HTTP status. A status that stands nowhere means that nobody knows whether the message was taken.
    ``idempotency_header``: only for a gateway that promises to send once what carries the same value there.
    """

    url: str
    method: Literal["POST", "PUT", "GET"] = "POST"
    encoding: Literal["json", "form", "query"] = "json"
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any]
    secret_file: Path | None = None
    idempotency_header: str | None = None
    id_field: str | None = None
    accepted: tuple[HttpStatus, ...] = (200, 201, 202)
    permanent: tuple[HttpStatus, ...] = (400, 404, 413, 422)
    temporary: tuple[HttpStatus, ...] = (401, 403, 429, 500, 503)
    status_field: str | None = None
    status_accepted: tuple[str, ...] = ()
    status_permanent: tuple[str, ...] = ()
    timeout_s: Seconds = 15.0

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _check_url(self.url, plain_allowed=True)
        texts = [*_texts(self.body), *self.headers.values()]
        used = {name for text in texts for name in _PLACEHOLDER.findall(text)}
        unknown = sorted(used - set(SMS_PLACEHOLDERS))
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in SMS_PLACEHOLDERS)
            raise ValueError(f"there is no placeholder {{{unknown[0]}}}; there are {known}")
        if "text" not in used or not used & {"to", "to_digits"}:
            raise ValueError("body must say where {text} goes, and {to} or {to_digits}")
        if "secret" in used and self.secret_file is None:
            raise ValueError("{secret} is used: set secret_file, the path of the file that holds it")
        if (self.method == "GET") != (self.encoding == "query"):
            raise ValueError('method "GET" goes with encoding "query", and no other does')
        if self.status_field is not None and not self.status_accepted:
            raise ValueError("status_field is set: name in status_accepted the values that mean accepted")
        return self


class WebhookSettings(Section):
    """A program that is told of events, by signed requests (Standard Webhooks).

    ``secret_file`` holds ``whsec_`` and the key in base64; while keys are changed, the new and the old, a line each.
    ``events``: names, or ``appeal.*`` for all of a kind, or ``*``. ``allow_private``: it is inside our own network.
    """

    name: PeerName
    url: str
    secret_file: Path
    events: Annotated[tuple[EventPattern, ...], Field(min_length=1)]
    allow_private: bool = False
    timeout_s: Seconds = 15.0

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        _check_url(self.url, plain_allowed=self.allow_private)
        return self

    def wants(self, event: str) -> bool:
        """Whether this subscriber is told of ``event``."""
        return any(
            one in {"*", event} or (one.endswith(".*") and event.startswith(one.removesuffix("*")))
            for one in self.events
        )


class MessageSettings(Section):
    """How long an announcement is tried, and when somebody must look; the number it names; the channels."""

    phone: str = "15-80"
    max_age_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 72.0
    alarm_after_minutes: Annotated[float, Field(gt=0)] = 15.0
    email: EmailSettings | None = None
    sms: SmsSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [one.name for one in self.webhooks]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"webhooks: two are named {twice[0]!r}; give each a name of its own")
        return self


def _check_url(url: str, *, plain_allowed: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("url must be a whole one, as https://example.org/path")
    if parts.scheme == "http" and not plain_allowed:
        raise ValueError("url must begin with https://; http only with allow_private = true, inside our own network")
    if parts.username or parts.password:
        raise ValueError("url must hold no name and password: secrets are files")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
