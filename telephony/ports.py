"""What telephony needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.sql.expression import Executable


class Clock(Protocol):
    """The time, as an argument: tests advance it."""

    def now(self) -> datetime:
        """The present moment, aware."""
        ...


class Tx(Protocol):
    """An open transaction in the writer's thread. Statements are compiled once and run raw."""

    def execute(self, statement: Executable, parameters: Mapping[str, object] = ...) -> int:
        """Run a statement; how many rows it touched."""
        ...

    def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each mapping."""
        ...

    def fetch_all(self, statement: Executable, parameters: Mapping[str, object] = ...) -> list[tuple[Any, ...]]:
        """All rows of a query, as plain tuples in the order of its columns."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. ``number`` is E.164 or None, ``name`` empty when nobody knows it, ``language`` ISO 639-1.

    ``priority`` orders the queue: the greater goes first, 0 is everybody's.
    """

    number: str | None
    name: str
    language: str
    priority: int
    open_appeals: int
    last_appeal_id: str | None
    known: bool


class CallerLookup(Protocol):
    """Who calls, as far as the register knows; it answers within a deadline of its own."""

    async def caller(self, number_raw: str, call_id: str) -> Caller:
        """The caller with this number, as the network sent it; ``call_id`` is the call that has just begun.

        Raises:
            Exception: It could not be told in time; the call goes on without.
        """
        ...
