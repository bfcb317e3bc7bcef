"""The worklist's page and panel, and what is done there; every command is ``appeals.duty_desk``'s."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from typing import Any, Final

from aiohttp import web

from appeals import duty_queries, queries
from appeals.duties import Duty, DutyKind, Excuse
from appeals.duty_desk import DutyDesk, Given
from appeals.duty_queries import Heap
from appeals.errors import GuardError, NoSuchDutyError, RegisterError, RoleError
from appeals.evidence import UNANSWERED, ContactResult
from appeals.reference import CITY_TIME
from appeals.visibility import Sight
from contact_centre import accounts, casework, outbound_results
from contact_centre.console.directory.forwardings import HELPED
from contact_centre.console.duties import listing, words
from contact_centre.console.duties.filters import Narrowed
from contact_centre.console.duties.listing import Entry
from contact_centre.console.formats import duration
from contact_centre.console.languages import N_
from contact_centre.console.register.words import reason
from contact_centre.console.route import Asked, Reply, Route
from contact_centre.outbound import CallRefusedError
from contact_centre.outbound_results import Made, Stage
from contact_centre.writer import SqliteTx

WORKERS: Final = frozenset({"operator", "supervisor"})
READERS: Final = WORKERS | {"head", "auditor"}
SUPERVISORS: Final = frozenset({"supervisor"})

ON_THE_PAGE: Final = 200
ON_THE_PANEL: Final = 40
"""So many are listed: work begins at the head."""

EXCUSES: Final = (Excuse.UNREACHABLE, Excuse.NO_CONTACT)
_REFUSED: Final = (RegisterError, CallRefusedError)


async def duties_page(asked: Asked) -> Reply:
    """The page, with the filter of its address."""
    return asked.page("duties/page.html", **await _worklist(asked, ON_THE_PAGE, compact=False))


async def duties_list(asked: Asked) -> Reply:
    """The list alone, for the page and for the desk's panel."""
    compact = "compact" in asked.request.query
    shown = await _worklist(asked, ON_THE_PANEL if compact else ON_THE_PAGE, compact=compact)
    return asked.page("duties/list.html", **shown)


async def claim(asked: Asked) -> Reply:
    """Take a duty up."""
    yours = N_("It is yours now.")
    return await _act(asked, lambda tx: _desk(asked).claim(tx, _duty(asked), asked.person.actor), yours)


async def release(asked: Asked) -> Reply:
    """Give a duty back to the shift."""
    given_back = N_("Given back to the shift.")
    return await _act(asked, lambda tx: _desk(asked).release(tx, _duty(asked), asked.person.actor), given_back)


async def excuse(asked: Asked) -> Reply:
    """End a duty to inform of which the applicant could not be told."""
    why = next((one for one in EXCUSES if one.value == asked.form.get("why")), None)
    if why is None:
        return await _refuse(asked, GuardError("not_excusable", "no such excuse"))
    given, letter = asked.form.get("reason", ""), asked.form.get("letter")
    return await _act(
        asked,
        lambda tx: _desk(asked).excuse(tx, _duty(asked), why, given, asked.person.actor, letter=letter),
        N_("Excused; the history says by whom and why."),
    )


async def answer(asked: Asked) -> Reply:
    """What came of a call for a duty, or what the citizen says of the specialist."""
    code = asked.form.get("answer", "")
    if code in HELPED:
        _, took_place, replied, prompt = HELPED[code]
        return await _act(
            asked,
            lambda tx: _desk(asked).answer_forwarding(
                tx, _duty(asked), asked.person.actor, took_place=took_place, replied=replied, prompt=prompt
            ),
            N_("Thank you: it is done."),
        )
    result = next((one for one in ContactResult if one.value == code), None)
    if result is None:
        return await _refuse(asked, GuardError("answer_missing", "no such answer"))
    return await _give_result(asked, result)


