"""What may be the same matter: earlier appeals about the same place and category, and incidents that cover it.

Shown to the operator before registering and afterwards; nobody merges but a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import incident_store, queries
from appeals.incidents import Incident, IncidentStatus
from appeals.model import Actor, Appeal, Status
from appeals.reference import Periods
from appeals.store import to_text
from appeals.tables import appeals
from appeals.visibility import Sight, sight

MOST: Final = 20
"""How many are shown."""

_NOT_SHOWN: Final = (Status.NEW.value, Status.DISMISSED.value)


class Likeness(StrEnum):
    """Why an appeal may be the same, the strongest first."""

    SAME_PLACE = "same_place"
    SAME_CALLER = "same_caller"
    SAME_STREET = "same_street"


@dataclass(frozen=True, slots=True)
class Alike:
    """An earlier appeal that may be about the same matter."""

    appeal: Appeal
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Similar:
    """Everything that may be the same matter: appeals, the likest and newest first, and incidents that go on."""

    appeals: tuple[Alike, ...]
    incidents: tuple[Incident, ...]


async def similar(
    connection: AsyncConnection, appeal: Appeal, periods: Periods, actor: Actor, now: datetime
) -> Similar:
    """What may be the same matter as ``appeal``, as far as ``actor`` may see it; nothing while it has no category."""
    if appeal.category is None:
        return Similar((), ())
    found = await queries.get_appeals(connection, await _candidates(connection, appeal, now - periods.duplicate))
    likely = [
        Alike(one, likeness)
        for one in found
        if (likeness := _likeness(appeal, one)) is not None
        and sight(actor, desk=one.desk, service=one.service) is Sight.WHOLE
    ]
    order = {likeness: place for place, likeness in enumerate(Likeness)}
    likely.sort(key=lambda one: order[one.likeness])  # stable: the newest stays first
    alive = await incident_store.list_incidents(connection)
    nearby = (
        one
        for one in alive
        if one.status is IncidentStatus.OPEN and one.covers(appeal.category, appeal.district, appeal.street)
    )
    return Similar(tuple(likely[:MOST]), tuple(nearby))


async def _candidates(connection: AsyncConnection, appeal: Appeal, since: datetime) -> Sequence[str]:
    """Ids, the newest first. Each branch has an index of its own."""
    reached = appeal.applicant_phone or appeal.caller_number
    likely = []
    if appeal.street is not None:
        likely.append(appeals.c.street == appeal.street)
    if reached is not None:
        likely += [appeals.c.caller_number == reached, appeals.c.applicant_phone == reached]
    if not likely:
        return ()
    chosen = (
        select(appeals.c.appeal_id)
        .where(
            and_(
                or_(*likely),
                appeals.c.created_at >= to_text(since),
                appeals.c.category == appeal.category,
                appeals.c.status.not_in(_NOT_SHOWN),
                appeals.c.appeal_id != appeal.appeal_id,
                appeals.c.merged_into.is_(None),
            )
        )
        .order_by(appeals.c.created_at.desc())
        .limit(MOST * 5)
    )
    return [row.appeal_id for row in await connection.execute(chosen)]


def _likeness(appeal: Appeal, other: Appeal) -> Likeness | None:
    same_street = appeal.street is not None and appeal.street == other.street
    if same_street and appeal.house == other.house:
        return Likeness.SAME_PLACE
    reached = {appeal.applicant_phone or appeal.caller_number} - {None}
    if reached & {other.applicant_phone, other.caller_number}:
        return Likeness.SAME_CALLER
    return Likeness.SAME_STREET if same_street else None
