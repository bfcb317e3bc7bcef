"""What the register needs from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.sql.expression import Executable

from appeals.messages import Announcement


class Tx(Protocol):
    """An open write transaction, used synchronously in the writer's thread.

    Statements run raw: parameters and results are str, int, float, bytes or None, and what a statement does not name
    as a bind parameter it does not get.
    """

    def execute(self, statement: Executable, parameters: Mapping[str, object] = ...) -> int:
        """Run one statement; returns how many rows it changed."""
        ...

    def execute_many(self, statement: Executable, parameters: Sequence[Mapping[str, object]]) -> None:
        """Run one statement for each set of parameters."""
        ...

    def fetch_all(self, statement: Executable, parameters: Mapping[str, object] = ...) -> list[tuple[Any, ...]]:
        """Rows as plain tuples in column order."""
        ...


class IdFactory(Protocol):
    """Gives a new id, never the same twice."""

    def __call__(self) -> str:
        """UUIDv7 as text in production."""
        ...


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The present, aware."""
        ...


class Outbox(Protocol):
    """Messages that leave once the transaction has committed, and only then."""

    def put(self, tx: Tx, announcement: Announcement) -> None:
        """Put an announcement with the transaction; a second time for one event, channel and address changes nothing.

        Raises:
            UnknownReferenceError: There is no such template.
        """
        ...
