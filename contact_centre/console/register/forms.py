"""Commands as forms: a field of the command's dataclass becomes a field of the form, and what was typed the command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from enum import Enum
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from multidict import MultiDict

from appeals.commands import Command, Edit
from appeals.errors import RegisterError
from appeals.model import Appeal, Role
from appeals.reference import CITY_TIME, LANGUAGES, Category, Reference
from appeals.workflow import TRANSITIONS
from contact_centre.console.languages import LANGUAGES as OWN_NAMES
from contact_centre.console.languages import N_
from contact_centre.console.register.words import FIELDS
from contact_centre.console.words import named, word

COMMANDS: Final[Mapping[str, type[Command]]] = {
    row.action: row.command for row in TRANSITIONS if set(row.roles) - {Role.SYSTEM}
}
"""What people can do, by its stable name."""

WRITTEN: Final = (
    "category",
    "description",
    "address",
    "district",
    "applicant",
    "applicant_phone",
    "applicant_email",
    "language",
    "privileged",
    "complained_of",
)
"""What of an appeal is written by hand, in the order of the form: ``workflow.EDITABLE``."""

_LONG: Final = frozenset({"description", "question", "answer", "reason", "explanation", "text"})
_WAS: Final = "was."
_YES: Final = "1"

Options = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""What can be chosen: groups (a name, or nothing) of values with what they are called."""


class FieldError(RegisterError):
    """What was typed into a field is not of its kind."""

    code = "bad_field"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. ``kind``: text, area, choice, check, date, moment, lines, email, tel.

    ``value`` is as it was typed, or as the register has it. ``was`` is what the register had when the form was shown,
    None if nothing depends on it; ``now`` is what it has meanwhile, if that is something else.
    """

    name: str
    label: str
    kind: str
    required: bool
    value: str
    options: Options = ()
    was: str | None = None
    now: str | None = None


def fields_of(
    command: type[Command],
    appeal: Appeal,
    reference: Reference,
    language: str,
    words: Callable[..., str],
    typed: MultiDict[str] | None = None,
) -> list[Field]:
    """The fields of a command's form, with what was typed before if it was refused."""
    sent = MultiDict[str]() if typed is None else typed
    if issubclass(command, Edit):
        return written_fields(appeal, reference, language, words, typed)
    hints, made = get_type_hints(command), []
    for one in fields(command):
        if one.name == "changes":
            continue
        kind, options = _shape(one.name, hints[one.name], reference, language, words)
        required = one.default is MISSING and one.default_factory is MISSING
        default = one.default.value if isinstance(one.default, Enum) else ""
        if one.name == "service":
            default = appeal.proposed_service or ""
        made.append(Field(one.name, words(FIELDS[one.name]), kind, required, sent.get(one.name, default), options))
    return made


def written_fields(
    appeal: Appeal | None,
    reference: Reference,
    language: str,
    words: Callable[..., str],
    typed: MultiDict[str] | None = None,
) -> list[Field]:
    """The fields of what is written by hand; without an appeal, of one that is to be made.

    A field that somebody typed into keeps what they typed; one that they left alone follows the register.
    """
    made = []
    for name in WRITTEN:
        kind, options = _shape(name, bool if name == "privileged" else str, reference, language, words)
        stored = _text(getattr(appeal, name)) if appeal is not None else ("uk" if name == "language" else "")
        value, now = stored, None
        if typed is not None:
            own, was = typed.get(name, ""), typed.get(f"{_WAS}{name}", "")
            if own != was:
                value, now = own, (None if stored in {was, own} else _called(stored, options) or words(N_("nothing")))
        made.append(
            Field(name, words(FIELDS[name]), kind, required=False, value=value, options=options, was=stored, now=now)
        )
    return made


def text_of(appeal: Appeal, name: str) -> str:
    """What a form shows of a field that is written by hand."""
    return _text(getattr(appeal, name))


def changes(form: MultiDict[str]) -> dict[str, str | bool | None]:
    """The fields that somebody typed into: what differs from what the form was shown with."""
    found: dict[str, str | bool | None] = {}
    for name in WRITTEN:
        value, was = form.get(name, ""), form.get(f"{_WAS}{name}", "")
        if value != was:
            found[name] = value == _YES if name == "privileged" else value or None
    return found


