"""``reference check``, ``load`` and ``show``: what the city decides, from its files into force."""

from pathlib import Path

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import reference_store
from appeals.reference import Reference
from appeals.reference_store import Load
from contact_centre import accounts, views
from contact_centre.cli.context import (
    Context,
    NotFoundError,
    json_option,
    local,
    pass_context,
    print_json,
    print_table,
    printable,
)
from contact_centre.clock import SystemClock
from contact_centre.writer import SqliteTx

folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)


@click.group()
def reference() -> None:
    """What the city decides: categories, services, places, the working calendar, texts of messages."""


@reference.command()
@folder_argument
@json_option
@pass_context
def check(context: Context, folder: Path | None, as_json: bool) -> None:
    """Read the files of a folder [reference.folder] and name everything that is wrong with them."""
    found = _read(context, folder, as_json=as_json)
    if as_json:
        print_json([])
    else:
        click.echo(f"Nothing is wrong. {_summary(found)}")


@reference.command()
@folder_argument
@click.option("--as", "login", metavar="LOGIN", help="Who does it, for the list of versions.")
@json_option
@pass_context
def load(context: Context, folder: Path | None, login: str | None, as_json: bool) -> None:
    """Put the files of a folder [reference.folder] in force, unless something is wrong with them.

    What was registered before keeps its deadlines and its version.
    """
    found = _read(context, folder, as_json=as_json)

    def job(tx: SqliteTx) -> bool:
        if login is not None and not accounts.exists(tx, login):
            raise NotFoundError(f"there is no {login}; `contact-centre operators list` shows who is")
        return reference_store.load(tx, found, SystemClock().now(), login)

    changed = context.write(job)
    if as_json:
        print_json({"version": found.version, "changed": changed})
    else:
        click.echo(f"{'Now' if changed else 'Already'} in force. {_summary(found)}")


@reference.command()
@click.option("--version", help="One that was in force before [the one that is].")
@json_option
@pass_context
def show(context: Context, version: str | None, as_json: bool) -> None:
    """Show the categories of a version, and since when which version is in force; with --json all of it."""

    async def query(connection: AsyncConnection) -> tuple[Reference, tuple[Load, ...]]:
        found = (
            await reference_store.current_reference(connection)
            if version is None
            else await reference_store.reference_of(connection, version)
        )
        return found, await reference_store.loads(connection)

    found, loads = context.read(query)
    if as_json:
        print_json(views.plain(found) | {"loads": views.plain(loads)})
        return
    click.echo(f"{_summary(found)}\n")
    print_table(
        (
            (
                one.code if one.parent is None else f"  {one.code}",
                one.name.uk,
                None if one.parent is None else one.urgency.value,
                one.sla,
                one.service,
                one.desk,
            )
            for one in found.categories.values()
        ),
        ("category", "name", "urgency", "promise", "service", "desk"),
        "There are no categories.",
    )
    click.echo()
    print_table(
        ((one.version, local(one.at) or "came with the program", one.actor) for one in loads),
        ("version", "in force since", "loaded by"),
        "Nothing was loaded yet: what came with the program is in force.",
    )


def _read(context: Context, folder: Path | None, *, as_json: bool) -> Reference:
    """The files of a folder; what is wrong with them is printed, a line each, and ends the command with 1."""
    from appeals.reference_files import ReferenceFilesError, read_folder  # noqa: PLC0415 - show reads no files

    try:
        return read_folder(folder or context.settings.reference.folder)
    except ReferenceFilesError as error:
        if as_json:
            print_json(views.plain(error.problems))
        else:
            for problem in error.problems:
                click.echo(printable(str(problem)))
        raise click.exceptions.Exit(1) from error


def _summary(of: Reference) -> str:
    leaves = sum(one.parent is not None for one in of.categories.values())
    return (
        f"Version {of.version}: {leaves} categories, {len(of.services)} services, {len(of.routes)} routes,"
        f" {len(of.districts)} districts, {len(of.streets)} streets, {len(of.templates)} texts."
    )
