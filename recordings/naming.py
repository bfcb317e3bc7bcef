"""Where audio lies: the names of Asterisk's raw files and of the stored recording. The one definition.

The dialplan writes the same names (``MixMonitor(,r(...)t(...))`` on the citizen's channel, Dial option ``b`` on a
specialist's leg); a test holds it against these templates. Only ids that Asterisk or we made enter a path, and only
after they matched ``UNIQUE_ID``: nothing that a caller can choose.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from recordings.errors import BadCallId
from recordings.model import Side

KYIV = ZoneInfo("Europe/Kyiv")

CALLER_RAW = "{call_id}-caller.raw"
"""What the citizen said: option ``r`` of MixMonitor on the citizen's channel."""
OTHER_RAW = "{call_id}-other.raw"
"""What the citizen heard: option ``t`` of the same MixMonitor."""
LEG_RAW = "{call_id}-leg-{uniqueid}.raw"
"""What a specialist said: option ``r`` of a MixMonitor on the specialist's own channel."""

RECORDINGS = "recordings"
"""The folder of stored recordings, relative to the state directory."""

LONGEST_ID = 96
"""Characters of an id; two of them and the rest of a name stay below the 255 bytes of a file name."""
UNIQUE_ID = re.compile(
    rf"(?=.{{1,{LONGEST_ID}}}\Z)(?!.*-(?:leg|caller|other)(?:-|\Z))[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII
)
"""``<systemname>-<epoch>.<sequence>`` as Asterisk makes it, or a ChannelId of ours; never with a part of our names."""

_RAW = re.compile(r"(?P<call_id>.+?)-(?:(?P<side>caller|other)|leg-(?P<uniqueid>.+))\.raw", re.ASCII)


@dataclass(frozen=True, slots=True)
class RawName:
    """A raw file's name, taken apart. ``uniqueid`` is the channel that the file was recorded on."""

    call_id: str
    side: Side
    uniqueid: str


def checked_id(unique_id: str) -> str:
    """The same id, fit for a path.

    Raises:
        BadCallId: if it has anything that Asterisk's unique ids do not have.
    """
    if UNIQUE_ID.fullmatch(unique_id) is None:
        raise BadCallId(unique_id)
    return unique_id


def raw_name(call_id: str, side: Side, uniqueid: str | None = None) -> str:
    """The name in the spool folder of one side's file, or of the leg ``uniqueid``'s."""
    call_id = checked_id(call_id)
    if side is Side.LEG:
        return LEG_RAW.format(call_id=call_id, uniqueid=checked_id(uniqueid or ""))
    return (CALLER_RAW if side is Side.CALLER else OTHER_RAW).format(call_id=call_id)


def parse_raw_name(name: str) -> RawName | None:
    """Take a name in the spool folder apart; None if it is not one of ours."""
    match = _RAW.fullmatch(name)
    if match is None:
        return None
    call_id, uniqueid = match["call_id"], match["uniqueid"] or match["call_id"]
    if not (UNIQUE_ID.fullmatch(call_id) and UNIQUE_ID.fullmatch(uniqueid)):
        return None
    return RawName(call_id, Side(match["side"] or Side.LEG), uniqueid)


def stored_path(call_id: str, started_at: datetime, version: int = 1) -> str:
    """``recordings/YYYY/MM/DD/<call_id>.flac`` relative to the state directory; the day is Kyiv's at the start.

    ``version`` 2 and on give a second name for audio of the same call that differs from what is stored already.
    """
    day = started_at.astimezone(KYIV)
    suffix = "" if version == 1 else f"~{version}"
    return f"{RECORDINGS}/{day:%Y/%m/%d}/{checked_id(call_id)}{suffix}.flac"
