"""What the register announces to applicants, services and programs, and how a template becomes a text. Pure.

A template is the city's; what is put into its placeholders was written by people. So a value is never looked at for
placeholders again, loses whatever is not text, and cannot break out of a subject's one line. The texts are plain text,
never HTML.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from appeals.errors import UnknownReferenceError
from appeals.reference import LANGUAGES, Template

LONGEST_SHORT_VALUE: Final = 160
"""Characters of one value in a text message, which is paid for by the part."""
ABSENT: Final = "—"
"""Stands for what an appeal does not have."""

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "number": "registration number",
    "applicant": "the applicant's name",
    "category": "name of the category, in the message's language",
    "service": "name of the service or enterprise",
    "service_phone": "telephone of the service or enterprise",
    "address": "address of the matter",
    "due": "when it is to be done",
    "until": "a new date: of an extension, of planned work, of the end of an outage",
    "result": "the result, in words",
    "text": "report, explanation, question, or an incident's text",
    "reason": "why, in words",
    "law": "legal reference of a refusal",
    "phone": "telephone of the contact centre",
}
"""What templates may use, each with its meaning. What an appeal lacks is shown as a dash."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_SPACES: Final = re.compile(r"\s+")


class MessageChannel(StrEnum):
    """How a message leaves."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something to tell somebody, once for each ``event_id``, channel and address.

    ``template`` is the code of a text; for webhooks the event's name, and ``parameters`` are what subscribers get.
    ``address`` is an e-mail address or an E.164 number; None for webhooks, whose subscribers are the settings' matter.
    ``parameters`` are values for ``PLACEHOLDERS``, in words of ``language``, already without what the receiver must
    not see. ``duty_id`` is the duty that the delivered message closes, if any.
    """

    event_id: str
    appeal_id: str | None
    duty_id: str | None
    template: str
    language: str
    channel: MessageChannel
    address: str | None
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it leaves; ``subject`` is None where there is none."""

    subject: str | None
    body: str


def render(announcement: Announcement, templates: Mapping[tuple[str, str], Template]) -> Text:
    """The text of an e-mail or SMS; in the city's own language where the template has no other.

    Raises:
        UnknownReferenceError: There is no such template.
    """
    languages = dict.fromkeys((announcement.language, *LANGUAGES))
    found = (templates.get((announcement.template, language)) for language in languages)
    template = next((one for one in found if one is not None), None)
    if template is None:
        raise UnknownReferenceError("template", announcement.template)
    values = {name: _clean(value) or ABSENT for name, value in announcement.parameters.items()}
    if announcement.channel is MessageChannel.SMS:
        return Text(None, _one_line(_fill(template.short, {name: _shortened(one) for name, one in values.items()})))
    return Text(_one_line(_fill(template.subject, values)), _fill(template.text, values))


def problems(template: Template) -> Iterator[str]:
    """What is wrong with a template, a sentence each; for the check of reference data."""
    where = f"template {template.code} ({template.language})"
    for field, text in (("subject", template.subject), ("text", template.text), ("short", template.short)):
        if not text.strip():
            yield f"{where}: {field} is empty"
        for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
            if name not in PLACEHOLDERS:
                yield f"{where}: {field} uses {{{name}}}; there are {', '.join(PLACEHOLDERS)}"
        if set(_PLACEHOLDER.sub("", text)) & set("{}"):
            yield f"{where}: {field} has a brace that is part of no placeholder"
    if len(template.subject.splitlines()) > 1:
        yield f"{where}: subject has more than one line"


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], ABSENT), text)


def _clean(value: str) -> str:
    """Text alone: no control or format characters; line ends stay."""
    return "".join(one if one.isprintable() or one == "\n" else " " * one.isspace() for one in value).strip()


def _one_line(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST_SHORT_VALUE else value[: LONGEST_SHORT_VALUE - 1].rstrip() + "…"
