"""Requests understood: headers, query and body in the types of the operation, or a refusal that says what is wrong."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import msgspec
from aiohttp import web
from msgspec import Struct

from contact_centre.api import wire
from contact_centre.api.idempotency import LONGEST_KEY
from contact_centre.api.problems import Refusal
from contact_centre.api.site import Operation

S = TypeVar("S", bound=Struct)

MOST_BYTES: Final = 64 * 1024
"""Of a request's body."""
BODY_WITHIN_S: Final = 10.0

IF_MATCH: Final = r'(W/)?"([0-9]{1,18})(\.[0-9a-f]+)?"'
"""The version alone counts; proxies that compress mark a tag as weak."""
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
_TRUTH: Final = {"true": True, "false": False}
KEY: Final = rf'"?([!#-~]{{1,{LONGEST_KEY}}})"?'


def expected(request: web.Request) -> int:
    """The version that the program has seen. ``*`` names none: nobody overwrites what they have not read."""
    sent = request.headers.get("If-Match")
    if sent is None or sent.strip() == "*":
        raise Refusal("precondition_required")
    found = re.fullmatch(IF_MATCH, sent.strip())
    if found is None:
        raise Refusal("invalid", 'If-Match: one tag, as "7"', at="If-Match")
    return int(found[2])


def idempotency_key(request: web.Request) -> str | None:
    """The idempotency key, with quotes as the draft has it or without."""
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    found = re.fullmatch(KEY, sent.strip())
    if found is None:
        raise Refusal("invalid", f"Idempotency-Key: 1 to {LONGEST_KEY} visible characters", at="Idempotency-Key")
    return found[1]


def query(request: web.Request, operation: Operation) -> Struct | None:
    """The query in the operation's form."""
    form = operation.query
    if form is None:
        if request.query:
            raise Refusal("invalid", "this address takes no query", at="query")
        return None
    kinds = {one.name: _kind(one.type) for one in msgspec.structs.fields(form)}
    sent: dict[str, Any] = {}
    for name in request.query:
        values = request.query.getall(name)
        kind = kinds.get(name)
        if len(values) > 1 and kind is not list:
            raise Refusal("invalid", f"{name} was sent more than once", at=f"$.{name}")
        sent[name] = values if kind is list else _value(kind, values[0])
    return _understood(form, lambda: msgspec.convert(sent, form))


def _kind(annotation: Any) -> Any:  # noqa: ANN401 - annotations are any value
    origin: Any = get_origin(annotation)
    return _kind(get_args(annotation)[0]) if origin is Annotated else origin or annotation


def _value(kind: Any, text: str) -> object:  # noqa: ANN401 - annotations are any value
    """Numbers and truth as JSON writes them; everything else is a text."""
    if kind is int and _NUMBER.fullmatch(text):
        return int(text)
    return _TRUTH.get(text, text) if kind is bool else text


async def body(request: web.Request, operation: Operation) -> tuple[Struct | None, bytes]:
    """The body in the operation's form, and a digest of the request."""
    form = operation.takes
    if form is None:
        return None, b""
    raw = await _bytes(request)
    digest = hashlib.sha256(b"\n".join((request.method.encode(), request.path.encode(), raw))).digest()
    if not raw and not required(form):
        return form(), digest
    if request.content_type != "application/json":
        raise Refusal("not_json")
    return _understood(form, lambda: msgspec.json.decode(raw, type=form)), digest


async def _bytes(request: web.Request) -> bytes:
    too_large = Refusal("too_large", most_bytes=MOST_BYTES)
    if "Content-Encoding" in request.headers:
        raise Refusal("not_json", "the body must not be compressed")
    if (request.content_length or 0) > MOST_BYTES:
        raise too_large
    read = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.content.iter_any():
                read += chunk
                if len(read) > MOST_BYTES:
                    raise too_large
    except TimeoutError as error:
        raise Refusal("too_slow") from error
    return bytes(read)


def required(form: type[Struct]) -> bool:
    """Whether something must be sent."""
    return any(one.required for one in msgspec.structs.fields(form))


def _understood(form: type[S], read: Callable[[], Any]) -> S:
    try:
        value = read()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail, _, at = str(error).partition(" - at `")
        raise Refusal("invalid", detail, at=at.rstrip("`") or "$") from error
    if not isinstance(value, form) or wire.unlikely(value):
        raise Refusal("unlikely_time")
    return value
