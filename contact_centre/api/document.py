"""The OpenAPI 3.1 document, made from the table of operations and the types in it."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from contact_centre.api import parsing, problems
from contact_centre.api.problems import BASE, Problem
from contact_centre.api.site import Operation, Reading, Writing

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_ALWAYS: Final = ("invalid", "internal", "unavailable")
_WITH_FORM: Final = ("unlikely_time",)
_WITH_TOKEN: Final = ("token_missing", "token_invalid", "scope_missing", "too_many_requests")
_WITH_BODY: Final = ("too_large", "not_json", "too_slow")
_WRITING: Final = ("request_under_way", "key_used_otherwise")
_VERSIONED: Final = ("precondition_required",)
_TEXT: Final = {"type": "string"}

_ABOUT: Final = """The register of appeals of a municipal contact centre: appeals, calls, duties and reference data.

Lists are paged by `cursor`; the header `Link` has the address of the next page. Times have an offset. Errors are
problem details (RFC 9457) whose `code` is stable. What changes an appeal says by `If-Match` which version it has seen.
`Idempotency-Key` makes it safe to ask again: for a day the same request gets the same answer."""

_SECURITY: Final = "A token of `contact-centre tokens add`. The scope that each operation needs stands with it."


def document(operations: Sequence[Operation]) -> Json:
    """The document of the operations."""
    kinds = list(
        dict.fromkeys([Problem, *(kind for one in operations for kind in (one.gives, one.takes, one.query) if kind)])
    )
    refs, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
    schema = dict(zip(kinds, refs, strict=True))
    queries = {one.query: schemas.pop(one.query.__name__) for one in operations if one.query is not None}
    paths: dict[str, Json] = {}
    for one in operations:
        query = {} if one.query is None else queries[one.query]
        paths.setdefault(BASE + one.path, {})[one.method.lower()] = _operation(one, schema, query)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Municipal contact centre", "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _SECURITY}},
        },
    }


def codes(operation: Operation) -> list[str]:
    """Every problem that an operation may answer with."""
    found = [*_ALWAYS, *operation.problems]
    if operation.scope is not None:
        found += _WITH_TOKEN
    if operation.takes is not None:
        found += _WITH_BODY
    if operation.takes is not None or operation.query is not None:
        found += _WITH_FORM
    if isinstance(operation, Writing):
        found += _WRITING
    if operation.versioned:
        found += _VERSIONED
    return found


def _operation(one: Operation, schema: Mapping[Any, Json], query: Json) -> Json:
    told: Json = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.path.split("/")[1]],
        "security": [] if one.scope is None else [{"token": []}],
        "responses": _responses(one, schema),
    }
    if one.scope is not None:
        told["description"] = f"Scope: `{one.scope.value}`."
    parameters = [*_path(one), *_query(query), *_headers(one)]
    if parameters:
        told["parameters"] = parameters
    if one.takes is not None:
        content = {"application/json": {"schema": schema[one.takes]}}
        told["requestBody"] = {"required": parsing.required(one.takes), "content": content}
    return told


def _path(one: Operation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in re.findall(r"{(\w+)}", one.path)
    ]


def _query(query: Json) -> list[Json]:
    needed = query.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _without_null(schema)}
        for name, schema in query.get("properties", {}).items()
    ]


def _without_null(schema: Json) -> Json:
    """A query has no null: a parameter is there or it is not."""
    if "anyOf" not in schema:
        return schema
    [one] = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return dict(one)


def _headers(one: Operation) -> list[Json]:
    found: list[Json] = []
    if one.versioned:
        about = "The version that you have seen: its ETag, or the number in quotes"
        found.append(_header("If-Match", about, {"type": "string", "pattern": f"^{parsing.IF_MATCH}$"}, required=True))
    if isinstance(one, Writing):
        about = "Ask again with the same key, and nothing happens twice"
        found.append(_header("Idempotency-Key", about, {"type": "string", "pattern": f"^{parsing.KEY}$"}))
    if isinstance(one, Reading):
        found.append(_header("If-None-Match", "An ETag that you have; 304 if it is still right", _TEXT))
    return found


def _header(name: str, about: str, schema: Json, *, required: bool = False) -> Json:
    return {"name": name, "in": "header", "required": required, "description": about, "schema": schema}


def _responses(one: Operation, schema: Mapping[Any, Json]) -> Json:
    headers: Json = {"ETag": {"description": "For If-Match and If-None-Match", "required": True, "schema": _TEXT}}
    if one.query is not None and "cursor" in one.query.__struct_fields__:
        headers["Link"] = {"description": 'rel="next": the next page', "schema": _TEXT}
    if one.status == HTTPStatus.CREATED:
        headers["Location"] = {"description": "What was made", "required": True, "schema": _TEXT}
    found: Json = {
        str(one.status): {
            "description": HTTPStatus(one.status).phrase,
            "headers": headers,
            "content": {"application/json": {"schema": schema[one.gives]}},
        }
    }
    if isinstance(one, Reading):
        found["304"] = {"description": "What you have is still right"}
    if one.versioned:
        found["204"] = {"description": "Done; it is no longer yours to see"}
    for status, told in problems.by_status(codes(one)).items():
        found[str(status)] = {
            "description": "; ".join(f"`{code}`: {problems.KINDS[code].title}" for code in told),
            "content": {problems.MEDIA_TYPE: {"schema": schema[Problem]}},
        }
    return found
