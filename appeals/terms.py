"""Ukrainian text as search terms, the same for what is indexed and what is asked.

Neither SQLite's FTS5 nor PostgreSQL knows Ukrainian, so words are brought to their dictionary forms here (pymorphy3)
and both index plain terms. A term is a run of letters and digits, in lower case, without apostrophes; ґ is г and
ё is е, as people without the key type them. Every dictionary form of an ambiguous word counts: ``води`` is ``вода`` and
``водити``. What the dictionary does not know (names, other languages) counts as it stands and as it would be declined.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer

LONGEST_TEXT: Final = 10_000
"""Characters of a text that are looked at; an appeal's description is far shorter."""

MOST_WORDS: Final = 1_500
"""Words of a text that are looked at: of words that nobody has seen before, a tenth of a second."""

LONGEST_QUESTION: Final = 300
"""Characters of a question that are looked at."""

MOST_ASKED: Final = 12
"""Words of a question that count."""

LONGEST_WORD: Final = 40
"""Letters of a word that count; those of longer ones are no language."""

APOSTROPHES: Final = "'’‘ʼʻ`´′‛ʹ＇"
"""What people, keyboards and word processors write for the apostrophe."""

_FUNCTION_WORDS: Final = """
    а або але без би бо в вже ви від воно вони все де для до ж за з зі й його є же і із її їх коли ми на над не ні ніж о
    об от по при про та так також те ти то у уже це цей ця чи що щоб я як якщо
"""
_BEFORE_NAMES: Final = (
    "вул вулиця просп проспект пр пров провулок бульв бульвар пл площа буд будинок кв квартира м місто"
)
STOP_WORDS: Final = frozenset(f"{_FUNCTION_WORDS} {_BEFORE_NAMES}".split())
"""What a question does without as long as it has other words: function words, and what stands before an address."""

_TYPED: Final = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | {"№": " "})
_TOKEN: Final = re.compile(
    r"(?P<house>[0-9]{1,4})(?P<between>-|\s?)(?P<letter>[^\W\d_])(?![^\W_])"  # 15а, 15-а, 15 А
    r"|[0-9]+"
    r"|[^\W\d_](?:[^\W_]|'(?=[^\W\d_]))*"
)
_ODD: Final = re.compile(r"[^\w\s!-~]")
"""What may be a mark or invisible, and must be looked at."""
_ALIKE: Final = str.maketrans("aceiopxyï", "асеіорхуї")
"""Latin letters that look like Cyrillic ones; whoever has the wrong keyboard does not see it."""
_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")
_LATIN: Final = re.compile(r"[a-zà-ɏ]")
_PLAIN: Final = str.maketrans({"ґ": "г", "ё": "е", "'": ""})

_loading: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text. ``written``: as it stands. ``terms``: whoever asks for the word asks for any of these.

    ``wider``: further terms under which the word is found: the house 15а also under 15.
    """

    written: str
    terms: frozenset[str]
    wider: frozenset[str] = frozenset()


def load() -> None:
    """Have the dictionary in memory: 30 MiB and a third of a second. Otherwise the first word waits for it."""
    _forms("слово")


def words(text: str) -> Iterator[Word]:
    """The words of a text, in order; of a compound with a hyphen, its parts."""
    for found in islice(_TOKEN.finditer(_normal(text)), MOST_WORDS):
        if found["house"]:
            number, letter = found["house"], found["letter"].translate(_ALIKE).translate(_PLAIN)
            short, whole = frozenset({number}), frozenset({number + letter})
            apart = found["between"].isspace()  # perhaps a house, perhaps "о 15 в парку"
            yield Word(number + letter, short, whole) if apart else Word(number + letter, whole, short)
        else:
            yield _word(found[0][:LONGEST_WORD])


def indexed(text: str | None) -> frozenset[str]:
    """Every term under which a text is to be found."""
    return frozenset().union(*(word.terms | word.wider for word in words(text or "")))


def asked(text: str) -> tuple[Word, ...]:
    """The words of a question, stop words left out unless there are no others."""
    every = tuple(islice(words(text[:LONGEST_QUESTION]), MOST_ASKED))
    return tuple(word for word in every if word.written not in STOP_WORDS and not word.terms <= STOP_WORDS) or every


def _normal(text: str) -> str:
    """Lower case, one kind of apostrophe, composed letters, no marks of stress, nothing that cannot be seen."""
    composed = unicodedata.normalize("NFKC", text[:LONGEST_TEXT].translate(_TYPED)).casefold()
    return _ODD.sub(_seen, unicodedata.normalize("NFC", composed))


def _seen(found: re.Match[str]) -> str:
    return "" if unicodedata.category(found[0]) in {"Mn", "Cf"} else found[0]


@lru_cache(maxsize=8_192)
def _word(written: str) -> Word:
    if _CYRILLIC.search(written):
        written = written.translate(_ALIKE)
    plain = written.translate(_PLAIN)
    if not _CYRILLIC.search(written) or _LATIN.search(written):
        return Word(plain, frozenset({plain}))
    return Word(plain, frozenset(form.translate(_PLAIN) for form in _forms(written)))


def _forms(written: str) -> set[str]:
    """The dictionary forms of a Ukrainian word; of one that is not in the dictionary, also itself."""
    analyser = _analyser()
    forms = set(analyser.normal_forms(written))
    return forms if analyser.word_is_known(written) else forms | {written}


def _analyser() -> "MorphAnalyzer":
    with _loading:
        return _loaded()


@cache
def _loaded() -> "MorphAnalyzer":
    from pymorphy3 import MorphAnalyzer  # noqa: PLC0415 - only who searches or indexes pays for it

    return MorphAnalyzer(lang="uk")
