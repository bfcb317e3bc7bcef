"""The appeal of a call as a form: saved as it is typed, with what follows from it, until it is registered.

What cannot be kept (half a telephone number) is told beside its field and keeps nothing else from being kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import queries, register_store
from appeals.commands import Answer, Dismiss, DismissReason, Edit, ForwardOut, Merge, Register, RouteTo
from appeals.due import deadlines
from appeals.errors import NoSuchAppealError, RegisterError
from appeals.model import Actor, Appeal, Kind, Status
from appeals.reference import Reference
from appeals.routing import Proposal, propose
from appeals.similar import Similar, similar
from appeals.visibility import Sight
from contact_centre.console.desk import words
from contact_centre.console.register import forms
from contact_centre.console.register import words as register_words
from contact_centre.console.route import Asked, Reply
from contact_centre.writer import SqliteTx

MOST_DRAFTS: Final = 20

FORWARDED: Final = {
    "uk": (
        "Це питання розглядає не місто, а {service}; ваше звернення передано туди"
        " (стаття 7 Закону України «Про звернення громадян»)."
    ),
    "en": (
        "This matter is not the city's but that of {service}; your appeal was sent there"
        " (Article 7 of the Law of Ukraine on citizens' appeals)."
    ),
}
"""What an applicant is told, in their language, when a service that is not the city's gets the appeal."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from what is written so far."""

    proposal: Proposal | None
    alike: Similar


@dataclass(frozen=True, slots=True)
class Saved:
    """What was kept, and of which fields it could not be, with the reason."""

    appeal: Appeal
    problems: Mapping[str, RegisterError]
    meanwhile: frozenset[str]


async def draft(asked: Asked) -> Reply:
    """The form of an appeal; of one that is registered, its number and what was said."""
    async with asked.site.reading() as connection:
        appeal = await _seen(asked, connection)
        reference = await asked.site.reference(connection)
        derived = await _derived(asked, connection, appeal, reference)
    return _shown(asked, appeal, reference, derived)


async def save(asked: Asked) -> Reply:
    """Keep what was typed since the form was shown."""
    try:
        saved = await asked.site.writer.run(lambda tx: _save(tx, asked))
    except RegisterError as error:
        return _refused(asked, error)
    async with asked.site.reading() as connection:
        reference = await asked.site.reference(connection)
        derived = await _derived(asked, connection, saved.appeal, reference)
    fields = forms.written_fields(saved.appeal, reference, asked.renderer.language, asked.words)
    told = {name: _told(asked, error) for name, error in saved.problems.items()}
    return web.json_response(
        {
            "version": saved.appeal.version,
            "fields": {field.name: field.value for field in fields},
            "problems": told,
            "meanwhile": sorted(saved.meanwhile),
            "derived": _part(asked, "desk/derived.html", saved.appeal, reference, derived),
        }
    )


async def register(asked: Asked) -> Reply:
    """It becomes an appeal with a number, and goes to the service that was chosen or proposed, the city's or not."""

    def perform(tx: SqliteTx, appeal_id: str) -> Appeal:
        desk, actor = asked.site.desk, asked.person.actor
        study = bool(asked.form.get("study"))
        appeal = desk.perform(tx, appeal_id, Register(study=study, changes=forms.changes(asked.form)), actor)
        service = asked.form.get("service") or appeal.proposed_service
        if appeal.kind is Kind.CONSULTATION or service is None:
            return appeal
        to = desk.reference(tx).service(service)
        sender = _sender(actor, appeal)
        if to.external:
            told = FORWARDED[appeal.language].format(service=getattr(to.name, appeal.language))
            return desk.perform(tx, appeal_id, ForwardOut(to=service, explanation=told), sender)
        return desk.perform(tx, appeal_id, RouteTo(service=service), sender)

    return await _done(asked, perform)


async def answer(asked: Asked) -> Reply:
    """Only a consultation: it is counted under its category and closed with the answer."""

    def perform(tx: SqliteTx, appeal_id: str) -> Appeal:
        desk, actor = asked.site.desk, asked.person.actor
        changes = forms.changes(asked.form)
        appeal = desk.perform(tx, appeal_id, Register(kind=Kind.CONSULTATION, changes=changes), actor)
        return desk.perform(tx, appeal_id, Answer(text=appeal.description), _sender(actor, appeal))

    return await _done(asked, perform)


async def dismiss(asked: Asked) -> Reply:
    """It is no appeal."""
    reason = next((one for one in DismissReason if one.value == asked.form.get("reason")), None)
    if reason is None:
        raise web.HTTPNotFound
    return await _done(
        asked, lambda tx, appeal_id: asked.site.desk.perform(tx, appeal_id, Dismiss(reason=reason), asked.person.actor)
    )


async def join(asked: Asked) -> Reply:
    """It is the same matter as an incident, or as an appeal that there is; this caller hears of the result too."""
    incident, into = asked.form.get("incident"), asked.form.get("into")
    if not incident and not into:
        raise web.HTTPNotFound

    def perform(tx: SqliteTx, appeal_id: str) -> Appeal:
        desk, actor = asked.site.desk, asked.person.actor
        changes = forms.changes(asked.form)
        if incident:
            if changes:
                desk.perform(tx, appeal_id, Edit(changes=changes), actor)
            return asked.site.incidents.attach(tx, incident, appeal_id, actor)
        appeal = register_store.load(tx, appeal_id)
        if appeal is not None and appeal.status is Status.NEW:
            desk.perform(tx, appeal_id, Register(changes=changes), actor)
        return desk.perform(tx, appeal_id, Merge(into=str(into)), actor)

    return await _done(asked, perform)


