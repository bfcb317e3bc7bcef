"""The languages of the console. English is what code and templates say; Ukrainian, which comes first, a catalogue.

The catalogue is compiled when it is loaded: what is edited and what is shown cannot differ.
"""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = {"uk": "Українська", "en": "English"}
"""Code and own name, the first is shown to whoever has not chosen."""
DEFAULT: Final = next(iter(LANGUAGES))
SOURCE: Final = "en"
CATALOGUES: Final = Path(__file__).parent / "locale"


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Marks a text that is translated where it is shown."""
    return text


def catalogue(language: str) -> Catalog:
    """The catalogue of a language as it is edited."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@cache
def translations(language: str) -> NullTranslations:
    """What turns the texts of code and templates into a language."""
    if language == SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)
