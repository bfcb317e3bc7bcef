"""The wire form of the code's own records: what the API takes and gives, and what its document describes.

A form is a msgspec Struct made from a dataclass: nested records become forms too, and times always have an offset.
Forms that are taken refuse fields that they do not know and bound every text; forms that are given have every field,
absent values null.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from appeals.commands import EDITABLE, LONGEST_TEXT
from appeals.model import Appeal

Instant = Annotated[datetime, Meta(tz=True)]
"""A time with its offset (RFC 3339)."""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")]
"""A text that somebody sends."""

_MOST_LISTED: Final = 100
_EARLIEST: Final = 1900
_LATEST: Final = 2999
"""Years outside of these are slips, and overflow in other time zones."""

_CHANGES: Final = Mapping[str, str | bool | None]
"""How commands type the fields of an appeal that they change."""


class Nothing(Struct, kw_only=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


@cache
def given(record: type) -> type[Struct]:
    """The form in which a record is given; a NamedTuple is given as a list."""
    listed = hasattr(record, "_fields")
    return msgspec.defstruct(
        record.__name__, members(record), namespace={"__doc__": words(record)}, kw_only=not listed, array_like=listed
    )


def members(record: type) -> list[tuple[str, Any]]:
    """The fields of the form in which a record is given."""
    hints = get_type_hints(record)
    return [(name, _form(hints[name], str)) for name in _names(record)]


def page(name: str, item: Any) -> Any:  # noqa: ANN401 - types made at run time
    """A page of a list."""
    told = (
        "A page of a list. `next` is the cursor of the next page, null on the last; the header `Link` has its address."
    )
    fields_: list[Any] = [("items", list[item]), ("next", str | None)]
    return msgspec.defstruct(name, fields_, namespace={"__doc__": told}, kw_only=True)


def taken(record: type, name: str) -> type[Struct]:
    """The form in which a record is taken; absent fields have the record's defaults."""
    hints = get_type_hints(record)
    members: list[Any] = []
    for one in fields(record):
        if hints[one.name] == _CHANGES:
            needed = () if one.default_factory is MISSING else (msgspec.field(default_factory=Changes),)
            members.append((one.name, Changes, *needed))
        else:
            default = () if one.default is MISSING else (one.default,)
            members.append((one.name, _form(hints[one.name], Text), *default))
    return msgspec.defstruct(
        name, members, namespace={"__doc__": words(record)}, kw_only=True, forbid_unknown_fields=True
    )


def give(form: type[Struct], value: object) -> Struct:
    """A record in its form."""
    return msgspec.convert(value, form, from_attributes=True)


def fill(record: Callable[..., Any], form: Struct) -> Any:  # noqa: ANN401 - the record that was asked for
    """The record that a form stands for."""
    return record(**{name: _filled(getattr(form, name)) for name in form.__struct_fields__})


def changes(form: Struct) -> dict[str, Any]:
    """The fields that were sent."""
    return {name: getattr(form, name) for name in form.__struct_fields__ if getattr(form, name) is not UNSET}


def unlikely(value: object) -> bool:
    """Whether a time in it lies outside of what the register can mean."""
    if isinstance(value, date):
        return not _EARLIEST <= value.year <= _LATEST
    if isinstance(value, Struct):
        return any(unlikely(getattr(value, name)) for name in value.__struct_fields__)
    return False


def _filled(value: object) -> object:
    return changes(value) if isinstance(value, Struct) else value


def _names(record: type) -> tuple[str, ...]:
    found = getattr(record, "_fields", None)  # of a NamedTuple
    return tuple(found) if found is not None else tuple(one.name for one in fields(record))


def words(record: type) -> str:
    """What a record says of itself, as plain text."""
    return " ".join(inspect.cleandoc(record.__doc__ or "").replace("``", "`").split())


def _form(kind: Any, text: Any) -> Any:  # noqa: ANN401 - annotations are any value
    """The form of an annotation; ``text`` is that of a text."""
    if kind in {datetime, str}:
        return Instant if kind is datetime else text
    if isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "_fields")):
        return given(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return reduce(or_, (_form(one, text) for one in inner))
    if origin is tuple and inner[-1] is Ellipsis:
        item = _form(inner[0], text)
        return list[item] if text is str else Annotated[tuple[item, ...], Meta(max_length=_MOST_LISTED)]  # type: ignore[valid-type]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict[_form(inner[0], text), _form(inner[1], text)]  # type: ignore[misc]
    return kind


_appeal: Final = get_type_hints(Appeal)

Changes: Final = msgspec.defstruct(
    "Changes",
    [(name, _form(_appeal[name], Text) | UnsetType, UNSET) for name in sorted(EDITABLE)],
    namespace={"__doc__": "Fields to write; what is absent stays, null empties."},
    kw_only=True,
    forbid_unknown_fields=True,
)
"""What of an appeal can be written, with the types that an appeal has."""
