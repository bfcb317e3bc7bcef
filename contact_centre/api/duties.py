"""Duties: what the city owes its citizens until evidence says that it was done.

Their commands take no If-Match: a duty is guarded by who has taken it up and by what has closed it, and a result that
is given anew for the same call corrects it.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from appeals import duty_queries
from appeals.duties import Duty, DutyKind, Excuse
from appeals.duty_desk import LONGEST_NOTE
from appeals.duty_queries import DutyFilters, Owed
from appeals.errors import NoSuchDutyError
from appeals.evidence import ContactResult, Shortfall
from appeals.search import BadQueryError
from contact_centre.api import wire
from contact_centre.api.site import Answer, Asked, Operation, Reading, Writing
from contact_centre.api.tokens import Scope
from contact_centre.api.wire import Instant, Nothing, Text
from contact_centre.writer import SqliteTx

MOST_ON_A_PAGE: Final = 200
DEFAULT_LIMIT: Final = 50
Note = Annotated[str, Meta(max_length=LONGEST_NOTE, pattern=r"^[^\x00]*$")]

OwedForm: Final = wire.given(Owed)
DutyForm: Final = wire.given(Duty)
OwedPage: Final = wire.page("DutyPage", OwedForm)


@dataclass(frozen=True, slots=True)
class ResultGiven:
    """A duty after a result was given; ``lacks`` is what it still takes to close it."""

    duty: Duty
    lacks: Shortfall | None


ResultForm: Final = wire.given(ResultGiven)


class DutiesAsked(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which duties; what is absent does not narrow. ``owner`` is a login or a service."""

    kind: DutyKind | None = None
    owner: Text | None = None
    appeal_id: Text | None = None
    service: Text | None = None
    open: bool = True
    overdue: bool = False
    limit: Annotated[int, Meta(ge=1, le=MOST_ON_A_PAGE)] = DEFAULT_LIMIT
    cursor: Text | None = None


class GiveResult(Struct, kw_only=True, forbid_unknown_fields=True):
    """What came of a call. `call_at` is when the citizen asked to be called again."""

    call_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    result: ContactResult
    note: Note | None = None
    call_at: Instant | None = None


class ExcuseDuty(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why the applicant cannot be told. `letter` names the written message (number and date)."""

    why: Excuse
    reason: Note
    letter: Note | None = None


class AnswerForwarding(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the citizen says of the specialist. `took_place` null: as the ledger found."""

    took_place: bool | None = None
    replied: bool | None = None
    prompt: bool | None = None


async def _list(asked: Asked) -> Answer:
    sent, site = asked.query, asked.site
    filters = DutyFilters(
        kind=sent.kind,
        owner=sent.owner,
        appeal_id=sent.appeal_id,
        service=sent.service,
        open=sent.open,
        overdue=sent.overdue,
        limit=sent.limit + 1,
        after=None if sent.cursor is None else _parsed(sent.cursor),
        together=False,
    )
    async with site.reading() as connection:
        found = await duty_queries.list_duties(connection, filters, asked.actor, site.clock.now())
    page = found[: sent.limit]
    cursor = _cursor(page[-1].duty) if len(found) > sent.limit else None
    return Answer(OwedPage(items=[wire.give(OwedForm, one) for one in page], next=cursor), following=cursor)


async def _get(asked: Asked) -> Answer:
    duty_id, site = asked.path["duty_id"], asked.site
    filters = DutyFilters(duty_id=duty_id, open=None, together=False)
    async with site.reading() as connection:
        found = await duty_queries.list_duties(connection, filters, asked.actor, site.clock.now())
    if not found:
        raise NoSuchDutyError(duty_id)
    return Answer(wire.give(OwedForm, found[0]))


def _result(asked: Asked, tx: SqliteTx) -> Answer:
    body = asked.body
    given = asked.site.duties.give_result(
        tx,
        asked.path["duty_id"],
        body.call_id,
        body.result,
        asked.actor,
        note=body.note,
        call_at=body.call_at,
    )
    return Answer(wire.give(ResultForm, given))


def _claim(asked: Asked, tx: SqliteTx) -> Answer:
    return Answer(wire.give(DutyForm, asked.site.duties.claim(tx, asked.path["duty_id"], asked.actor)))


def _release(asked: Asked, tx: SqliteTx) -> Answer:
    return Answer(wire.give(DutyForm, asked.site.duties.release(tx, asked.path["duty_id"], asked.actor)))


def _excuse(asked: Asked, tx: SqliteTx) -> Answer:
    body, duty_id = asked.body, asked.path["duty_id"]
    excused = asked.site.duties.excuse(tx, duty_id, body.why, body.reason, asked.actor, letter=body.letter)
    return Answer(wire.give(DutyForm, excused))


def _answer_forwarding(asked: Asked, tx: SqliteTx) -> Answer:
    told = msgspec.structs.asdict(asked.body)
    duty_id, desk = asked.path["duty_id"], asked.site.duties
    return Answer(wire.give(DutyForm, desk.answer_forwarding(tx, duty_id, asked.actor, **told)))


def _cursor(duty: Duty) -> str:
    told = msgspec.json.encode((duty.due_at, duty.opened_at, duty.duty_id))
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _parsed(cursor: str) -> tuple[datetime, datetime, str]:
    none = BadQueryError("cursor", "this is no cursor of a list of duties; begin at the first page")
    try:
        told = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        due_at, opened_at, duty_id = msgspec.json.decode(told, type=tuple[Instant, Instant, str])
    except (ValueError, msgspec.DecodeError) as error:
        raise none from error
    if wire.unlikely(due_at) or wire.unlikely(opened_at):
        raise none
    return due_at, opened_at, duty_id


def _command(name: str, summary: str, takes: type[Struct], gives: Any, do: Any) -> Writing:  # noqa: ANN401 - forms
    return Writing(
        name=f"{name}_duty",
        path=f"/duties/{{duty_id}}/actions/{name}",
        scope=Scope.DUTIES_WRITE,
        summary=summary,
        takes=takes,
        gives=gives,
        problems=("not_your_role", "no_such_duty", "guard"),
        do=do,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Reading(
        name="list_duties",
        path="/duties",
        scope=Scope.DUTIES_READ,
        summary="Duties, the one due first at the head",
        query=DutiesAsked,
        gives=OwedPage,
        problems=("bad_query",),
        do=_list,
    ),
    Reading(
        name="get_duty",
        path="/duties/{duty_id}",
        scope=Scope.DUTIES_READ,
        summary="One duty",
        gives=OwedForm,
        problems=("no_such_duty",),
        do=_get,
    ),
    _command("result", "Say what came of a call", GiveResult, ResultForm, _result),
    _command("claim", "Take it up, and whatever else is owed to the same citizen", Nothing, DutyForm, _claim),
    _command("release", "Give it back to the shift", Nothing, DutyForm, _release),
    _command("excuse", "End a duty to inform although the applicant was not told", ExcuseDuty, DutyForm, _excuse),
    _command(
        "answer",
        "What the citizen says of the specialist they were referred to",
        AnswerForwarding,
        DutyForm,
        _answer_forwarding,
    ),
)
