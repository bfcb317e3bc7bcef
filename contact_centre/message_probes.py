"""For ``doctor``: would the peers let us send, and does anything wait for a person?"""

import asyncio
from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.messages import MessageChannel
from contact_centre import outbox_queries
from contact_centre.clock import SystemClock
from contact_centre.config import Settings
from contact_centre.probes import Finding
from contact_centre.senders.build import build
from contact_centre.senders.ports import Sender, peer_of


def peers(settings: Settings) -> Iterator[Finding]:
    """Each peer is connected to (mail server: TLS and sign-in too); nothing is sent."""
    built = build(settings.messages, SystemClock())

    async def ask() -> list[Finding]:
        return await asyncio.gather(*(_ask(peer, sender) for peer, sender in built.items()))

    yield from asyncio.run(ask())
    for channel in (MessageChannel.EMAIL, MessageChannel.SMS):
        if peer_of(channel, "") not in built:
            yield Finding(channel, ok=True, seen=f"off: the settings have no [messages.{channel}]")


async def _ask(peer: str, sender: Sender) -> Finding:
    refused = await sender.probe()
    if refused is None:
        return Finding(peer, ok=True, seen="would take messages")
    channel = peer.partition(":")[0]
    setting = "[[messages.webhooks]]" if channel == MessageChannel.WEBHOOK else f"[messages.{channel}]"
    remedy = f"messages wait and nothing is lost: check {setting} of the settings, the network, and the peer"
    return Finding(peer, ok=False, seen=f"{refused.reason} {refused.detail}".strip(), remedy=remedy)


async def letters(connection: AsyncConnection) -> Finding:
    """What waits, and what a person must decide on."""
    backlog = await outbox_queries.backlog(connection)
    seen = f"{sum(one.count for one in backlog.waiting)} messages wait, {backlog.dead} are dead letters"
    remedy = "`contact-centre messages list --dead`, then `messages replay ID` or `messages discard ID`"
    return Finding("messages", ok=not backlog.dead, seen=seen, remedy=remedy if backlog.dead else None)
