"""``messages list``, ``show``, ``replay`` and ``discard``: what was announced, and what became of it."""

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.messages import MessageChannel
from contact_centre import outbox, outbox_queries, views
from contact_centre.cli.context import (
    Context,
    NotFoundError,
    json_option,
    local,
    pass_context,
    print_fields,
    print_json,
    print_table,
)
from contact_centre.clock import SystemClock
from contact_centre.outbox import Message, MessageStateError, State
from contact_centre.outbox_queries import Attempt, MessageFilter


@click.group()
def messages() -> None:
    """E-mails, text messages and webhooks on their way out."""


@messages.command("list")
@click.option("--dead", is_flag=True, help="Only dead letters: those that a person must decide on.")
@click.option("--state", "states", multiple=True, type=click.Choice([one.value for one in State]))
@click.option("--channel", type=click.Choice([one.value for one in MessageChannel]))
@click.option("--appeal", "appeal_id", help="Only those about this appeal.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@json_option
@pass_context
def list_(
    context: Context,
    dead: bool,
    states: tuple[str, ...],
    channel: str | None,
    appeal_id: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List messages, newest first."""
    wanted = MessageFilter(
        states=(State.DEAD,) if dead else tuple(map(State, states)),
        channel=MessageChannel(channel) if channel else None,
        appeal_id=appeal_id,
        limit=limit,
    )
    found = context.read(lambda connection: outbox_queries.list_messages(connection, wanted))
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (
                local(one.created_at),
                one.channel.value,
                one.address,
                one.template,
                one.state.value,
                one.attempts,
                one.last_error,
                one.message_id,
            )
            for one in found
        ),
        ("created", "channel", "to", "about", "state", "attempts", "reason", "message_id"),
        "No dead letters." if dead else "No messages.",
    )


@messages.command()
@click.argument("message_id")
@json_option
@pass_context
def show(context: Context, message_id: str, as_json: bool) -> None:
    """Show one message with its text and every attempt."""

    async def query(connection: AsyncConnection) -> tuple[Message | None, list[Attempt]]:
        found = await outbox_queries.get_message(connection, message_id)
        return found, await outbox_queries.attempts_of(connection, message_id)

    found, attempts = context.read(query)
    if found is None:
        raise NotFoundError(f"there is no message {message_id}")
    seen = views.plain(found) | {"log": [views.plain(one) for one in attempts]}
    (print_json if as_json else print_fields)(seen)


@messages.command()
@click.argument("message_id")
@pass_context
def replay(context: Context, message_id: str) -> None:
    """Try a dead letter again; a webhook also when it was delivered. It keeps its id."""
    _exists(context, message_id)
    if not context.write(lambda tx: outbox.replay(tx, message_id, SystemClock().now())):
        raise MessageStateError(f"message {message_id} is no dead letter: `contact-centre messages show {message_id}`")
    click.echo("It waits for its turn; a running service sends it within seconds.")


@messages.command()
@click.argument("message_id")
@click.option("--reason", required=True, help="Why it is not to leave, such as: told by telephone.")
@pass_context
def discard(context: Context, message_id: str, reason: str) -> None:
    """Decide that a message is not to leave; the duty it was to close stays open."""
    _exists(context, message_id)
    if not context.write(lambda tx: outbox.discard(tx, message_id, SystemClock().now(), reason)):
        raise MessageStateError(f"message {message_id} neither waits nor is a dead letter")
    click.echo("Discarded. `contact-centre messages replay` takes it back.")


def _exists(context: Context, message_id: str) -> None:
    if context.read(lambda connection: outbox_queries.get_message(connection, message_id)) is None:
        raise NotFoundError(f"there is no message {message_id}")