async def call_duty(asked: Asked) -> Reply:
    """Ring the person's telephone, and then whom the duty is about; it is theirs from then on."""
    duty_id, actor = _duty(asked), asked.person.actor
    found = await _entry(asked, duty_id)
    if found is None or not found.may_work:
        return await _refuse(asked, NoSuchDutyError(duty_id))
    if found.number is None:
        return _told(asked.words(words.NO_NUMBER), 409)

    def take(tx: SqliteTx) -> None:
        if found.owed.duty.kind is not DutyKind.ACCEPT:
            _desk(asked).claim(tx, duty_id, actor)

    return await _call(asked, found.number, f"duty:{duty_id}", take)


async def call_appeal(asked: Asked) -> Reply:
    """Ring the person's telephone, and then the applicant of an appeal."""
    appeal_id = asked.request.match_info["appeal_id"]
    async with asked.site.reading() as connection:
        seen = await queries.sight_of(connection, appeal_id, asked.person.actor)
        appeal = await queries.get_appeal(connection, appeal_id) if seen is Sight.WHOLE else None
    if appeal is None:
        return _told(asked.words(N_("There is no such appeal, or none that you may know of.")), 404)
    number = appeal.applicant_phone or appeal.caller_number
    if number is None:
        return _told(asked.words(words.NO_NUMBER), 409)
    return await _call(asked, number, f"appeal:{appeal_id}")


async def called(asked: Asked) -> Reply:
    """What became of a call that the person asked for."""
    async with asked.site.reading() as connection:
        made = await outbound_results.made_call(connection, asked.request.match_info["call_id"])
    if made is None or made.operator != asked.person.login:
        return _told(asked.words(words.NO_CALL), 404)
    return web.json_response({"said": _became(asked, made), "goes_on": made.goes_on})


async def _worklist(asked: Asked, limit: int, *, compact: bool) -> dict[str, Any]:
    """What the templates show."""
    site, actor, now = asked.site, asked.person.actor, asked.site.clock.now()
    narrowed = Narrowed.of(asked.request.query)
    midnight = datetime.combine(now.astimezone(CITY_TIME).date(), time(), CITY_TIME)
    async with site.reading() as connection:
        reference = await site.reference(connection)
        wanted = narrowed.query(actor.login, limit)
        phone = asked.console.settings.messages.phone
        listed = await listing.entries(connection, wanted, actor, now, reference, phone)
        heaps = await duty_queries.count_open(connection, now)
        withheld = await duty_queries.count_withheld(connection, midnight)
        people = {one.login: one.name for one in await accounts.all_accounts(connection)}
    return {
        "entries": listed,
        "narrowed": narrowed,
        "compact": compact,
        "heaps": heaps,
        "kinds": words.TITLES,
        "withheld": withheld,
        "more": _more(narrowed, heaps, listed),
        "reference": reference,
        "who": lambda code: people.get(code, code),
        "reason": reason,
        "became": lambda made: _became(asked, made),
        "short": lambda at: listing.short_time(at, now),
        "excuses": EXCUSES,
        "answers": {one.value: label for named in words.ANSWERS.values() for one, label in named.items()},
        "may_call": not WORKERS.isdisjoint(asked.person.roles),
    }


def _more(narrowed: Narrowed, heaps: Mapping[DutyKind, Heap], listed: Sequence[Entry]) -> int:
    """How many are owed beyond those that are listed; of one's own, which are few, none."""
    if narrowed.mine:
        return 0
    wanted = [heap for kind, heap in heaps.items() if narrowed.kind in {None, kind}]
    owed = sum(heap.overdue if narrowed.overdue else heap.open for heap in wanted)
    return max(0, owed - sum(one.owed.duty.closed_at is None for one in listed))


async def _entry(asked: Asked, duty_id: str) -> Entry | None:
    """An entry of the list, as the person may see it."""
    site = asked.site
    async with site.reading() as connection:
        reference = await site.reference(connection)
        wanted = duty_queries.DutyFilters(duty_id=duty_id)
        now, actor = site.clock.now(), asked.person.actor
        found = await listing.entries(connection, wanted, actor, now, reference, asked.console.settings.messages.phone)
    return next((one for one in found if one.owed.duty.duty_id == duty_id), None)


