"""The city's files: what ships is whole, and whatever is wrong with a change is named, all of it, with file and key."""

import contextlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appeals.clocks import sla
from appeals.messages import PLACEHOLDERS
from appeals.model import Kind
from appeals.places import parse
from appeals.reference import CITY_TIME, LANGUAGES, Hours, Reference, Span, Unit, Urgency
from appeals.reference_check import TEMPLATES
from appeals.reference_files import FILES, SHIPPED, ReferenceFilesError, read, read_folder, version
from appeals.routing import propose

NOW = datetime(2026, 11, 23, 10, tzinfo=CITY_TIME)
PLACES = ", ".join(PLACEHOLDERS)
TEXTS = {name: (SHIPPED / name).read_text("utf-8") for name in FILES}


@pytest.fixture(scope="module")
def shipped() -> Reference:
    return read(TEXTS)


def problems(file: str, change: Callable[[str], str]) -> list[str]:
    """What is said about the shipped files after a change to one of them."""
    changed = change(TEXTS[file])
    assert changed != TEXTS[file]
    with pytest.raises(ReferenceFilesError) as raised:
        read({**TEXTS, file: changed})
    return str(raised.value).splitlines()


def swap(before: str, after: str) -> Callable[[str], str]:
    return lambda text: text.replace(before, after, 1)


def added(text: str) -> Callable[[str], str]:
    return lambda before: f"{before}\n{text}"


# ---- What ships


def test_the_shipped_tree_has_two_levels_and_every_topic_of_the_city(shipped: Reference) -> None:
    groups = [one.code for one in shipped.categories.values() if one.parent is None]
    assert groups == [
        "emergency",
        "housing",
        "improvement",
        "health",
        "education",
        "social",
        "transport",
        "counselling",
        "information",
        "other",
    ]
    leaves = [one for one in shipped.categories.values() if one.parent is not None]
    assert len(leaves) > 50
    assert {one.parent for one in leaves} == set(groups)
    assert {one.kind for one in leaves} == set(Kind)
    assert {one.urgency for one in leaves} == set(Urgency)
    assert all(one.name.uk != one.name.en and one.keywords for one in leaves)


def test_every_shipped_category_leads_to_a_service_or_to_the_operator(shipped: Reference) -> None:
    for category in shipped.categories.values():
        if category.parent is not None:
            found = propose(shipped, category.code, None, NOW, category.service)
            assert found.service != category.service or category.service is None
            usual = propose(shipped, category.code, None, NOW, None)
            assert (usual.service is None) == (category.urgency is Urgency.C and category.service is None)


def test_only_numbers_that_are_the_same_everywhere_are_shipped(shipped: Reference) -> None:
    phones = {one.phone for one in shipped.services.values()} | {
        rung.phone for one in shipped.services.values() for rung in one.ladder
    }
    assert phones == {None, "101", "102", "103", "104", "112", "1547"}
    assert not any(one.email or one.address or one.endpoint for one in shipped.services.values())


def test_counselling_and_violence_are_restricted_and_a_crisis_is_only_counted(shipped: Reference) -> None:
    desks = {one.code: one.desk for one in shipped.categories.values() if one.desk}
    assert desks == {
        "education.violence": "violence",
        "social.domestic_violence": "violence",
        "counselling.session": "counselling",
        "counselling.crisis": "counselling",
    }
    assert [one.code for one in shipped.categories.values() if one.no_text] == ["counselling.crisis"]


def test_office_services_keep_the_citys_week_and_years_of_martial_law_have_no_days_off(shipped: Reference) -> None:
    week = ((time(8), time(12)), (time(13), time(17)))
    assert shipped.calendar.hours == Hours(dict.fromkeys(range(1, 6), week))
    assert shipped.services["social"].hours == shipped.calendar.hours
    assert shipped.calendar.days == {}
    assert shipped.calendar.years == {2022, 2023, 2024, 2025, 2026}
    assert shipped.periods.reopen == timedelta(days=14)


def test_every_promise_and_acceptance_can_be_computed(shipped: Reference) -> None:
    for category in shipped.categories.values():
        for span in filter(None, (category.sla, category.accept_within)):
            assert sla(span, NOW, (), shipped.calendar).at > NOW


def test_the_city_hall_and_an_old_name_are_found(shipped: Reference) -> None:
    assert parse("Центральна площа, 1", shipped.streets).district == "center"
    assert parse("вул. Леніна 5", shipped.streets).written == "вулиця Головна, 5"


