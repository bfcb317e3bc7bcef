"""What can be done with an appeal: a frozen dataclass for each command. ``appeals.workflow`` says who may, and when.

``action`` is the command's stable name, for pages, API, history and translations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Final

from appeals.model import Kind, Result

LONGEST_TEXT: Final = 4000
"""Characters of a text that people write; Open311's limit for a description."""

EDITABLE: Final = frozenset(
    {
        "category",
        "address",
        "district",
        "description",
        "applicant",
        "applicant_phone",
        "applicant_email",
        "language",
        "privileged",
        "complained_of",
    }
)
"""What of an appeal is written by hand."""


class DismissReason(StrEnum):
    """Why a draft does not become an appeal; each is counted."""

    MISDIAL = "misdial"
    SILENCE = "silence"
    PRANK = "prank"
    ABOUT_ANOTHER = "about_another"
    """The call was about an appeal that exists already and is linked there."""


class Ground(StrEnum):
    """Art. 8: what need not be considered."""

    ANONYMOUS = "anonymous"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that somebody does with one appeal."""

    action: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Command):
    """Write or correct fields; ``changes`` maps names of ``EDITABLE`` to values, None empties one."""

    action = "edit"
    changes: Mapping[str, str | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss(Command):
    """A draft is no appeal."""

    action = "dismiss"
    reason: DismissReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Command):
    """A draft, or what came by web, becomes an appeal with a number. Without ``kind``, the category's.

    ``study``: it needs to be looked into, so the law gives a month instead of 15 days.
    """

    action = "register"
    kind: Kind | None = None
    study: bool = False
    changes: Mapping[str, str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Command):
    """The applicant was given what was asked for; ``text`` is what was said."""

    action = "answer"
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskClarification(Command):
    """The applicant must say more; the operational clock rests."""

    action = "ask_clarification"
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarify(Command):
    """The applicant has said more; the operational clock goes on."""

    action = "clarify"
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTo(Command):
    """A service gets it; without ``service``, the one that the rules propose."""

    action = "route"
    service: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(Command):
    """The service takes it."""

    action = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Command):
    """The service says that it is not its."""

    action = "decline"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Command):
    """Work begins, or begins again."""

    action = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Command):
    """Work is planned for a time, which the applicant is shown with the reason."""

    action = "schedule"
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDone(Command):
    """The service says what it has done, or why not: ``resolved``, ``explained``, or ``refused`` with the law."""

    action = "report_done"
    text: str
    result: Result = Result.RESOLVED
    legal_reference: str | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Command):
    """What was reported goes to the applicant."""

    action = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDone(Command):
    """The applicant says that it is not done."""

    action = "not_done"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Command):
    """The applicant knows the result; ``result`` may only be less than the service reported."""

    action = "close"
    result: Result | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReopen(Command):
    """The applicant, or a supervisor, is not content after all."""

    action = "request_reopen"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Command):
    """The request is granted: the service goes on."""

    action = "reopen"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepClosed(Command):
    """The request is not granted."""

    action = "keep_closed"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Command):
    """The same matter as ``into`` (an ``appeal_id``); this caller keeps a duty of their own."""

    action = "merge"
    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Command):
    """Improper form: back to the applicant with an explanation (Art. 5)."""

    action = "return"
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotConsider(Command):
    """Anonymous in writing, or a repeat of what was resolved (Art. 8)."""

    action = "not_consider"
    ground: Ground
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardOut(Command):
    """Outside the city's competence: sent on to ``to``, and the applicant is told (Art. 7)."""

    action = "forward_out"
    to: str
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Command):
    """The head gives the service more time, to the end of the day ``until`` (Art. 20)."""

    action = "extend"
    until: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Command):
    """The applicant takes the appeal back."""

    action = "withdraw"
    reason: str
