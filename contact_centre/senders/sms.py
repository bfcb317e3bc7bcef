"""SMS through a gateway's HTTP interface, as the settings describe it."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from contact_centre.message_settings import SmsSettings
from contact_centre.senders import http
from contact_centre.senders.ports import Accepted, Outgoing, Permanent, Result, Temporary, Uncertain, Unreachable
from contact_centre.senders.secrets import SecretError, read_lines

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_LONGEST_DETAIL: Final = 300


class SmsSender:
    """Requests to one gateway."""

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._peer = http.HttpPeer(settings.url, settings.timeout_s)
        self._secret = ""

    @property
    def recognises(self) -> bool:
        """The settings say whether the gateway does."""
        return self._settings.idempotency_header is not None

    async def open(self) -> Unreachable | None:
        """Read the secret; each request connects by itself."""
        try:
            if self._settings.secret_file is not None:
                self._secret = read_lines(self._settings.secret_file)[0]
        except SecretError as error:
            return Unreachable(f"secret: {error}")
        return None

    async def send(self, message: Outgoing) -> Result:
        """One request."""
        settings = self._settings
        values = {
            "to": message.to,
            "to_digits": message.to.removeprefix("+"),
            "text": message.body,
            "id": message.message_id,
            "secret": self._secret,
        }
        headers = dict(_filled(settings.headers, values))
        if settings.idempotency_header is not None:
            headers[settings.idempotency_header] = message.message_id
        body = _filled(settings.body, values)
        request: dict[str, Any] = {
            "json": {"data": json.dumps(body, ensure_ascii=False).encode()},
            "form": {"data": body},
            "query": {"params": body},
        }[settings.encoding]
        if settings.encoding == "json":
            headers = {"Content-Type": "application/json; charset=utf-8"} | headers
        answer = await self._peer.exchange(settings.method, headers=headers, **request)
        return self._read(answer) if isinstance(answer, http.Answer) else answer

    async def close(self) -> None:
        """Let go of the gateway."""
        await self._peer.close()

    async def probe(self) -> Unreachable | None:
        """Whether the gateway answers a request that sends nothing."""
        refused = await self.open() or await self._peer.reach()
        await self.close()
        return refused

    def _read(self, answer: http.Answer) -> Result:
        return self._by_status(answer) or self._by_field(answer)

    def _by_status(self, answer: http.Answer) -> Result | None:
        """What the HTTP status says; None when it says accepted."""
        settings, reason, said = self._settings, f"HTTP {answer.status}", _words(answer)
        if answer.status in settings.accepted:
            return None
        if answer.status in settings.permanent:
            return Permanent(reason, said)
        if answer.status not in settings.temporary:
            return Uncertain(reason, said)
        if answer.status in http.OVERLOADED:
            return Unreachable(reason, said, answer.retry_after)
        return Temporary(reason, said)

    def _by_field(self, answer: http.Answer) -> Result:
        """What an accepted answer itself says."""
        settings, said = self._settings, _words(answer)
        if settings.id_field is None and settings.status_field is None:
            return Accepted()
        try:
            told = json.loads(answer.body or b"")
        except ValueError:
            return Uncertain(f"HTTP {answer.status}, and half an answer", said)
        if settings.status_field is not None:
            status = _at(told, settings.status_field)
            reason = f"{settings.status_field} {status}"
            if status is None:
                return Uncertain(reason, said)
            if status not in settings.status_accepted:
                return (Permanent if status in settings.status_permanent else Temporary)(reason, said)
        return Accepted(None if settings.id_field is None else _at(told, settings.id_field))


def _words(answer: http.Answer) -> str:
    return "" if answer.body is None else answer.body.decode("utf-8", "replace")[:_LONGEST_DETAIL]


def _filled(template: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """The template with its placeholders replaced in every text, each once: values are not looked at again."""
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)
    if isinstance(template, Mapping):
        return {name: _filled(one, values) for name, one in template.items()}
    if isinstance(template, list):
        return [_filled(one, values) for one in template]
    return template


def _at(told: Any, path: str) -> str | None:  # noqa: ANN401 - JSON
    """The value at a path such as ``result.0.id``, as text; None if there is none."""
    for part in path.split("."):
        if isinstance(told, Mapping):
            told = told.get(part)
        elif isinstance(told, list) and part.isdecimal() and int(part) < len(told):
            told = told[int(part)]
        else:
            return None
    return str(told) if isinstance(told, (str, int, float)) else None
