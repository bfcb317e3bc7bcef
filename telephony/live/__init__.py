"""The live view: who waits, who rings, who talks; see ``state``."""

from telephony.live.state import EVENTS, WRAP_UP, LiveState
from telephony.live.view import (
    Change,
    Ongoing,
    Operator,
    OperatorState,
    Row,
    Snapshot,
    Stage,
    Table,
    Waiting,
    snapshot_of,
)

__all__ = [
    "EVENTS",
    "WRAP_UP",
    "Change",
    "LiveState",
    "Ongoing",
    "Operator",
    "OperatorState",
    "Row",
    "Snapshot",
    "Stage",
    "Table",
    "Waiting",
    "snapshot_of",
]
