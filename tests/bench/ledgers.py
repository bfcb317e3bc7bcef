"""Ledgers of a whole month for the benchmarks, made of captured calls.

Each kind of call is the lines that Asterisk wrote for one real call: those of the scenario tests, and ``captured/``. A
made ledger repeats them with ids, times, numbers, names and operators of their own, many calls at once, in the order in
which Asterisk would write.
"""

import heapq
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

_CAPTURED: Final = Path(__file__).parent / "captured"
_SCENARIOS: Final = Path(__file__).parents[1] / "scenarios"

MIX: Final = {
    "answered": 40,
    "answered_after_wait": 20,
    "operator_hangs_up": 10,
    "hold": 5,
    "ring_no_answer": 5,
    "blind_transfer": 5,
    "attended_transfer": 2,
    "abandoned": 9,
    "overflow": 2,
    "exit_by_key": 2,
}
"""Of a hundred calls so many are of each captured kind."""

_BEGIN: Final = datetime(2026, 11, 2, tzinfo=UTC)
_OPERATORS: Final = ("olena", "taras", "iryna", "bohdan", "mariia", "petro")
_NAMES: Final = ("", "", "Жанна Їжак", "Олег Ґудзь", "Юлія Щерба", "KOVALENKO P", "Ш")
_STRETCH: Final = (1.0, 12.0)
"""The captured conversations last some seconds; made ones last up to so many times as long."""

_SLOTS: Final = re.compile(
    r"(?P<bridge>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|cc1-(?P<uniqueid>[0-9]+\.[0-9]+)"
    r"|(?P<operator>operator-[a-z]+)"
    r"|-(?P<suffix>[0-9a-f]{8})\b"
    r"|(?P<caller>0501234567 [\x000-9A-Z]*)"
    r"|(?P<time>2026-11-22T[0-9:.]+)"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A captured line: milliseconds from the call's first, and text to be filled in, by slot."""

    after_ms: int
    text: str
    slots: tuple[str, ...]


def _text_of(kind: str) -> list[str]:
    """The lines of the one citizen's call in a captured ledger, which may begin with operators signing in."""
    scenario = _SCENARIOS / kind / "ledger.jsonl"
    path = scenario if scenario.exists() else _CAPTURED / f"{kind}.jsonl"
    found = [(line, json.loads(line)) for line in path.read_text("ascii").splitlines()]
    call = next(fact["linkedid"] for _, fact in found if fact["eventtype"] == "LINE")
    return [line for line, fact in found if fact["linkedid"] == call]


@cache
def _captured(kind: str) -> tuple[_Line, ...]:
    lines: list[_Line] = []
    begin: datetime | None = None
    for line in _text_of(kind):
        at = _BEGIN
        slots: list[str] = []

        def slot(found: re.Match[str], slots: list[str] = slots) -> str:
            group = found.lastgroup or ""
            slots.append(group if group in {"time", "caller"} else f"{group} {found[group]}")
            return {"uniqueid": "cc1-%s", "suffix": "-%s"}.get(group, "%s")

        if time := re.search(r"2026-11-22T[0-9:.]+", line):
            at = datetime.fromisoformat(f"{time[0]}+00:00")
        begin = begin or at
        text = _SLOTS.sub(slot, line.replace("%", "\0")).replace("\0", "%%")
        lines.append(_Line(round((at - begin).total_seconds() * 1000), text, tuple(slots)))
    return tuple(lines)


class _Asterisk:
    """Gives ids and names to channels in the order in which they appear."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.channels = 0
        self.names = 0

    def give(self, slot: str, at: datetime) -> str:
        kind = slot.partition(" ")[0]
        if kind == "uniqueid":
            self.channels += 1
            return f"{int(at.timestamp())}.{self.channels}"
        if kind == "suffix":
            self.names += 1
            return f"{self.names:08x}"
        if kind == "bridge":
            return str(UUID(int=self.chance.getrandbits(128), version=4))
        if kind == "operator":
            return f"operator-{self.chance.choice(_OPERATORS)}"
        number = f"0{self.chance.choice((50, 63, 67, 68, 95, 97, 99))}{self.chance.randrange(10**7):07}"
        return f"{number} {quote(self.chance.choice(_NAMES))}"


def lines(
    calls: int, *, apart_s: float, seed: int = 1, kinds: Sequence[str] = tuple(MIX)
) -> Iterator[tuple[int, bytes]]:
    """The lines of so many calls, (call number, line) each, in the order of their times.

    ``apart_s`` is how far apart calls begin on average: 600 keeps them one after the other, 10 has about ten at once.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    asterisk = _Asterisk(chance)
    chosen = chance.choices(kinds, [MIX[kind] for kind in kinds], k=calls)
    ahead: list[tuple[datetime, int, int]] = []
    active: dict[int, tuple[tuple[_Line, ...], float, datetime, dict[str, str]]] = {}
    begin = _BEGIN
    for number, kind in enumerate(chosen):
        begin += timedelta(seconds=apart_s * chance.uniform(0.5, 1.5))
        yield from _until(begin, ahead, active, asterisk)
        active[number] = (_captured(kind), chance.uniform(*_STRETCH), begin, {})
        heapq.heappush(ahead, (begin, number, 0))
    yield from _until(None, ahead, active, asterisk)


def _until(
    end: datetime | None,
    ahead: list[tuple[datetime, int, int]],
    active: dict[int, tuple[tuple[_Line, ...], float, datetime, dict[str, str]]],
    asterisk: _Asterisk,
) -> Iterator[tuple[int, bytes]]:
    """What is written before ``end``, in order."""
    while ahead and (end is None or ahead[0][0] < end):
        at, number, index = ahead[0]
        captured, stretch, begin, given = active[number]
        line = captured[index]
        values = []
        for slot in line.slots:
            if slot == "time":
                value = at.isoformat(timespec="milliseconds").removesuffix("+00:00")
            else:
                found = given.get(slot)
                value = found if found is not None else given.setdefault(slot, asterisk.give(slot, at))
            values.append(value)
        yield number, (line.text % tuple(values)).encode() + b"\n"
        if index + 1 < len(captured):
            then = begin + timedelta(milliseconds=captured[index + 1].after_ms * stretch)
            heapq.heapreplace(ahead, (then, number, index + 1))
        else:
            heapq.heappop(ahead)
            del active[number]


@dataclass(frozen=True, slots=True)
class Made:
    """A ledger on the disk: how many calls and lines it has, and how long it is in bytes."""

    path: Path
    calls: int
    lines: int
    size: int


def write(path: Path, calls: int, *, apart_s: float = 10.0) -> Made:
    """Write a ledger of so many calls."""
    count = 0
    with path.open("wb") as file:
        for _, line in lines(calls, apart_s=apart_s):
            file.write(line)
            count += 1
        size = file.tell()
    return Made(path, calls, count, size)
