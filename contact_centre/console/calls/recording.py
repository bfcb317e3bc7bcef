"""One call's recording for whoever may hear it: its outline, its sound, and each listening written down."""

import asyncio
import os
from dataclasses import dataclass
from typing import BinaryIO

from aiohttp import web

from contact_centre import playbacks, seen_calls
from contact_centre.console.calls.sound import send
from contact_centre.console.calls.words import TROUBLES
from contact_centre.console.route import Asked, Reply
from contact_centre.listening import Trouble
from recordings.model import Recording
from recordings.store import get_recording


@dataclass(frozen=True, slots=True)
class _Sound:
    """An open file, what it is, and what names its bytes."""

    file: BinaryIO
    kind: str
    etag: str


async def outline(asked: Asked) -> Reply:
    """The outline of both sides as JSON; 202 while it is made."""
    recording = await _heard(asked)
    listening = asked.console.listening
    made = await asyncio.to_thread(listening.copies.outline, recording)
    if made is not None:
        return web.Response(body=made, content_type="application/json")
    trouble = listening.trouble(recording)
    if trouble is not None:
        return web.json_response({"message": asked.words(TROUBLES[trouble])}, status=422)
    listening.want(recording)
    return web.json_response({"making": True}, status=202)


async def listen(asked: Asked) -> Reply:
    """Somebody presses play: it is written down, and they get the address of the sound."""
    recording = await _heard(asked)
    trouble = asked.console.listening.trouble(recording)
    if trouble is not None and await asyncio.to_thread(asked.console.listening.copies.outline, recording) is None:
        return web.json_response({"message": asked.words(TROUBLES[trouble])}, status=422)
    second, now, login = _second(asked, recording), asked.site.clock.now(), asked.person.login
    playback_id = await asked.site.writer.run(
        lambda tx: playbacks.begin(
            tx,
            recording_id=recording.recording_id,
            call_id=recording.call_id,
            login=login,
            now=now,
            second=second,
        )
    )
    address = asked.console.address("sound", call_id=recording.call_id, listening=playback_id)
    return web.json_response({"address": address})


async def sound(asked: Asked) -> Reply:
    """The sound of a listening: the copy, and while there is none, the recording itself."""
    recording = await _heard(asked)
    listening, now = asked.request.query.get("listening", ""), asked.site.clock.now()
    async with asked.site.reading() as connection:
        if not await playbacks.lasts(connection, listening, recording.call_id, asked.person.login, now):
            raise web.HTTPNotFound
    copy = await asyncio.to_thread(_copy, asked, recording)
    if copy is None:
        asked.console.listening.want(recording)
        copy = await asyncio.to_thread(_stored, asked, recording)
    return await send(asked.request, copy.file, copy.kind, copy.etag, None)


async def download(asked: Asked) -> Reply:
    """The recording itself, to be kept; that is written down too."""
    recording = await _heard(asked)
    stored = await asyncio.to_thread(_stored, asked, recording)
    now, login = asked.site.clock.now(), asked.person.login
    await asked.site.writer.run(
        lambda tx: playbacks.download(
            tx, recording_id=recording.recording_id, call_id=recording.call_id, login=login, now=now
        )
    )
    return await send(asked.request, stored.file, stored.kind, stored.etag, f"{recording.recording_id}.flac")


def trouble_of(asked: Asked, recording: Recording) -> Trouble | None:
    """Why it cannot be listened to, as far as that is known."""
    if recording.path is None:
        return None
    return asked.console.listening.trouble(recording)


async def _heard(asked: Asked) -> Recording:
    """The recording of the call in the address.

    Raises:
        web.HTTPNotFound: There is none with sound, or the person may not hear it.
    """
    call_id = asked.request.match_info["call_id"]
    async with asked.site.reading() as connection:
        may = await seen_calls.heard_by(connection, call_id, asked.person.actor)
        recording = await get_recording(connection, call_id) if may else None
    if recording is None or recording.call_id != call_id or recording.path is None:
        raise web.HTTPNotFound
    return recording


def _copy(asked: Asked, recording: Recording) -> _Sound | None:
    copy = asked.console.listening.copies.open_copy(recording)
    if copy is None:
        return None
    made = os.fstat(copy.fileno()).st_mtime_ns  # one that was made again may have other bytes
    return _Sound(copy, "audio/ogg; codecs=opus", f'"{recording.sha256}.{made:x}"')


def _stored(asked: Asked, recording: Recording) -> _Sound:
    try:
        file = asked.console.listening.copies.open_stored(recording)
    except FileNotFoundError as error:
        raise web.HTTPNotFound from error
    return _Sound(file, "audio/flac", f'"{recording.sha256}"')


def _second(asked: Asked, recording: Recording) -> float:
    """From where they listen; what is no such place is the beginning."""
    try:
        second = float(asked.form.get("second", "0"))
    except ValueError:
        return 0.0
    return second if 0.0 <= second <= max(recording.duration, 0.0) else 0.0