def test_every_message_is_there_in_both_languages(shipped: Reference) -> None:
    codes = {code for code, _ in shipped.templates}
    assert set(shipped.templates) == {(code, language) for code in codes for language in LANGUAGES}
    assert {"registered", "forwarded", "extended", "result", "refused", "returned", "not_considered"} <= codes
    assert {"incident_ended", "escalation"} <= codes


# ---- What is read


def test_an_entry_says_what_it_says() -> None:
    service = """
[[service]]
code = "crew"
uk = "Бригада"
en = "Crew"
phone = "+380372588888"
email = "crew@example.org"
endpoint = "crew"
hours = { mon-tue = ["06:00-24:00"], sat = [] }
superior = "vodokanal"
[[service.ladder]]
after = "15min"
uk = "Майстер"
en = "Foreman"
phone = "+380501234567"
"""
    place = (
        '[[street]]\ncode = "nova"\nname = "вулиця Нова"\ndistricts = { center = ["1-99", "102"], south = ["100"] }\n'
    )
    day = '[[day]]\ndate = 2026-08-24\nhours = []\nnote = "День незалежності"\n'
    day += '[[day]]\ndate = 2026-08-29\nhours = ["09:00-13:00"]\nnote = "Перенесено"\n'
    more = {"services.toml": service, "places.toml": place, "calendar.toml": day}
    files = {name: text + more.get(name, "") for name, text in TEXTS.items()}
    files["calendar.toml"] = files["calendar.toml"].replace("14d", "36h", 1).replace("size = 5", "size = 7")
    found = read(files)
    assert (found.periods.reopen, found.periods.incident_size) == (timedelta(hours=36), 7)
    crew = found.services["crew"]
    assert crew.hours.days == {1: ((time(6), time(0)),), 2: ((time(6), time(0)),), 6: ()}
    assert (crew.phone, crew.email, crew.endpoint, crew.superior) == (
        "+380372588888",
        "crew@example.org",
        "crew",
        "vodokanal",
    )
    [rung] = crew.ladder
    assert (rung.after, rung.role.en, rung.phone, rung.email) == (
        Span(15, Unit.MINUTES),
        "Foreman",
        "+380501234567",
        None,
    )
    assert found.streets["nova"].districts == {"center": ((1, 99), (102, 102)), "south": ((100, 100),)}
    assert found.calendar.days == {date(2026, 8, 24): None, date(2026, 8, 29): ((time(9), time(13)),)}
    assert found.calendar.notes[date(2026, 8, 24)] == "День незалежності"


def test_the_version_is_the_digest_of_the_files() -> None:
    assert read(TEXTS).version == read(dict(reversed(TEXTS.items()))).version == version(TEXTS)
    assert version({**TEXTS, "places.toml": TEXTS["places.toml"] + "#"}) != version(TEXTS)


