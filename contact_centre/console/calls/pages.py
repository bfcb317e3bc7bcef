"""The call log, and one call: its legs, its recording, the marks in it, and who heard it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.model import Role
from appeals.queries import get_appeals
from contact_centre import access_log, accounts, bookmarks, playbacks, seen_calls
from contact_centre.access_log import Event
from contact_centre.api.calls import cursor_of
from contact_centre.bookmarks import Bookmark, Kind
from contact_centre.console.calls import export, filters, recording, timeline
from contact_centre.console.calls.timeline import Axis, Lane, Stretch
from contact_centre.console.calls.words import TONES, TROUBLES
from contact_centre.console.filters import ON_A_PAGE, leaf, one_of
from contact_centre.console.languages import N_
from contact_centre.console.route import Asked, Reply, Route
from contact_centre.console.words import word
from contact_centre.seen_calls import Call
from contact_centre.writer import SqliteTx
from recordings.model import Recording
from recordings.store import get_recording
from telephony.core.call import QueueOutcome
from telephony.core.lines import LINES

SEE: Final = frozenset({"operator", "supervisor", "head", "auditor", "mayor"})
"""Whoever ``appeals.visibility`` lets see calls of all services; how much of each, it says too."""
HEAR: Final = SEE - {"mayor"}
MARK: Final = frozenset({"operator", "supervisor"})
WATCH: Final = frozenset({"supervisor", "head", "auditor"})
"""Who sees who listened, and takes the log away as a file."""

EXPORTED_AT_ONCE: Final = 300
MOST_PLAYBACKS: Final = 100
_NOT_KEPT: Final = N_("The mark was not kept: you were not in this call, or it is not in the log yet. Try again.")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Row:
    """A call as the log shows it, and its picture."""

    call: Call
    tone: str
    axis: Axis
    lanes: Sequence[Lane]
    stretches: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class Player:
    """What the page needs to play a recording. ``trouble`` says why it cannot be played."""

    call: Call
    recording: Recording
    axis: Axis
    stretches: Sequence[Stretch]
    marks: Sequence[Bookmark]
    may_mark: bool
    trouble: str | None


async def calls_page(asked: Asked) -> Reply:
    """The log, with the filter of the address."""
    sent, site, now = asked.request.query, asked.site, asked.site.clock.now()
    query = filters.query_of(sent, site.to_e164)
    async with site.reading() as connection:
        found, following = await seen_calls.find(connection, query.filter, asked.person.actor, ON_A_PAGE)
        people = await _people(connection)
        operators = [one for one in await accounts.all_accounts(connection) if Role.OPERATOR.value in one.roles]
    return asked.page(
        "calls/list.html",
        rows=[_row(call, now) for call in found],
        query=query,
        told=filters.sentence(query, people, now, asked.words),
        periods=[
            (name, filters.within(sent, first, last), (query.since, query.until) == (first, last))
            for name, first, last in filters.periods(now)
        ],
        following=None if following is None else leaf(sent, cursor_of(*following)),
        first=leaf(sent, None) if query.before else None,
        people=people,
        operators=operators,
        lines=list(LINES),
        outcomes=list(QueueOutcome),
        may_export=not WATCH.isdisjoint(asked.person.roles),
        exported=f"{asked.console.address('calls_file')}{leaf(sent, None)}",
    )


async def calls_file(asked: Asked) -> Reply:
    """The log as a file, page by page: it begins at once and takes no more memory for a year than for a day."""
    sent, site = asked.request.query, asked.site
    query, actor = filters.query_of(sent, site.to_e164), asked.person.actor
    at, login, address = site.clock.now(), asked.person.login, asked.browser.address
    about = urlencode([(name, value) for name, value in sent.items() if value and name != "cursor"])
    await site.writer.run(lambda tx: access_log.note(tx, at, login, Event.CALLS_EXPORTED, address, about))
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": f'attachment; filename="calls-{at:%Y%m%d-%H%M}.csv"',
        }
    )
    wanted = replace(query, before=None).filter
    try:
        await response.prepare(asked.request)
        await response.write(export.head(asked.words).encode())
        more = True
        while more:
            async with site.reading() as connection:
                found, following = await seen_calls.find(connection, wanted, actor, EXPORTED_AT_ONCE)
            await response.write(export.rows(found, asked.words))
            more, wanted = following is not None, replace(wanted, before=following)
        await response.write_eof()
    except ConnectionResetError:
        _log.info("an export was broken off by who asked for it", login=login)
    except Exception:  # noqa: BLE001 - half a file must not look like a whole one
        _log.exception("an export broke off", login=login)
        if asked.request.transport is not None:
            asked.request.transport.abort()
    return response


async def call_page(asked: Asked) -> Reply:
    """One call."""
    site, actor, call_id, now = asked.site, asked.person.actor, asked.request.match_info["call_id"], _now(asked)
    async with site.reading() as connection:
        call = await seen_calls.get(connection, call_id, actor)
        if call is None:
            raise web.HTTPNotFound
        heard = await seen_calls.heard_by(connection, call_id, actor)
        found = await get_recording(connection, call_id) if heard else None
        marks = (await bookmarks.of_calls(connection, [call_id])).get(call_id, []) if heard else []
        watching = heard and not WATCH.isdisjoint(asked.person.roles)
        listened = await playbacks.of_call(connection, call_id, MOST_PLAYBACKS) if watching else []
        appeals = await get_appeals(connection, call.appeal_ids)
        people = await _people(connection)
    return asked.page(
        "calls/call.html",
        row=_row(call, now),
        call=call,
        player=None if found is None else _player(asked, call, found, marks),
        marks=marks,
        may_hear=heard and not HEAR.isdisjoint(asked.person.roles),
        may_mark=heard and bookmarks.may_mark(call, actor),
        kinds=list(Kind),
        watching=watching,
        listened=listened,
        appeals=appeals,
        people=people,
        now=now,
    )


async def players(asked: Asked, connection: AsyncConnection, calls: Sequence[Call]) -> list[Player]:
    """The players of those calls that the person may hear, for a page of something else."""
    made: list[Player] = []
    if HEAR.isdisjoint(asked.person.roles):
        return made
    for call in calls:
        if call.recordings and await seen_calls.heard_by(connection, call.call_id, asked.person.actor):
            found = await get_recording(connection, call.call_id)
            if found is not None:
                marks = (await bookmarks.of_calls(connection, [call.call_id])).get(call.call_id, [])
                made.append(_player(asked, call, found, marks))
    return made


async def mark(asked: Asked) -> Reply:
    """Mark a place: of a call that goes on, now or a moment ago; of a recording, at a second of it."""
    call_id, actor, now = asked.request.match_info["call_id"], asked.person.actor, _now(asked)
    kind = one_of(Kind, asked.form.get("kind"))
    async with asked.site.reading() as connection:
        call = await seen_calls.get(connection, call_id, actor)
        found = await get_recording(connection, call_id)
    if call is None or kind is None or not bookmarks.may_mark(call, actor):
        return web.json_response({"message": asked.words(_NOT_KEPT)}, status=404)
    at, note = _place(asked, call, found, now), asked.form.get("note")
    made = await asked.site.writer.run(
        lambda tx: bookmarks.add(tx, call_id=call_id, at=at, kind=kind, note=note, login=actor.login, now=now)
    )
    told = asked.words(word(kind))
    return web.json_response({"bookmark_id": made.bookmark_id, "kind": kind.value, "message": told})


async def unmark(asked: Asked) -> Reply:
    """Take a mark of one's own away."""
    call_id, bookmark_id = asked.request.match_info["call_id"], asked.request.match_info["bookmark_id"]
    login = asked.person.login

    def remove(tx: SqliteTx) -> bool:
        return bookmarks.remove(tx, call_id, bookmark_id, login)

    if not await asked.site.writer.run(remove):
        raise web.HTTPNotFound
    return asked.go_to("call", call_id=call_id)


