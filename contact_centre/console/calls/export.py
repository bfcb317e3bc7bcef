"""The call log as a file: CSV (RFC 4180, UTF-8 with a mark so that spreadsheets read it), a line a call.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and callers choose their names:
such a cell gets an apostrophe. A telephone number in E.164, a plus and nothing but digits, gets none: it can do
nothing, and programs that read the file find the number as it is everywhere else.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from appeals.reference import CITY_TIME
from contact_centre.console.languages import N_
from contact_centre.console.words import word
from contact_centre.seen_calls import Call

MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Tells spreadsheets that the file is UTF-8."""
_FORMULA: Final = tuple("=+-@\t\r")
_PLAIN_NUMBER: Final = re.compile(r"\+[0-9]{3,15}", re.ASCII)

Cell = str | float | int | datetime | None

COLUMNS: Final[tuple[tuple[str, Callable[[Call], Cell]], ...]] = (
    (N_("Call"), lambda call: call.call_id),
    (N_("Began"), lambda call: call.started_at),
    (N_("Answered at"), lambda call: call.answered_at),
    (N_("Ended at"), lambda call: call.ended_at),
    (N_("Direction"), lambda call: word(call.direction)),
    (N_("Line"), lambda call: call.line),
    (N_("Citizen's number"), lambda call: call.caller_number),
    (N_("Number as it came"), lambda call: call.caller_number_raw),
    (N_("Name as it came"), lambda call: call.caller_name),
    (N_("Dialled number"), lambda call: call.dialled_number),
    (N_("Queue"), lambda call: call.queue),
    (N_("Outcome"), lambda call: word(call.queue_outcome)),
    (N_("Operator"), lambda call: call.operator),
    (N_("Waited, s"), lambda call: call.wait_time),
    (N_("Talked, s"), lambda call: call.talk_time),
    (N_("On hold, s"), lambda call: call.hold_time),
    (N_("Missed by operators"), lambda call: call.ring_no_answers),
    (N_("Put through to"), lambda call: "; ".join(one.to or "?" for one in call.transfers)),
    (N_("Purpose"), lambda call: call.purpose),
    (N_("End inferred"), lambda call: word_of(call.recovered)),
    (N_("Recordings"), lambda call: "; ".join(call.recordings)),
    (N_("Appeals"), lambda call: "; ".join(call.appeal_ids)),
    (N_("Open to its own desk alone"), lambda call: word_of(call.masked)),
)
_TRANSLATED: Final = frozenset({N_("Direction"), N_("Outcome"), N_("End inferred"), N_("Open to its own desk alone")})
YES: Final = N_("yes")


def word_of(said: bool) -> str:
    """``yes``, or nothing."""
    return YES if said else ""


def head(words: Callable[[str], str]) -> str:
    """The first line, with the mark."""
    return MARK + line([words(name) for name, _ in COLUMNS])


def row(call: Call, words: Callable[[str], str]) -> str:
    """The line of a call."""
    cells = [(name, value(call)) for name, value in COLUMNS]
    return line([words(str(cell)) if cell and name in _TRANSLATED else cell for name, cell in cells])


def line(cells: Sequence[Cell]) -> str:
    """A line of the file, with its end."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([_text(cell) for cell in cells])
    return written.getvalue()


def harmless(text: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(text) else text


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell.astimezone(CITY_TIME):%Y-%m-%d %H:%M:%S}"
    return harmless(cell) if isinstance(cell, str) else str(cell)


def rows(calls: Iterable[Call], words: Callable[[str], str]) -> bytes:
    """The lines of some calls, as they are sent."""
    return "".join(row(call, words) for call in calls).encode()
