"""Errors as problem details (RFC 9457): one table from the register's stable codes to what HTTP says.

``type`` is a path below the API that says in words what the code means. ``code``, ``guard`` and ``parameters`` are
those of ``appeals.errors``: a program branches on them, and whoever shows an error to people words it from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct

from appeals.errors import RegisterError

BASE: Final = "/api/v1"
MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: how HTTP calls it, and what it is in words."""

    status: HTTPStatus
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "invalid": Kind(HTTPStatus.BAD_REQUEST, "The request is not of the form that the document describes"),
    "bad_query": Kind(HTTPStatus.BAD_REQUEST, "The list cannot be asked for in this way"),
    "token_missing": Kind(HTTPStatus.UNAUTHORIZED, "Send a token: Authorization: Bearer ..."),
    "token_invalid": Kind(HTTPStatus.UNAUTHORIZED, "The token is none, has expired, or was revoked"),
    "scope_missing": Kind(HTTPStatus.FORBIDDEN, "The token does not have the scope for this"),
    "not_your_role": Kind(HTTPStatus.FORBIDDEN, "The roles of the token do not allow this"),
    "not_found": Kind(HTTPStatus.NOT_FOUND, "There is nothing at this address, or nothing that you may know of"),
    "no_such_appeal": Kind(HTTPStatus.NOT_FOUND, "There is no such appeal, or none that you may know of"),
    "no_such_call": Kind(HTTPStatus.NOT_FOUND, "There is no such call, or none that you may know of"),
    "no_such_recording": Kind(HTTPStatus.NOT_FOUND, "There is no such recording, or none that you may know of"),
    "no_such_duty": Kind(HTTPStatus.NOT_FOUND, "There is no such duty, or none that you may know of"),
    "no_such_incident": Kind(HTTPStatus.NOT_FOUND, "There is no such incident"),
    "method_not_allowed": Kind(HTTPStatus.METHOD_NOT_ALLOWED, "This address does not know the method"),
    "too_slow": Kind(HTTPStatus.REQUEST_TIMEOUT, "The body of the request did not come in time"),
    "illegal_transition": Kind(HTTPStatus.CONFLICT, "The state of the appeal does not allow this"),
    "incident_status": Kind(HTTPStatus.CONFLICT, "The state of the incident does not allow this"),
    "request_under_way": Kind(HTTPStatus.CONFLICT, "A request with this idempotency key is being worked on"),
    "changed_meanwhile": Kind(HTTPStatus.PRECONDITION_FAILED, "Somebody has changed it since you read it"),
    "too_large": Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body of the request is too large"),
    "not_json": Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON: Content-Type: application/json"),
    "guard": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "A rule of the register stands against it"),
    "unknown_reference": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The city's reference data has nothing of this code"),
    "unlikely_time": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "A time lies outside of what can be meant"),
    "key_used_otherwise": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request"),
    "precondition_required": Kind(HTTPStatus.PRECONDITION_REQUIRED, "Say which version you have seen: If-Match"),
    "too_many_requests": Kind(HTTPStatus.TOO_MANY_REQUESTS, "The token makes too many requests"),
    "internal": Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of ours"),
    "unavailable": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Not now; ask again, with the same idempotency key"),
}
"""Every code that an answer can have."""


class Problem(Struct, omit_defaults=True):
    """What went wrong (RFC 9457). ``code`` is stable, ``guard`` names the rule, ``parameters`` say about what."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    guard: str | None = None
    parameters: dict[str, Any] = {}


class ProblemKind(Struct):
    """What a code means."""

    code: str
    status: int
    title: str


class Refusal(Exception):  # noqa: N818 - it is the answer, not a fault
    """The request is refused before the register hears of it. ``headers`` go with the answer."""

    def __init__(
        self, code: str, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **parameters: object
    ) -> None:
        super().__init__(detail or KINDS[code].title)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.parameters = parameters


def problem(code: str, detail: str | None = None, parameters: Mapping[str, Any] | None = None) -> Problem:
    """A problem of a kind of the table."""
    kind, told = KINDS[code], dict(parameters or {})
    guard = told.pop("guard", None)
    return Problem(f"{BASE}/problems/{code}", kind.title, kind.status.value, code, detail, guard, told)


def of(error: RegisterError | Refusal) -> Problem:
    """The problem that an error is."""
    if isinstance(error, Refusal):
        return problem(error.code, error.detail, error.parameters)
    return problem(error.code, str(error), error.parameters)


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """Codes under the status that each is answered with, in the order of the table."""
    wanted, found = set(codes), dict[int, list[str]]()
    for code, kind in KINDS.items():
        if code in wanted:
            found.setdefault(kind.status.value, []).append(code)
    return dict(sorted(found.items()))
