"""What the city's reference data must not contradict in itself. Pure; every rule names what to mend."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from appeals import messages
from appeals.reference import LANGUAGES, Reference, Service, Street, Urgency

TEMPLATES: Final = (
    "registered",
    "routed",
    "forwarded",
    "extended",
    "result",
    "refused",
    "returned",
    "not_considered",
    "kept_closed",
    "incident_ended",
    "escalation",
)
"""The messages that the register sends; ``routed`` and ``escalation`` to services, the others to applicants."""

_LAST_HOUSE: Final = 9999


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend: in which file, at which key (empty: the file itself), and what."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.message) if part)


@dataclass(frozen=True, slots=True)
class Declared:
    """Codes that the files have, those of entries with problems too: what names them is not wrong as well."""

    groups: frozenset[str]
    categories: frozenset[str]
    services: frozenset[str]
    districts: frozenset[str]
    templates: frozenset[str]
    """``code.language``."""


Finding = tuple[str, str]
"""At which key, and what."""


def check(reference: Reference, declared: Declared) -> Iterator[Problem]:
    """Everything that is wrong, in the order of the files."""
    for file, findings in (
        ("categories.toml", _groups(reference, declared)),
        ("categories.toml", _categories(reference, declared)),
        ("categories.toml", _routes(reference, declared)),
        ("services.toml", _services(reference, declared)),
        ("places.toml", _districts(reference, declared)),
        ("places.toml", _streets(reference, declared)),
        ("calendar.toml", _calendar(reference)),
        ("templates.toml", _templates(reference, declared)),
    ):
        for key, message in findings:
            yield Problem(file, key, message)


def _unknown(key: str, kind: str, code: str | None, known: Collection[str]) -> Iterator[Finding]:
    if code is not None and code not in known:
        yield key, f"there is no {kind} {code!r}"


def _groups(reference: Reference, declared: Declared) -> Iterator[Finding]:
    parents = {code.partition(".")[0] for code in declared.categories}
    for category in reference.categories.values():
        if category.parent is None and category.code not in parents:
            yield f"group {category.code}", "has no category"


def _categories(reference: Reference, declared: Declared) -> Iterator[Finding]:
    for category in reference.categories.values():
        if category.parent is None:
            continue
        where = f"category {category.code}"
        yield from _unknown(f"{where}.code", "group", category.parent, declared.groups)
        yield from _unknown(f"{where}.service", "service", category.service, declared.services)
        yield from _unknown(f"{where}.about", "service", category.about, declared.services)
        if category.service is None and category.urgency is not Urgency.C:
            yield f"{where}.service", "is missing; only what is answered in the call (urgency C) needs none"
        if category.sla is None and category.urgency in {Urgency.E1, Urgency.E2, Urgency.N}:
            yield f"{where}.sla", f"is missing; urgency {category.urgency} promises a time"
        if category.about is not None and category.about == category.service:
            yield f"{where}.service", f"complaints about {category.about!r} must not go to it (Art. 7)"


def _routes(reference: Reference, declared: Declared) -> Iterator[Finding]:
    seen = set()
    for number, route in enumerate(reference.routes, 1):
        where = f"route {number}"
        yield from _unknown(f"{where}.category", "category", route.category, declared.categories | declared.groups)
        yield from _unknown(f"{where}.service", "service", route.service, declared.services)
        yield from _unknown(f"{where}.off_duty", "service", route.off_duty, declared.services)
        yield from _unknown(f"{where}.district", "district", route.district, declared.districts)
        if (route.category, route.district) in seen:
            yield where, f"there is another route of {route.category} for the same district"
        seen.add((route.category, route.district))
        if route.off_duty == route.service:
            yield f"{where}.off_duty", "a service cannot stand in for itself"
        topic = reference.categories.get(route.category)
        for key, code in (("service", route.service), ("off_duty", route.off_duty)):
            if topic is not None and topic.about is not None and topic.about == code:
                yield f"{where}.{key}", f"complaints about {code!r} must not go to it (Art. 7)"


def _services(reference: Reference, declared: Declared) -> Iterator[Finding]:
    for service in reference.services.values():
        where = f"service {service.code}"
        yield from _unknown(f"{where}.superior", "service", service.superior, declared.services)
        if service.code in _above(service, reference.services):
            yield f"{where}.superior", "leads back to the service itself"


def _above(service: Service, services: Mapping[str, Service]) -> list[str]:
    """The codes above a service, up to the first that comes again."""
    codes: list[str] = []
    code = service.superior
    while code is not None and code not in codes:
        codes.append(code)
        code = services[code].superior if code in services else None
    return codes


def _districts(reference: Reference, declared: Declared) -> Iterator[Finding]:
    used = {code for street in reference.streets.values() for code in street.districts}
    used |= {route.district for route in reference.routes if route.district is not None}
    for code in sorted(declared.districts - used):
        yield f"district {code}", "nobody has it: no street lies in it and no route names it"


def _streets(reference: Reference, declared: Declared) -> Iterator[Finding]:
    names: dict[str, str] = {}
    for street in reference.streets.values():
        where = f"street {street.code}"
        if names.setdefault(street.name.casefold(), street.code) != street.code:
            yield f"{where}.name", f"street {names[street.name.casefold()]} has the same name"
        for district in street.districts:
            yield from _unknown(f"{where}.districts", "district", district, declared.districts)
        yield from ((f"{where}.districts", message) for message in _overlaps(street))


def _overlaps(street: Street) -> Iterator[str]:
    ranges = [
        (first, last, district)
        for district, houses in street.districts.items()
        for first, last in houses or [(1, _LAST_HOUSE)]
    ]
    for (first, last, one), (begins, ends, other) in combinations(ranges, 2):
        if first <= ends and begins <= last:
            yield f"houses {max(first, begins)}-{min(last, ends)} lie in {one} and in {other}"


def _calendar(reference: Reference) -> Iterator[Finding]:
    calendar = reference.calendar
    if not any(calendar.hours.days.values()):
        yield "hours", "the week has no working hours"
    for day in sorted(calendar.days):
        if day.year not in calendar.years:
            yield f"day {day}", f"{day.year} is not among the years that the city has decided"


def _templates(reference: Reference, declared: Declared) -> Iterator[Finding]:
    for code, language in reference.templates:
        if code not in TEMPLATES:
            yield f"{code}.{language}", f"there is no such message; there are {', '.join(TEMPLATES)}"
        if language not in LANGUAGES:
            yield f"{code}.{language}", f"there is no such language; there are {', '.join(LANGUAGES)}"
    for code, language in product(TEMPLATES, LANGUAGES):
        if f"{code}.{language}" not in declared.templates:
            yield f"{code}.{language}", "is missing"
    for (code, language), template in reference.templates.items():
        yield from ((f"{code}.{language}", message) for message in messages.problems(template))
