"""Appeals: looking for them, one with its history, making one, and an operation for each command of the register."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from appeals import queries, visibility, whole, workflow
from appeals.commands import Command, Edit
from appeals.errors import NoSuchAppealError
from appeals.model import Actor, Appeal, Channel, HistoryEntry, Kind, Role, Status
from appeals.reference import Reference
from appeals.search import DEFAULT_LIMIT, AppealQuery, Between, Order
from appeals.visibility import Sight
from appeals.workflow import TRANSITIONS, AllowedAction
from contact_centre.api import wire
from contact_centre.api.site import Answer, Asked, Operation, Reading, Writing
from contact_centre.api.tokens import Scope
from contact_centre.api.wire import Changes, Instant, Text
from contact_centre.writer import SqliteTx

MOST_ON_A_PAGE: Final = 200

Limit = Annotated[int, Meta(ge=1, le=MOST_ON_A_PAGE)]


class MadeBy(StrEnum):
    """How an appeal came that is made here; those of calls are made by the calls themselves."""

    WEB = "web"
    WRITTEN = "written"
    VISIT = "visit"


class AppealsAsked(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which appeals; what is absent does not narrow, several must all hold."""

    text: Text | None = None
    number: Text | None = None
    phone: Text | None = None
    status: list[Status] = []
    kind: Kind | None = None
    channel: Channel | None = None
    category: Text | None = None
    service: Text | None = None
    district: Text | None = None
    operator: Text | None = None
    line: Text | None = None
    call_id: Text | None = None
    incident: Text | None = None
    overdue: bool = False
    escalated: bool = False
    created_since: Instant | None = None
    created_until: Instant | None = None
    registered_since: Instant | None = None
    registered_until: Instant | None = None
    due_since: Instant | None = None
    due_until: Instant | None = None
    order: Order | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAppeal(Appeal):
    """An appeal as the token may see it, and what it may do with it now."""

    allowed_actions: tuple[AllowedAction, ...]


AppealForm: Final = msgspec.defstruct(
    "Appeal",
    wire.members(SeenAppeal),
    namespace={"__doc__": f"{wire.words(Appeal)} `allowed_actions` are what the token's roles may do with it now."},
    kw_only=True,
)
HistoryForm: Final = wire.given(HistoryEntry)
AppealPage: Final = wire.page("AppealPage", AppealForm)
HistoryPage: Final = wire.page("HistoryPage", HistoryForm)

NewAppeal: Final = msgspec.defstruct(
    "NewAppeal",
    [
        ("channel", MadeBy),
        ("external_id", Text | None, None),
        ("changes", Changes, msgspec.field(default_factory=Changes)),
    ],
    namespace={"__doc__": "A draft to be made. `external_id` is what the asking program calls it."},
    kw_only=True,
    forbid_unknown_fields=True,
)


def as_seen(appeal: Appeal | None, actor: Actor, now: Any, reference: Reference) -> Struct | None:  # noqa: ANN401
    """An appeal as the actor may see it; None if they may not know of it."""
    seen = None if appeal is None else visibility.seen(appeal, actor)
    if seen is None:
        return None
    allowed = () if seen.masked else workflow.allowed_actions(seen, actor, now, reference)
    own = {name: getattr(seen, name) for name in Appeal.__dataclass_fields__}
    return wire.give(AppealForm, SeenAppeal(**own, allowed_actions=allowed))


async def _list(asked: Asked) -> Answer:
    site, actor, sent, now = asked.site, asked.actor, asked.query, asked.site.clock.now()
    query = AppealQuery(
        text=sent.text,
        number=sent.number,
        phone=sent.phone,
        statuses=frozenset(sent.status),
        kind=sent.kind,
        channel=sent.channel,
        category=sent.category,
        service=sent.service,
        district=sent.district,
        operator=sent.operator,
        line=sent.line,
        call_id=sent.call_id,
        incident=sent.incident,
        overdue=sent.overdue,
        escalated=sent.escalated,
        created=Between(sent.created_since, sent.created_until),
        registered=Between(sent.registered_since, sent.registered_until),
        due=Between(sent.due_since, sent.due_until),
        order=sent.order,
        limit=sent.limit,
        cursor=sent.cursor,
    )
    async with site.reading() as connection:
        found = await site.search.find(connection, query, actor, now)
        appeals = await queries.get_appeals(connection, found.appeal_ids)
        reference = await site.reference(connection)
    shown = [as_seen(appeal, actor, now, reference) for appeal in appeals]
    items = [one for one in shown if one is not None]
    return Answer(AppealPage(items=items, next=found.cursor), following=found.cursor)


