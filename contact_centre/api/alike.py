"""What may be the same matter as an appeal."""

from typing import Final

import msgspec

from appeals import queries
from appeals.errors import NoSuchAppealError
from appeals.similar import Likeness, similar
from appeals.visibility import Sight
from contact_centre.api import wire
from contact_centre.api.appeals import AppealForm, as_seen
from contact_centre.api.incidents import IncidentForm
from contact_centre.api.site import Answer, Asked, Operation, Reading
from contact_centre.api.tokens import Scope

AlikeForm: Final = msgspec.defstruct(
    "Alike",
    [("appeal", AppealForm), ("likeness", Likeness)],
    namespace={"__doc__": "An earlier appeal that may be about the same matter, and why."},
    kw_only=True,
)
SimilarForm: Final = msgspec.defstruct(
    "Similar",
    [("appeals", list[AlikeForm]), ("incidents", list[IncidentForm])],  # type: ignore[valid-type]
    namespace={"__doc__": "Earlier appeals, the likest and newest first, and incidents that cover the place."},
    kw_only=True,
)


async def _alike(asked: Asked) -> Answer:
    appeal_id, site, now = asked.path["appeal_id"], asked.site, asked.site.clock.now()
    async with site.reading() as connection:
        if await queries.sight_of(connection, appeal_id, asked.actor) is not Sight.WHOLE:
            raise NoSuchAppealError(appeal_id)
        appeal = await queries.get_appeal(connection, appeal_id)
        if appeal is None:
            raise NoSuchAppealError(appeal_id)
        reference = await site.reference(connection)
        found = await similar(connection, appeal, reference.periods, asked.actor, now)
    alike = [
        AlikeForm(appeal=as_seen(one.appeal, asked.actor, now, reference), likeness=one.likeness)
        for one in found.appeals
    ]
    incidents = [wire.give(IncidentForm, one) for one in found.incidents]
    return Answer(SimilarForm(appeals=alike, incidents=incidents))


OPERATIONS: Final[tuple[Operation, ...]] = (
    Reading(
        name="get_alike",
        path="/appeals/{appeal_id}/alike",
        scope=Scope.APPEALS_READ,
        summary="What may be the same matter",
        gives=SimilarForm,
        problems=("no_such_appeal",),
        do=_alike,
    ),
)
