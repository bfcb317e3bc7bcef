"""The pages of the register, and its actions: seen through ``appeals.visibility``, done by the register's desk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from multidict import MultiDict

from appeals import duty_queries, queries, reference_store, register_store, visibility, workflow
from appeals.commands import Edit
from appeals.deadlines import explain
from appeals.due import deadlines
from appeals.errors import ChangedMeanwhileError, NoSuchAppealError, RegisterError
from appeals.model import OPEN, Appeal, Channel, HistoryEntry, Status
from appeals.reference import Reference
from appeals.visibility import Sight
from contact_centre import accounts, seen_calls
from contact_centre.console.calls.pages import WATCH, players
from contact_centre.console.directory.forwardings import forwardings, helped
from contact_centre.console.filters import leaf
from contact_centre.console.languages import N_
from contact_centre.console.register import filters, forms, words
from contact_centre.console.register.forms import COMMANDS, Field, FieldError
from contact_centre.console.register.history import condensed
from contact_centre.console.route import Asked, Reply, Route
from contact_centre.console.words import named
from contact_centre.writer import SqliteTx

READERS: Final = frozenset({"operator", "executor", "supervisor", "head", "auditor", "mayor"})
WRITERS: Final = frozenset({"operator", "supervisor"})
ACTORS: Final = frozenset({"operator", "executor", "supervisor", "head"})

SOON: Final = timedelta(hours=24)
MOST_CALLS: Final = 50
KEYS: Final = "123456789"

_TONES: Final = {
    Status.CLARIFICATION: "due",
    Status.VERIFYING: "due",
    Status.REWORK: "due",
    Status.REOPEN_REQUESTED: "due",
    Status.ACCEPTED: "talking",
    Status.IN_PROGRESS: "talking",
    Status.SCHEDULED: "talking",
    Status.NEW: "rest",
    Status.CLOSED: "done",
}
_NOT_A_FIELD: Final = N_("%(field)s: choose or type it again.")


@dataclass(frozen=True, slots=True)
class Row:
    """An appeal as a list shows it."""

    appeal: Appeal
    tone: str
    due: "Due | None"


@dataclass(frozen=True, slots=True)
class Due:
    """The earlier of both deadlines and how near it is: ``late``, ``due``, or nothing to say."""

    at: datetime
    tone: str


@dataclass(frozen=True, slots=True)
class ActionForm:
    """What may be done: its form, or the rule that still stands against it."""

    action: str
    label: str
    key: str
    blocked: str | None
    fields: Sequence[Field]
    error: str | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class Attempted:
    """An action that was refused: which, what was typed, and why."""

    action: str
    typed: MultiDict[str]
    error: RegisterError


def due(appeal: Appeal, now: datetime) -> Due | None:
    """When it is due; None if it is over, or no draft's."""
    dates = [at for at in (appeal.due_at, appeal.legal_due_at) if at is not None]
    if not dates or appeal.status not in OPEN:
        return None
    at = min(dates)
    return Due(at, "late" if at < now else "due" if at - now < SOON else "")


def tone(appeal: Appeal) -> str:
    """The tone of where it stands: supervisors are waited for in red."""
    return "late" if appeal.escalated_at is not None and appeal.status in OPEN else _TONES.get(appeal.status, "")


async def appeals_page(asked: Asked) -> Reply:
    """The list, with the filter of the address."""
    query, site, now = filters.query_of(asked.request.query), asked.site, asked.site.clock.now()
    async with site.reading() as connection:
        found, cursor = await queries.look_for(connection, site.search, query, asked.person.actor, now)
        reference = await site.reference(connection)
    language = asked.renderer.language
    sent = asked.request.query
    return asked.page(
        "register/list.html",
        rows=[Row(one, tone(one), due(one, now)) for one in found],
        query=query,
        sent=sent,
        narrowed=filters.narrowed(query),
        following=None if cursor is None else leaf(sent, cursor),
        first=leaf(sent, None) if query.cursor else None,
        reference=reference,
        statuses=named(Status),
        categories=forms.category_options(reference, language, groups=True),
        services=forms.reference_options(reference, language),
        may_write=not WRITERS.isdisjoint(asked.person.roles),
        done=_done(asked),
    )


async def appeal_page(asked: Asked) -> Reply:
    """One appeal."""
    return await _show(asked, asked.request.match_info["appeal_id"])


