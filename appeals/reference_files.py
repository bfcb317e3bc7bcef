"""The city's reference data as files: five TOML files of a folder, read into one ``Reference`` or refused as a whole.

Every problem is found and named with its file and key, so that whoever edits the files mends them in one go. What the
files say for themselves is read here, what they must not contradict is in ``appeals.reference_check``.
"""

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from appeals.reference import Calendar, Hours, Periods, Reference, Span, Template, Unit, Urgency
from appeals.reference_check import Declared, Problem, check
from appeals.reference_rows import (
    AcceptanceRow,
    CalendarRow,
    DayRow,
    Group,
    Leaf,
    Named,
    RouteRow,
    Row,
    ServiceRow,
    StreetRow,
    TemplateRow,
)

SHIPPED: Final = Path(__file__).parent / "reference_data"
"""What a new installation starts with."""

FILES: Final = ("categories.toml", "services.toml", "places.toml", "calendar.toml", "templates.toml")

_VERSION_DIGITS: Final = 16

AnyRow = TypeVar("AnyRow", bound=Row)


class ReferenceFilesError(Exception):
    """The files do not make reference data; ``problems`` are all that was found, a line each in the message."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_folder(folder: Path) -> Reference:
    """Read a folder.

    Raises:
        ReferenceFilesError: Something is wrong with the files, or they cannot be read.
    """
    texts, problems = {}, []
    for name in FILES:
        try:
            texts[name] = (folder / name).read_text("utf-8")
        except OSError as error:
            problems.append(Problem(name, "", f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError:
            problems.append(Problem(name, "", "is not UTF-8"))
    if problems:
        raise ReferenceFilesError(tuple(problems))
    return read(texts)


def read(files: Mapping[str, str]) -> Reference:
    """Read the texts of ``FILES``, by name. Pure.

    Raises:
        ReferenceFilesError: Something is wrong with them.
    """
    reader = _Reader(files)
    reference, declared = reader.reference()
    problems = (*reader.problems, *check(reference, declared))
    if problems:
        raise ReferenceFilesError(problems)
    return reference


def version(files: Mapping[str, str]) -> str:
    """The digest that names what these files say, comments included."""
    digest = hashlib.sha256()
    for name in FILES:
        content = files[name].encode()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:_VERSION_DIGITS]


class _Reader:
    """Reads what is right, and notes what is not; an entry with a problem is left out, its code stays known."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._files = files
        self._declared: defaultdict[str, set[str]] = defaultdict(set)

    def reference(self) -> tuple[Reference, Declared]:
        """What was read, and the codes of everything that is there, right or not."""
        calendar, periods = self._calendar(self._parsed("calendar.toml"))
        tree = self._parsed("categories.toml")
        acceptance = self._acceptance(tree)
        groups = self._rows("categories.toml", tree, "group", Group)
        leaves = self._rows("categories.toml", tree, "category", Leaf)
        routes = self._rows("categories.toml", tree, "route", RouteRow)
        nodes: tuple[Group | Leaf, ...] = (*groups, *leaves)
        enterprises = self._parsed("services.toml")
        services = self._rows("services.toml", enterprises, "service", ServiceRow)
        city = self._parsed("places.toml")
        districts = self._rows("places.toml", city, "district", Named)
        streets = self._rows("places.toml", city, "street", StreetRow)
        for name, rest in (("categories.toml", tree), ("services.toml", enterprises), ("places.toml", city)):
            self._refuse(name, rest)
        reference = Reference(
            version=version(self._files),
            categories={row.code: row.record(acceptance) for row in nodes},
            services={row.code: row.record(calendar.hours) for row in services},
            districts={row.code: row.name for row in districts},
            streets={row.code: row.record() for row in streets},
            routes=tuple(row.record() for row in routes),
            calendar=calendar,
            templates=self._templates(self._parsed("templates.toml")),
            periods=periods,
        )
        return reference, Declared(
            groups=frozenset(self._declared["group"]),
            categories=frozenset(self._declared["category"]),
            services=frozenset(self._declared["service"]),
            districts=frozenset(self._declared["district"]),
            templates=frozenset(self._declared["template"]),
        )

    def _note(self, file: str, key: str, message: str) -> None:
        self.problems.append(Problem(file, key, message))

    def _parsed(self, file: str) -> dict[str, Any]:
        try:
            return tomllib.loads(self._files[file])
        except tomllib.TOMLDecodeError as error:
            self._note(file, "", f"not valid TOML: {error}")
            return {}

    def _refuse(self, file: str, rest: Mapping[str, object]) -> None:
        for key in rest:
            self._note(file, key, "there is no such key")

    def _row(self, file: str, label: str, entry: object, model: type[AnyRow]) -> AnyRow | None:
        try:
            return model.model_validate(entry)
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                key = ".".join((label, *map(str, problem["loc"])))
                self._note(file, key, _said(problem["type"], problem["msg"], problem.get("ctx", {})))
            return None

    def _rows(self, file: str, data: dict[str, Any], key: str, model: type[AnyRow]) -> list[AnyRow]:
        """The entries ``[[key]]``, taken out of ``data``; those with a problem, or a code of another, are left out."""
        entries = data.pop(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._note(file, key, f"write every one as [[{key}]]")
            return []
        rows, seen = [], self._declared[key]
        for number, entry in enumerate(entries, 1):
            code = entry.get("code", entry.get("date"))
            label = f"{key} {number if code is None else code}"
            if code is not None and str(code) in seen:
                self._note(file, label, "is there twice")
                continue
            if code is not None:
                seen.add(str(code))
            row = self._row(file, label, entry, model)
            if row is not None:
                rows.append(row)
        return rows

    def _acceptance(self, tree: dict[str, Any]) -> Mapping[Urgency, Span]:
        row = self._row("categories.toml", "accept_within", tree.pop("accept_within", {}), AcceptanceRow)
        return dict.fromkeys(Urgency, Span(1, Unit.HOURS)) if row is None else row.record()

    def _calendar(self, data: dict[str, Any]) -> tuple[Calendar, Periods]:
        days = self._rows("calendar.toml", data, "day", DayRow)
        head = self._row("calendar.toml", "calendar", data, CalendarRow)
        calendar = Calendar(
            hours=Hours.round_the_clock() if head is None else head.hours,
            days={row.date: row.hours or None for row in days},
            notes={row.date: row.note for row in days},
            years=frozenset(row.date.year for row in days) if head is None else frozenset(head.years),
        )
        return calendar, Periods() if head is None else head.periods

    def _templates(self, data: Mapping[str, Any]) -> Mapping[tuple[str, str], Template]:
        templates = {}
        for code, languages in data.items():
            if not isinstance(languages, dict):
                self._note("templates.toml", code, f"write it as [{code}.uk] and [{code}.en]")
                continue
            for language, entry in languages.items():
                self._declared["template"].add(f"{code}.{language}")
                row = self._row("templates.toml", f"{code}.{language}", entry, TemplateRow)
                if row is not None:
                    templates[code, language] = row.record(code, language)
        return templates


def _said(kind: str, message: str, context: Mapping[str, Any]) -> str:
    """A problem in the words of somebody who edits the file."""
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "there is no such key"
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return f"is not written as it should be ({context['pattern']})"
        case _:
            return message[:1].lower() + message[1:]
