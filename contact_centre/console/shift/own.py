"""What each operator's page shows of the operator: state, call, appeal. Pure; fed by the live view's updates.

When a talk is over its call's id and appeal stay until the next one rings: the operator still writes. A call that only
rang is another's: nothing of it stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from contact_centre.live_feed import Update
from telephony.live import Ongoing, Operator, OperatorState, Table

_Row = TypeVar("_Row", Operator, Ongoing)


@dataclass(frozen=True, slots=True)
class Own:
    """One operator's own view. ``operator`` is None while they are not in the queue, ``call`` while they have none.

    ``call_id`` is that of the call, or of the last one; ``appeal_id`` the appeal that it is about, once there is one.
    """

    operator: Operator | None = None
    call: Ongoing | None = None
    call_id: str | None = None
    appeal_id: str | None = None


NOTHING: Final = Own()


class OwnViews:
    """Keeps the view of every operator whom the live view or a call has named."""

    def __init__(self) -> None:
        self._operators: dict[str, Operator] = {}
        self._calls: dict[str, Ongoing] = {}
        self._appeals: dict[str, str] = {}
        self._views: dict[str, Own] = {}

    def of(self, login: str) -> Own:
        """The view of an operator."""
        return self._views.get(login, NOTHING)

    def take(self, update: Update) -> list[str]:
        """Take note of an update; whose view is another now."""
        affected: set[str] = set()
        if update.fresh:
            affected |= self._views.keys()
            self._operators.clear()
            self._calls.clear()
        calls: set[str] = set()
        for change in update.changes:
            if change.table is Table.OPERATORS:
                affected.add(change.key)
                _put(self._operators, change.key, change.row if isinstance(change.row, Operator) else None)
            elif change.table is Table.CALLS:
                calls.add(change.key)
                before = self._calls.get(change.key)
                row = change.row if isinstance(change.row, Ongoing) else None
                for one in (before, row):
                    affected.update(() if one is None else one.parties)
                _put(self._calls, change.key, row)
        affected |= {login for login, view in self._views.items() if view.call_id in calls}
        return self._look_again(affected)

    def without_appeal(self) -> set[str]:
        """The calls of which it is not known yet what they are about."""
        return {view.call_id for view in self._views.values() if view.call_id is not None and view.appeal_id is None}

    def about(self, call_id: str, appeal_id: str) -> list[str]:
        """A call is about an appeal; whose view is another now."""
        self._appeals[call_id] = appeal_id
        return self._look_again([login for login, view in self._views.items() if view.call_id == call_id])

    def _look_again(self, logins: Iterable[str]) -> list[str]:
        changed = []
        for login in logins:
            view = self._view(login)
            if view != self._views.get(login, NOTHING):
                self._views[login] = view
                changed.append(login)
        shown = {view.call_id for view in self._views.values()}
        self._appeals = {call_id: appeal for call_id, appeal in self._appeals.items() if call_id in shown}
        return changed

    def _view(self, login: str) -> Own:
        operator = self._operators.get(login)
        call_id = None if operator is None else operator.call_id
        if call_id is None:
            call_id = next((one.call_id for one in self._calls.values() if login in one.parties), None)
        call = None if call_id is None else self._calls.get(call_id)
        last = call_id or self._talked_last(login, operator)
        return Own(operator, call, last, None if last is None else self._appeals.get(last))

    def _talked_last(self, login: str, operator: Operator | None) -> str | None:
        """The call that they had until now, if they took it: a wrap-up proves it even when nothing else was seen."""
        before = self.of(login)
        rang = before.operator is not None and before.operator.state is OperatorState.RINGING
        taken = operator is not None and operator.state is OperatorState.WRAP_UP
        return before.call_id if taken or not rang else None


def _put(rows: dict[str, _Row], key: str, row: _Row | None) -> None:
    if row is None:
        rows.pop(key, None)
    else:
        rows[key] = row
