"""Why an operator takes no calls for a while."""

from enum import StrEnum


class Pause(StrEnum):
    """A reason as Asterisk keeps it. ``outbound`` is the dialplan's own, ``telephony.live.WRAP_UP`` the wrap-up's."""

    BREAK = "break"
    LUNCH = "lunch"
    TRAINING = "training"
    PAPERWORK = "paperwork"
    TECHNICAL = "technical"
