"""An outbound call, as the dialplan's contexts ``outbound-begin`` and ``outbound`` take it.

The operator's phone rings first. ``call_id`` is the ChannelId of that phone's channel, chosen by us and stored before
Asterisk is asked. From then on Asterisk needs us no more: it writes who, whom and why into the ledger before the phone
rings, pauses the operator in the queue, and frees them when they have hung up or never picked up.

``PreDialGoSub`` does that, and works only in an Originate that is not asynchronous (Asterisk 22.10): the answer comes
when the operator has picked up, so a call has an AMI session of its own.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import uuid_utils

from telephony.wire.ami import AmiError

RING_OPERATOR_S: Final = 25.0
"""How long the operator's phone rings."""

_CALL_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,30}-out-[0-9a-f-]{36}\Z")
_ENDPOINT: Final = re.compile(r"operator-[a-z][a-z0-9._-]{0,30}\Z")
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}\Z")
_PURPOSE: Final = re.compile(r"(?:(?:duty|appeal):[0-9a-f-]{36})?\Z")


class Result(StrEnum):
    """What became of a call that was asked for: of the operator's leg, or why there never was one."""

    PICKED_UP = "operator_picked_up"
    NOT_PICKED_UP = "operator_did_not_pick_up"
    BUSY = "operator_is_on_the_phone"
    ABSENT = "phone_is_not_registered"
    NOT_REACHED = "asterisk_was_not_reached"
    REFUSED = "asterisk_refused"
    NO_RECORD = "no_call_record"
    """Nobody told, and the ledger knows no such call: whoever asked died before Asterisk was asked."""


class NotPlacedError(AmiError):
    """Asterisk was not asked to call, or refused to: nobody's phone rings. ``result`` says which."""

    def __init__(self, result: Result, told: str) -> None:
        super().__init__(told)
        self.result = result


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """What Asterisk is asked for.

    ``endpoint`` is the operator's; ``number`` is how the record names the citizen (E.164, or a short number),
    ``dial`` what the provider is sent; ``purpose`` is ``duty:<id>``, ``appeal:<id>`` or empty.
    """

    call_id: str
    endpoint: str
    number: str
    dial: str
    purpose: str = ""


def new_call_id(systemname: str) -> str:
    """An id for an outbound call. Asterisk takes a ChannelId as it is: its own ids' prefix is for us to add."""
    return f"{systemname}-out-{uuid_utils.uuid7()}"


def originate_fields(call: OutboundCall, ring_s: float = RING_OPERATOR_S) -> dict[str, str]:
    """The fields of AMI Originate.

    Raises:
        ValueError: A part of the call has a form that could mean something else to Asterisk.
    """
    for form, value in (
        (_CALL_ID, call.call_id),
        (_ENDPOINT, call.endpoint),
        (_NUMBER, call.number),
        (_NUMBER, call.dial),
        (_PURPOSE, call.purpose),
    ):
        if not form.match(value):
            raise ValueError(f"{value!r} is not given to Asterisk")
    return {
        "Channel": f"PJSIP/{call.endpoint}",
        "Context": "outbound",
        "Exten": "s",
        "Priority": "1",
        "Async": "false",
        "ChannelId": call.call_id,
        "Timeout": str(round(ring_s * 1000)),
        "CallerID": f'"{call.number}" <{call.number}>',
        "PreDialGoSub": f"outbound-begin,s,1({call.endpoint},{call.number},{call.dial},{call.purpose})",
    }