async def act(asked: Asked) -> Reply:
    """Carry a command out; if it is refused, nothing that was typed is lost."""
    appeal_id, action = asked.request.match_info["appeal_id"], asked.request.match_info["action"]
    command, desk, actor = COMMANDS.get(action), asked.site.desk, asked.person.actor
    version = asked.form.get("version", "")
    if command is None or not version.isdecimal():
        raise web.HTTPNotFound

    def perform(tx: SqliteTx) -> Appeal:
        wanted = forms.command_of(command, asked.form, lambda number: register_store.find(tx, number) or number)
        return desk.perform(tx, appeal_id, wanted, actor, expected=int(version))

    try:
        changed = await asked.site.writer.run(perform)
    except RegisterError as error:
        if isinstance(error, NoSuchAppealError) and error.parameters["appeal_id"] == appeal_id:
            raise web.HTTPNotFound from error
        return await _show(asked, appeal_id, Attempted(action, asked.form, error))
    if visibility.seen(changed, actor) is None:
        return asked.go_to("appeals", done=action)
    return asked.go_to("appeal", appeal_id=appeal_id, done=action)


async def new_page(asked: Asked) -> Reply:
    """A form for what came by letter, by web or in person."""
    return await _ask_new(asked)


async def create(asked: Asked) -> Reply:
    """Write it down as a draft."""
    channel = next((one for one in Channel if one.value == asked.form.get("channel")), Channel.VISIT)
    edit, desk, actor = Edit(changes=forms.changes(asked.form)), asked.site.desk, asked.person.actor
    if channel is Channel.PHONE:
        raise web.HTTPNotFound
    try:
        made = await asked.site.writer.run(lambda tx: desk.create(tx, actor, channel, edit))
    except RegisterError as error:
        return await _ask_new(asked, error)
    return asked.go_to("appeal", appeal_id=made.appeal_id)


async def _ask_new(asked: Asked, error: RegisterError | None = None) -> Reply:
    async with asked.site.reading() as connection:
        reference = await asked.site.reference(connection)
    typed = asked.form if error is not None else None
    return asked.page(
        "register/new.html",
        200 if error is None else 422,
        fields=forms.written_fields(None, reference, asked.renderer.language, asked.words, typed),
        channels=[one for one in Channel if one is not Channel.PHONE],
        channel=asked.form.get("channel", Channel.VISIT.value),
        error=None if error is None else _told(asked, error),
    )


async def _show(asked: Asked, appeal_id: str, attempted: Attempted | None = None) -> Reply:
    """The page of an appeal; after an action that was refused, with what was typed and why.

    Raises:
        web.HTTPNotFound: There is none, or the person may not know of it.
    """
    site, actor, language = asked.site, asked.person.actor, asked.renderer.language
    async with site.reading() as connection:
        if await queries.sight_of(connection, appeal_id, actor) is Sight.NOTHING:
            raise web.HTTPNotFound
        stored = await queries.get_appeal(connection, appeal_id)
        appeal = None if stored is None else visibility.seen(stored, actor)
        if appeal is None:
            raise web.HTTPNotFound
        reference = await site.reference(connection)
        rules = reference
        if appeal.reference_version not in {None, reference.version}:
            rules = await reference_store.reference_of(connection, str(appeal.reference_version))
        calls = [await seen_calls.get(connection, call_id, actor) for call_id in appeal.calls[-MOST_CALLS:]]
        heard = await players(asked, connection, [one for one in calls if one is not None])
        callbacks = await duty_queries.callbacks_left(connection, appeal.calls)
        everybody = await accounts.all_accounts(connection)
        people = {one.login: one.name for one in everybody}
        into = None if appeal.merged_into is None else await queries.get_appeal(connection, appeal.merged_into)
    dated = deadlines(appeal, rules)
    explained = [
        (name, deadline.at, explain(deadline, language))
        for name, deadline in ((N_("Promise of the city"), dated.promised), (N_("Limit of the law"), dated.legal))
        if deadline is not None and not appeal.masked
    ]
    now = site.clock.now()
    return asked.page(
        "register/appeal.html",
        _status(attempted),
        appeal=appeal,
        history=condensed(appeal.history),
        tone=tone(appeal),
        due=due(appeal, now),
        now=now,
        deadlines=explained,
        reference=reference,
        people=people,
        calls=[one for one in calls if one is not None],
        players=heard,
        may_download=not WATCH.isdisjoint(asked.person.roles),
        into=into.registration_number if into is not None else None,
        actions=() if appeal.masked else _actions(asked, appeal, reference, attempted),
        helped=helped,
        forwardings=lambda call: forwardings(
            call, callbacks, lambda code: accounts.named(everybody, code), asked.words
        ),
        may_call=not WRITERS.isdisjoint(asked.person.roles),
        new=_since(appeal, attempted),
        done=_done(asked),
        detail=lambda entry: _details(asked, entry, reference),
        event=lambda code: words.EVENTS.get(code, code),
        reason=words.reason,
    )


