"""Every text that people see has its words, in Ukrainian too."""

import re
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

import appeals
from appeals.commands import EDITABLE
from appeals.duties import DutyKind, Excuse, MissedReason
from appeals.errors import GuardError, RegisterError
from appeals.model import Channel, Kind, Result, Status
from contact_centre import accounts
from contact_centre.access_log import Event
from contact_centre.console import words
from contact_centre.console.languages import CATALOGUES, LANGUAGES, SOURCE, catalogue, translations
from contact_centre.console.register import words as register_words
from contact_centre.console.register.forms import COMMANDS, WRITTEN
from telephony.core.call import Direction, QueueOutcome

CONSOLE = CATALOGUES.parent
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def texts() -> set[str | tuple[str, ...]]:
    """What code and templates say to people."""
    with (CATALOGUES / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    return {
        tuple(message) if isinstance(message, tuple) else message
        for _, _, message, _, _ in extract_from_dir(CONSOLE, methods, options, KEYWORDS)
    }


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != SOURCE])
def test_every_text_is_translated_with_its_placeholders(language: str) -> None:
    known = catalogue(language)
    found = texts()
    assert len(found) > 300
    for text in found:
        message = known.get(text[0] if isinstance(text, tuple) else text)
        assert message is not None, f"{language}.po lacks {text!r}"
        assert not message.fuzzy, text
        written = [str(one) for one in (message.string if isinstance(message.string, tuple) else [message.string])]
        assert all(written), f"{language}.po has no words for {text!r}"
        asked = PLACEHOLDER.findall(text[0] if isinstance(text, tuple) else text)
        for one in written:
            assert sorted(PLACEHOLDER.findall(one)) == sorted(asked), text


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != SOURCE])
def test_the_catalogue_keeps_nothing_that_nobody_says(language: str) -> None:
    said = {text[0] if isinstance(text, tuple) else text for text in texts()}
    kept = {message.id[0] if isinstance(message.id, tuple) else message.id for message in catalogue(language)} - {""}
    assert kept - said == set()


def test_plurals_are_ukrainian() -> None:
    uk = translations("uk").ngettext
    said = [uk("%(num)s attempt", "%(num)s attempts", count) % {"num": count} for count in (1, 3, 5, 11, 21, 112)]
    assert said == ["1 спроба", "3 спроби", "5 спроб", "11 спроб", "21 спроба", "112 спроб"]


@pytest.mark.parametrize(
    "kind", [Status, Kind, Channel, Result, DutyKind, Excuse, MissedReason, Event, Direction, QueueOutcome]
)
def test_every_code_has_a_name(kind: type[Enum]) -> None:
    assert words.named(kind) == list(kind)


def test_every_role_says_what_it_does() -> None:
    assert set(words.ROLES) == set(words.WHAT_ROLES_DO) == set(accounts.ROLES)


def test_every_action_and_each_of_its_fields_has_a_name() -> None:
    assert set(COMMANDS) == set(register_words.ACTIONS)
    named = {field.name for command in COMMANDS.values() for field in fields(command)} - {"changes"}
    assert named | EDITABLE <= set(register_words.FIELDS)
    assert set(WRITTEN) == EDITABLE


def test_every_rule_that_can_stand_against_an_action_is_told_in_words() -> None:
    modules = [path for path in Path(appeals.__file__).parent.glob("*.py") if not path.name.startswith(("duty", "inc"))]
    source = "\n".join(path.read_text("utf-8") for path in modules)
    raised = set(re.findall(r'GuardError\(\s*"([a-z0-9_]+)"', source))
    assert len(raised) > 20
    assert raised - set(register_words.GUARDS) == set()


def test_an_error_without_words_is_still_told() -> None:
    class NewError(RegisterError):
        code = "new"

    assert register_words.told(NewError("what it says"), str.__mod__) == "what it says"
    told = register_words.told(GuardError("text_missing", "reason is missing", field="reason"), _english)
    assert told == "A text is missing: Reason."


def _english(text: str, **parameters: object) -> str:
    return text % parameters if parameters else text
