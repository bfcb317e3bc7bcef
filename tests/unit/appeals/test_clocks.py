"""The two clocks: examples that a clerk can check on paper, and properties around months, pauses and clock changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from appeals.clocks import Pause, StepCode, accept_by, explain, legal, sla
from appeals.reference import CITY_TIME, Calendar, Hours, Span, Unit

WORK = ((time(8), time(12)), (time(13), time(17)))
ORDINARY = Calendar(
    Hours(dict.fromkeys(range(1, 6), WORK)),
    days={date(2026, 12, 25): None, date(2026, 12, 26): ((time(9), time(13)),)},
    notes={date(2026, 12, 25): "Різдво Христове", date(2026, 12, 26): "перенесено"},
    years=frozenset({2025, 2026}),
)
NIGHTS = Calendar(Hours({7: ((time(2, 30), time(3, 30)), (time(3, 30), time(5))), 1: ((time(22), time(0)),)}))


def kyiv(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CITY_TIME, fold=fold)


def due(limit: str, start: str, *pauses: tuple[str, str | None], calendar: Calendar = ORDINARY) -> str:
    stood = [(kyiv(since), None if until is None else kyiv(until)) for since, until in pauses]
    found = sla(Span.parse(limit), kyiv(start), stood, calendar).at
    assert found.tzinfo is UTC
    return f"{found.astimezone(CITY_TIME):%Y-%m-%d %H:%M}"


def law(start: str, *, study: bool = True, extended: date | None = None) -> datetime:
    found = legal(kyiv(start), study=study, privileged=False, extended_until=extended, calendar=ORDINARY).at
    return found.astimezone(CITY_TIME)


# ---- The city's promise


@pytest.mark.parametrize(
    ("limit", "start", "expected"),
    [
        ("30min", "2026-11-20 16:50", "2026-11-20 17:20"),
        ("2h", "2026-11-20 23:30", "2026-11-21 01:30"),
        ("24h", "2026-10-24 16:00", "2026-10-25 15:00"),
        ("24h", "2026-03-28 16:00", "2026-03-29 17:00"),
        ("1d", "2026-10-24 16:00", "2026-10-25 16:00"),
        ("1d", "2026-03-28 16:00", "2026-03-29 16:00"),
        ("1d", "2026-03-28 03:30", "2026-03-29 04:30"),
        ("3d", "2028-02-27 10:00", "2028-03-01 10:00"),
        ("4wh", "2026-11-23 08:00", "2026-11-23 12:00"),
        ("5wh", "2026-11-23 08:00", "2026-11-23 14:00"),
        ("4wh", "2026-11-20 16:00", "2026-11-23 11:00"),
        ("4wh", "2026-11-21 02:00", "2026-11-23 12:00"),
        ("1wd", "2026-11-23 08:00", "2026-11-24 17:00"),
        ("1wd", "2026-11-20 18:00", "2026-11-23 17:00"),
        ("2wd", "2026-12-24 10:00", "2026-12-28 17:00"),
        ("1wd", "2026-12-24 10:00", "2026-12-26 13:00"),
    ],
)
def test_a_promise_ends_when_its_limit_has_passed(limit: str, start: str, expected: str) -> None:
    assert due(limit, start) == expected


def test_in_the_repeated_hour_of_autumn_hours_are_counted_as_they_pass() -> None:
    first, second = (sla(Span(1, Unit.HOURS), kyiv("2026-10-25 03:30", fold=fold), (), ORDINARY) for fold in (0, 1))
    assert first.at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert second.at == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


def test_working_time_in_hours_that_are_skipped_or_repeated_is_what_really_passes() -> None:
    assert due("1wh", "2026-03-29 00:00", calendar=NIGHTS) == "2026-03-29 04:30"
    assert due("2wh", "2026-03-29 00:00", calendar=NIGHTS) == "2026-03-30 22:30"
    assert due("3wh", "2026-10-25 00:00", calendar=NIGHTS) == "2026-10-25 04:30"


def test_work_until_midnight_ends_with_the_day() -> None:
    assert due("2wh", "2026-11-23 12:00", calendar=NIGHTS) == "2026-11-24 00:00"
    assert due("1wd", "2026-11-22 12:00", calendar=NIGHTS) == "2026-11-24 00:00"


@pytest.mark.parametrize(
    ("limit", "start", "pauses", "expected"),
    [
        ("2h", "2026-11-23 10:00", [("2026-11-23 11:00", "2026-11-23 11:30")], "2026-11-23 12:30"),
        ("2h", "2026-11-23 10:00", [("2026-11-23 12:00", "2026-11-23 13:00")], "2026-11-23 12:00"),
        ("2h", "2026-11-23 10:00", [("2026-11-23 09:00", "2026-11-23 10:30")], "2026-11-23 12:30"),
        ("2h", "2026-11-23 10:00", [("2026-11-23 08:00", "2026-11-23 09:00")], "2026-11-23 12:00"),
        (
            "2h",
            "2026-11-23 10:00",
            [("2026-11-23 11:00", "2026-11-23 12:00"), ("2026-11-23 12:30", "2026-11-23 13:00")],
            "2026-11-23 13:30",
        ),
        (
            "2h",
            "2026-11-23 10:00",
            [("2026-11-23 10:30", "2026-11-23 11:30"), ("2026-11-23 10:40", "2026-11-23 11:00")],
            "2026-11-23 13:00",
        ),
        ("3d", "2026-11-23 10:00", [("2026-11-24 10:00", "2026-11-25 11:00")], "2026-11-27 11:00"),
        ("4wh", "2026-11-20 16:00", [("2026-11-20 16:30", "2026-11-23 09:00")], "2026-11-23 13:30"),
        ("1wd", "2026-11-20 10:00", [("2026-11-20 11:00", "2026-11-23 09:00")], "2026-11-24 15:00"),
        ("1wd", "2026-11-20 10:00", [("2026-11-21 11:00", "2026-11-22 09:00")], "2026-11-23 17:00"),
        ("2h", "2026-10-25 02:00", [("2026-10-25 02:30", "2026-10-25 04:30")], "2026-10-25 06:00"),
    ],
)
def test_a_pause_moves_the_promise_by_what_it_took(
    limit: str, start: str, pauses: list[tuple[str, str | None]], expected: str
) -> None:
    assert due(limit, start, *pauses) == expected
    assert due(limit, start, *reversed(pauses)) == expected


def test_while_a_pause_is_open_the_deadline_stands_at_the_earliest_it_can_be() -> None:
    pauses: list[Pause] = [(kyiv("2026-11-23 10:30"), kyiv("2026-11-23 11:00")), (kyiv("2026-11-23 11:30"), None)]
    found = sla(Span.parse("2h"), kyiv("2026-11-23 10:00"), pauses, ORDINARY)
    assert found.stands
    assert found.at == kyiv("2026-11-23 12:30")
    assert not sla(Span.parse("2h"), kyiv("2026-11-23 08:00"), pauses, ORDINARY).stands


def test_acceptance_is_counted_like_a_promise_that_nothing_pauses() -> None:
    found = accept_by(Span.parse("4wh"), kyiv("2026-11-20 16:00"), ORDINARY)
    assert found.at == kyiv("2026-11-23 11:00")
    assert "взяла звернення в роботу: 4 робочі години" in explain(found, "uk")


def test_a_holiday_added_later_moves_no_promise_that_was_made_but_new_ones() -> None:
    limit, start = Span.parse("3wd"), kyiv("2026-11-23 10:00")
    promised = sla(limit, start, (), ORDINARY)
    holiday = date(2026, 11, 25)
    changed = replace(ORDINARY, days={**ORDINARY.days, holiday: None}, notes={holiday: "День міста"})
    assert promised.at == kyiv("2026-11-26 17:00")
    computed = sla(limit, start, (), changed)
    assert computed.at == kyiv("2026-11-27 17:00")
    assert "ср 25.11.2026 (День міста)" in explain(computed, "uk")
    assert "25.11.2026" not in explain(promised, "uk")


def test_hours_that_end_before_they_begin_are_no_work() -> None:
    odd = Calendar(Hours({1: ((time(10), time(9)), (time(11), time(12)), (time(11), time(11, 30)))}))
    assert due("2wh", "2026-11-23 08:00", calendar=odd) == "2026-11-30 12:00"


def test_a_calendar_without_work_is_refused_and_naive_times_are_too() -> None:
    with pytest.raises(ValueError, match="no working time"):
        due("1wh", "2026-11-23 10:00", calendar=Calendar(Hours({})))
    with pytest.raises(ValueError, match="without offset"):
        sla(Span.parse("1h"), datetime(2026, 11, 23, 10), (), ORDINARY)  # noqa: DTZ001 - what is refused


# ---- The law's limit


@pytest.mark.parametrize(
    ("start", "study", "expected"),
    [
        ("2026-11-23 00:00", False, date(2026, 12, 8)),
        ("2026-11-23 23:59", False, date(2026, 12, 8)),
        ("2026-11-23 10:00", True, date(2026, 12, 23)),
        ("2027-01-31 10:00", True, date(2027, 2, 28)),
        ("2028-01-31 10:00", True, date(2028, 2, 29)),
        ("2028-02-29 10:00", True, date(2028, 3, 29)),
        ("2026-12-31 10:00", True, date(2027, 1, 31)),
        ("2026-10-10 10:00", False, date(2026, 10, 25)),
    ],
)
def test_the_law_counts_days_and_months_of_the_calendar(start: str, study: bool, expected: date) -> None:
    found = law(start, study=study)
    assert found.date() == expected
    assert found.time() == time(23, 59, 59)


def test_an_extension_counts_to_the_day_but_never_beyond_45_in_all() -> None:
    assert law("2026-11-23 10:00", extended=date(2026, 12, 30)).date() == date(2026, 12, 30)
    assert law("2026-11-23 10:00", extended=date(2027, 1, 7)).date() == date(2027, 1, 7)
    assert law("2026-11-23 10:00", extended=date(2027, 1, 8)).date() == date(2027, 1, 7)
    assert law("2026-11-23 10:00", extended=date(2026, 12, 1)).date() == date(2026, 12, 23)


def test_privilege_is_told_and_changes_no_date() -> None:
    start = kyiv("2026-11-23 10:00")
    usual, first = (
        legal(start, study=True, privileged=privileged, extended_until=None, calendar=ORDINARY)
        for privileged in (False, True)
    )
    assert usual.at == first.at
    assert [step.code for step in first.steps if step not in usual.steps] == [StepCode.PRIVILEGED]


# ---- In words


def test_a_promise_is_explained_in_both_languages() -> None:
    pauses = [(kyiv("2026-12-24 15:00"), kyiv("2026-12-24 16:00"))]
    found = sla(Span.parse("21wh"), kyiv("2026-12-24 10:00"), pauses, ORDINARY)
    assert explain(found, "uk") == (
        "Відлік від 24.12.2026 10:00. Строк: 21 робоча година. Вихідні не рахуються: нд 27.12.2026."
        " Неробочий день, не рахується: пт 25.12.2026 (Різдво Христове)."
        " Особливі робочі години: сб 26.12.2026, 09:00–13:00 (перенесено)."
        " Від 24.12.2026 15:00 до 24.12.2026 16:00 відлік стояв: чекали на уточнення."
        " Отже, не пізніше ніж 29.12.2026 12:00."
    )
    assert explain(found, "en") == (
        "Counted from 24.12.2026 10:00. The limit: 21 working hours. Days off do not count: Sun 27.12.2026."
        " A day without work does not count: Fri 25.12.2026 (Різдво Христове)."
        " Special working hours: Sat 26.12.2026, 09:00–13:00 (перенесено)."
        " From 24.12.2026 15:00 to 24.12.2026 16:00 the clock stood: something had to be clarified."
        " Hence no later than 29.12.2026 12:00."
    )


def test_the_laws_limit_is_explained_with_its_article_extension_and_undecided_year() -> None:
    found = legal(
        kyiv("2026-11-25 10:00"), study=True, privileged=True, extended_until=date(2027, 2, 1), calendar=ORDINARY
    )
    assert explain(found, "uk") == (
        "Відлік від 25.11.2026 10:00. Звернення потребує вивчення: його розглядають не довше одного місяця від дня"
        " реєстрації (стаття 20 Закону України «Про звернення громадян»). Заявник має встановлені законом пільги:"
        " звернення розглядають першочергово (стаття 20). Керівник продовжив розгляд до пн 01.02.2027 (стаття 20)."
        " Загальний строк не може перевищувати 45 днів (стаття 20), тобто сб 09.01.2027."
        " Останній день неробочий, тож відповідь має бути готова в робочий день перед ним: пт 08.01.2027."
        " Робочого календаря на 2027 рік місто ще не визначило, тому взято звичайний робочий тиждень."
        " Отже, до кінця дня сб 09.01.2027."
    )
    assert explain(found, "en").endswith(
        "There is no work on the last day, so the answer has to be ready on the working day before: Fri 08.01.2027."
        " The city has not yet decided the working calendar of 2027, so ordinary working weeks are assumed."
        " Hence by the end of Sat 09.01.2027."
    )


def test_what_needs_no_study_is_said_to_be_answered_at_once() -> None:
    found = legal(kyiv("2026-11-23 10:00"), study=False, privileged=False, extended_until=None, calendar=ORDINARY)
    assert "невідкладно, але не довше ніж 15 днів" in explain(found, "uk")
    assert "at once and within 15 days" in explain(found, "en")


@pytest.mark.parametrize(("start", "said"), [("2026-10-24 16:00", "назад"), ("2026-03-28 16:00", "вперед")])
def test_hours_that_the_wall_clock_does_not_show_are_explained(start: str, said: str) -> None:
    assert f"на годину {said}" in explain(sla(Span.parse("24h"), kyiv(start), (), ORDINARY), "uk")
    assert "годинники" not in explain(sla(Span.parse("1d"), kyiv(start), (), ORDINARY), "uk")


def test_a_standing_clock_is_explained_without_promising_its_date() -> None:
    found = sla(Span.parse("2h"), kyiv("2026-11-23 10:00"), [(kyiv("2026-11-23 11:30"), None)], ORDINARY)
    assert explain(found, "uk").endswith(
        "Від 23.11.2026 11:30 відлік стоїть: чекаємо на уточнення."
        " Строк, що спливав 23.11.2026 12:00, посунеться на час очікування."
    )
    assert "the clock stands" in explain(found, "en")


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("1min", "1 хвилина"),
        ("2h", "2 години"),
        ("11h", "11 годин"),
        ("12h", "12 годин"),
        ("21d", "21 календарний день"),
        ("22d", "22 календарні дні"),
        ("111d", "111 календарних днів"),
        ("5wd", "5 робочих днів"),
    ],
)
def test_ukrainian_numbers_agree_with_what_they_count(limit: str, words: str) -> None:
    assert f"Строк: {words}." in explain(sla(Span.parse(limit), kyiv("2026-11-23 10:00"), (), ORDINARY), "uk")


def test_other_languages_are_refused() -> None:
    with pytest.raises(ValueError, match="'pl'"):
        explain(accept_by(Span.parse("1h"), kyiv("2026-11-23 10:00"), ORDINARY), "pl")


# ---- Properties

PATIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY_OF_MINUTES = 24 * 60
MOMENTS = st.integers(0, 9 * 365 * DAY_OF_MINUTES).map(lambda minutes: FIRST + minutes * MINUTE)
SPANS = st.builds(Span, st.integers(1, 40), st.sampled_from(Unit))
LATER = st.integers(0, 40 * DAY_OF_MINUTES).map(lambda minutes: minutes * MINUTE)
PAUSES = st.lists(st.tuples(st.integers(-7000, 60_000), st.integers(1, 20_000)), max_size=4)
"""When after the start, and for how long, in minutes."""


def pausing(start: datetime, pauses: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
    return [(start + since * MINUTE, start + (since + length) * MINUTE) for since, length in pauses]


def settled(moment: datetime) -> bool:
    """Neither in nor an hour beside an hour that the clocks skip or repeat."""
    offsets = {(moment + timedelta(hours=h)).astimezone(CITY_TIME).utcoffset() for h in (-2, 0, 2)}
    return len(offsets) == 1


@PATIENT
@given(SPANS, MOMENTS, PAUSES)
def test_a_promise_ends_after_its_start_and_pauses_never_bring_it_forward(
    limit: Span, start: datetime, lengths: list[tuple[int, int]]
) -> None:
    pauses = pausing(start, lengths)
    without = sla(limit, start, (), ORDINARY).at
    assert start < without <= sla(limit, start, pauses, ORDINARY).at


@PATIENT
@given(SPANS, MOMENTS, PAUSES, st.randoms())
def test_pauses_count_once_in_any_order_nested_or_repeated(
    limit: Span, start: datetime, lengths: list[tuple[int, int]], random: object
) -> None:
    pauses = pausing(start, lengths)
    nested = [(since + (until - since) / 4, until - (until - since) / 4) for since, until in pauses]
    shuffled = [*nested, *pauses, *pauses[:1]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sla(limit, start, shuffled, ORDINARY) == sla(limit, start, pauses, ORDINARY)


@PATIENT
@given(st.integers(1, 400), MOMENTS, PAUSES)
def test_the_time_that_was_not_paused_is_exactly_the_limit(
    hours: int, start: datetime, lengths: list[tuple[int, int]]
) -> None:
    pauses = pausing(start, lengths)
    end = sla(Span(hours, Unit.HOURS), start, pauses, ORDINARY).at
    edges = sorted({start, end, *(min(max(edge, start), end) for pause in pauses for edge in pause)})
    ran = sum(
        (b - a for a, b in pairwise(edges) if not any(s <= a and b <= u for s, u in pauses)),
        timedelta(),
    )
    assert ran == timedelta(hours=hours)


@PATIENT
@given(SPANS, MOMENTS, PAUSES)
def test_an_open_pause_gives_the_earliest_deadline_that_its_end_can_bring(
    limit: Span, start: datetime, lengths: list[tuple[int, int]]
) -> None:
    pauses = pausing(start, lengths)
    assume(pauses)
    since, until = max(pauses, key=lambda one: one[0])
    open_ = sla(limit, start, [*(p for p in pauses if p[1] <= since), (since, None)], ORDINARY)
    closed = sla(limit, start, [*(p for p in pauses if p[1] <= since), (since, until)], ORDINARY)
    assert open_.at <= closed.at
    assert open_.stands or open_.at == closed.at


@PATIENT
@given(st.sampled_from(Unit), st.integers(1, 60), st.integers(1, 60), MOMENTS)
def test_a_longer_limit_never_ends_earlier(unit: Unit, one: int, other: int, start: datetime) -> None:
    shorter, longer = sorted((one, other))
    assert sla(Span(shorter, unit), start, (), ORDINARY).at <= sla(Span(longer, unit), start, (), ORDINARY).at


@PATIENT
@given(SPANS, MOMENTS, LATER)
def test_a_later_start_never_ends_earlier(limit: Span, start: datetime, later: timedelta) -> None:
    earlier, after = (sla(limit, one, (), ORDINARY).at for one in (start, start + later))
    assume(limit.unit is not Unit.DAYS or (settled(start) and settled(start + later) and settled(earlier)))
    assert earlier <= after


@PATIENT
@given(SPANS, MOMENTS, st.sets(st.integers(0, 120), max_size=6))
def test_more_days_off_never_bring_a_promise_forward(limit: Span, start: datetime, off: set[int]) -> None:
    first = start.astimezone(CITY_TIME).date()
    fewer = sla(limit, start, (), ORDINARY).at
    calendar = replace(ORDINARY, days={**ORDINARY.days, **{first + timedelta(days=day): None for day in off}})
    assert fewer <= sla(limit, start, (), calendar).at


@PATIENT
@given(st.integers(1, 60), MOMENTS)
def test_days_end_at_the_same_local_time_whatever_the_clocks_do(days: int, start: datetime) -> None:
    end = sla(Span(days, Unit.DAYS), start, (), ORDINARY).at
    assume(settled(start))
    assume(settled(end))
    local, until = start.astimezone(CITY_TIME), end.astimezone(CITY_TIME)
    assert (until.date() - local.date(), until.time()) == (timedelta(days=days), local.time())


@PATIENT
@given(start=MOMENTS, study=st.booleans(), extended=st.none() | st.dates(date(2023, 1, 1), date(2034, 1, 1)))
@example(start=datetime(2028, 1, 31, 12, tzinfo=UTC), study=True, extended=date(2028, 3, 16))
@example(start=datetime(2027, 12, 31, 23, tzinfo=UTC), study=True, extended=None)
def test_the_law_ends_with_a_day_of_the_city_between_its_limit_and_45_days(
    start: datetime, study: bool, extended: date | None
) -> None:
    day = start.astimezone(CITY_TIME).date()
    found = legal(start, study=study, privileged=False, extended_until=extended, calendar=ORDINARY)
    local = found.at.astimezone(CITY_TIME)
    assert local.time() == time(23, 59, 59)
    assert timedelta(28 if study else 15) <= local.date() - day <= timedelta(45)
    if extended is not None:
        assert local.date() <= max(extended, day + timedelta(31 if study else 15))


@PATIENT
@given(MOMENTS, LATER, st.booleans())
def test_who_came_later_never_has_the_earlier_limit_of_the_law(start: datetime, later: timedelta, study: bool) -> None:
    first, second = (
        legal(one, study=study, privileged=False, extended_until=None, calendar=ORDINARY).at
        for one in (start, start + later)
    )
    assert first <= second


@PATIENT
@given(SPANS, MOMENTS, PAUSES, st.sampled_from(["uk", "en"]))
def test_every_deadline_can_be_explained(
    limit: Span, start: datetime, lengths: list[tuple[int, int]], language: str
) -> None:
    pauses = pausing(start, lengths)
    words = explain(sla(limit, start, pauses, ORDINARY), language)
    assert "{" not in words
    assert words.endswith(".")
