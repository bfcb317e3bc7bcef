"""The desk: the one page of an operator on duty, and the parts that it asks for."""

from typing import Final

from aiohttp import web

from appeals import queries
from appeals.model import OPEN, Status
from appeals.search import AppealQuery
from contact_centre import seen_calls
from contact_centre.console.desk import caller, draft, suggestions
from contact_centre.console.languages import N_
from contact_centre.console.presence import pages as presence
from contact_centre.console.route import Asked, Reply, Route
from telephony.core.call import Direction

ROLES: Final = frozenset({"operator", "supervisor"})

WORDS: Final = {
    "nobody_waits": N_("Nobody waits."),
    "withheld": N_("number withheld"),
    "saved": N_("Kept %(time)s"),
    "saving": N_("Keeping …"),
    "typed": N_("Typed, not kept yet"),
    "unreachable": N_("Not kept: the service does not answer. It is tried again; what you typed stays here."),
    "signed_out": N_("Not kept: your session has ended. What you typed stays here."),
    "sign_in": N_("Sign in and keep it"),
    "meanwhile": N_("Changed by somebody else meanwhile; theirs stands in the register, yours here."),
    "nothing_found": N_("Nothing found"),
    "registered": N_("Registered: %(number)s"),
}
"""What the page's modules write; they get the words from the page, in the page's language."""


async def desk_page(asked: Asked) -> Reply:
    """The page; what happens on it comes by ``live``."""
    texts = {key: asked.words(text) for key, text in WORDS.items()}
    return asked.page("desk/desk.html", texts=texts, presence=presence.strip(asked))


async def card(asked: Asked) -> Reply:
    """Who calls, for the operator at whose telephone it rings or who talks, or has just talked."""
    call_id, login, site, actor = (
        asked.request.match_info["call_id"],
        asked.person.login,
        asked.site,
        asked.person.actor,
    )
    own = asked.console.live.own(login)
    if own.call_id != call_id:
        raise web.HTTPNotFound
    now = site.clock.now()
    async with site.reading() as connection:
        record = await seen_calls.get(connection, call_id, actor)
        live = None if own.call is None else own.call.number
        number = site.to_e164(live) if live else None
        if number is None and record is not None:
            citizen = record.dialled_number if record.direction is Direction.OUTBOUND else record.caller_number
            number = None if citizen is None else site.to_e164(citizen)
        found = await caller.look_up(connection, site.search, number, call_id, actor, now)
        reference = await site.reference(connection)
    return asked.page(
        "desk/card.html",
        caller=found,
        acquaintance=caller.ACQUAINTANCE[found.acquaintance],
        call=own.call,
        record=record,
        reference=reference,
        now=now,
        open_states=OPEN,
    )


async def unfinished(asked: Asked) -> Reply:
    """The drafts that the operator has neither registered nor dismissed."""
    site, actor = asked.site, asked.person.actor
    wanted = AppealQuery(statuses=frozenset({Status.NEW}), operator=actor.login, limit=draft.MOST_DRAFTS)
    async with site.reading() as connection:
        found, _ = await queries.look_for(connection, site.search, wanted, actor, site.clock.now())
        reference = await site.reference(connection)
    return asked.page("desk/unfinished.html", drafts=found, reference=reference)


def _of_appeal(name: str, do: str, method: str = "POST") -> Route:
    path = "/desk/appeals/{appeal_id}" + (f"/{do}" if do else "")
    return Route(name=name, method=method, path=path, do=getattr(draft, do or "draft"), roles=ROLES)


ROUTES: Final = (
    Route(name="desk", method="GET", path="/desk", do=desk_page, roles=ROLES, menu=N_("Desk")),
    Route(name="desk_card", method="GET", path="/desk/calls/{call_id}", do=card, roles=ROLES),
    Route(name="desk_unfinished", method="GET", path="/desk/unfinished", do=unfinished, roles=ROLES),
    Route(name="desk_categories", method="GET", path="/desk/categories", do=suggestions.categories, roles=ROLES),
    Route(name="desk_addresses", method="GET", path="/desk/addresses", do=suggestions.addresses, roles=ROLES),
    _of_appeal("desk_draft", "", "GET"),
    _of_appeal("desk_save", "save"),
    _of_appeal("desk_register", "register"),
    _of_appeal("desk_answer", "answer"),
    _of_appeal("desk_dismiss", "dismiss"),
    _of_appeal("desk_join", "join"),
)