# ---- What is refused


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        (
            "categories.toml",
            swap('service = "vodokanal"', 'service = "vodocanal"'),
            "categories.toml: category emergency.burst_main.service: there is no service 'vodocanal'",
        ),
        (
            "categories.toml",
            swap('code = "emergency.life"', 'code = "emergencies.life"'),
            "categories.toml: category emergencies.life.code: there is no group 'emergencies'",
        ),
        (
            "categories.toml",
            swap('en = "Threat to life"\n', ""),
            "categories.toml: category emergency.life.en: is missing",
        ),
        (
            "categories.toml",
            swap('en = "Threat to life"\n', 'en = " "\n'),
            "categories.toml: category emergency.life.en: string should have at least 1 character",
        ),
        (
            "categories.toml",
            swap('sla = "2h"', 'sla = "2 hours"'),
            (
                "categories.toml: category emergency.burst_main.sla: '2 hours' is no span; write 30min, 2h, 3d,"
                " 4wh (working hours) or 5wd (working days)"
            ),
        ),
        (
            "categories.toml",
            swap('sla = "2h"', 'sla = "9999d"'),
            "categories.toml: category emergency.burst_main.sla: 9999d are more than 3653 days",
        ),
        (
            "categories.toml",
            swap('sla = "2h"\n', ""),
            "categories.toml: category emergency.burst_main.sla: is missing; urgency E1 promises a time",
        ),
        (
            "categories.toml",
            swap('service = "vodokanal"\n', ""),
            (
                "categories.toml: category emergency.burst_main.service: is missing; only what is answered in the call"
                " (urgency C) needs none"
            ),
        ),
        (
            "categories.toml",
            swap('code = "emergency.open_manhole"', 'code = "emergency.burst_main"'),
            "categories.toml: category emergency.burst_main: is there twice",
        ),
        (
            "categories.toml",
            swap('code = "emergency.life"', 'code = "life"'),
            (
                r"categories.toml: category life.code: is not written as it should be"
                r" (^[a-z0-9][a-z0-9_]*\.[a-z0-9][a-z0-9_]*$)"
            ),
        ),
        (
            "categories.toml",
            swap('kind = "operational"', 'kind = "broken"'),
            "categories.toml: category emergency.life.kind: input should be 'consultation', 'operational' or 'formal'",
        ),
        (
            "categories.toml",
            swap("photo = true", 'photo = "yes"'),
            "categories.toml: category emergency.burst_main.photo: input should be a valid boolean",
        ),
        (
            "categories.toml",
            swap('uk = "Загроза життю"', 'ua = "?"\nuk = "Загроза життю"'),
            "categories.toml: category emergency.life.ua: there is no such key",
        ),
        (
            "categories.toml",
            added('[[group]]\ncode = "empty"\nuk = "Порожня"\nen = "Empty"'),
            "categories.toml: group empty: has no category",
        ),
        (
            "categories.toml",
            swap('service = "health"', 'service = "health"\nabout = "health"'),
            "categories.toml: category health.access.service: complaints about 'health' must not go to it (Art. 7)",
        ),
        (
            "categories.toml",
            added(
                '[[category]]\ncode = "other.noise"\nuk = "Скарга на інспекцію"\nen = "About the inspection"\n'
                'kind = "formal"\nurgency = "L"\nservice = "secretariat"\nabout = "inspection"\n'
                '[[route]]\ncategory = "other.noise"\nservice = "secretariat"\noff_duty = "inspection"'
            ),
            "categories.toml: route 3.off_duty: complaints about 'inspection' must not go to it (Art. 7)",
        ),
        (
            "categories.toml",
            added('[[route]]\ncategory = "improvement.noise"\nservice = "inspection"'),
            "categories.toml: route 3: there is another route of improvement.noise for the same district",
        ),
        (
            "categories.toml",
            swap('off_duty = "police_102"', 'off_duty = "municipal_inspection"'),
            "categories.toml: route 1.off_duty: a service cannot stand in for itself",
        ),
        (
            "categories.toml",
            swap('off_duty = "police_102"', 'off_duty = "police"'),
            "categories.toml: route 1.off_duty: there is no service 'police'",
        ),
        (
            "categories.toml",
            swap('off_duty = "police_102"', 'district = "north"'),
            "categories.toml: route 1.district: there is no district 'north'",
        ),
        (
            "categories.toml",
            swap('category = "improvement.noise"', 'category = "improvement.silence"'),
            "categories.toml: route 1.category: there is no category 'improvement.silence'",
        ),
        ("categories.toml", swap('E2 = "30min"\n', ""), "categories.toml: accept_within.E2: is missing"),
        (
            "categories.toml",
            lambda text: f"categories = 1\n{text}",
            "categories.toml: categories: there is no such key",
        ),
        (
            "services.toml",
            swap('hours = "24/7"', 'hours = "always"'),
            'services.toml: service emergency_112.hours: write "24/7", "office" or { mon-fri = ["08:00-17:00"] }',
        ),
        (
            "services.toml",
            swap("mon-sun", "sun-mon"),
            (
                "services.toml: service trolleybus.hours: 'sun-mon' are no weekdays; write mon, mon-fri"
                " (of mon, tue, wed, thu, fri, sat, sun)"
            ),
        ),
        (
            "services.toml",
            swap('mon-sun = ["06:00-23:00"]', 'mon-sun = ["06:00-23:00"], wed = []'),
            "services.toml: service trolleybus.hours: wed is there twice",
        ),
        (
            "services.toml",
            swap('"06:00-23:00"', '"6-23"'),
            "services.toml: service trolleybus.hours: '6-23' is no time of day; write 08:00-17:00",
        ),
        (
            "services.toml",
            swap('"06:00-23:00"', '"22:00-06:00"'),
            (
                "services.toml: service trolleybus.hours: 22:00-06:00 ends before it begins; what goes past midnight is"
                " written as two days"
            ),
        ),
        (
            "services.toml",
            swap('"06:00-23:00"', '"06:00-12:00", "11:00-13:00"'),
            "services.toml: service trolleybus.hours: 06:00-12:00, 11:00-13:00 overlap or are out of order",
        ),
        (
            "services.toml",
            swap('"06:00-23:00"', '"06:00-24:00", "11:00-13:00"'),
            "services.toml: service trolleybus.hours: 06:00-24:00, 11:00-13:00 overlap or are out of order",
        ),
        (
            "services.toml",
            swap('["06:00-23:00"]', '"06:00-23:00"'),
            'services.toml: service trolleybus.hours: write a list such as ["08:00-17:00"]',
        ),
        (
            "services.toml",
            swap('phone = "112"', 'phone = "0372 55-55-55"'),
            (
                "services.toml: service emergency_112.phone: is not written as it should be"
                r" (^(\+[1-9][0-9]{7,14}|[1-9][0-9]{2,4})$)"
            ),
        ),
        (
            "services.toml",
            swap('superior = "energy_regulator"', 'superior = "regulator"'),
            "services.toml: service gas_104.superior: there is no service 'regulator'",
        ),
        (
            "services.toml",
            swap(
                'en = "Executive committee of the city council"',
                'en = "Executive committee"\nsuperior = "secretariat"',
            ),
            "services.toml: service executive_committee.superior: leads back to the service itself",
        ),
        (
            "services.toml",
            lambda text: 'service = "none"' + text[text.index("\n[[service]]") :].replace("[[service", "[[other"),
            "services.toml: service: write every one as [[service]]",
        ),
        (
            "places.toml",
            swap("districts = { center = [] }", "districts = { centre = [] }"),
            "places.toml: street tsentralna_ploshcha.districts: there is no district 'centre'",
        ),
        (
            "places.toml",
            added('[[district]]\ncode = "moon"\nuk = "Місяць"\nen = "Moon"'),
            "places.toml: district moon: nobody has it: no street lies in it and no route names it",
        ),
        (
            "places.toml",
            swap("districts = { center = [] }", 'districts = { center = ["1-99"], south = ["50-60"] }'),
            "places.toml: street tsentralna_ploshcha.districts: houses 50-60 lie in center and in south",
        ),
        (
            "places.toml",
            swap("districts = { center = [] }", 'districts = { center = [], south = ["50-60"] }'),
            "places.toml: street tsentralna_ploshcha.districts: houses 50-60 lie in center and in south",
        ),
        (
            "places.toml",
            swap("districts = { center = [] }", 'districts = { center = ["99-1"] }'),
            "places.toml: street tsentralna_ploshcha.districts.center: '99-1' are no house numbers; write 1-99 or 7",
        ),
        (
            "places.toml",
            swap('name = "вулиця Руська"', 'name = "Вулиця Турецька"'),
            "places.toml: street ruska.name: street turetska has the same name",
        ),
        (
            "calendar.toml",
            swap("mon-fri", "mon-fry"),
            (
                "calendar.toml: calendar.hours: 'mon-fry' are no weekdays; write mon, mon-fri"
                " (of mon, tue, wed, thu, fri, sat, sun)"
            ),
        ),
        (
            "calendar.toml",
            swap('mon-fri = ["08:00-12:00", "13:00-17:00"]', "mon-fri = []"),
            "calendar.toml: hours: the week has no working hours",
        ),
        (
            "calendar.toml",
            swap('[hours]\nmon-fri = ["08:00-12:00", "13:00-17:00"]', 'hours = "office"'),
            "calendar.toml: calendar.hours: these are the hours of the office; write them out",
        ),
        (
            "calendar.toml",
            swap("years = [2022, 2023, 2024, 2025, 2026]", "years = []"),
            "calendar.toml: calendar.years: tuple should have at least 1 item after validation, not 0",
        ),
        (
            "calendar.toml",
            added('[[day]]\ndate = 2027-01-01\nhours = []\nnote = "Новий рік"'),
            "calendar.toml: day 2027-01-01: 2027 is not among the years that the city has decided",
        ),
        (
            "calendar.toml",
            added(2 * '[[day]]\ndate = 2026-01-01\nhours = []\nnote = "Новий рік"\n'),
            "calendar.toml: day 2026-01-01: is there twice",
        ),
        (
            "calendar.toml",
            swap('reopen = "14d"', 'reopen = "14wd"'),
            "calendar.toml: calendar.periods: reopen: 14wd is not in time as it passes; write 15min, 2h or 14d",
        ),
        (
            "calendar.toml",
            swap('reopen = "14d"', 'reclose = "14d"'),
            "calendar.toml: calendar.periods: there is no reclose; there are reopen, ",
        ),
        (
            "calendar.toml",
            swap("incident_size = 5", "incident_size = 0"),
            "calendar.toml: calendar.periods: incident_size: 0 is no number of at least 1",
        ),
        (
            "calendar.toml",
            lambda text: "periods = 1\n" + text[: text.index("[periods]")],
            "calendar.toml: calendar.periods: write it as [periods]",
        ),
        (
            "templates.toml",
            swap("зареєстровано за номером {number}", "зареєстровано за номером {nomer}"),
            f"templates.toml: registered.uk: template registered (uk): text uses {{nomer}}; there are {PLACES}",
        ),
        (
            "templates.toml",
            lambda text: "result = 1\n" + text[: text.index("[result.uk]")] + text[text.index("[refused.uk]") :],
            "templates.toml: result: write it as [result.uk] and [result.en]",
        ),
        (
            "templates.toml",
            swap('short = "Звернення {number} зареєстровано', 'sms = "Звернення {number} зареєстровано'),
            "templates.toml: registered.uk.short: is missing",
        ),
        (
            "templates.toml",
            swap("[result.en]", "[result.pl]"),
            "templates.toml: result.pl: there is no such language; there are uk, en",
        ),
        ("templates.toml", swap("[result.en]", "[result.pl]"), "templates.toml: result.en: is missing"),
        (
            "templates.toml",
            added('[hello.uk]\nsubject = "a"\ntext = "b"\nshort = "c"'),
            f"templates.toml: hello.uk: there is no such message; there are {', '.join(TEMPLATES)}",
        ),
        ("places.toml", lambda _: "[[street", "places.toml: not valid TOML: "),
    ],
)
def test_a_mistake_is_named_with_file_and_key(file: str, change: Callable[[str], str], expected: str) -> None:
    assert any(line.startswith(expected) for line in problems(file, change))


