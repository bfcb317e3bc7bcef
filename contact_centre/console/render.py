"""Templates: one environment for each language, everything escaped, everything that is missing an error."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from appeals import deadlines
from appeals.numbers import format_number
from appeals.reference import Name
from contact_centre.console.formats import day, duration, moment
from contact_centre.console.languages import LANGUAGES, translations
from contact_centre.console.sessions import Stage
from contact_centre.console.words import word

if TYPE_CHECKING:
    from contact_centre.console.assets import Assets
    from contact_centre.console.route import Asked

_HERE: Final = Path(__file__).parent
THEMES: Final = ("auto", "light", "dark")


@cache
def environment(language: str) -> Environment:
    """Templates in a language. ``desk/card.html`` is ``desk/templates/card.html``; ``base`` needs no name."""
    parts = {one.parent.name: FileSystemLoader(one) for one in _HERE.glob("*/templates")}
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(_HERE / "base" / "templates"), PrefixLoader(parts)]),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    gettext = translations(language).gettext

    def named(name: Name) -> str:
        return str(getattr(name, language))

    filters: Mapping[str, Callable[..., str]] = {
        "moment": moment,
        "day": day,
        "duration": duration,
        "telephone": format_number,
        "word": lambda value: gettext(word(value)),
        "named": named,
        "span": lambda told: deadlines.span(told, language),
    }
    made.filters.update(filters)
    return made


class Renderer:
    """Renders for one request: a language, a theme, and where things are."""

    def __init__(self, assets: "Assets", base: str, language: str, theme: str) -> None:
        self.language = language
        self.theme = theme
        self._environment = environment(language)
        self._static = f"{base}/static/{assets.digest}"
        self._gettext = translations(language).gettext

    def words(self, text: str, **parameters: object) -> str:
        """A text in this language."""
        told = self._gettext(text)
        return told % parameters if parameters else told

    def page(self, template: str, asked: "Asked", values: Mapping[str, Any]) -> str:
        """A whole page."""
        return self._environment.get_template(template).render(
            asked=asked,
            session=asked.session,
            language=self.language,
            languages=LANGUAGES,
            theme=self.theme,
            themes=THEMES,
            static=self._static,
            url=asked.console.address,
            here=asked.request.path_qs,
            menu=_menu(asked),
            **values,
        )


def _menu(asked: "Asked") -> list[tuple[str, str, bool]]:
    """What leads to the pages that the person may use: text, address, and whether the page is there."""
    session, path = asked.session, asked.request.path
    if session is None or session.stage is not Stage.IN:
        return []
    return [
        (asked.words(route.menu), address, path == address or path.startswith(f"{address}/"))
        for route in asked.console.routes.values()
        if route.menu is not None and route.roles is not None and not route.roles.isdisjoint(session.person.roles)
        for address in [asked.console.address(route.name)]
    ]
