"""What programs are told of an appeal's steps."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from appeals.commands import Edit, Register
from appeals.messages import Announcement
from appeals.model import Appeal, Channel, Status
from appeals.workflow import decide
from contact_centre.announcing import Announcer, Ways
from tests import town

if TYPE_CHECKING:
    from appeals.ports import Outbox

DRAFT = Appeal(
    appeal_id="draft",
    registration_number=None,
    kind=None,
    status=Status.NEW,
    category=None,
    service=None,
    operator="olena",
    line="15-80",
    caller_number="+380501112233",
    caller_number_raw="0501112233",
    caller_name=None,
    applicant=None,
    address=None,
    description=None,
    channel=Channel.PHONE,
    created_at=town.REGISTERED_AT,
    registered_at=None,
    due_at=None,
    legal_due_at=None,
    calls=("cc1-1.1",),
    recordings=(),
    duties=(),
    history=(),
)


class Told:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def put(self, _: object, one: Announcement) -> None:
        self.steps.append(one.template)


def step(appeal: Appeal, command: Any) -> tuple[Appeal, list[str]]:  # noqa: ANN401 - any command
    """The appeal after a command, and what programs are told."""
    decision = decide(appeal, command, town.OPERATOR, town.REGISTERED_AT, town.REFERENCE)
    told = Told()
    announcer = Announcer(cast("Outbox", told), lambda _: town.REFERENCE, Ways(email=True, sms=True, phone="1580"))
    announcer.changed(cast("Any", None), appeal, decision.appeal, decision.entries)
    return decision.appeal, told.steps


def test_a_draft_that_is_kept_as_it_is_typed_is_told_to_nobody_and_a_correction_later_is() -> None:
    appeal, told = step(DRAFT, Edit(changes={"category": "water.leak", "description": "Тече"}))
    assert (appeal.status, told) == (Status.NEW, [])
    appeal, told = step(appeal, Register(changes={"address": "Руська, 5"}))
    assert told == ["appeal.edited", "appeal.registered"]
    _, told = step(replace(appeal, registration_number="2026-000001"), Edit(changes={"description": "Уже не тече"}))
    assert told == ["appeal.edited"]
