"""``incidents list``, ``show``, ``open``, ``update``, ``attach``, ``dismiss`` and ``end``."""

from collections.abc import Callable
from datetime import datetime

import click

from appeals import incident_store
from appeals.incident_desk import IncidentDesk
from appeals.incidents import Incident
from appeals.model import Actor
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
from contact_centre.cli.register import actor_of, as_option, identity, print_appeal
from contact_centre.clock import SystemClock
from contact_centre.register_desk import desks_of
from contact_centre.writer import SqliteTx


@click.group()
def incidents() -> None:
    """Outages: one incident, many callers, who are all told when it ends."""


@incidents.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@json_option
@pass_context
def list_(context: Context, everything: bool, as_json: bool) -> None:
    """List what is proposed or open, newest first."""
    found = context.read(lambda connection: incident_store.list_incidents(connection, ended=everything))
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (
                local(one.opened_at or one.proposed_at),
                one.status.value,
                one.category,
                one.street or one.district or "everywhere",
                one.callers,
                local(one.expected_end),
                one.text,
                one.incident_id,
            )
            for one in found
        ),
        ("since", "status", "category", "where", "callers", "expected end", "text", "incident_id"),
        "No incident goes on. Several appeals of one category within minutes propose one here.",
    )


@incidents.command()
@click.argument("incident_id")
@json_option
@pass_context
def show(context: Context, incident_id: str, as_json: bool) -> None:
    """Show one incident."""
    found = context.read(lambda connection: incident_store.get_incident(connection, incident_id))
    if found is None:
        raise NotFoundError(f"there is no incident {incident_id}")
    (print_json if as_json else print_fields)(views.plain(found))


@incidents.command("open")
@click.option("--category", required=True)
@click.option("--text", required=True, help="What callers are told.")
@click.option("--district", help="A code of the reference data; otherwise everywhere.")
@click.option("--street", help="A code of the reference data; otherwise everywhere.")
@click.option("--expected-end", type=MOMENT)
@click.option("--proposal", "incident_id", metavar="INCIDENT_ID", help="The proposal that this is.")
@as_option
@json_option
@pass_context
def open_(
    context: Context,
    category: str,
    text: str,
    district: str | None,
    street: str | None,
    expected_end: datetime | None,
    incident_id: str | None,
    login: str,
    as_json: bool,
) -> None:
    """Open an incident; what was reported of it within the last minutes joins it."""

    def act(desk: IncidentDesk, tx: SqliteTx, actor: Actor) -> Incident:
        return desk.open(
            tx,
            actor,
            category=category,
            text=text,
            district=district,
            street=street,
            expected_end=expected_end,
            incident_id=incident_id,
        )

    _print(_done(context, login, act), as_json=as_json)


@incidents.command()
@click.argument("incident_id")
@click.option("--text", help="What callers are told.")
@click.option("--expected-end", type=MOMENT)
@as_option
@json_option
@pass_context
def update(
    context: Context, incident_id: str, text: str | None, expected_end: datetime | None, login: str, as_json: bool
) -> None:
    """Change what callers are told, or when it is expected to end."""
    done = _done(
        context,
        login,
        lambda desk, tx, actor: desk.update(tx, incident_id, actor, text=text, expected_end=expected_end),
    )
    _print(done, as_json=as_json)


@incidents.command()
@click.argument("incident_id")
@click.argument("appeal")
@as_option
@json_option
@pass_context
def attach(context: Context, incident_id: str, appeal: str, login: str, as_json: bool) -> None:
    """Add a caller's draft or appeal to an incident."""
    _, desk = desks_of(context.settings, SystemClock())
    done = context.write(lambda tx: desk.attach(tx, incident_id, identity(tx, appeal), actor_of(tx, login)))
    print_appeal(done, as_json=as_json)


@incidents.command()
@click.argument("incident_id")
@as_option
@json_option
@pass_context
def dismiss(context: Context, incident_id: str, login: str, as_json: bool) -> None:
    """A proposal was no incident."""
    _print(_done(context, login, lambda desk, tx, actor: desk.dismiss(tx, incident_id, actor)), as_json=as_json)


@incidents.command()
@click.argument("incident_id")
@click.option("--text", required=True, help="What everybody who called is told.")
@as_option
@json_option
@pass_context
def end(context: Context, incident_id: str, text: str, login: str, as_json: bool) -> None:
    """It is over: everybody who reported it is to be told."""
    done = _done(context, login, lambda desk, tx, actor: desk.end(tx, incident_id, actor, text=text))
    _print(done, as_json=as_json)


def _done(context: Context, login: str, act: Callable[[IncidentDesk, SqliteTx, Actor], Incident]) -> Incident:
    _, desk = desks_of(context.settings, SystemClock())
    return context.write(lambda tx: act(desk, tx, actor_of(tx, login)))


def _print(incident: Incident, *, as_json: bool) -> None:
    (print_json if as_json else print_fields)(views.plain(incident))
