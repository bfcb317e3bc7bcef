"""``recordings list``, ``show``, ``export`` and ``verify``."""

import sys
from datetime import datetime
from pathlib import Path

import click

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
    seconds,
)
from contact_centre.clock import SystemClock
from recordings import store
from recordings.model import Recording, Status
from recordings.service import RecordingService
from recordings.store import RecordingFilter


@click.group()
def recordings() -> None:
    """The audio of calls: one stored two-channel file per call."""


@recordings.command("list")
@click.option("--status", type=click.Choice([one.value for one in Status]))
@click.option("--since", type=MOMENT, help="Of calls from this day or moment on.")
@click.option("--until", type=MOMENT, help="Of calls before this day or moment.")
@click.option("--limit", type=click.IntRange(min=1))
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
    """List recordings, oldest first."""
    wanted = RecordingFilter(status=Status(status) if status else None, since=since, until=until, limit=limit)
    found = context.read(lambda connection: store.list_recordings(connection, wanted))
    if as_json:
        print_json([views.plain(one) for one in found])
        return
    print_table(
        (
            (
                local(one.started_at),
                one.status.value,
                seconds(one.duration),
                seconds(one.call_duration),
                one.path,
                one.call_id,
            )
            for one in found
        ),
        ("started", "status", "audio", "call", "path", "call_id"),
        "No recordings yet. Each call's audio appears here a few seconds after the call.",
    )


@recordings.command()
@click.argument("recording_id")
@json_option
@pass_context
def show(context: Context, recording_id: str, as_json: bool) -> None:
    """Show one recording, by its id or its call's."""
    (print_json if as_json else print_fields)(views.plain(_one(context, recording_id)))


@recordings.command()
@click.argument("recording_id")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_context
def export(context: Context, recording_id: str, file: Path) -> None:
    """Write a recording to FILE (.flac, .wav or .mp3); nothing is overwritten."""
    recording = _one(context, recording_id)
    _service(context).export(recording, file)
    click.echo(f"{file}: {seconds(recording.duration)}, left the citizen, right the others")


@recordings.command()
@json_option
@pass_context
def verify(context: Context, as_json: bool) -> None:
    """Hash every stored recording anew; exit with 1 if one is missing, altered, or unknown to the database."""
    known = context.read(store.list_recordings)
    problems = list(_service(context).verify(known))
    if as_json:
        print_json([views.plain(one) for one in problems])
    else:
        print_table(
            ((one.kind.value, one.path, one.call_id) for one in problems),
            ("problem", "path", "call_id"),
            f"{sum(one.path is not None for one in known)} recordings are as they were stored.",
        )
    sys.exit(1 if problems else 0)


def _one(context: Context, recording_id: str) -> Recording:
    found = context.read(lambda connection: store.get_recording(connection, recording_id))
    if found is None:
        raise NotFoundError(f"there is no recording {recording_id}, nor one of a call of this id")
    return found


def _service(context: Context) -> RecordingService:
    settings = context.settings
    return RecordingService.on_disk(settings.asterisk.audio_dir, settings.state, SystemClock())