def _place(asked: Asked, call: Call, found: Recording | None, now: datetime) -> datetime:
    """The moment that was marked, within the call."""
    if "second" in asked.form and found is not None:
        at = found.started_at + timedelta(seconds=_number(asked.form.get("second")))
    else:
        ago = timedelta(seconds=_number(asked.form.get("ago")))
        at = now - min(ago, bookmarks.LATEST)
    return min(max(at, call.started_at), call.ended_at or now)


def _number(text: str | None) -> float:
    """A number of seconds; what is none is 0."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if 0 <= number < timedelta(days=1).total_seconds() else 0.0


def _player(asked: Asked, call: Call, found: Recording, marks: Sequence[Bookmark]) -> Player:
    trouble = recording.trouble_of(asked, found)
    return Player(
        call=call,
        recording=found,
        axis=Axis(found.started_at, found.duration),
        stretches=timeline.stretches(call, _now(asked)),
        marks=marks,
        may_mark=bookmarks.may_mark(call, asked.person.actor),
        trouble=None if trouble is None else TROUBLES[trouble],
    )


def _row(call: Call, now: datetime) -> Row:
    return Row(
        call=call,
        tone=TONES[call.queue_outcome],
        axis=timeline.axis_of(call, now),
        lanes=timeline.lanes(call, now),
        stretches=timeline.stretches(call, now) if call.legs else (),
    )


async def _people(connection: AsyncConnection) -> Mapping[str, str]:
    return {one.login: one.name for one in await accounts.all_accounts(connection)}


def _now(asked: Asked) -> datetime:
    return asked.site.clock.now()


ROUTES: Final = (
    Route(name="calls", method="GET", path="/calls", do=calls_page, roles=SEE, menu=N_("Calls")),
    Route(name="calls_file", method="GET", path="/calls.csv", do=calls_file, roles=WATCH, lasting=True),
    Route(name="call", method="GET", path="/calls/{call_id}", do=call_page, roles=SEE),
    Route(name="outline", method="GET", path="/calls/{call_id}/outline", do=recording.outline, roles=HEAR),
    Route(name="listen", method="POST", path="/calls/{call_id}/playbacks", do=recording.listen, roles=HEAR),
    Route(name="sound", method="GET", path="/calls/{call_id}/sound", do=recording.sound, roles=HEAR, lasting=True),
    Route(name="flac", method="GET", path="/calls/{call_id}/flac", do=recording.download, roles=WATCH, lasting=True),
    Route(name="mark", method="POST", path="/calls/{call_id}/bookmarks", do=mark, roles=MARK),
    Route(name="unmark", method="POST", path="/calls/{call_id}/bookmarks/{bookmark_id}/remove", do=unmark, roles=MARK),
)
