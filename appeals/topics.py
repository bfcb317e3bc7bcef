"""Which categories are meant by what an operator has typed so far. Pure."""

from collections.abc import Iterator
from typing import Final

from appeals import terms
from appeals.reference import Category, Reference

FEWEST_LETTERS: Final = 2
"""So many letters say something."""


def suggest(text: str, reference: Reference, limit: int = 8) -> tuple[Category, ...]:
    """The categories in which every word, or beginning of a word, is found, in any form, the closest first.

    A word in the name is closer than one among the keywords, and that than one in the name of the group.
    """
    asked = terms.asked(text)
    if sum(len(word.written) for word in asked) < FEWEST_LETTERS:
        return ()
    found = [
        (closeness, place, category)
        for place, category in enumerate(reference.categories.values())
        if category.parent is not None and (closeness := _closeness(asked, category, reference)) is not None
    ]
    return tuple(category for _, _, category in sorted(found, key=lambda one: one[:2])[:limit])


def _closeness(asked: tuple[terms.Word, ...], category: Category, reference: Reference) -> int | None:
    """The sum of how far each word was to be looked for; None if one is not there at all."""
    far = 0
    told = [_words(text) for text in _texts(category, reference)]
    for word in asked:
        places = (place for place, words in enumerate(told) if any(_is(word, other) for other in words))
        place = next(places, None)
        if place is None:
            return None
        far += place
    return far


def _texts(category: Category, reference: Reference) -> Iterator[str]:
    group = reference.categories[str(category.parent)]
    yield f"{category.name.uk} {category.name.en}"
    yield " ".join(category.keywords)
    yield f"{group.name.uk} {group.name.en}"


def _words(text: str) -> tuple[terms.Word, ...]:
    return tuple(terms.words(text))


def _is(asked: terms.Word, word: terms.Word) -> bool:
    return word.written.startswith(asked.written) or not asked.terms.isdisjoint(word.terms)
