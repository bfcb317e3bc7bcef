"""One sender for each peer that the settings describe."""

from collections.abc import Iterator, Mapping

from appeals.messages import MessageChannel
from appeals.ports import Clock
from contact_centre.message_settings import MessageSettings
from contact_centre.senders.email import EmailSender
from contact_centre.senders.ports import Sender, peer_of
from contact_centre.senders.sms import SmsSender
from contact_centre.senders.webhook import WebhookSender


def build(settings: MessageSettings, clock: Clock) -> Mapping[str, Sender]:
    """A sender for each peer; nothing is connected yet."""
    return dict(_senders(settings, clock))


def _senders(settings: MessageSettings, clock: Clock) -> Iterator[tuple[str, Sender]]:
    if settings.email is not None:
        yield peer_of(MessageChannel.EMAIL, ""), EmailSender(settings.email)
    if settings.sms is not None:
        yield peer_of(MessageChannel.SMS, ""), SmsSender(settings.sms)
    for one in settings.webhooks:
        yield peer_of(MessageChannel.WEBHOOK, one.name), WebhookSender(one, clock)
