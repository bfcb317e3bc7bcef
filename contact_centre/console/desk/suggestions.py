"""What an operator may mean by what they have typed so far: categories, addresses."""

from typing import Final

from aiohttp import web
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import places, topics
from appeals.reference import Reference
from appeals.tables import appeals
from contact_centre.console.desk.words import URGENCY
from contact_centre.console.languages import N_
from contact_centre.console.route import Asked, Reply

MOST: Final = 8
LONGEST: Final = 120
"""Characters of what was typed that are looked at."""

_EARLIER: Final = (
    select(appeals.c.house, func.count().label("appeals"))
    .where(
        appeals.c.street == bindparam("of_street"),
        appeals.c.house.startswith(bindparam("of_house"), autoescape=False),
        appeals.c.desk.is_(None),
    )
    .group_by(appeals.c.house)
    .order_by(func.count().desc(), appeals.c.house)
    .limit(MOST)
)


async def categories(asked: Asked) -> Reply:
    """Categories for the beginning of a word."""
    async with asked.site.reading() as connection:
        reference = await asked.site.reference(connection)
    language, now = asked.renderer.language, asked.request.query.get("q", "")[:LONGEST]
    return web.json_response(
        [
            {
                "value": one.code,
                "text": getattr(one.name, language),
                "hint": getattr(reference.categories[str(one.parent)].name, language),
                "note": asked.words(URGENCY[one.urgency]),
            }
            for one in topics.suggest(now, reference, MOST)
        ]
    )


async def addresses(asked: Asked) -> Reply:
    """Streets for the beginning of a word, and once there is a house, houses about which somebody has turned to us."""
    text = asked.request.query.get("q", "")[:LONGEST]
    async with asked.site.reading() as connection:
        reference = await asked.site.reference(connection)
        found = await _houses(asked, connection, text, reference)
    if not found:
        found = [
            {"value": f"{one.street.name}, ", "text": one.street.name, "hint": _former(asked, one.former), "note": ""}
            for one in places.suggest(text, reference.streets, MOST)
        ]
    return web.json_response(found)


async def _houses(asked: Asked, connection: AsyncConnection, text: str, reference: Reference) -> list[dict[str, str]]:
    place = places.parse(text, reference.streets)
    if place.street is None or place.house is None:
        return []
    rows = await connection.execute(_EARLIER, {"of_street": place.street.code, "of_house": place.house})
    earlier = {f"{place.street.name}, {row.house}": row.appeals for row in rows}
    own = place.written or ""
    return [
        {"value": address, "text": address, "hint": "", "note": _appeals(asked, count)}
        for address, count in ({own: earlier.pop(own, 0)} | earlier).items()
    ]


def _former(asked: Asked, former: str | None) -> str:
    return "" if former is None else asked.words(N_("formerly %(name)s"), name=former)


def _appeals(asked: Asked, count: int) -> str:
    return asked.words(N_("appeals: %(count)s"), count=count) if count else ""