def command_of(command: type[Command], form: MultiDict[str], find: Callable[[str], str]) -> Command:
    """The command that a form asks for; ``find`` leads from a registration number to an appeal's id.

    Raises:
        FieldError: A field is not of its kind.
    """
    if issubclass(command, Edit):
        return Edit(changes=changes(form))
    hints = get_type_hints(command)
    values: dict[str, Any] = {}
    for one in fields(command):
        if one.name == "changes":
            continue
        text = form.get(one.name, "").strip()
        required = one.default is MISSING and one.default_factory is MISSING
        if text or (required and _plain(hints[one.name]) is str):
            values[one.name] = find(text) if one.name == "into" else _value(one.name, hints[one.name], text)
        elif required:
            raise FieldError(f"{one.name} is missing", field=one.name)
    return command(**values)


def reference_options(reference: Reference, language: str, *, external: bool | None = None) -> Options:
    """The services; ``external`` None: both the city's and others."""
    chosen = [one for one in reference.services.values() if external is None or one.external is external]
    return [("", sorted(((one.code, getattr(one.name, language)) for one in chosen), key=lambda pair: pair[1]))]


def category_options(reference: Reference, language: str, *, groups: bool = False) -> Options:
    """The categories in their groups; with ``groups``, a whole group can be chosen as well."""
    leaves: dict[str, list[Category]] = {}
    for one in reference.categories.values():
        if one.parent is not None:
            leaves.setdefault(one.parent, []).append(one)
    made = []
    for group, members in leaves.items():
        name = getattr(reference.categories[group].name, language)
        listed = [(one.code, getattr(one.name, language)) for one in members]
        made.append((name, [(group, name), *listed] if groups else listed))
    return made


def _shape(
    name: str,
    hint: Any,  # noqa: ANN401 - a type
    reference: Reference,
    language: str,
    words: Callable[..., str],
) -> tuple[str, Options]:
    """How a field is typed, and what can be chosen."""
    by_name: dict[str, Callable[[], tuple[str, Options]]] = {
        "category": lambda: ("choice", category_options(reference, language)),
        "district": lambda: (
            "choice",
            [("", [(code, getattr(of, language)) for code, of in reference.districts.items()])],
        ),
        "service": lambda: ("choice", reference_options(reference, language, external=False)),
        "complained_of": lambda: ("choice", reference_options(reference, language)),
        "to": lambda: ("choice", reference_options(reference, language)),
        "language": lambda: ("choice", [("", [(code, OWN_NAMES[code]) for code in LANGUAGES])]),
        "applicant_phone": lambda: ("tel", ()),
        "applicant_email": lambda: ("email", ()),
    }
    if name in by_name:
        return by_name[name]()
    kind = _plain(hint)
    if get_origin(hint) is tuple:
        return "lines", ()
    if kind is bool:
        return "check", ()
    if issubclass(kind, Enum):
        return "choice", [("", [(str(one.value), words(word(one))) for one in named(kind)])]
    if issubclass(kind, date):
        return ("moment" if kind is datetime else "date"), ()
    return ("area" if name in _LONG else "text"), ()


def _plain(hint: Any) -> Any:  # noqa: ANN401 - a type
    """The type of an annotation, without None."""
    kinds = [one for one in get_args(hint) or (hint,) if one is not NoneType]
    return kinds[0]


def _value(name: str, hint: Any, text: str) -> Any:  # noqa: ANN401 - from a form to a field, whatever it is
    kind = _plain(hint)
    if get_origin(hint) is tuple:
        return tuple(filter(None, map(str.strip, text.splitlines())))
    if kind is bool:
        return text == _YES
    try:
        if issubclass(kind, Enum):
            return kind(text)
        if kind is datetime:
            return datetime.fromisoformat(text).replace(tzinfo=CITY_TIME)
        return date.fromisoformat(text) if kind is date else text
    except ValueError as error:
        raise FieldError(f"{name}: {text!r} is none", field=name) from error


def _text(value: object) -> str:
    if isinstance(value, bool):
        return _YES if value else ""
    return "" if value is None else str(value)


def _called(value: str, options: Options) -> str:
    names = {code: name for _, group in options for code, name in group}
    return names.get(value, value)