async def _give_result(asked: Asked, result: ContactResult) -> Reply:
    call_id, note = asked.form.get("call_id", ""), asked.form.get("note")
    try:
        call_at = _moment(asked.form.get("call_at", ""))
    except ValueError:
        return _told(asked.words(N_("This is no time: choose or type it again.")), 422)

    def give(tx: SqliteTx) -> Given | None:
        if not casework.is_call(tx, call_id):
            return None
        actor = asked.person.actor
        return _desk(asked).give_result(tx, _duty(asked), call_id, result, actor, note=note, call_at=call_at)

    try:
        given = await asked.site.writer.run(give)
    except RegisterError as error:
        return await _refuse(asked, error)
    if given is None:
        return _told(asked.words(words.NO_CALL), 404)
    in_vain = given.duty.kind is DutyKind.CALLBACK and result in UNANSWERED
    lacks = given.lacks if given.duty.kind is DutyKind.INFORM or in_vain else None
    said = N_("Noted.") if lacks is None else words.LACKS[lacks]
    if given.duty.closed_at is not None:
        said = N_("Done: the call proves it.")
    return web.json_response({"said": asked.words(said)})


async def _call(
    asked: Asked, number: str, purpose: str | None, before: Callable[[SqliteTx], object] | None = None
) -> Reply:
    try:
        made = await asked.console.calling.call(number, asked.person.login, purpose, before)
    except _REFUSED as error:
        return await _refuse(asked, error)
    said = asked.words(words.STAGES[Stage.ASKED])
    state = asked.console.address("called", call_id=made.call_id)
    return web.json_response({"call_id": made.call_id, "said": said, "state": state})


async def _act(asked: Asked, command: Callable[[SqliteTx], Duty], done: str) -> Reply:
    try:
        await asked.site.writer.run(command)
    except RegisterError as error:
        return await _refuse(asked, error)
    return web.json_response({"said": asked.words(done)})


async def _refuse(asked: Asked, error: RegisterError | CallRefusedError) -> Reply:
    async with asked.site.reading() as connection:
        people = {one.login: one.name for one in await accounts.all_accounts(connection)}
    told = words.refused(error, asked.words, lambda login: people.get(login, login))
    if isinstance(error, NoSuchDutyError):
        return _told(told, 404)
    return _told(told, 403 if isinstance(error, RoleError) else 409)


def _told(message: str, status: int) -> Reply:
    return web.json_response({"message": message}, status=status)


def _became(asked: Asked, made: Made) -> str:
    return words.became(made, asked.words, duration(made.talked))


def _desk(asked: Asked) -> DutyDesk:
    return asked.site.duties


def _duty(asked: Asked) -> str:
    return asked.request.match_info["duty_id"]


def _moment(text: str) -> datetime | None:
    """A time of the city, as a form has it.

    Raises:
        ValueError: It is none.
    """
    return datetime.fromisoformat(text).replace(tzinfo=CITY_TIME) if text else None


ROUTES: Final = (
    Route(name="duties", method="GET", path="/duties", do=duties_page, roles=READERS, menu=N_("Duties")),
    Route(name="duties_list", method="GET", path="/duties/list", do=duties_list, roles=READERS),
    Route(name="claim_duty", method="POST", path="/duties/{duty_id}/claim", do=claim, roles=WORKERS),
    Route(name="release_duty", method="POST", path="/duties/{duty_id}/release", do=release, roles=WORKERS),
    Route(name="answer_duty", method="POST", path="/duties/{duty_id}/answer", do=answer, roles=WORKERS),
    Route(name="excuse_duty", method="POST", path="/duties/{duty_id}/excuse", do=excuse, roles=SUPERVISORS),
    Route(name="call_duty", method="POST", path="/call/duty/{duty_id}", do=call_duty, roles=WORKERS),
    Route(name="call_appeal", method="POST", path="/call/appeal/{appeal_id}", do=call_appeal, roles=WORKERS),
    Route(name="called", method="GET", path="/call/{call_id}", do=called, roles=WORKERS),
)
