"""``ledger show``, ``rebuild``, ``quarantine`` and ``gaps``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contact_centre import views
from contact_centre.cli.context import (
    Context,
    json_option,
    local,
    pass_context,
    print_json,
    print_table,
    seconds,
)
from contact_centre.clock import SystemClock
from contact_centre.numbers import number_reader
from contact_centre.rebuild import rebuild as run_rebuild
from telephony import ingest, store
from telephony.gaps import list_gaps
from telephony.ingest import Folded

if TYPE_CHECKING:
    from telephony.core.call import CallChanged


@click.group()
def ledger() -> None:
    """The ledger: Asterisk's own facts about every call."""


@ledger.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@pass_context
def show(context: Context, file: Path, as_json: bool) -> None:
    """Fold one ledger FILE into calls, without touching the database."""
    to_e164 = number_reader(context.settings)
    folded = Folded()
    latest: dict[str, CallChanged] = {}
    for changes in ingest.fold_files([file], folded):
        latest |= {change.call.call_id: change for change in changes}
    records = sorted((change.call for change in latest.values()), key=lambda call: (call.started_at, call.call_id))
    shown = [views.call(one, to_e164(one.caller_number_raw) if one.caller_number_raw else None) for one in records]
    if as_json:
        print_json(shown)
    else:
        print_table(
            (
                (
                    local(record.started_at),
                    view["line"],
                    view["caller_number"] or view["caller_number_raw"] or "withheld",
                    view["queue_outcome"],
                    seconds(view["wait_time"]),
                    " → ".join(f"{leg['party'] or leg['role']} {seconds(leg['talk_time'])}" for leg in view["legs"]),
                    view["call_id"],
                )
                for record, view in zip(records, shown, strict=True)
            ),
            ("started", "line", "citizen", "outcome", "wait", "legs and talk", "call_id"),
            f"{file}: no calls to the city's lines in it.",
        )
    if folded.bad:
        click.echo(f"contact-centre: {folded.bad} lines of {file} are no facts and were left out", err=True)


@ledger.command()
@click.option("--dry-run", is_flag=True, help="Only print the differences.")
@json_option
@pass_context
def rebuild(context: Context, dry_run: bool, as_json: bool) -> None:
    """Recompute all call records from all kept ledgers and print every difference.

    A record that says otherwise gets a new version; the old one is kept with the reason. Calls that are going on, and
    what the service has not read yet, are left to the service: it may run meanwhile. Exits with 1 if anything differed.
    """
    with context.writing() as connection:
        rebuilt = run_rebuild(
            connection,
            context.settings.asterisk.ledger,
            number_reader(context.settings),
            SystemClock(),
            dry_run=dry_run,
        )
    differences, folded = rebuilt.differences, rebuilt.folded
    if as_json:
        print_json([views.plain(one) for one in differences])
    else:
        print_table(
            ((one.call_id, one.field, views.plain(one.stored), views.plain(one.recomputed)) for one in differences),
            ("call_id", "field", "stored", "recomputed"),
            f"No differences: {folded.calls} calls from {folded.lines:,} facts in {rebuilt.files} ledger files.",
        )
    if folded.bad:
        click.echo(f"contact-centre: {folded.bad} lines are no facts and were left out", err=True)
    sys.exit(1 if differences else 0)


@ledger.command()
@json_option
@pass_context
def quarantine(context: Context, as_json: bool) -> None:
    """List the lines of the ledgers that are no facts, with where they stand and why."""
    found = context.read(store.list_quarantined)
    names = ("file", "position", "line", "reason", "found_at")
    rows = [
        (file, position, line.decode("utf-8", "backslashreplace"), why, at) for file, position, line, why, at in found
    ]
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    print_table(
        ((file, position, why, at, f"{line[:60]}…") for file, position, line, why, at in rows),
        ("file", "position", "reason", "found", "begins with"),
        "Every line of the ledgers is a fact.",
    )


@ledger.command()
@json_option
@pass_context
def gaps(context: Context, as_json: bool) -> None:
    """List the channels whose end AMI told and the ledger did not hold within five seconds."""
    found = context.read(list_gaps)
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        ((local(one.hangup_at), one.uniqueid, local(one.noted_at), local(one.appeared_at)) for one in found),
        ("hung up", "uniqueid", "noted", "appeared after all"),
        "Every hang-up that AMI told is in the ledger.",
    )
