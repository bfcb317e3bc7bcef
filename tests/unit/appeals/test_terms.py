"""Search terms: what makes two spellings the same, and that no text is too strange."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appeals.terms import APOSTROPHES, LONGEST_WORD, MOST_ASKED, asked, indexed, words

UKRAINIAN = st.text(alphabet="абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАЇҐЄ'’ʼ -15№,.", max_size=60)


def meant(text: str) -> list[frozenset[str]]:
    return [word.terms for word in asked(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("води", "вода"),
        ("у під'їзді", "під’їзду"),
        ("ЛІФТ", "ліфта"),
        ("ґанок", "ганок"),
        ("Ковальчук", "Ковальчуку"),
        ("Бабюк", "Бабюка"),
        ("15а", "15-А"),
        ("15a", "15а"),
        ("елка", "ёлка"),
        ("во\u0301ду", "воду"),
        ("во\u00adда", "вода"),
        ("ﬁre", "fire"),
    ],
)
def test_what_people_mean_the_same_by_shares_a_term(one: str, other: str) -> None:
    assert indexed(one) & indexed(other)


@pytest.mark.parametrize(("one", "other"), [("вода", "ліфт"), ("15а", "15б"), ("15а", "16а"), ("труба", "трубач")])
def test_what_differs_shares_none(one: str, other: str) -> None:
    assert not frozenset().union(*meant(one)) & indexed(other)


def test_every_dictionary_form_of_an_ambiguous_word_counts() -> None:
    assert indexed("води") == {"вода", "водити"}


def test_a_word_that_the_dictionary_lacks_counts_as_it_stands_too() -> None:
    assert "вывозят" in indexed("вывозят")
    assert indexed("water") == {"water"}


def test_a_house_with_a_letter_is_found_by_its_number_and_not_the_other_way() -> None:
    assert indexed("15а") == {"15а", "15"}
    assert meant("15а") == [{"15а"}]
    assert meant("15") == [{"15"}]


@pytest.mark.parametrize("text", ["будинок 15 А", "о 15 в парку"])
def test_a_letter_apart_may_be_a_house_and_may_be_a_word(text: str) -> None:
    assert {"15"} in meant(text)
    assert "15" in indexed(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("вода у під'їзді", ["вода", "підїзді"]), ("вул. Руська", ["руська"]), ("на вулиці Руській", ["руській"])],
)
def test_a_question_does_without_stop_words(text: str, expected: list[str]) -> None:
    assert [word.written for word in asked(text)] == expected


def test_a_question_of_nothing_but_stop_words_keeps_them() -> None:
    assert [word.written for word in asked("на у")] == ["на", "у"]


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
def test_an_apostrophe_is_one_between_letters_only(apostrophe: str) -> None:
    assert indexed(f"{apostrophe}вода{apostrophe} під{apostrophe}їзд") == {"вода", "підїзд"}


def test_length_is_bounded() -> None:
    assert len(asked("вода ліфт труба " * 1000)) == MOST_ASKED
    assert all(len(term) <= LONGEST_WORD + 3 for term in indexed("щ" * 100_000))
    assert len(indexed(" ".join(f"слово{number}" for number in range(10_000)))) < 5_000


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_terms_that_engines_take_for_one_word_each(text: str) -> None:
    for term in indexed(text):
        assert re.fullmatch(r"[^\W_]+", term), term
        assert term == unicodedata.normalize("NFC", term)


@settings(deadline=None)
@given(UKRAINIAN)
def test_a_text_is_found_by_each_of_its_own_words(text: str) -> None:
    found = indexed(text)
    assert all(word.terms & found for word in words(text))
    assert all(word.terms & found for word in asked(text))


@settings(deadline=None)
@given(UKRAINIAN, st.sampled_from(APOSTROPHES))
def test_case_and_apostrophes_do_not_matter(text: str, apostrophe: str) -> None:
    other = text.upper().replace("’", apostrophe).replace("'", apostrophe)
    assert indexed(other) == indexed(text)
