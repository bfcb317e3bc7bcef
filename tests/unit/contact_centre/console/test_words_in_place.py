"""No text for people stands in a template or a script itself: it would be shown in every language alike."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

from contact_centre.console.languages import CATALOGUES

CONSOLE = CATALOGUES.parent
TEMPLATES = sorted(CONSOLE.glob("*/templates/*.html"))
SCRIPTS = sorted(one for one in CONSOLE.glob("*/*.js") if one.parent.name != "vendor")

TOLD = {"alt", "aria-label", "aria-description", "placeholder", "title", "value"}
"""Attributes that people are told."""
NAMES = re.compile(r"Esc|Enter|Tab|Shift|Ctrl|Alt|F\d+|UK|EN|CSV|FLAC|SIP|SMS|OK|km|px|[a-z-]+@[a-z.]+")
"""What is the same in every language: keys, formats."""
WORD = re.compile(r"[^\W\d_]{2,}")
CLASSES = re.compile(r"\{% block kind %\}.*?\{% endblock %\}")
"""The block of the layout that is an attribute."""

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""",
    re.DOTALL,
)
SENTENCE = re.compile(r"[A-Z][a-z]+(,? [a-z]+)+")
CYRILLIC = re.compile(r"[Ѐ-ӿ]")
SHOWN = re.compile(
    r"""(?:\.(?:textContent|innerText|innerHTML|title|placeholder|ariaLabel)\s*=\s*|\b(?:alert|confirm|prompt)\(\s*"""
    r"""|setAttribute\(\s*["'](?:aria-label|title|placeholder|alt)["']\s*,\s*|\.append\(\s*)(["'`])((?:(?!\1).)+)\1"""
)


class _Told(HTMLParser):
    """What a page says to people."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        buttons = {name: value for name, value in attrs if name != "value" or tag == "input"}
        self.texts += [value for name, value in buttons.items() if name in TOLD and value]
        if tag == "input" and (dict(attrs).get("type") or "text") not in {"submit", "button", "reset"}:
            self.texts = [one for one in self.texts if one != dict(attrs).get("value")]
        self._silent += tag in {"script", "style", "code"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style", "code"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def skeleton(source: str) -> str:
    """A template with nothing of what it puts in, nor of what it translates as a block."""
    kept, block = [], False
    translated = False
    for _, kind, text in Environment(autoescape=True).lex(CLASSES.sub("", source)):
        if kind == "data" and not translated:
            kept.append(text)
        elif kind == "variable_begin":
            kept.append(" ")
        elif kind == "block_begin":
            block = True
        elif block and kind == "name":
            translated = text in {"trans", "pluralize"} or (translated and text != "endtrans")
            block = False
        elif kind == "block_end":
            block = False
    return "".join(kept)


def said_by_template(source: str) -> list[str]:
    """The words that stand in a template itself."""
    parser = _Told()
    parser.feed(skeleton(source))
    said = (NAMES.sub("", text) for text in parser.texts)
    return [text.strip() for text in said if WORD.search(text)]


def said_by_script(source: str) -> list[str]:
    """The literals of a script that are written for people."""
    return [*_literals(source), *(shown[2] for shown in SHOWN.finditer(source) if WORD.search(_fixed(shown[2])))]


def _literals(source: str) -> Iterator[str]:
    for token in TOKEN.findall(source):
        if not token.startswith("/") and (CYRILLIC.search(token) or SENTENCE.match(token[1:-1])):
            yield token


def _fixed(literal: str) -> str:
    """A template literal without what it puts in."""
    return re.sub(r"\$\{[^}]*\}", "", literal)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(CONSOLE).as_posix())
def test_a_template_says_nothing_itself(path: Path) -> None:
    assert said_by_template(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(CONSOLE).as_posix())
def test_a_script_gets_its_words_from_the_page(path: Path) -> None:
    assert said_by_script(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Save it</p>",
        "<p>{{ name }} waits</p>",
        '<button aria-label="Close">x</button>',
        '<input type="submit" value="Send">',
        "{% if x %}Нікого{% endif %}",
    ],
)
def test_words_in_a_template_are_found(source: str) -> None:
    assert len(said_by_template(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '<p>{{ _("Save it") }}</p>',
        "<p>{% trans %}Save it{% endtrans %}</p>",
        "<kbd>F9</kbd>",
        '<button name="act" value="register">{{ word }}</button>',
        '<input type="hidden" value="yes">',
        "{# Save it #}<code>value</code>",
    ],
)
def test_words_that_are_translated_and_words_for_programs_are_not(source: str) -> None:
    assert said_by_template(source) == []


@pytest.mark.parametrize(
    "source",
    [
        'place.textContent = "waits";',
        "button.title = `${count} calls`;",
        'throw new Error("Nobody is there");',
        'const text = "Нікого";',
        'if (confirm("sure?")) go();',
        'row.setAttribute("aria-label", "remove");',
    ],
)
def test_words_in_a_script_are_found(source: str) -> None:
    assert said_by_script(source)


@pytest.mark.parametrize(
    "source",
    [
        "// Nobody is there: Нікого",
        'place.textContent = texts.get("waits");',
        'list.append(" · ");',
        'document.querySelector("details.person, details.choose");',
        "place.textContent = `${hours}:${minutes}`;",
    ],
)
def test_what_a_script_takes_from_the_page_is_not(source: str) -> None:
    assert said_by_script(source) == []
