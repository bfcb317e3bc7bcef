"""Incidents: one outage, many callers. Times are aware.

An incident has a lead appeal, on which the service works; what others report about it is merged into that one, and each
caller is told when it ends. It counts as one incident and as many callers.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from appeals.errors import RegisterError
from appeals.model import Role

ROLES: Final = (Role.OPERATOR, Role.SUPERVISOR)
"""Who handles incidents. It is a supervisor's matter by day; at night the operators are alone with it."""


class IncidentStatus(StrEnum):
    """``proposed``: so many appeals alike came that somebody should look; ``dismissed``: it was none."""

    PROPOSED = "proposed"
    OPEN = "open"
    ENDED = "ended"
    DISMISSED = "dismissed"


class NoSuchIncidentError(RegisterError):
    """There is no such incident."""

    code: ClassVar[str] = "no_such_incident"

    def __init__(self, incident_id: str) -> None:
        super().__init__(f"there is no incident {incident_id}", incident_id=incident_id)


class IncidentStatusError(RegisterError):
    """The incident is not in a state for this."""

    code: ClassVar[str] = "incident_status"

    def __init__(self, incident_id: str, action: str, status: IncidentStatus) -> None:
        super().__init__(
            f"cannot {action} an incident that is {status.value}",
            incident_id=incident_id,
            action=action,
            status=status.value,
        )


@dataclass(frozen=True, slots=True)
class Incident:
    """An outage. ``text`` is what callers are told, ``district`` and ``street`` (codes) where it is, None everywhere.

    ``callers`` is how many reported it; ``lead`` is the ``appeal_id`` of the appeal that the service works on.
    """

    incident_id: str
    status: IncidentStatus
    category: str
    district: str | None
    street: str | None
    text: str | None
    expected_end: datetime | None
    lead: str | None
    proposed_at: datetime | None
    opened_at: datetime | None
    opened_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_text: str | None
    callers: int
    version: int

    def covers(self, category: str | None, district: str | None, street: str | None) -> bool:
        """Whether an appeal about this may belong to it; what is not known does not exclude."""
        return (
            category == self.category
            and (self.district is None or district is None or district == self.district)
            and (self.street is None or street is None or street == self.street)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Somebody who reported an incident: by an appeal, or by a key during the call ``call_id``."""

    incident_id: str
    appeal_id: str | None
    call_id: str | None
    number: str | None
    joined_at: datetime
    joined_by: str | None
    duty_id: str | None
