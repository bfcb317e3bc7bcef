"""The directory's page and panel, and calls to services; putting a citizen through is the telephone's."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from appeals import duty_queries, queries
from appeals.visibility import Sight
from contact_centre import accounts
from contact_centre.console.directory.book import Entry, Group, book, found, ordered, with_states
from contact_centre.console.directory.forwardings import forwardings
from contact_centre.console.duties import words as duty_words
from contact_centre.console.duties.listing import short_time
from contact_centre.console.languages import N_
from contact_centre.console.route import Asked, Reply, Route
from contact_centre.hours import days_told
from contact_centre.outbound import CallRefusedError
from contact_centre.outbound_results import Stage
from telephony.store import CallFilter, list_calls
from telephony.switchboard import PhoneState
from telephony.wire.ami import AmiError

ROLES: Final = frozenset({"operator", "supervisor"})

ON_THE_PANEL: Final = 8
"""So many stand on the desk while nothing is looked for, and as many of what was found."""
RECENT: Final = timedelta(hours=2)
"""What became of a forwarding stands on the desk for so long."""
MOST_RECENT: Final = 5
STATES_WITHIN_S: Final = 2.0

GROUPS: Final = {
    Group.SPECIALIST: N_("Specialists"),
    Group.SERVICE: N_("Services"),
    Group.COLLEAGUE: N_("Colleagues"),
}
STATES: Final = {
    PhoneState.FREE: ("free", N_("free")),
    PhoneState.USE: ("talking", N_("on the telephone")),
    PhoneState.AWAY: ("rest", N_("telephone is off")),
    PhoneState.UNKNOWN: ("rest", N_("not known")),
}
DAYS: Final = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


async def directory_page(asked: Asked) -> Reply:
    """Everybody, or what the address looks for."""
    return asked.page("directory/page.html", **await _shown(asked, compact=False))


async def directory_list(asked: Asked) -> Reply:
    """The list alone, for the page and for the desk's panel."""
    return asked.page("directory/list.html", **await _shown(asked, compact="compact" in asked.request.query))


async def forwarded(asked: Asked) -> Reply:
    """What became of the citizens whom the person put through lately."""
    site, login = asked.site, asked.person.login
    now = site.clock.now()
    async with site.reading() as connection:
        records = await list_calls(connection, CallFilter(operator=login, since=now - RECENT))
        calls = [one.call for one in records if one.call.transfers]
        callbacks = await duty_queries.callbacks_left(connection, [one.call_id for one in calls])
        people = await accounts.all_accounts(connection)
    told = [
        one
        for call in reversed(calls)
        for one in forwardings(call, callbacks, lambda code: accounts.named(people, code), asked.words)
    ]
    return asked.page("directory/forwarded.html", told=told[:MOST_RECENT], short=lambda at: short_time(at, now))


async def call_service(asked: Asked) -> Reply:
    """Ring the person's telephone, and then a service; perhaps about an appeal."""
    appeal_id = asked.form.get("appeal_id") or None
    async with asked.site.reading() as connection:
        reference = await asked.site.reference(connection)
        known = appeal_id is None or await queries.sight_of(connection, appeal_id, asked.person.actor) is Sight.WHOLE
    service = reference.services.get(asked.request.match_info["code"])
    if service is None or not known:
        return _told(asked.words(N_("There is nobody like this in the directory.")), 404)
    if service.phone is None:
        return _told(asked.words(duty_words.NO_NUMBER), 409)
    purpose = None if appeal_id is None else f"appeal:{appeal_id}"
    try:
        made = await asked.console.calling.call(service.phone, asked.person.login, purpose)
    except CallRefusedError as error:
        return _told(duty_words.refused(error, asked.words, str), 409)
    state = asked.console.address("called", call_id=made.call_id)
    said = asked.words(duty_words.STAGES[Stage.ASKED])
    return web.json_response({"call_id": made.call_id, "said": said, "state": state})


async def _shown(asked: Asked, *, compact: bool) -> dict[str, Any]:
    """What the templates show."""
    site, language, question = asked.site, asked.renderer.language, asked.request.query.get("q", "").strip()
    now = site.clock.now()
    async with site.reading() as connection:
        reference = await site.reference(connection)
        people = await accounts.all_accounts(connection)
    entries = book(reference, people, asked.person.login, now)
    states = await _states(asked, entries)
    everybody = with_states(entries, states or {})
    listed = found(everybody, question, language) if question else ordered(everybody, language)
    if compact:
        listed = [one for one in listed if question or one.group is not Group.COLLEAGUE]
        listed = [one for one in listed if question or one.extension is not None or one.phone is not None]
    return {
        "question": question,
        "compact": compact,
        "entries": listed[:ON_THE_PANEL] if compact else listed,
        "more": max(0, len(listed) - ON_THE_PANEL) if compact else 0,
        "groups": GROUPS,
        "states": STATES,
        "unheard": states is None,
        "days": DAYS,
        "week": days_told,
        "office": reference.calendar.hours,
        "short": lambda at: short_time(at, now),
    }


async def _states(asked: Asked, entries: list[Entry]) -> Mapping[str, PhoneState] | None:
    """What the telephones of these people are doing; None if Asterisk does not say."""
    endpoints = [one.endpoint for one in entries if one.endpoint is not None]
    try:
        async with asyncio.timeout(STATES_WITHIN_S):
            return await asked.console.switchboard.phones(endpoints)
    except (AmiError, TimeoutError):
        return None


def _told(message: str, status: int) -> Reply:
    return web.json_response({"message": message}, status=status)


ROUTES: Final = (
    Route(name="directory", method="GET", path="/directory", do=directory_page, roles=ROLES, menu=N_("Directory")),
    Route(name="directory_list", method="GET", path="/directory/list", do=directory_list, roles=ROLES),
    Route(name="forwarded", method="GET", path="/directory/forwarded", do=forwarded, roles=ROLES),
    Route(name="call_service", method="POST", path="/call/service/{code}", do=call_service, roles=ROLES),
)
