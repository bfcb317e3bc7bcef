"""What a step of an appeal is decided from, and what a decision is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from appeals.commands import LONGEST_TEXT, Command
from appeals.duties import DutyKind
from appeals.errors import GuardError
from appeals.model import Actor, Appeal, HistoryEntry, Role
from appeals.reference import Category, Reference

INFORM_WITHIN: Final = timedelta(hours=24)
"""How soon the applicant is told (proposal)."""
CONTROL_WITHIN: Final = timedelta(hours=24)
"""How soon it is asked whether a contact to which the applicant was referred took place (proposal)."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision is made from. ``into`` is the appeal that a merge leads to.

    ``followers`` is how many appeals were merged into this one.
    """

    appeal: Appeal
    actor: Actor
    now: datetime
    reference: Reference
    into: Appeal | None = None
    followers: int = 0

    @property
    def category(self) -> Category:
        """The appeal's category.

        Raises:
            GuardError: It has none yet.
            UnknownReferenceError: The reference data no longer has it.
        """
        if self.appeal.category is None:
            raise GuardError("category_missing", "choose a category first")
        return self.reference.category(self.appeal.category)

    @property
    def supervises(self) -> bool:
        """Whether the actor may decide what was escalated."""
        return Role.SUPERVISOR in self.actor.roles


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty that a decision opens; ``reason`` is what the applicant is to be told, or why the duty exists.

    ``words`` is what is to be said besides, such as why more time is taken.
    """

    kind: DutyKind
    reason: str
    due_at: datetime
    owner: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a command. ``appeal`` is as it will be, without its new history, duties and number.

    ``settles`` are kinds of duties that this very step ends, for the reason beside them. ``numbered``: a registration
    number has to be issued. ``then`` is a step that the program itself takes next.
    """

    appeal: Appeal
    entries: tuple[HistoryEntry, ...]
    owed: tuple[Owed, ...] = ()
    settles: Mapping[DutyKind, str] = field(default_factory=dict)
    numbered: bool = False
    then: Command | None = None


def written(value: str | None, what: str) -> str:
    """A text that a person must write.

    Raises:
        GuardError: It is empty or too long.
    """
    text = (value or "").strip()
    if not text:
        raise GuardError("text_missing", f"{what} is missing", field=what)
    if len(text) > LONGEST_TEXT:
        raise GuardError("text_too_long", f"{what} has more than {LONGEST_TEXT} characters", field=what)
    return text
