"""``appeals list``, ``search``, ``show`` and ``reindex``, and ``callbacks list``."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import queries, reference_store
from appeals.deadlines import explain
from appeals.due import deadlines
from appeals.duties import CallbackState
from appeals.model import Appeal, Channel, Kind, Status
from appeals.numbers import format_number
from appeals.queries import CallbackFilters
from appeals.register import SYSTEM
from appeals.search import MOST_AT_ONCE, AppealQuery, Between, Order
from appeals.search_sqlite import SqliteSearch
from appeals.similar import Similar, similar
from appeals.visibility import Sight, sight
from contact_centre import accounts, views
from contact_centre.cli import register
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
from contact_centre.writer import transaction


@click.group()
def appeals() -> None:
    """The register of appeals."""


for _command in (register.create, *register.COMMANDS):
    appeals.add_command(_command)

_FILTERS: Final = (
    click.option("--number", help="The registration number, with or without its year."),
    click.option("--phone", help="A telephone number in any spelling, or its last digits."),
    click.option("--status", "statuses", type=click.Choice([one.value for one in Status]), multiple=True),
    click.option("--kind", type=click.Choice([one.value for one in Kind])),
    click.option("--channel", type=click.Choice([one.value for one in Channel])),
    click.option("--category", help="A category, or a group of them."),
    click.option("--service"),
    click.option("--district"),
    click.option("--operator"),
    click.option("--line"),
    click.option("--call", "call_id", metavar="CALL_ID", help="Linked to this call."),
    click.option("--incident"),
    click.option("--overdue", is_flag=True, help="Under way after the earlier of its deadlines."),
    click.option("--escalated", is_flag=True, help="Waiting for a supervisor's decision."),
    click.option("--since", type=MOMENT, help="Created from this day or moment on."),
    click.option("--until", type=MOMENT, help="Created before this day or moment."),
    click.option("--registered-since", type=MOMENT),
    click.option("--registered-until", type=MOMENT),
    click.option("--due-since", type=MOMENT),
    click.option("--due-until", type=MOMENT),
    click.option("--order", type=click.Choice([one.value for one in Order]), help="[newest; due with --overdue]"),
    click.option("--limit", type=click.IntRange(min=1), help="Only the first so many."),
    click.option("--as", "login", metavar="LOGIN", help="As this person sees it; otherwise everything is shown."),
    json_option,
)


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every list of appeals."""
    return functools.reduce(lambda decorated, option: option(decorated), reversed(_FILTERS), command)


@appeals.command("list")
@filters
@pass_context
def list_(context: Context, /, **given: Any) -> None:  # noqa: ANN401 - the options above
    """List appeals, the newest first."""
    _list(context, given, "No appeals yet. A draft appears here when an operator and a citizen are connected.")


