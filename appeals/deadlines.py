"""A deadline that can say how it came about, in words that a clerk reads to an applicant.

A ``Deadline`` carries its reasoning as ``Step`` codes with plain parameters (texts and numbers, times ISO 8601), so
that it can be stored as JSON and still be explained years later, in either language.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from appeals.reference import CITY_TIME, Span, Unit


class StepCode(StrEnum):
    """What a deadline took into account."""

    STARTED = "started"
    LIMIT = "limit"
    ACCEPTANCE = "acceptance"
    NO_STUDY = "no_study"
    STUDY = "study"
    PRIVILEGED = "privileged"
    EXTENDED = "extended"
    EXTENSION_CAPPED = "extension_capped"
    PAUSED = "paused"
    STANDS = "stands"
    DAYS_OFF = "days_off"
    HOLIDAY = "holiday"
    CHANGED_HOURS = "changed_hours"
    CLOCKS_CHANGED = "clocks_changed"
    YEAR_UNDECIDED = "year_undecided"
    ENDS_ON_DAY_OFF = "ends_on_day_off"
    DUE = "due"
    DUE_DAY = "due_day"


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of reasoning: a code and its parameters."""

    code: StepCode
    parameters: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when, in UTC, and why, in the order in which it is told."""

    at: datetime
    steps: tuple[Step, ...]

    @property
    def stands(self) -> bool:
        """The clock stands at this moment: ``at`` is the earliest that it can be, and moves until the pause ends."""
        return any(step.code is StepCode.STANDS for step in self.steps)


def explain(deadline: Deadline, language: str) -> str:
    """The whole reasoning in sentences, in the city's time.

    Raises:
        ValueError: The language is neither ``uk`` nor ``en``.
    """
    words = _LANGUAGES.get(language)
    if words is None:
        raise ValueError(f"deadlines are explained in {', '.join(_LANGUAGES)}, not in {language!r}")
    return " ".join(words.sentence(step) for step in deadline.steps)


def span(told: Span, language: str) -> str:
    """A span in words: ``24 години``, ``5 working days``."""
    return _LANGUAGES[language].span(told)


@dataclass(frozen=True, slots=True)
class _Words:
    """A language: its sentences by code, its weekdays, and how it counts units."""

    sentences: Mapping[StepCode, str]
    weekdays: tuple[str, ...]
    units: Mapping[Unit, tuple[str, ...]]
    plural: Callable[[int], int]
    directions: Mapping[str, str]

    def sentence(self, step: Step) -> str:
        words = {name: self._word(name, value) for name, value in step.parameters.items()}
        return self.sentences[step.code].format_map(words)

    def _word(self, name: str, value: str | int) -> str:
        writers = {
            "moment": _moment,
            "until": _moment,
            "day": self._day,
            "dates": lambda days: ", ".join(map(self._day, days.split())),
            "span": lambda text: self.span(Span.parse(text)),
            "note": lambda note: f" ({note})" if note else "",
            "direction": self.directions.__getitem__,
        }
        return writers.get(name, str)(str(value))

    def span(self, told: Span) -> str:
        return f"{told.amount} {self.units[told.unit][self.plural(told.amount)]}"

    def _day(self, value: str) -> str:
        day = date.fromisoformat(value)
        return f"{self.weekdays[day.weekday()]} {day:%d.%m.%Y}"


def _moment(value: str) -> str:
    return f"{datetime.fromisoformat(value).astimezone(CITY_TIME):%d.%m.%Y %H:%M}"


def _ukrainian_plural(number: int) -> int:
    if number % 10 == 1 and number % 100 != 11:  # noqa: PLR2004 - Ukrainian grammar
        return 0
    return 1 if number % 10 in {2, 3, 4} and number % 100 not in {12, 13, 14} else 2


_UKRAINIAN: Final = _Words(
    sentences={
        StepCode.STARTED: "Відлік від {moment}.",
        StepCode.LIMIT: "Строк: {span}.",
        StepCode.ACCEPTANCE: "Строк, щоб служба взяла звернення в роботу: {span}.",
        StepCode.NO_STUDY: (
            "Звернення не потребує додаткового вивчення: його розглядають невідкладно, але не довше ніж {days} днів,"
            " рахуючи від наступного дня після реєстрації (стаття 20 Закону України «Про звернення громадян»)."
        ),
        StepCode.STUDY: (
            "Звернення потребує вивчення: його розглядають не довше одного місяця від дня реєстрації"
            " (стаття 20 Закону України «Про звернення громадян»)."
        ),
        StepCode.PRIVILEGED: "Заявник має встановлені законом пільги: звернення розглядають першочергово (стаття 20).",
        StepCode.EXTENDED: "Керівник продовжив розгляд до {day} (стаття 20).",
        StepCode.EXTENSION_CAPPED: "Загальний строк не може перевищувати {days} днів (стаття 20), тобто {day}.",
        StepCode.PAUSED: "Від {moment} до {until} відлік стояв: чекали на уточнення.",
        StepCode.STANDS: (
            "Від {moment} відлік стоїть: чекаємо на уточнення. Строк, що спливав {until}, посунеться на час очікування."
        ),
        StepCode.DAYS_OFF: "Вихідні не рахуються: {dates}.",
        StepCode.HOLIDAY: "Неробочий день, не рахується: {day}{note}.",
        StepCode.CHANGED_HOURS: "Особливі робочі години: {day}, {hours}{note}.",
        StepCode.CLOCKS_CHANGED: (
            "У цей час годинники переводять на годину {direction}; рахуємо години, що справді минули."
        ),
        StepCode.YEAR_UNDECIDED: (
            "Робочого календаря на {year} рік місто ще не визначило, тому взято звичайний робочий тиждень."
        ),
        StepCode.ENDS_ON_DAY_OFF: (
            "Останній день неробочий, тож відповідь має бути готова в робочий день перед ним: {day}."
        ),
        StepCode.DUE: "Отже, не пізніше ніж {moment}.",
        StepCode.DUE_DAY: "Отже, до кінця дня {day}.",
    },
    weekdays=("пн", "вт", "ср", "чт", "пт", "сб", "нд"),
    units={
        Unit.MINUTES: ("хвилина", "хвилини", "хвилин"),
        Unit.HOURS: ("година", "години", "годин"),
        Unit.DAYS: ("календарний день", "календарні дні", "календарних днів"),
        Unit.WORKING_HOURS: ("робоча година", "робочі години", "робочих годин"),
        Unit.WORKING_DAYS: ("робочий день", "робочі дні", "робочих днів"),
    },
    plural=_ukrainian_plural,
    directions={"forward": "вперед", "back": "назад"},
)

_ENGLISH: Final = _Words(
    sentences={
        StepCode.STARTED: "Counted from {moment}.",
        StepCode.LIMIT: "The limit: {span}.",
        StepCode.ACCEPTANCE: "The limit for the service to accept the appeal: {span}.",
        StepCode.NO_STUDY: (
            "The appeal needs no further study: it is considered at once and within {days} days, counted from the day"
            " after registration (Article 20 of the Law of Ukraine on citizens' appeals)."
        ),
        StepCode.STUDY: (
            "The appeal needs study: it is considered within one month of its registration"
            " (Article 20 of the Law of Ukraine on citizens' appeals)."
        ),
        StepCode.PRIVILEGED: "The applicant is privileged by law: the appeal is considered first (Article 20).",
        StepCode.EXTENDED: "The head has extended it until {day} (Article 20).",
        StepCode.EXTENSION_CAPPED: "It may take no more than {days} days in all (Article 20), which is {day}.",
        StepCode.PAUSED: "From {moment} to {until} the clock stood: something had to be clarified.",
        StepCode.STANDS: (
            "Since {moment} the clock stands: something is to be clarified. The deadline, which was {until}, moves by"
            " the time that takes."
        ),
        StepCode.DAYS_OFF: "Days off do not count: {dates}.",
        StepCode.HOLIDAY: "A day without work does not count: {day}{note}.",
        StepCode.CHANGED_HOURS: "Special working hours: {day}, {hours}{note}.",
        StepCode.CLOCKS_CHANGED: (
            "The clocks go {direction} by an hour meanwhile; the hours that really pass are counted."
        ),
        StepCode.YEAR_UNDECIDED: (
            "The city has not yet decided the working calendar of {year}, so ordinary working weeks are assumed."
        ),
        StepCode.ENDS_ON_DAY_OFF: (
            "There is no work on the last day, so the answer has to be ready on the working day before: {day}."
        ),
        StepCode.DUE: "Hence no later than {moment}.",
        StepCode.DUE_DAY: "Hence by the end of {day}.",
    },
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    units={
        Unit.MINUTES: ("minute", "minutes"),
        Unit.HOURS: ("hour", "hours"),
        Unit.DAYS: ("calendar day", "calendar days"),
        Unit.WORKING_HOURS: ("working hour", "working hours"),
        Unit.WORKING_DAYS: ("working day", "working days"),
    },
    plural=lambda number: int(number != 1),
    directions={"forward": "forward", "back": "back"},
)

_LANGUAGES: Final[Mapping[str, _Words]] = {"uk": _UKRAINIAN, "en": _ENGLISH}
