"""``call``, and ``control transfer``, ``hangup``, ``move``, ``pause`` and ``unpause``: what acts on calls now."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import click

from contact_centre import outbound
from contact_centre.cli.context import Context, NotFoundError, json_option, pass_context, print_json
from contact_centre.clock import SystemClock
from contact_centre.pauses import Pause
from telephony import control as short
from telephony import phones
from telephony.links.ami_session import AmiAddress
from telephony.outbound import NotPlacedError, Result
from telephony.switchboard import AsteriskSwitchboard, Switchboard

_TOLD = {
    Result.PICKED_UP: "{operator} picked up; {number} is being called.",
    Result.NOT_PICKED_UP: "{operator} did not pick up the phone; nobody was called.",
    Result.BUSY: "{operator} is on the phone; nobody was called.",
    Result.ABSENT: "The phone of {operator} is not registered; nobody was called.",
}
_CALL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}\Z")


@click.command()
@click.argument("number")
@click.option("--operator", required=True, help="Whose phone rings first: a login.")
@click.option("--purpose", help="What the call is for: duty:ID or appeal:ID.")
@json_option
@pass_context
def call(context: Context, number: str, operator: str, purpose: str | None, as_json: bool) -> None:
    """Call a citizen: the operator's phone rings, and when they pick it up, the citizen's.

    Exits with 1 if the operator's phone was not picked up.
    """
    now = SystemClock().now()
    wanted = context.write(
        lambda tx: outbound.intend(tx, context.settings, number=number, operator=operator, purpose=purpose, at=now)
    )
    try:
        result = asyncio.run(short.place(_address(context), wanted, context.settings.peers))
    except NotPlacedError as error:
        why = error.result
        context.write(lambda tx: outbound.finish(tx, wanted.call_id, why))
        raise
    context.write(lambda tx: outbound.finish(tx, wanted.call_id, result))
    if as_json:
        print_json({"call_id": wanted.call_id, "number": wanted.number, "purpose": purpose, "result": result.value})
    else:
        click.echo(f"{_TOLD[result].format(operator=operator, number=wanted.number)} Call {wanted.call_id}")
    click.get_current_context().exit(0 if result is Result.PICKED_UP else 1)


@click.group()
def control() -> None:
    """Act on calls that are in progress, and on operators in the queue."""


@control.command()
@click.argument("call_id")
@click.argument("to")
@click.option("--attended", is_flag=True, help="Talk with them first; hanging up completes it.")
@pass_context
def transfer(context: Context, call_id: str, to: str, attended: bool) -> None:
    """Hand the citizen of CALL_ID over to TO: a login or an extension of ours."""
    target = _phone(context, to)
    checked = _checked(call_id)
    _do(context, lambda switchboard: switchboard.transfer(checked, target.extension, attended=attended))
    click.echo(f"Call {call_id} goes to {target.login} ({target.extension}).")


@control.command()
@click.argument("call_id")
@pass_context
def hangup(context: Context, call_id: str) -> None:
    """End CALL_ID."""
    checked = _checked(call_id)
    _do(context, lambda switchboard: switchboard.hang_up(checked))
    click.echo(f"Call {call_id} is ended.")


@control.command()
@click.argument("call_id")
@click.option("--to", help="A login or an extension of ours; otherwise to the head of the queue.")
@pass_context
def move(context: Context, call_id: str, to: str | None) -> None:
    """Move the citizen of CALL_ID, who waits in the queue: to its head, or to a phone."""
    target = None if to is None else _phone(context, to)
    extension = None if target is None else target.extension
    checked = _checked(call_id)
    _do(context, lambda switchboard: switchboard.move(checked, extension))
    where = "the head of the queue" if target is None else f"{target.login} ({target.extension})"
    click.echo(f"Call {call_id} goes to {where}.")


@control.command()
@click.argument("login")
@click.option("--reason", type=click.Choice([one.value for one in Pause]), default="break", show_default=True)
@pass_context
def pause(context: Context, login: str, reason: str) -> None:
    """Let no calls from the queue come to LOGIN."""
    endpoint = _operator(context, login).endpoint
    _do(context, lambda switchboard: switchboard.pause(endpoint, reason))
    click.echo(f"{login} is paused ({reason}).")


@control.command()
@click.argument("login")
@pass_context
def unpause(context: Context, login: str) -> None:
    """Let calls from the queue come to LOGIN again."""
    endpoint = _operator(context, login).endpoint
    _do(context, lambda switchboard: switchboard.unpause(endpoint))
    click.echo(f"{login} takes calls.")


def _do(context: Context, act: Callable[[Switchboard], Awaitable[None]]) -> None:
    """Act on Asterisk in a session of its own."""

    async def asked() -> None:
        address = _address(context)
        async with short.session(address) as ami:
            await act(AsteriskSwitchboard(ami, lambda: address))

    asyncio.run(asked())


def _address(context: Context) -> AmiAddress:
    asterisk = context.settings.asterisk
    return short.address(asterisk.config_dir, asterisk.ami_host, asterisk.ami_port)


def _checked(call_id: str) -> str:
    if not _CALL_ID.match(call_id):
        raise NotFoundError("a call id has letters, digits, dots and hyphens; `contact-centre calls list` shows them")
    return call_id


def _phone(context: Context, to: str) -> phones.Phone:
    """Only phones of ours are targets."""
    for one in phones.listed(context.settings.asterisk.config_dir):
        if to in {one.login, one.extension}:
            return one
    raise NotFoundError("there is no phone with this login or extension; see `contact-centre operators list`")


def _operator(context: Context, login: str) -> phones.Phone:
    found = _phone(context, login)
    if found.kind != "operator":
        raise NotFoundError(f"{found.login} is no operator")
    return found