def _status(attempted: Attempted | None) -> int:
    if attempted is None:
        return 200
    return 409 if isinstance(attempted.error, ChangedMeanwhileError) else 422


def _actions(asked: Asked, appeal: Appeal, reference: Reference, attempted: Attempted | None) -> list[ActionForm]:
    """What the person may do with it now, each with its form; one that was refused is open, as it was typed."""
    allowed = workflow.allowed_actions(appeal, asked.person.actor, asked.site.clock.now(), reference)
    made = []
    for place, one in enumerate(allowed):
        tried = attempted if attempted is not None and attempted.action == one.action else None
        typed = None if tried is None else tried.typed
        shown = forms.fields_of(COMMANDS[one.action], appeal, reference, asked.renderer.language, asked.words, typed)
        made.append(
            ActionForm(
                action=one.action,
                label=asked.words(words.ACTIONS[one.action]),
                key=KEYS[place] if place < len(KEYS) else "",
                blocked=None if one.blocked is None else asked.words(words.GUARDS[one.blocked], days=""),
                fields=shown,
                error=None if tried is None else _told(asked, tried.error),
                open=tried is not None,
            )
        )
    return made


def _since(appeal: Appeal, attempted: Attempted | None) -> Sequence[HistoryEntry]:
    """What was done since the form was shown that somebody has just sent."""
    if attempted is None or not isinstance(attempted.error, ChangedMeanwhileError):
        return ()
    known = attempted.typed.get("known", "")
    return appeal.history[int(known) :] if known.isdecimal() else appeal.history[-1:]


def _told(asked: Asked, error: RegisterError) -> str:
    if isinstance(error, FieldError):
        return asked.words(_NOT_A_FIELD, field=asked.words(words.FIELDS[str(error.parameters["field"])]))
    return words.told(error, asked.words)


def _details(asked: Asked, entry: HistoryEntry, reference: Reference) -> list[tuple[str, str]]:
    """The parameters of a line of history, in words; of personal fields it is known only that they were changed."""
    names = {code: getattr(one.name, asked.renderer.language) for code, one in reference.services.items()}
    names |= {code: getattr(one.name, asked.renderer.language) for code, one in reference.categories.items()}
    names |= {code: getattr(one, asked.renderer.language) for code, one in reference.districts.items()}
    called = {key: asked.words(words.FIELDS[key]) if key in words.FIELDS else key for key in entry.details}
    told = [
        (called[key], names.get(value) or asked.words(words.value(key, value)))
        for key, value in entry.details.items()
        if value is not None and key != "call_id"
    ]
    unnamed = [called[key] for key, value in entry.details.items() if value is None and entry.event == "edited"]
    return [(", ".join(unnamed), ""), *told] if unnamed else told


def _done(asked: Asked) -> str | None:
    """What has just been done, after an action led here."""
    action = asked.request.query.get("done", "")
    return asked.words(words.ACTIONS[action]) if action in words.ACTIONS else None


ROUTES: Final = (
    Route(name="appeals", method="GET", path="/appeals", do=appeals_page, roles=READERS, menu=N_("Appeals")),
    Route(name="new_appeal", method="GET", path="/appeals/new", do=new_page, roles=WRITERS),
    Route(name="create_appeal", method="POST", path="/appeals/new", do=create, roles=WRITERS),
    Route(name="appeal", method="GET", path="/appeals/{appeal_id}", do=appeal_page, roles=READERS),
    Route(name="act", method="POST", path="/appeals/{appeal_id}/{action}", do=act, roles=ACTORS),
)
