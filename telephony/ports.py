"""What telephony needs from outside."""

from collections.abc import Mapping, Sequence
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
