"""Addresses as people type them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appeals.places import district_of, parse, suggest
from appeals.reference import Street

STREETS = {
    street.code: street
    for street in (
        Street("holovna", "вулиця Головна", ("вулиця Леніна",), {"center": ((1, 99),), "south": ((100, 400),)}),
        Street("kobylianskoi", "вулиця Ольги Кобилянської", ("Панська",), {"center": ()}),
        Street("teatralna", "вулиця Театральна"),
        Street("teatralna_pl", "Театральна площа", ("площа Фердинанда",), {"center": ()}),
        Street("nezalezhnosti", "проспект Незалежності"),
        Street("pivdenno", "вулиця Південно-Кільцева", (), {"south": ()}),
        Street("28_chervnia", "вулиця 28 Червня"),
        Street("gete", "вулиця Гете"),
        Street("herojiv", "бульвар Героїв Крут", ("бульвар Героїв Сталінграда",)),
        Street("pidyizna", "вулиця Під'їзна"),
        Street("franka_i", "вулиця Івана Франка"),
        Street("franka_p", "провулок Івана Франка"),
        Street("svobody", "площа Свободи", ("вулиця Стара",)),
        Street("stara", "вулиця Стара"),
    )
}


Read = tuple[str | None, str | None, str | None]


def read(text: str) -> Read:
    found = parse(text, STREETS)
    return None if found.street is None else found.street.code, found.house, found.flat


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Головна, 45", ("holovna", "45", None)),
        ("вул. Головна 45а", ("holovna", "45а", None)),
        ("вул.Головна,45-А", ("holovna", "45а", None)),
        ("ГОЛОВНА 45 а", ("holovna", "45а", None)),
        ("Головна 45 a, кв. 12", ("holovna", "45а", "12")),
        ("Головна 45 в дворі", ("holovna", "45", None)),
        ("м. Чернівці, вулиця Головна, буд. № 45/2, квартира 7б", ("holovna", "45/2", "7б")),
        ("Головна́ 5", ("holovna", "5", None)),
        ("Леніна 5", ("holovna", "5", None)),
        ("О. Кобилянської, 12", ("kobylianskoi", "12", None)),
        ("Кобилянської Ольги 12", ("kobylianskoi", "12", None)),
        ("Кобилянської", ("kobylianskoi", None, None)),
        ("вулиця Панська 3", ("kobylianskoi", "3", None)),
        ("площа Театральна, 1", ("teatralna_pl", "1", None)),
        ("вул. Театральна 1", ("teatralna", "1", None)),
        ("пр-т Незалежності 106", ("nezalezhnosti", "106", None)),
        ("Південно Кільцева 1", ("pivdenno", "1", None)),
        ("Південно-Кільцева, 1", ("pivdenno", "1", None)),
        ("вул. 28 Червня, 5", ("28_chervnia", "5", None)),
        ("28 Червня", ("28_chervnia", None, None)),
        ("Ґете 3", ("gete", "3", None)),
        ("б-р Героїв Сталінграда 9", ("herojiv", "9", None)),
        ("Підʼїзна 4", ("pidyizna", "4", None)),
        ("вул. Під’їзна 4", ("pidyizna", "4", None)),
        ("вул. Стара 4", ("stara", "4", None)),
    ],
)
def test_an_address_is_read_however_it_is_written(
    text: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "house"),
    [
        ("Театральна 1", "1"),
        ("Франка 7", "7"),
        ("І. 7", "7"),
        ("проспект Головна 7", "7"),
        ("біля базару", None),
        ("вул. 5", None),
        ("Головна Ринкова 5", "5"),
        ("", None),
    ],
)
def test_what_fits_no_street_or_several_is_not_decided(text: str, house: str | None) -> None:
    found = parse(text, STREETS)
    assert (found.street, found.house, found.district, found.written) == (None, house, None, None)


@pytest.mark.parametrize(
    ("text", "district", "written"),
    [
        ("Головна 99а", "center", "вулиця Головна, 99а"),
        ("Головна 100", "south", "вулиця Головна, 100"),
        ("Головна 500", None, "вулиця Головна, 500"),
        ("Головна", None, "вулиця Головна"),
        ("Кобилянської 900", "center", "вулиця Ольги Кобилянської, 900"),
        ("Кобилянської", "center", "вулиця Ольги Кобилянської"),
        ("Гете 1", None, "вулиця Гете, 1"),
    ],
)
def test_street_and_house_decide_the_district_where_they_can(text: str, district: str | None, written: str) -> None:
    found = parse(text, STREETS)
    assert (found.district, found.written) == (district, written)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("го", [("holovna", None)]),
        ("ко", [("kobylianskoi", None)]),
        ("те", [("teatralna_pl", None), ("teatralna", None)]),
        ("пл теа", [("teatralna_pl", None)]),
        ("гер", [("herojiv", None)]),
        ("стал", [("herojiv", "бульвар Героїв Сталінграда")]),
        ("стар", [("stara", None), ("svobody", "вулиця Стара")]),
        ("ів фр", [("franka_i", None), ("franka_p", None)]),
        ("ЛЕ", [("holovna", "вулиця Леніна")]),
        ("підʼї", [("pidyizna", None)]),
        ("г", []),
        ("вул", []),
        ("", []),
        ("ъъ", []),
    ],
)
def test_two_typed_letters_suggest_streets(typed: str, expected: list[tuple[str, str | None]]) -> None:
    assert [(one.street.code, one.former) for one in suggest(typed, STREETS)] == expected


def test_no_more_is_suggested_than_was_asked_for() -> None:
    assert [one.street.code for one in suggest("ів", STREETS, limit=1)] == ["franka_i"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_whatever_is_typed_is_an_address_or_none(text: str) -> None:
    found = parse(text, STREETS)
    assert found.district is None or found.street is not None
    assert len(suggest(text, STREETS)) <= 10


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(STREETS)), st.integers(1, 9999), st.sampled_from(["", "а", "-Б", "/2", " в"]))
def test_an_address_in_the_citys_own_words_is_found_again(code: str, number: int, suffix: str) -> None:
    found = parse(f"{STREETS[code].name}, {number}{suffix}", STREETS)
    assert found.street is STREETS[code]
    assert found.house is not None
    assert parse(str(found.written), STREETS) == found
    assert found.district == district_of(STREETS[code], str(number))
