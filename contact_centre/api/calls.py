"""Calls, and what is known of their recordings. The sound itself is not served here."""

import base64
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from appeals.search import BadQueryError
from contact_centre import seen_calls
from contact_centre.api import wire
from contact_centre.api.problems import Refusal
from contact_centre.api.site import Answer, Asked, Operation, Reading
from contact_centre.api.tokens import Scope
from contact_centre.api.wire import Instant, Text
from recordings.model import Status
from recordings.store import get_recording
from telephony.core.call import QueueOutcome
from telephony.store import CallFilter

MOST_ON_A_PAGE: Final = 200
DEFAULT_LIMIT: Final = 50


class CallsAsked(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which calls; what is absent does not narrow, several must all hold."""

    since: Instant | None = None
    until: Instant | None = None
    number: Text | None = None
    line: Text | None = None
    operator: Text | None = None
    outcome: QueueOutcome | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_ON_A_PAGE)] = DEFAULT_LIMIT
    cursor: Text | None = None


class RecordingStatus(StrEnum):
    """How much of the call the recording holds."""

    OK = Status.OK.value
    SHORT = Status.SHORT.value
    EMPTY = Status.EMPTY.value
    MISSING = Status.MISSING.value


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a call's recording. Durations are seconds, ``sha256`` is of the file; None: there is none."""

    recording_id: str
    call_id: str
    sha256: str | None
    duration: float
    call_duration: float
    channels: int
    sample_rate: int
    started_at: datetime
    status: RecordingStatus


CallForm: Final = wire.given(seen_calls.Call)
RecordingForm: Final = wire.given(Recording)
CallPage: Final = wire.page("CallPage", CallForm)


async def _list(asked: Asked) -> Answer:
    sent, site = asked.query, asked.site
    number = None if sent.number is None else site.to_e164(sent.number) or sent.number
    before = None if sent.cursor is None else parse_cursor(sent.cursor)
    wanted = CallFilter(
        since=sent.since,
        until=sent.until,
        number=number,
        line=sent.line,
        operator=sent.operator,
        outcome=None if sent.outcome is None else sent.outcome.value,
        before=before,
    )
    async with site.reading() as connection:
        calls, following = await seen_calls.find(connection, wanted, asked.actor, sent.limit)
    cursor = None if following is None else cursor_of(*following)
    return Answer(CallPage(items=[wire.give(CallForm, call) for call in calls], next=cursor), following=cursor)


async def _get(asked: Asked) -> Answer:
    async with asked.site.reading() as connection:
        call = await seen_calls.get(connection, asked.path["call_id"], asked.actor)
    if call is None:
        raise Refusal("no_such_call")
    return Answer(wire.give(CallForm, call))


async def _recording(asked: Asked) -> Answer:
    async with asked.site.reading() as connection:
        found = await get_recording(connection, asked.path["recording_id"])
        if found is None or not await seen_calls.heard_by(connection, found.call_id, asked.actor):
            raise Refusal("no_such_recording")
    return Answer(wire.give(RecordingForm, found))


def cursor_of(at: datetime, call_id: str) -> str:
    """How the next page of a list is asked for: from the call that began then."""
    return base64.urlsafe_b64encode(msgspec.json.encode((at, call_id))).decode().rstrip("=")


def parse_cursor(cursor: str) -> tuple[datetime, str]:
    """What a cursor says.

    Raises:
        BadQueryError: It is none.
    """
    none = BadQueryError("cursor", "this is no cursor of a list of calls; begin at the first page")
    try:
        told = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, call_id = msgspec.json.decode(told, type=tuple[Instant, str])
    except (ValueError, msgspec.DecodeError) as error:
        raise none from error
    if wire.unlikely(at):
        raise none
    return at, call_id


OPERATIONS: Final[tuple[Operation, ...]] = (
    Reading(
        name="list_calls",
        path="/calls",
        scope=Scope.CALLS_READ,
        summary="Calls, the newest first",
        query=CallsAsked,
        gives=CallPage,
        problems=("bad_query", "not_your_role"),
        do=_list,
    ),
    Reading(
        name="get_call",
        path="/calls/{call_id}",
        scope=Scope.CALLS_READ,
        summary="One call",
        gives=CallForm,
        problems=("no_such_call",),
        do=_get,
    ),
    Reading(
        name="get_recording",
        path="/recordings/{recording_id}",
        scope=Scope.RECORDINGS_READ,
        summary="What is known of a recording",
        gives=RecordingForm,
        problems=("no_such_recording",),
        do=_recording,
    ),
)
