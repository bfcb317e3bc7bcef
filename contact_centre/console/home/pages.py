"""The first page: who one is here, what that means, and what waits."""

from dataclasses import dataclass
from typing import Final

from appeals.model import Role, Status
from appeals.search import AppealQuery
from contact_centre.console.languages import N_
from contact_centre.console.route import EVERYBODY, Asked, Reply, Route
from contact_centre.console.words import WHAT_ROLES_DO

MOST_COUNTED: Final = 100
"""A heap is counted so far; beyond, it is many."""


@dataclass(frozen=True, slots=True)
class Heap:
    """Appeals that wait for somebody of a role: what they are called, and the filter that lists them."""

    name: str
    roles: frozenset[Role]
    query: dict[str, str]
    urgent: bool = False


_DESK: Final = frozenset({Role.OPERATOR, Role.SUPERVISOR})

HEAPS: Final = (
    Heap(N_("My drafts"), frozenset({Role.OPERATOR}), {"status": Status.NEW.value, "operator": ""}),
    Heap(N_("Waiting for a service to be chosen"), _DESK, {"status": Status.REGISTERED.value}),
    Heap(N_("To be checked with the applicant"), _DESK, {"status": Status.VERIFYING.value}),
    Heap(N_("Declined or not done twice"), frozenset({Role.SUPERVISOR}), {"escalated": "1"}, urgent=True),
    Heap(N_("Asked to reopen"), frozenset({Role.SUPERVISOR}), {"status": Status.REOPEN_REQUESTED.value}),
    Heap(N_("New for your service"), frozenset({Role.EXECUTOR}), {"status": Status.ROUTED.value}),
    Heap(N_("Not done, again"), frozenset({Role.EXECUTOR}), {"status": Status.REWORK.value}, urgent=True),
    Heap(
        N_("Overdue"),
        frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.EXECUTOR, Role.HEAD, Role.AUDITOR, Role.MAYOR}),
        {"overdue": "1"},
        urgent=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A heap and how much lies on it; ``more`` than was counted."""

    heap: Heap
    address: str
    count: int
    more: bool


async def home(asked: Asked) -> Reply:
    """Roles, and the heaps that wait for them."""
    person, site = asked.person, asked.site
    counted = []
    async with site.reading() as connection:
        for heap in HEAPS:
            if person.actor.roles.isdisjoint(heap.roles):
                continue
            query = {key: value or person.login for key, value in heap.query.items()}
            wanted = AppealQuery(
                statuses=frozenset(map(Status, filter(None, [query.get("status")]))),
                operator=query.get("operator"),
                overdue="overdue" in query,
                escalated="escalated" in query,
                limit=MOST_COUNTED,
            )
            found = await site.search.find(connection, wanted, person.actor, site.clock.now())
            address = asked.console.address("appeals", **query)
            counted.append(Counted(heap, address, len(found.appeal_ids), found.cursor is not None))
        reference = await site.reference(connection)
    service = None if person.actor.service is None else reference.services.get(person.actor.service)
    told = [(role, WHAT_ROLES_DO[role]) for role in person.roles]
    return asked.page("home/home.html", heaps=counted, told=told, service=service)


ROUTES: Final = (Route(name="home", method="GET", path="/", do=home, roles=EVERYBODY),)
