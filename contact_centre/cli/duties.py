"""``duties list``, ``show``, ``claim``, ``release``, ``result``, ``excuse``, ``control``: what the city owes people."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import duty_queries
from appeals.duties import Duty, DutyKind, Excuse
from appeals.duty_desk import DutyDesk, Given
from appeals.duty_queries import DutyFilters, Owed
from appeals.evidence import ContactResult, Shortfall
from appeals.numbers import format_number
from appeals.register import SYSTEM
from contact_centre import accounts, casework, views
from contact_centre.cli.context import (
    MOMENT,
    Context,
    NotFoundError,
    json_option,
    local,
    pass_context,
    print_fields,
    print_json,
    print_table,
)
from contact_centre.cli.register import actor_of, as_option, identity
from contact_centre.clock import SystemClock
from contact_centre.writer import SqliteTx

_EXCUSES: Final = (Excuse.NO_CONTACT.value, Excuse.UNREACHABLE.value)
_LACKS: Final = {
    Shortfall.NO_CALL: "it closes as soon as the ledger says that the call was answered and is over",
    Shortfall.NOT_TOLD: "the citizen was not told",
}
_ANSWER: Final = click.Choice(["yes", "no"])
_reader: Final = click.option("--as", "login", metavar="LOGIN", help="As this person sees it; otherwise all is shown.")


@click.group()
def duties() -> None:
    """What the city owes citizens, until there is evidence that it was done."""


@duties.command("list")
@click.option("--kind", type=click.Choice([one.value for one in DutyKind]))
@click.option("--owner", help="Whose they are: a login or a service.")
@click.option("--appeal", help="Of one appeal: its number or id.")
@click.option("--service", help="Of the appeals that are with this service.")
@click.option("--overdue", is_flag=True, help="Only open ones whose time is over.")
@click.option("--all", "everything", is_flag=True, help="Also those that are closed.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many, the first due.")
@_reader
@json_option
@pass_context
def list_(
    context: Context,
    kind: str | None,
    owner: str | None,
    appeal: str | None,
    service: str | None,
    overdue: bool,
    everything: bool,
    limit: int | None,
    login: str | None,
    as_json: bool,
) -> None:
    """List duties, the one due first at the head."""
    filters = DutyFilters(
        kind=None if kind is None else DutyKind(kind),
        owner=owner,
        appeal_id=None if appeal is None else context.write(lambda tx: identity(tx, appeal)),
        service=service,
        open=None if everything else True,
        overdue=overdue,
        limit=limit,
    )
    found = _read(context, filters, login)
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table((_row(one) for one in found), _HEADERS, "Nothing is owed to anybody.")


_HEADERS: Final = ("due", "kind", "what for", "appeal", "citizen", "tried", "best at", "owner", "state", "duty_id")


def _row(one: Owed) -> tuple[object, ...]:
    duty = one.duty
    calls = f" ({one.calls} calls)" if one.calls > 1 else ""
    return (
        local(duty.due_at),
        duty.kind.value,
        f"{duty.reason}{calls}",
        one.registration_number,
        "restricted" if one.masked else _citizen(duty),
        duty.attempts or None,
        _hour(one),
        duty.owner,
        _state(one),
        duty.duty_id,
    )


def _citizen(duty: Duty) -> str | None:
    return duty.email if duty.number is None else format_number(duty.number)


def _hour(one: Owed) -> str | None:
    if one.duty.promised_for is not None:
        return f"promised {local(one.duty.promised_for)}"
    return None if one.best_hour is None else f"{one.best_hour}:00"


def _state(one: Owed) -> str:
    duty = one.duty
    if duty.closed_at is not None:
        return f"excused: {duty.excuse.value}" if duty.excuse is not None else f"closed by {duty.evidence_kind}"
    if one.must_phone is not None:
        return f"an operator must phone {one.must_phone.role} {one.must_phone.address or ''}".strip()
    return "overdue" if one.overdue else "open"


@duties.command()
@click.argument("duty_id")
@_reader
@json_option
@pass_context
def show(context: Context, duty_id: str, login: str | None, as_json: bool) -> None:
    """Show one duty, with the calls made for it and who was told that it is late."""
    found = _read(context, DutyFilters(duty_id=duty_id, open=None), login)
    if not found:
        raise NotFoundError(f"there is no duty {duty_id}")
    (print_json if as_json else print_fields)(views.plain(found[0]))


@duties.command()
@click.argument("duty_id")
@as_option
@json_option
@pass_context
def claim(context: Context, duty_id: str, login: str, as_json: bool) -> None:
    """Take up a duty, with whatever else is owed to the same citizen."""
    done = _do(context, lambda desk, tx: desk.claim(tx, duty_id, actor_of(tx, login)))
    _print(done, as_json=as_json)


@duties.command()
@click.argument("duty_id")
@as_option
@json_option
@pass_context
def release(context: Context, duty_id: str, login: str, as_json: bool) -> None:
    """Give a duty back to the shift."""
    done = _do(context, lambda desk, tx: desk.release(tx, duty_id, actor_of(tx, login)))
    _print(done, as_json=as_json)


@duties.command()
@click.argument("duty_id")
@click.argument("call_id")
@click.argument("result", type=click.Choice([one.value for one in ContactResult]))
@click.option("--note", help="A word for whoever calls next.")
@click.option("--call-at", type=MOMENT, help="When the citizen asked to be called.")
@as_option
@json_option
@pass_context
def result(
    context: Context,
    duty_id: str,
    call_id: str,
    result: str,
    note: str | None,
    call_at: datetime | None,
    login: str,
    as_json: bool,
) -> None:
    """Say what came of CALL_ID for a duty. Together with what the ledger knows of the call, ``told`` closes it."""

    def give(desk: DutyDesk, tx: SqliteTx) -> Given:
        if not casework.is_call(tx, call_id):
            raise NotFoundError(f"there is no call {call_id}")
        actor = actor_of(tx, login)
        return desk.give_result(tx, duty_id, call_id, ContactResult(result), actor, note=note, call_at=call_at)

    done = _do(context, give)
    if as_json:
        print_json(views.plain(done))
        return
    _print(done.duty, as_json=False)
    if done.lacks is not None:
        click.echo(f"Not closed: {_LACKS.get(done.lacks, done.lacks.value)}.")


@duties.command()
@click.argument("duty_id")
@click.argument("why", type=click.Choice(_EXCUSES))
@click.option("--reason", required=True, help="In your own words.")
@click.option("--letter", help="Number and date of the written message.")
@as_option
@json_option
@pass_context
def excuse(
    context: Context, duty_id: str, why: str, reason: str, letter: str | None, login: str, as_json: bool
) -> None:
    """End a duty to inform of which the applicant could not be told, where the rules allow it."""
    done = _do(
        context,
        lambda desk, tx: desk.excuse(tx, duty_id, Excuse(why), reason, actor_of(tx, login), letter=letter),
    )
    _print(done, as_json=as_json)


@duties.command()
@click.argument("duty_id")
@click.option("--took-place", type=_ANSWER, help="Did the contact take place? [as the ledger found]")
@click.option("--replied", type=_ANSWER, help="Was there a reply?")
@click.option("--prompt", type=_ANSWER, help="Was it prompt?")
@as_option
@json_option
@pass_context
def control(
    context: Context,
    duty_id: str,
    took_place: str | None,
    replied: str | None,
    prompt: str | None,
    login: str,
    as_json: bool,
) -> None:
    """Keep what a citizen says of the specialist to whom they were put through or referred."""
    done = _do(
        context,
        lambda desk, tx: desk.answer_forwarding(
            tx,
            duty_id,
            actor_of(tx, login),
            took_place=_yes(took_place),
            replied=_yes(replied),
            prompt=_yes(prompt),
        ),
    )
    _print(done, as_json=as_json)


def _yes(answer: str | None) -> bool | None:
    return None if answer is None else answer == "yes"


def _read(context: Context, filters: DutyFilters, login: str | None) -> list[Owed]:
    async def listed(connection: AsyncConnection) -> list[Owed]:
        reader = SYSTEM if login is None else await accounts.reader(connection, login)
        if reader is None:
            raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
        return await duty_queries.list_duties(connection, filters, reader, SystemClock().now())

    return context.read(listed)


def _do(context: Context, command: Callable[[DutyDesk, SqliteTx], Any]) -> Any:  # noqa: ANN401 - what the command returns
    from contact_centre.register_desk import duty_desk_of  # noqa: PLC0415 - the list needs no register

    desk = duty_desk_of(context.settings, SystemClock())
    return context.write(lambda tx: command(desk, tx))


def _print(duty: Duty, *, as_json: bool) -> None:
    if as_json:
        print_json(views.plain(duty))
        return
    told = {
        "duty": f"{duty.kind.value} ({duty.reason})",
        "citizen": _citizen(duty),
        "owner": duty.owner,
        "attempts": duty.attempts or None,
        "promised for": local(duty.promised_for),
        "due": local(duty.due_at),
        "closed": local(duty.closed_at),
        "by": duty.evidence if duty.excuse is None else duty.excuse.value,
    }
    print_fields({name: value for name, value in told.items() if value})
