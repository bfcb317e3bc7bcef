"""``calls list`` and ``calls show``."""

from datetime import datetime
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre import outbound_results, views
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
    seconds,
)
from contact_centre.numbers import number_reader
from telephony import store
from telephony.core.call import QueueOutcome
from telephony.store import CallFilter


@click.group()
def calls() -> None:
    """Call records: what the ledger says about each call."""


@calls.command("list")
@click.option("--since", type=MOMENT, help="From this day or moment on (the city's time).")
@click.option("--until", type=MOMENT, help="Before this day or moment.")
@click.option("--number", help="The citizen's number, in any form.")
@click.option("--line", help="15-80 or 588-888.")
@click.option("--operator", help="The operator's login.")
@click.option(
    "--outcome", type=click.Choice([one.value for one in QueueOutcome]), help="How the citizen left the queue."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@json_option
@pass_context
def list_(
    context: Context,
    since: datetime | None,
    until: datetime | None,
    number: str | None,
    line: str | None,
    operator: str | None,
    outcome: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List calls, oldest first."""
    known = number_reader(context.settings)(number) if number else None
    wanted = CallFilter(since, until, known or number, line, operator, outcome, limit)

    async def query(connection: AsyncConnection) -> list[dict[str, Any]]:
        return await views.calls(connection, await store.list_calls(connection, wanted))

    found = context.read(query)
    if as_json:
        print_json(found)
        return
    print_table(
        (
            (
                local(datetime.fromisoformat(one["started_at"])),
                one["line"],
                one["caller_number"] or one["caller_number_raw"] or "withheld",
                one["queue_outcome"],
                one["operator"],
                seconds(one["wait_time"]),
                seconds(one["talk_time"]),
                "✓" if one["recordings"] else "",
                one["call_id"],
            )
            for one in found
        ),
        ("started", "line", "citizen", "outcome", "operator", "wait", "talk", "rec", "call_id"),
        "No calls match. Every call to the city's lines appears here as soon as it begins.",
    )


@calls.command()
@click.option("--since", type=MOMENT, help="From this day or moment on (the city's time).")
@click.option("--until", type=MOMENT, help="Before this day or moment.")
@click.option("--operator", help="The operator's login.")
@click.option("--unplaced", is_flag=True, help="Only those that never became a call.")
@json_option
@pass_context
def requested(
    context: Context,
    since: datetime | None,
    until: datetime | None,
    operator: str | None,
    unplaced: bool,
    as_json: bool,
) -> None:
    """List the calls that operators asked for, oldest first, and what became of each."""

    async def query(connection: AsyncConnection) -> list[outbound_results.Request]:
        found = await outbound_results.list_requests(connection, since, until, operator)
        return [one for one in found if not unplaced or one.was_no_call]

    found = context.read(query)
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (local(one.requested_at), one.operator, one.number, one.purpose, one.result or "not known yet", one.call_id)
            for one in found
        ),
        ("asked for", "operator", "citizen", "purpose", "result", "call_id"),
        "None match. Calls made by `contact-centre call` appear here as soon as they are asked for.",
    )


@calls.command()
@click.argument("call_id")
@json_option
@pass_context
def show(context: Context, call_id: str, as_json: bool) -> None:
    """Show one call with all its legs."""

    async def query(connection: AsyncConnection) -> list[dict[str, Any]]:
        record = await store.get_call(connection, call_id)
        return [] if record is None else await views.calls(connection, [record])

    found = context.read(query)
    if not found:
        raise NotFoundError(f"there is no call {call_id}")
    if as_json:
        print_json(found[0])
    else:
        print_fields(found[0])