def test_a_mistake_is_told_once_and_not_by_everything_that_names_the_same() -> None:
    assert problems("services.toml", swap('hours = { mon-sun = ["06:00-23:00"] }', 'hours = "?"')) == [
        'services.toml: service trolleybus.hours: write "24/7", "office" or { mon-fri = ["08:00-17:00"] }'
    ]
    assert problems("templates.toml", swap('short = "Звернення {number} зареєстровано', 'sms = "')) == [
        "templates.toml: registered.uk.short: is missing",
        "templates.toml: registered.uk.sms: there is no such key",
    ]


def test_the_mistakes_of_all_files_are_told_together() -> None:
    files = {
        **TEXTS,
        "categories.toml": TEXTS["categories.toml"].replace('service = "trolleybus"', 'service = "trolley"'),
        "places.toml": TEXTS["places.toml"].replace("{ sadhora = [] }", "{ sadgora = [] }"),
        "calendar.toml": "years = 2026",
    }
    with pytest.raises(ReferenceFilesError) as raised:
        read(files)
    assert [(one.file, one.key) for one in raised.value.problems] == [
        ("calendar.toml", "calendar.years"),
        ("calendar.toml", "calendar.hours"),
        ("categories.toml", "category transport.trolleybus.service"),
        ("places.toml", "district sadhora"),
        ("places.toml", "street ivana_pidkovy.districts"),
    ]


