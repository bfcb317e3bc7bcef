"""``appeals list``, ``appeals show`` and ``callbacks list``."""

from datetime import datetime

import click

from appeals import queries
from appeals.duties import CallbackState
from appeals.model import Status
from appeals.numbers import format_number
from appeals.queries import AppealFilters, CallbackFilters
from contact_centre import views
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


@click.group()
def appeals() -> None:
    """The register of appeals."""


@appeals.command("list")
@click.option("--status", type=click.Choice([one.value for one in Status]))
@click.option("--since", type=MOMENT, help="Created from this day or moment on.")
@click.option("--until", type=MOMENT, help="Created before this day or moment.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@json_option
@pass_context
def list_(
    context: Context,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List appeals, newest first."""
    wanted = AppealFilters(status=Status(status) if status else None, since=since, until=until, limit=limit)
    found = context.read(lambda connection: queries.list_appeals(connection, wanted))
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (
                local(one.created_at),
                one.registration_number or "draft",
                one.line,
                format_number(one.caller_number) if one.caller_number else "withheld",
                one.caller_name,
                one.operator,
                one.status.value,
                len(one.recordings),
                one.appeal_id,
            )
            for one in found
        ),
        ("created", "number", "line", "citizen", "name", "operator", "status", "rec", "appeal_id"),
        "No appeals yet. A draft appears here when an operator and a citizen are connected.",
    )


@appeals.command()
@click.argument("appeal_id")
@json_option
@pass_context
def show(context: Context, appeal_id: str, as_json: bool) -> None:
    """Show one appeal with its calls, recordings and history."""
    found = context.read(lambda connection: queries.get_appeal(connection, appeal_id))
    if found is None:
        raise NotFoundError(f"there is no appeal {appeal_id}")
    (print_json if as_json else print_fields)(views.plain(found))


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
