"""A fact: one line of Asterisk's CEL ledger, parsed.

The field names are CEL's own (``cel_custom`` in JSON format, Asterisk 22), so that a line, the documentation of
Asterisk and the code say the same words.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """One CEL event.

    ``eventtime`` is aware. ``eventextra`` is JSON text of its own (``{"extra":"588-888"}``,
    ``{"bridge_id":...,"bridge_technology":...}``), decoded only where it is needed. ``name``, ``num``, ``ani`` and
    ``dnid`` are present only in ledgers older than the safe field list (ADR 3).
    """

    eventtype: str
    eventtime: datetime
    uniqueid: str
    linkedid: str = ""
    channame: str = ""
    userdeftype: str = ""
    exten: str = ""
    context: str = ""
    appname: str = ""
    appdata: str = ""
    accountcode: str = ""
    peer: str = ""
    eventextra: str = ""
    name: str = ""
    num: str = ""
    ani: str = ""
    dnid: str = ""
