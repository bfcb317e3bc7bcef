"""What the strip of the operator's state says, and the reasons and results among which they choose."""

from collections.abc import Mapping
from typing import Final

from contact_centre.console.languages import N_
from contact_centre.pauses import Pause
from contact_centre.wrap_ups import Code
from telephony.live import WRAP_UP

PAUSES: Final[Mapping[Pause, str]] = {
    Pause.BREAK: N_("Break"),
    Pause.LUNCH: N_("Meal"),
    Pause.TRAINING: N_("Training"),
    Pause.PAPERWORK: N_("Paperwork"),
    Pause.TECHNICAL: N_("Technical trouble"),
}

CODES: Final[Mapping[Code, str]] = {
    Code.APPEAL: N_("Appeal taken"),
    Code.CONSULTATION: N_("Consulted"),
    Code.FORWARDED: N_("Put through to another"),
    Code.REPEATED: N_("About an earlier one"),
    Code.SILENT: N_("Silence, cut off"),
    Code.MISDIAL: N_("Wrong number"),
    Code.ABUSE: N_("Prank, abuse"),
}

REASONS: Final[Mapping[str, str]] = {one.value: text for one, text in PAUSES.items()} | {
    "outbound": N_("calls a citizen"),
    WRAP_UP: N_("writes up"),
}
"""Every reason that Asterisk may name."""

STATES: Final[Mapping[str, str]] = {
    "signed_out": N_("Not in the queue"),
    "free": N_("Free"),
    "ringing": N_("Rings"),
    "talking": N_("Talking"),
    "wrap_up": N_("Writing up"),
    "paused": N_("Paused"),
    "offline": N_("Telephone off"),
}

SAID: Final[Mapping[str, str]] = {
    "hint_signed_out": N_("No calls come to you."),
    "hint_free": N_("The next call may be yours."),
    "hint_paused": N_("No calls come to you: {reason}."),
    "hint_wrap_up": N_("Choose what the talk came to, and you are free."),
    "hint_offline": N_("Calls go to others until the telephone is back."),
    "hint_after": N_("After the talk: {reason}"),
    "hint_down": N_("Asterisk is not heard; this is what was last known."),
    "unreachable": N_("The service does not answer. On a telephone, *11 to *14 do the same."),
    "left": N_("{seconds} s left"),
    "main_sign-in": N_("Sign in to the queue"),
    "main_pause": N_("Pause"),
    "main_ready": N_("Take calls"),
    "main_cancel": N_("No pause"),
    "main_result": N_("Result"),
}