def test_a_folder_is_read_and_files_that_cannot_be_are_named(tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert read_folder(tmp_path) == read_folder(SHIPPED)
    (tmp_path / "places.toml").unlink()
    (tmp_path / "calendar.toml").write_bytes(b"\xff")
    with pytest.raises(ReferenceFilesError) as raised:
        read_folder(tmp_path)
    assert str(raised.value).splitlines() == [
        "places.toml: cannot be read: No such file or directory",
        "calendar.toml: is not UTF-8",
    ]


LINES = [(name, number) for name in FILES for number, line in enumerate(TEXTS[name].splitlines()) if line.strip()]
VALUES = st.sampled_from(
    ["1", "-1", "true", "[]", "{}", '""', '"x"', "[1]", "[[]]", '["9-1"]', "2026-01-01", "1.5", '"9999wd"']
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(LINES), st.none() | VALUES)
def test_whatever_becomes_of_a_line_it_is_read_or_refused_with_its_file(
    where: tuple[str, int], value: str | None
) -> None:
    name, number = where
    lines = TEXTS[name].splitlines()
    key, equals, _ = lines[number].partition("=")
    lines[number] = f"{key}={value}" if value is not None and equals else ""
    with contextlib.suppress(ReferenceFilesError):
        assert read({**TEXTS, name: "\n".join(lines)}).version
