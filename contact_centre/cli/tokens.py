"""``tokens add``, ``list`` and ``revoke``: which programs may speak to the API, and as whom."""

from datetime import datetime

import click

from appeals import reference_store
from appeals.errors import UnknownReferenceError
from contact_centre import views
from contact_centre.api import tokens as store
from contact_centre.api.tokens import Scope, Token
from contact_centre.cli.context import MOMENT, Context, json_option, local, pass_context, print_json, print_table
from contact_centre.clock import SystemClock
from contact_centre.writer import SqliteTx


@click.group()
def tokens() -> None:
    """Tokens by which programs speak to the API."""


@tokens.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([one.value for one in Scope]),
    help="What it may ask; may be given more than once.",
)
@click.option(
    "--as-role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(store.ROLES),
    help="As whom it acts; may be given more than once.",
)
@click.option("--service", help="The service for which an executor acts.")
@click.option("--desk", "desks", multiple=True, help="A restricted desk whose appeals it may see, such as counselling.")
@click.option("--expires", type=MOMENT, help="Until when it is valid [for ever].")
@click.option("--per-minute", type=click.IntRange(min=1), default=store.PER_MINUTE, show_default=True)
@json_option
@pass_context
def add(
    context: Context,
    name: str,
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    service: str | None,
    desks: tuple[str, ...],
    expires: datetime | None,
    per_minute: int,
    as_json: bool,
) -> None:
    """Make a token; it is shown once, here."""

    def make(tx: SqliteTx) -> str:
        reference = reference_store.current(tx)
        if service is not None:
            reference.service(service)
        for desk in set(desks) - {one.desk for one in reference.categories.values()}:
            raise UnknownReferenceError("desk", desk)
        return store.add(
            tx,
            name=name,
            scopes=[Scope(one) for one in scopes],
            roles=roles,
            service=service,
            desks=desks,
            at=SystemClock().now(),
            expires_at=expires,
            per_minute=per_minute,
        )

    secret = context.write(make)
    if as_json:
        print_json({"name": name, "scopes": scopes, "roles": roles, "token": secret})
        return
    click.echo(f"{name}: {', '.join(scopes)}, as {', '.join(roles)}")
    click.echo(f"  token  {secret}   (shown only now)")


@tokens.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List every token that there ever was."""
    found = context.read(store.all_tokens)
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    now = SystemClock().now()
    print_table(
        (
            (
                one.name,
                " ".join(one.scopes),
                " ".join(one.roles),
                one.service,
                local(one.last_used),
                _state(one, now),
            )
            for one in found
        ),
        ("name", "scopes", "roles", "service", "last used", "state"),
        "No program has a token. Make one: contact-centre tokens add open-city --scope appeals:read --as-role operator",
    )


@tokens.command()
@click.argument("name")
@pass_context
def revoke(context: Context, name: str) -> None:
    """Let a token open nothing any more, at once."""
    context.write(lambda tx: store.revoke(tx, name, SystemClock().now()))
    click.echo(f"{name} is revoked.")


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return f"revoked {local(token.revoked_at)}"
    if not token.valid(now):
        return f"expired {local(token.expires_at)}"
    return "in force" if token.expires_at is None else f"until {local(token.expires_at)}"
