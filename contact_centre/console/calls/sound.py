"""Sends sound: whole or a piece of it, as players ask for it."""

import asyncio
import os
from http import HTTPStatus
from typing import BinaryIO, Final

from aiohttp import web

from contact_centre.console.calls.ranges import Piece, UnsatisfiableError, piece, unchanged

CHUNK: Final = 1 << 16
STALLED_S: Final = 60.0
"""Who takes nothing for so long has gone."""


async def send(request: web.Request, sound: BinaryIO, kind: str, etag: str, name: str | None) -> web.StreamResponse:
    """Answer with a file, or with the piece that ``Range`` asks for. Closes the file.

    Args:
        request: What is answered.
        sound: The file.
        kind: Its media type.
        etag: What names its bytes, in quotes.
        name: What it is called when it is kept; None: it is played and not kept.
    """
    with sound:
        size = os.fstat(sound.fileno()).st_size
        headers = {"Accept-Ranges": "bytes", "Content-Type": kind, "ETag": etag}
        if name is not None:
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        try:
            asked = request.headers.get("Range") if unchanged(request.headers.get("If-Range"), etag) else None
            part = piece(asked, size)
        except UnsatisfiableError:
            return web.Response(
                status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{size}"}
            )
        status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
        if part is not None:
            headers["Content-Range"] = part.content_range
        response = web.StreamResponse(status=status, headers=headers)
        await _pass(request, response, sound, part or Piece(0, size - 1, size))
        return response


async def _pass(request: web.Request, response: web.StreamResponse, sound: BinaryIO, part: Piece) -> None:
    """Pass the bytes on; a listener who goes away in the middle is no fault, players do it at every seek."""
    response.content_length = part.length
    left = part.length
    try:
        await response.prepare(request)
        await asyncio.to_thread(sound.seek, part.first)
        while left and (chunk := await asyncio.to_thread(sound.read, min(CHUNK, left))):
            async with asyncio.timeout(STALLED_S):
                await response.write(chunk)
            left -= len(chunk)
    except (ConnectionResetError, TimeoutError):
        pass
    if left and request.transport is not None:
        request.transport.abort()  # what was promised does not come: the listener is told so, not left to wait
