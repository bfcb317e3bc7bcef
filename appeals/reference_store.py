"""Every version of the reference data that was ever in force, and which one is.

A version is kept for good, so that an appeal registered last year is still explained by last year's rules; what was
computed by it is stored with the appeal and does not change either. Until the city loads its own, the data that came
with the program is in force, and is kept by the first transaction that asks for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Integer, bindparam, insert, literal_column, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.errors import UnknownReferenceError
from appeals.ports import Tx
from appeals.reference import Calendar, Category, Name, Periods, Reference, Route, Service, Street, Template
from appeals.store import to_text
from appeals.tables import reference_loads, reference_versions

_MOST_KNOWN: Final = 16
"""Versions that are kept in memory."""

_IN_FORCE: Final = (
    select(reference_loads.c.version, reference_versions.c.sha256)
    .join(reference_versions, reference_versions.c.version == reference_loads.c.version)
    .order_by(reference_loads.c.load.desc())
    .limit(literal_column("1", Integer))
    .offset(literal_column("0", Integer))
)
_KEPT: Final = select(reference_versions.c.sha256, reference_versions.c.content).where(
    reference_versions.c.version == bindparam("of_version")
)
_LOADS: Final = select(reference_loads.c.version, reference_loads.c.at, reference_loads.c.actor).order_by(
    reference_loads.c.load.desc()
)
_KEEP: Final = (
    upsert(reference_versions)
    .values({name: bindparam(name) for name in ("version", "sha256", "content")})
    .on_conflict_do_nothing()
)
_LOAD: Final = insert(reference_loads).values({name: bindparam(name) for name in ("version", "at", "actor")})


@dataclass(frozen=True, slots=True)
class Load:
    """When a version came into force, and who saw to it; both None for the one that came with the program."""

    version: str
    at: datetime | None
    actor: str | None


def load(tx: Tx, reference: Reference, at: datetime, actor: str | None) -> bool:
    """Put a version in force from now on; says whether it was not already.

    What was kept under its name before stays as it was: the name is the digest of the files.
    """
    if current(tx).version == reference.version:
        return False
    _put(tx, reference, to_text(at), actor)
    return True


def current(tx: Tx) -> Reference:
    """The reference data in force; of a new database, what came with the program, which is kept from now on."""
    found = tx.fetch_all(_IN_FORCE)
    if not found:
        reference = shipped()
        _put(tx, reference, None, None)
        return reference
    [(version, sha256)] = found
    known = _known.get(sha256)
    if known is None:
        [(_, content)] = tx.fetch_all(_KEPT, {"of_version": version})
        known = _remember(version, sha256, content)
    return known


async def current_reference(connection: AsyncConnection) -> Reference:
    """The reference data in force."""
    found = (await connection.execute(_IN_FORCE)).first()
    if found is None:
        return shipped()
    return _known.get(found.sha256) or await reference_of(connection, found.version)


async def reference_of(connection: AsyncConnection, version: str) -> Reference:
    """A version that was in force at some time.

    Raises:
        UnknownReferenceError: It never was.
    """
    found = (await connection.execute(_KEPT, {"of_version": version})).first()
    if found is not None:
        return _known.get(found.sha256) or _remember(version, found.sha256, found.content)
    if version == shipped().version:
        return shipped()
    raise UnknownReferenceError("version", version)


async def loads(connection: AsyncConnection) -> tuple[Load, ...]:
    """Every change of the version in force, the latest first."""
    found = await connection.execute(_LOADS)
    return tuple(
        Load(row.version, None if row.at is None else datetime.fromisoformat(row.at), row.actor) for row in found
    )


@cache
def shipped() -> Reference:
    """What came with the program."""
    from appeals.reference_files import SHIPPED, read_folder  # noqa: PLC0415 - most commands never read files

    return read_folder(SHIPPED)


@dataclass(frozen=True, slots=True)
class _Content:
    """A version as one JSON document; lists where the record has mappings by code."""

    categories: tuple[Category, ...]
    services: tuple[Service, ...]
    districts: dict[str, Name]
    streets: tuple[Street, ...]
    routes: tuple[Route, ...]
    calendar: Calendar
    templates: tuple[Template, ...]
    periods: Periods


_known: Final[dict[str, Reference]] = {}
"""Versions by the digest of their content, so that a database never gets another one's."""


def _remember(version: str, sha256: str, content: str) -> Reference:
    kept = msgspec.json.decode(content, type=_Content)
    reference = Reference(
        version=version,
        categories={one.code: one for one in kept.categories},
        services={one.code: one for one in kept.services},
        districts=kept.districts,
        streets={one.code: one for one in kept.streets},
        routes=kept.routes,
        calendar=kept.calendar,
        templates={(one.code, one.language): one for one in kept.templates},
        periods=kept.periods,
    )
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[sha256] = reference
    return reference


def _put(tx: Tx, reference: Reference, at: str | None, actor: str | None) -> None:
    content = msgspec.json.encode(
        _Content(
            categories=tuple(reference.categories.values()),
            services=tuple(reference.services.values()),
            districts=dict(reference.districts),
            streets=tuple(reference.streets.values()),
            routes=reference.routes,
            calendar=reference.calendar,
            templates=tuple(reference.templates.values()),
            periods=reference.periods,
        )
    )
    digest = hashlib.sha256(reference.version.encode() + b"\n" + content).hexdigest()
    tx.execute(_KEEP, {"version": reference.version, "sha256": digest, "content": content.decode()})
    tx.execute(_LOAD, {"version": reference.version, "at": at, "actor": actor})