async def _whole(asked: Asked) -> Struct:
    """The appeal of the path.

    Raises:
        NoSuchAppealError: There is none, or the actor may not know of it: both take the same time.
    """
    appeal_id, site = asked.path["appeal_id"], asked.site
    async with site.reading() as connection:
        if await queries.sight_of(connection, appeal_id, asked.actor) is Sight.NOTHING:
            raise NoSuchAppealError(appeal_id)
        appeal = await queries.get_appeal(connection, appeal_id)
        reference = await site.reference(connection)
    shown = as_seen(appeal, asked.actor, site.clock.now(), reference)
    if shown is None:
        raise NoSuchAppealError(appeal_id)
    return shown


async def _get(asked: Asked) -> Answer:
    shown = await _whole(asked)
    return Answer(shown, version=shown.version)  # type: ignore[attr-defined]


async def _history(asked: Asked) -> Answer:
    shown = await _whole(asked)
    return Answer(HistoryPage(items=shown.history, next=None))  # type: ignore[attr-defined]


def _create(asked: Asked, tx: SqliteTx) -> Answer:
    edit = Edit(changes=wire.changes(asked.body.changes))
    channel = Channel(asked.body.channel.value)
    made = asked.site.desk.create(tx, asked.actor, channel, edit, external_id=asked.body.external_id)
    return after(asked, tx, made, location=f"/appeals/{made.appeal_id}")


def after(asked: Asked, tx: SqliteTx, changed: Appeal, location: str | None = None) -> Answer:
    """What is answered to a change: the appeal as it now is; nothing if the step took it out of the actor's sight."""
    site = asked.site
    kept = whole.load(tx, changed.appeal_id)
    shown = as_seen(kept, asked.actor, site.clock.now(), site.desk.reference(tx))
    return Answer(shown, version=None if shown is None else changed.version, location=location)


def _carry_out(command: type[Command]) -> Callable[[Asked, SqliteTx], Answer]:
    def do(asked: Asked, tx: SqliteTx) -> Answer:
        wanted = wire.fill(command, asked.body)
        appeal_id = asked.path["appeal_id"]
        changed = asked.site.desk.perform(tx, appeal_id, wanted, asked.actor, expected=asked.expected)
        return after(asked, tx, changed)

    return do


def _people_may(command: type[Command]) -> bool:
    return any(row.command is command and set(row.roles) - {Role.SYSTEM} for row in TRANSITIONS)


def _action(command: type[Command]) -> Writing:
    named = "".join(part.capitalize() for part in command.action.split("_"))
    return Writing(
        name=command.action,
        path=f"/appeals/{{appeal_id}}/actions/{command.action}",
        scope=Scope.APPEALS_WRITE,
        summary=wire.words(command).partition(".")[0],
        takes=wire.taken(command, named),
        gives=AppealForm,
        versioned=True,
        problems=(
            "no_such_appeal",
            "not_your_role",
            "illegal_transition",
            "changed_meanwhile",
            "guard",
            "unknown_reference",
        ),
        do=_carry_out(command),
    )


_COMMANDS: Final = [row.command for row in TRANSITIONS]

OPERATIONS: Final[tuple[Operation, ...]] = (
    Reading(
        name="list_appeals",
        path="/appeals",
        scope=Scope.APPEALS_READ,
        summary="Look for appeals",
        query=AppealsAsked,
        gives=AppealPage,
        problems=("bad_query",),
        do=_list,
    ),
    Writing(
        name="create_appeal",
        path="/appeals",
        scope=Scope.APPEALS_WRITE,
        summary="Make a draft of what came by web, letter or visit",
        takes=NewAppeal,
        gives=AppealForm,
        status=201,
        problems=("not_your_role", "guard", "unknown_reference"),
        do=_create,
    ),
    Reading(
        name="get_appeal",
        path="/appeals/{appeal_id}",
        scope=Scope.APPEALS_READ,
        summary="One appeal",
        gives=AppealForm,
        problems=("no_such_appeal",),
        do=_get,
    ),
    Reading(
        name="get_history",
        path="/appeals/{appeal_id}/history",
        scope=Scope.APPEALS_READ,
        summary="What happened to an appeal, the oldest first",
        gives=HistoryPage,
        problems=("no_such_appeal",),
        do=_history,
    ),
    *(_action(command) for command in dict.fromkeys(_COMMANDS) if _people_may(command)),
)
