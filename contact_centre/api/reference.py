"""The city's reference data, as far as other programs need it: telephones of persons are not told."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from appeals import places
from appeals.model import Kind
from appeals.reference import Name, Reference, Urgency
from contact_centre.api import wire
from contact_centre.api.site import Answer, Asked, Operation, Reading
from contact_centre.api.tokens import Scope
from contact_centre.api.wire import Text

MOST_STREETS: Final = 50


@dataclass(frozen=True, slots=True)
class Version:
    """The version of the reference data in force, and the districts of the city by their codes."""

    version: str
    districts: dict[str, Name]


@dataclass(frozen=True, slots=True)
class Category:
    """A topic of appeals, a leaf or (``parent`` null) a group. ``sla`` as the city writes it, such as ``3d``.

    ``desk``: a restricted topic, whose appeals that desk alone sees. ``no_text``: nothing of it is written down.
    """

    code: str
    parent: str | None
    name: Name
    kind: Kind
    urgency: Urgency
    service: str | None
    sla: str | None
    desk: str | None
    photo: bool
    no_text: bool
    priority: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A service or enterprise; ``external``: not the city's, appeals are forwarded there."""

    code: str
    name: Name
    external: bool
    phone: str | None
    email: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Street:
    """A street; ``former`` is the earlier name by which it was found. ``districts`` are codes."""

    code: str
    name: str
    former: str | None
    districts: tuple[str, ...]


class StreetsAsked(Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody has typed of a street's name."""

    text: Text
    limit: Annotated[int, Meta(ge=1, le=MOST_STREETS)] = 10


VersionForm: Final = wire.given(Version)
CategoryForm: Final = wire.given(Category)
ServiceForm: Final = wire.given(Service)
StreetForm: Final = wire.given(Street)
CategoryPage: Final = wire.page("CategoryPage", CategoryForm)
ServicePage: Final = wire.page("ServicePage", ServiceForm)
StreetPage: Final = wire.page("StreetPage", StreetForm)


async def _reference(asked: Asked) -> Reference:
    async with asked.site.reading() as connection:
        return await asked.site.reference(connection)


async def _version(asked: Asked) -> Answer:
    reference = await _reference(asked)
    return Answer(wire.give(VersionForm, Version(reference.version, dict(reference.districts))))


async def _categories(asked: Asked) -> Answer:
    found = [
        Category(
            code=one.code,
            parent=one.parent,
            name=one.name,
            kind=one.kind,
            urgency=one.urgency,
            service=one.service,
            sla=None if one.sla is None else str(one.sla),
            desk=one.desk,
            photo=one.photo,
            no_text=one.no_text,
            priority=one.priority,
        )
        for one in (await _reference(asked)).categories.values()
    ]
    return _all(CategoryPage, CategoryForm, found)


async def _services(asked: Asked) -> Answer:
    return _all(ServicePage, ServiceForm, (await _reference(asked)).services.values())


async def _streets(asked: Asked) -> Answer:
    reference = await _reference(asked)
    found = [
        Street(one.street.code, one.street.name, one.former, tuple(one.street.districts))
        for one in places.suggest(asked.query.text, reference.streets, asked.query.limit)
    ]
    return _all(StreetPage, StreetForm, found)


def _all(page: type[Struct], form: type[Struct], found: Iterable[object]) -> Answer:
    return Answer(msgspec.convert({"items": [wire.give(form, one) for one in found], "next": None}, page))


OPERATIONS: Final[tuple[Operation, ...]] = (
    Reading(
        name="get_reference",
        path="/reference",
        scope=Scope.REFERENCE_READ,
        summary="Which version of the reference data is in force",
        gives=VersionForm,
        do=_version,
    ),
    Reading(
        name="list_categories",
        path="/reference/categories",
        scope=Scope.REFERENCE_READ,
        summary="Topics of appeals",
        gives=CategoryPage,
        do=_categories,
    ),
    Reading(
        name="list_services",
        path="/reference/services",
        scope=Scope.REFERENCE_READ,
        summary="Services and enterprises",
        gives=ServicePage,
        do=_services,
    ),
    Reading(
        name="suggest_streets",
        path="/reference/streets",
        scope=Scope.REFERENCE_READ,
        summary="Streets for what somebody has typed so far, today's names before former ones",
        query=StreetsAsked,
        gives=StreetPage,
        do=_streets,
    ),
)
