"""Addresses as people say them, brought to the city's streets and districts. Pure.

Names are compared without case, apostrophes and marks of stress, ґ is г, and Latin letters that look Cyrillic are
Cyrillic. Former names lead to today's street. What is not certain is not decided: several streets that fit are none,
and the operator chooses among the suggestions.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Final

from appeals.reference import Street
from appeals.terms import APOSTROPHES

FEWEST_LETTERS: Final = 2
"""Fewer typed letters suggest nothing."""
LONGEST_ADDRESS: Final = 300
"""Characters of an address that are looked at."""

_KINDS: Final[Mapping[str, str]] = {
    written: kind
    for kind, spellings in {
        "вулиця": "вул вулиця вулиці ул",
        "проспект": "проспект просп пр пр-т проспекту",
        "бульвар": "бульвар бульв б-р бульвару",
        "провулок": "провулок пров провулку",
        "площа": "площа пл площі",
        "узвіз": "узвіз",
        "проїзд": "проїзд",
        "шосе": "шосе",
    }.items()
    for written in spellings.split()
}
_NOT_NAMES: Final = frozenset(["м", "місто", "чернівці", "буд", "будинок"])
_TYPED: Final = str.maketrans(dict.fromkeys(APOSTROPHES, "") | {"№": " "})
_ALIKE: Final = str.maketrans("ґёaceiopxyï", "геасеіорхуї")
_FLAT: Final = re.compile(r"\b(?:кв|квартира|оф|офіс)\b[.\s№]*(\d{1,4}[^\W\d_]?)\b")
_TOKEN: Final = re.compile(
    r"(?P<house>\d{1,4}(?:-?[^\W\d_](?![^\W_])|\s[^\W\d_](?=\s*(?:,|$)))?(?:/\d{1,4}(?:-?[^\W\d_](?![^\W_]))?)?)"
    r"|пр-т|б-р|[^\W\d_]+"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What an address says. ``street`` is None if no street of the city, or more than one, fits.

    ``house`` is a number with its letter and fraction (``45а``, ``45/2``); ``district`` is the code of the district,
    None if street and house do not decide it.
    """

    street: Street | None
    house: str | None
    flat: str | None
    district: str | None

    @property
    def written(self) -> str | None:
        """The address as the city writes it, up to the house; None without a street."""
        if self.street is None:
            return None
        return self.street.name if self.house is None else f"{self.street.name}, {self.house}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A street for what was typed; ``former`` is the old name that fitted, None if today's did."""

    street: Street
    former: str | None


def parse(text: str, streets: Mapping[str, Street]) -> Place:
    """Read an address: ``Головна, 45``, ``вул. Головна 45а кв. 2``, ``О. Кобилянської 12/3``, a street's old name."""
    plain = _plain(text)
    flat = _FLAT.search(plain)
    tokens = _tokens(_FLAT.sub(" ", plain))
    named = next((at for at, one in enumerate(tokens) if _is_name(one)), len(tokens))
    ends = [at for at, one in enumerate(tokens) if at > named and one[0].isdigit()] or [len(tokens)]
    fitting = ((end, _find(tokens[:end], streets)) for end in ends)
    end, street = next(((end, street) for end, street in fitting if street is not None), (ends[0], None))
    house = tokens[end] if end < len(tokens) else None
    district = None if street is None else district_of(street, house)
    return Place(street, house, None if flat is None else flat[1], district)


def suggest(text: str, streets: Mapping[str, Street], limit: int = 10) -> tuple[Suggestion, ...]:
    """Streets for the words, or beginnings of words, that were typed so far; today's names before former ones."""
    kind, words = _sorted_out(_tokens(_plain(text)))
    if sum(map(len, words)) < FEWEST_LETTERS:
        return ()
    found = []
    for street in streets.values():
        for name, former in _names(street):
            of_kind, of_name = _taken_apart(name)
            if _agree(kind, of_kind) and _fit(words, of_name, str.startswith):
                order = (former is not None, not of_name[0].startswith(words[0]), street.name)
                found.append((order, Suggestion(street, former)))
                break
    return tuple(suggestion for _, suggestion in sorted(found, key=lambda one: one[0])[:limit])


def district_of(street: Street, house: str | None) -> str | None:
    """The district of a house, by its number; without a house, of a street that lies in one district as a whole."""
    number = None if house is None else int("".join(takewhile(str.isdigit, house)))
    for code, ranges in street.districts.items():
        if not ranges or (number is not None and any(first <= number <= last for first, last in ranges)):
            return code
    return None


def _plain(text: str) -> str:
    """Lower case, composed, without apostrophes, stress and what cannot be seen."""
    composed = unicodedata.normalize("NFKC", text[:LONGEST_ADDRESS].translate(_TYPED)).casefold()
    kept = (one for one in composed if unicodedata.category(one) not in {"Mn", "Cf"})
    return "".join(kept).translate(_ALIKE)


def _tokens(plain: str) -> list[str]:
    """Words, and numbers with what belongs to them; a number begins with a digit."""
    return [
        "".join(found[0].split()).replace("-", "") if found["house"] else found[0] for found in _TOKEN.finditer(plain)
    ]


def _is_name(token: str) -> bool:
    return token[0].isalpha() and token not in _KINDS and token not in _NOT_NAMES


def _sorted_out(tokens: Sequence[str]) -> tuple[str | None, list[str]]:
    """The kind of street that is named, and the words of its name."""
    kind = next((_KINDS[one] for one in tokens if one in _KINDS), None)
    return kind, [one for one in tokens if one not in _KINDS and one not in _NOT_NAMES]


@lru_cache(maxsize=8192)
def _taken_apart(name: str) -> tuple[str | None, tuple[str, ...]]:
    """The kind and the words of a street's name; there are many streets, and their names do not change."""
    kind, words = _sorted_out(_tokens(_plain(name)))
    return kind, tuple(words)


def _names(street: Street) -> Iterator[tuple[str, str | None]]:
    """Every name that a street goes by; the second says which of the former ones it is."""
    yield street.name, None
    for former in street.former:
        yield former, former


def _find(tokens: Sequence[str], streets: Mapping[str, Street]) -> Street | None:
    """The one street of this name: the whole name before a part of it, today's before a former one."""
    kind, words = _sorted_out(tokens)
    ranks: dict[tuple[bool, bool], dict[str, Street]] = {}
    for street in streets.values():
        for name, former in _names(street):
            of_kind, of_name = _taken_apart(name)
            if _agree(kind, of_kind) and _fit(words, of_name, _same_or_initial):
                rank = (sorted(words) != sorted(of_name), former is not None)
                ranks.setdefault(rank, {})[street.code] = street
    best = ranks[min(ranks)] if ranks else {}
    return next(iter(best.values())) if len(best) == 1 else None


def _agree(kind: str | None, of_kind: str | None) -> bool:
    return kind is None or of_kind in {None, kind}


def _fit(words: Sequence[str], name: Sequence[str], alike: Callable[[str, str], bool]) -> bool:
    """Every word stands for another one of the name, and at least one for more than an initial."""
    left = list(name)
    for word in words:
        fitting = next((one for one in left if alike(one, word)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return any(len(word) > 1 for word in words)


def _same_or_initial(of_name: str, written: str) -> bool:
    return written == of_name or (len(written) == 1 and of_name.startswith(written))
