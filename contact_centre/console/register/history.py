"""The history of an appeal as people read it. The register keeps every line."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from appeals.model import HistoryEntry

AT_ONE_SITTING: Final = timedelta(minutes=30)
"""A draft is kept while it is typed: so far apart, corrections of one person are still one."""


def condensed(history: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """Corrections that one person made one after the other are one line, of the last moment, with every field."""
    shown: list[HistoryEntry] = []
    for entry in history:
        before = shown[-1] if shown else None
        if (
            before is not None
            and entry.event == before.event == "edited"
            and entry.actor == before.actor
            and entry.at - before.at < AT_ONE_SITTING
        ):
            shown[-1] = replace(entry, details={**before.details, **entry.details})
        else:
            shown.append(entry)
    return shown