@appeals.command()
@click.argument("text")
@filters
@pass_context
def search(context: Context, /, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Look for appeals by words in any form, a name or its beginning, an address, a number or a telephone."""
    _list(context, given, "Nothing found.")


def _list(context: Context, given: dict[str, Any], empty: str) -> None:
    login, limit, as_json = given.pop("login"), given.pop("limit"), given.pop("as_json")
    query = _query(given)

    async def all_pages(connection: AsyncConnection) -> list[Appeal]:
        reader = SYSTEM if login is None else await accounts.reader(connection, login)
        if reader is None:
            raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
        listed: list[Appeal] = []
        page = query
        while limit is None or len(listed) < limit:
            page = replace(page, limit=MOST_AT_ONCE if limit is None else min(limit - len(listed), MOST_AT_ONCE))
            found, cursor = await queries.look_for(connection, SqliteSearch(), page, reader, SystemClock().now())
            listed += found
            if cursor is None:
                break
            page = replace(page, cursor=cursor)
        return listed

    _print(context.read(all_pages), as_json=as_json, empty=empty)


def _query(given: dict[str, Any]) -> AppealQuery:
    kind, channel, order = given.pop("kind"), given.pop("channel"), given.pop("order")
    return AppealQuery(
        statuses=frozenset(map(Status, given.pop("statuses"))),
        kind=None if kind is None else Kind(kind),
        channel=None if channel is None else Channel(channel),
        created=Between(given.pop("since"), given.pop("until")),
        registered=Between(given.pop("registered_since"), given.pop("registered_until")),
        due=Between(given.pop("due_since"), given.pop("due_until")),
        order=None if order is None else Order(order),
        **given,
    )


def _print(found: Sequence[Appeal], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (
                local(one.created_at),
                one.registration_number or "draft",
                one.line,
                _citizen(one),
                one.applicant or one.caller_name,
                one.service,
                local(one.due_at or one.legal_due_at),
                one.status.value,
                one.appeal_id,
            )
            for one in found
        ),
        ("created", "number", "line", "citizen", "name", "service", "due", "status", "appeal_id"),
        empty,
    )


def _citizen(one: Appeal) -> str:
    if one.masked:
        return "restricted"
    number = one.applicant_phone or one.caller_number
    return format_number(number) if number else "withheld"


@appeals.command()
@pass_context
def reindex(context: Context) -> None:
    """Make the search index anew, beside a service that may be running."""
    index = SqliteSearch()
    with context.writing() as connection:
        with transaction(connection) as tx:
            index.rebuild(tx)
        after: str | None = ""
        while after is not None:
            with transaction(connection) as tx:
                after = index.put_next(tx, after)
    click.echo("The search index is complete.")


@appeals.command()
@click.argument("appeal")
@json_option
@pass_context
def show(context: Context, appeal: str, as_json: bool) -> None:
    """Show one appeal, by its id or its registration number, with its calls, recordings and history."""

    async def get(connection: AsyncConnection) -> Appeal | None:
        by_id = await queries.get_appeal(connection, appeal)
        if by_id is not None:
            return by_id
        numbered = AppealQuery(number=appeal)
        found, _ = await queries.look_for(connection, SqliteSearch(), numbered, SYSTEM, SystemClock().now())
        return found[0] if found else None

    found = context.read(get)
    if found is None:
        raise NotFoundError(f"there is no appeal {appeal}")
    if as_json:
        print_json(views.plain(found))
        return
    print_fields({name: value for name, value in views.plain(found).items() if value not in (None, [], False, 0)})
    version = found.reference_version
    if version is not None:
        reference = context.read(lambda connection: reference_store.reference_of(connection, version))
        dated = deadlines(found, reference)
        for name, deadline in (("promise", dated.promised), ("law", dated.legal)):
            if deadline is not None:
                click.echo(f"{name}: {explain(deadline, 'uk')}")


@appeals.command()
@click.argument("appeal")
@as_option
@json_option
@pass_context
def alike(context: Context, appeal: str, login: str, as_json: bool) -> None:
    """Show what may be the same matter: earlier appeals, and incidents that cover the place."""
    appeal_id, actor, reference = context.write(
        lambda tx: (identity(tx, appeal), actor_of(tx, login), reference_store.current(tx))
    )

    async def look(connection: AsyncConnection) -> Similar:
        asked = await queries.get_appeal(connection, appeal_id)
        if asked is None or sight(actor, desk=asked.desk, service=asked.service) is not Sight.WHOLE:
            raise NotFoundError(f"there is no appeal {appeal}")
        return await similar(connection, asked, reference.periods, actor, SystemClock().now())

    found = context.read(look)
    if as_json:
        print_json(views.plain(found))
        return
    for incident in found.incidents:
        click.echo(f"incident {incident.incident_id}: {incident.text} ({incident.callers} callers)")
    print_table(
        (
            (
                one.likeness.value,
                local(one.appeal.created_at),
                one.appeal.registration_number,
                one.appeal.address,
                one.appeal.status.value,
                one.appeal.service,
                one.appeal.description,
            )
            for one in found.appeals
        ),
        ("alike", "created", "number", "address", "status", "service", "description"),
        "Nothing alike in the last days.",
    )


@click.group()
def callbacks() -> None:
    """Citizens whom the city owes a call."""


@callbacks.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are cleared or cannot be called.")
@json_option
@pass_context
def list_callbacks(context: Context, everything: bool, as_json: bool) -> None:
    """List callbacks, the one due first at the head."""
    wanted = CallbackFilters(state=None if everything else CallbackState.OPEN)
    found = context.read(lambda connection: queries.list_callbacks(connection, wanted))
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (
                local(one.due_at),
                one.line,
                format_number(one.number) if one.number else "withheld",
                one.count,
                one.reason.value,
                one.state.value,
                one.callback_id,
            )
            for one in found
        ),
        ("due", "line", "citizen", "calls", "reason", "state", "callback_id"),
        "Nobody waits for a callback.",
    )
