"""What people write into an appeal: which fields, how each is understood, and what follows from a change."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from appeals import places, routing
from appeals.commands import EDITABLE, LONGEST_TEXT
from appeals.decision import Situation
from appeals.due import dated
from appeals.errors import GuardError
from appeals.model import Appeal, HistoryEntry, Status
from appeals.numbers import parse_number

_PERSONAL: Final = frozenset({"applicant", "applicant_phone", "applicant_email", "address", "description"})
"""The history says that these were changed, not from what to what: it is shown to more people than they are."""
_EMAIL: Final = re.compile(r"[^@\s<>\"(),:;]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}")
"""Narrower than RFC 5321: what a clerk takes down by ear, and nothing that could mean something to a mail server."""


def edited(at: Situation, changes: Mapping[str, str | bool | None]) -> tuple[Appeal, tuple[HistoryEntry, ...]]:
    """The appeal with these changes, and the line of history that says so, if there is anything to say.

    An address brings its street, house and district; a category its desk and its promise; both a proposed service.

    Raises:
        GuardError: A field cannot be edited, or a value is none for it.
        UnknownReferenceError: There is no such category or service.
    """
    unknown = sorted(changes.keys() - EDITABLE)
    if unknown:
        raise GuardError("not_editable", f"cannot be edited: {', '.join(unknown)}", fields=unknown)
    clean = {name: _field(name, value) for name, value in changes.items()}
    changed = {name: value for name, value in clean.items() if value != getattr(at.appeal, name)}
    if not changed:
        return at.appeal, ()
    if changed.get("complained_of") is not None:
        at.reference.service(str(changed["complained_of"]))
    appeal = replace(at.appeal, **changed)  # type: ignore[arg-type]
    if "address" in changed:
        place = places.parse(appeal.address or "", at.reference.streets)
        street = None if place.street is None else place.street.code
        district = appeal.district if "district" in changed else place.district
        appeal = replace(appeal, street=street, house=place.house, district=district)
    if "category" in changed:
        appeal = _categorised(appeal, at)
    if appeal.category is not None and at.reference.category(appeal.category).no_text:
        if any(changed.get(name) for name in _PERSONAL):
            raise GuardError("no_text", "of such calls nothing is written down: they are only counted")
        appeal = replace(appeal, street=None, house=None, **dict.fromkeys(_PERSONAL))  # type: ignore[arg-type]
    if appeal.status is not Status.NEW and "category" in changed:
        sla = at.reference.category(str(appeal.category)).sla
        appeal = dated(replace(appeal, sla=None if sla is None else str(sla)), at.reference)
    appeal = replace(appeal, proposed_service=proposed(appeal, at))
    shown = {name: None if name in _PERSONAL else str(value) for name, value in sorted(changed.items())}
    return appeal, (HistoryEntry(at.now, at.actor.login, "edited", shown),)


def proposed(appeal: Appeal, at: Situation) -> str | None:
    """The service that the city's rules propose."""
    if appeal.category is None:
        return None
    return routing.propose(at.reference, appeal.category, appeal.district, at.now, appeal.complained_of).service


def _field(name: str, value: str | bool | None) -> str | bool | None:
    if name == "privileged":
        return bool(value)
    if name == "language":
        if value not in {"uk", "en"}:
            raise GuardError("language", f"{value!r}: the languages are uk and en")
        return value
    if isinstance(value, bool):
        raise GuardError("not_text", f"{name} is a text", field=name)
    text = (value or "").strip()
    if len(text) > LONGEST_TEXT:
        raise GuardError("text_too_long", f"{name} has more than {LONGEST_TEXT} characters", field=name)
    if not text:
        return None
    if name == "applicant_phone":
        number = parse_number(text).e164
        if number is None:
            raise GuardError("phone", "no number that can be called; write it as +380 50 123 45 67", field=name)
        return number
    if name == "applicant_email" and _EMAIL.fullmatch(text) is None:
        raise GuardError("email", "no e-mail address", field=name)
    return text


def _categorised(appeal: Appeal, at: Situation) -> Appeal:
    if appeal.category is None:
        if appeal.status is not Status.NEW:
            raise GuardError("category_missing", "a registered appeal has a category")
        return replace(appeal, desk=None)
    category = at.reference.category(appeal.category)
    return replace(appeal, desk=category.desk, privileged=appeal.privileged or category.priority)
