"""The one table of everything that the API can be asked; the router and the OpenAPI document are made from it."""

from functools import cache
from typing import Any, Final

from contact_centre.api import alike, appeals, calls, duties, incidents, problems, reference
from contact_centre.api.document import document
from contact_centre.api.problems import ProblemKind, Refusal
from contact_centre.api.site import Answer, Asked, Operation, Reading


async def _document(_: Asked) -> Answer:
    return Answer(described())


async def _problem(asked: Asked) -> Answer:
    code = asked.path["code"]
    kind = problems.KINDS.get(code)
    if kind is None:
        raise Refusal("not_found")
    return Answer(ProblemKind(code, kind.status.value, kind.title))


OPERATIONS: Final[tuple[Operation, ...]] = (
    *appeals.OPERATIONS,
    *alike.OPERATIONS,
    *calls.OPERATIONS,
    *duties.OPERATIONS,
    *incidents.OPERATIONS,
    *reference.OPERATIONS,
    Reading(
        name="get_problem",
        path="/problems/{code}",
        scope=None,
        summary="What the code of a problem means",
        gives=ProblemKind,
        problems=("not_found",),
        do=_problem,
    ),
    Reading(
        name="get_document",
        path="/openapi.json",
        scope=None,
        summary="This document",
        gives=dict[str, Any],
        do=_document,
    ),
)


@cache
def described() -> dict[str, Any]:
    """The OpenAPI document of all operations."""
    return document(OPERATIONS)