async def _done(asked: Asked, perform: Any) -> Reply:  # noqa: ANN401 - a job of the writer's with the appeal's id
    appeal_id = asked.request.match_info["appeal_id"]
    try:
        appeal = await asked.site.writer.run(lambda tx: perform(tx, appeal_id))
    except RegisterError as error:
        return _refused(asked, error)
    async with asked.site.reading() as connection:
        reference = await asked.site.reference(connection)
        into = None if appeal.merged_into is None else await queries.get_appeal(connection, appeal.merged_into)
    return web.json_response(
        {
            "number": appeal.registration_number,
            "status": appeal.status.value,
            "html": _part(asked, "desk/done.html", appeal, reference, Derived(None, Similar((), ())), into=into),
        }
    )


def _sender(actor: Actor, appeal: Appeal) -> Actor:
    """Whoever has just registered an appeal, as they send it on: after that a restricted one is hidden from them."""
    return actor if appeal.desk is None else replace(actor, desks=actor.desks | {appeal.desk})


def _save(tx: SqliteTx, asked: Asked) -> Saved:
    """Everything that can be kept; a field that somebody else has changed meanwhile stays as they left it.

    Raises:
        NoSuchAppealError: There is none, or none that the person may change.
        RegisterError: Nothing can be written into it any more.
    """
    desk, actor = asked.site.desk, asked.person.actor
    appeal_id = asked.request.match_info["appeal_id"]
    stored = register_store.load(tx, appeal_id)
    if stored is None:
        raise NoSuchAppealError(appeal_id)
    wanted = forms.changes(asked.form)
    known = {name: {asked.form.get(f"was.{name}", ""), asked.form.get(name, "")} for name in wanted}
    meanwhile = frozenset(name for name in wanted if forms.text_of(stored, name) not in known[name])
    changes = {name: value for name, value in wanted.items() if name not in meanwhile}
    problems: dict[str, RegisterError] = {}
    while True:
        try:
            return Saved(desk.perform(tx, appeal_id, Edit(changes=changes), actor), problems, meanwhile)
        except RegisterError as error:
            field = str(error.parameters.get("field"))
            if field not in changes:
                raise
            problems[field] = error
            del changes[field]


async def _seen(asked: Asked, connection: AsyncConnection) -> Appeal:
    """The appeal of the address, as far as the person may see it.

    Raises:
        web.HTTPNotFound: There is none, or they may not know of it.
    """
    appeal_id, actor = asked.request.match_info["appeal_id"], asked.person.actor
    if await queries.sight_of(connection, appeal_id, actor) is not Sight.WHOLE:
        raise web.HTTPNotFound
    appeal = await queries.get_appeal(connection, appeal_id)
    if appeal is None:
        raise web.HTTPNotFound
    return appeal


async def _derived(asked: Asked, connection: AsyncConnection, appeal: Appeal, reference: Reference) -> Derived:
    if appeal.category is None:
        return Derived(None, Similar((), ()))
    now = asked.site.clock.now()
    proposal = propose(reference, appeal.category, appeal.district, now, appeal.complained_of)
    return Derived(proposal, await similar(connection, appeal, reference.periods, asked.person.actor, now))


def _shown(asked: Asked, appeal: Appeal, reference: Reference, derived: Derived) -> web.Response:
    template = "desk/draft.html" if appeal.status is Status.NEW else "desk/done.html"
    return web.Response(text=_part(asked, template, appeal, reference, derived), content_type="text/html")


def _part(
    asked: Asked, template: str, appeal: Appeal, reference: Reference, derived: Derived, into: Appeal | None = None
) -> str:
    language = asked.renderer.language
    fields = forms.written_fields(appeal, reference, language, asked.words)
    category = None if appeal.category is None else reference.categories[appeal.category]
    reasons = () if derived.proposal is None else derived.proposal.reasons
    values = {
        "appeal": appeal,
        "into": into,
        "fields": {field.name: field for field in fields},
        "category": category,
        "urgency": None if category is None else words.URGENCY[category.urgency],
        "proposal": derived.proposal,
        "reasons": [words.reason(one, reference, language, asked.words) for one in reasons],
        "alike": derived.alike,
        "likeness": words.LIKENESS,
        "services": forms.reference_options(reference, language),
        "reference": reference,
        "dated": deadlines(appeal, reference) if appeal.registered_at is not None else None,
        "dismissals": list(DismissReason),
    }
    return asked.renderer.page(template, asked, values)


def _told(asked: Asked, error: RegisterError) -> str:
    return register_words.told(error, asked.words)


def _refused(asked: Asked, error: RegisterError) -> web.Response:
    status = 404 if isinstance(error, NoSuchAppealError) else 422
    return web.json_response({"message": _told(asked, error), "code": error.code}, status=status)
