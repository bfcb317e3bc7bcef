"""A fact: one line of Asterisk's CEL ledger, parsed; and the small forms that its text fields carry.

The field names are CEL's own (``cel_custom`` in JSON format, Asterisk 22), so that a line, the documentation of
Asterisk and the code say the same words.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Fact:
    """One CEL event; of the ledger's fields those that a call record needs.

    ``eventtime`` is aware. ``eventextra`` is JSON text of its own (``{"extra":"588-888"}``,
    ``{"bridge_id":...,"bridge_technology":...}``), decoded only where it is needed.
    """

    eventtype: str
    eventtime: datetime
    uniqueid: str
    linkedid: str = ""
    channame: str = ""
    exten: str = ""
    appname: str = ""
    appdata: str = ""
    eventextra: str = ""

    @property
    def name(self) -> str:
        """The caller's name, where the ledger carries it raw."""
        return ""

    @property
    def num(self) -> str:
        """The caller's number, where the ledger carries it raw."""
        return ""


@dataclass(frozen=True, slots=True)
class RawCallerFact(Fact):
    """A fact of a ledger older than the safe field list (ADR 3): the caller stands in every line, as the network sent.

    A type of its own because an absent field costs the decoder as much as the rest of the line.
    """

    name: str = ""
    num: str = ""


_USER_HEAD: Final = '{"extra":"'
_BRIDGE_HEAD: Final = '{"bridge_id":"'


def extra_fields(eventextra: str) -> dict[str, str]:
    """The text fields of an ``eventextra``; empty when it is no JSON object."""
    try:
        decoded = json.loads(eventextra)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(decoded, dict):
        return {}
    return {key: value for key, value in decoded.items() if isinstance(value, str)}


def user_payload(eventextra: str) -> str:
    """What the dialplan gave to ``CELGenUserEvent`` after the name; empty when there is nothing."""
    if eventextra.startswith(_USER_HEAD) and eventextra.endswith('"}') and "\\" not in eventextra:
        return eventextra[len(_USER_HEAD) : -2]
    return extra_fields(eventextra).get("extra", "")


def is_music(eventextra: str) -> bool:
    """Whether a STREAM_BEGIN is music on hold (it names a class) and not a file (it names a sound)."""
    return eventextra.startswith('{"class"')


def bridge_id(eventextra: str) -> str:
    """The bridge of a BRIDGE_ENTER or BRIDGE_EXIT; empty when the fact does not say."""
    if eventextra.startswith(_BRIDGE_HEAD):
        return eventextra[len(_BRIDGE_HEAD) :].partition('"')[0]
    return extra_fields(eventextra).get("bridge_id", "")


def is_holding(eventextra: str) -> bool:
    """Whether the bridge is a ``holding_bridge`` (parking, music): who is alone with it hears nobody."""
    return '"holding_bridge"' in eventextra


def caller(payload: str) -> tuple[str, str]:
    """Number and name from the payload of CALLER: ``<URIENCODE(num)> <URIENCODE(name)>``, either may be empty.

    Percent-encoded bytes that are no UTF-8 become U+FFFD: what a caller sends never raises.
    """
    number, _, name = payload.partition(" ")
    return unquote(number, errors="replace"), unquote(name, errors="replace")
