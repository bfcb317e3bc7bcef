"""The filter of the worklist in the address of its page."""

from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

from appeals.duties import DutyKind
from appeals.duty_queries import DutyFilters

_YES: Final = "1"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which duties: of one kind, only those whose time is over, only those that the person has taken."""

    kind: DutyKind | None = None
    overdue: bool = False
    mine: bool = False

    @classmethod
    def of(cls, sent: MultiMapping[str]) -> "Narrowed":
        """What an address asks; what it does not understand, it does not ask."""
        kind = next((one for one in DutyKind if one.value == sent.get("kind")), None)
        return cls(kind, sent.get("overdue") == _YES, sent.get("mine") == _YES)

    def query(self, login: str, limit: int) -> DutyFilters:
        """The same as the register is asked."""
        return DutyFilters(
            kind=self.kind, overdue=self.overdue, owner=login if self.mine else None, open=True, limit=limit
        )

    def address(self, **changes: object) -> dict[str, str]:
        """The parameters of an address that asks this, or with something changed."""
        wanted = {"kind": self.kind, "overdue": self.overdue, "mine": self.mine} | changes
        told = {"kind": wanted["kind"].value} if isinstance(wanted["kind"], DutyKind) else {}
        return told | {name: _YES for name in ("overdue", "mine") if wanted[name]}
