"""What the pages of calls say besides what codes are called: outcomes within a sentence, and why nothing is heard."""

from typing import Final

from contact_centre.console.languages import N_
from contact_centre.listening import Trouble
from telephony.core.call import QueueOutcome

TROUBLES: Final[dict[Trouble, str]] = {
    Trouble.GONE: N_("The recording was stored, and its file is gone. The administrator looks: recordings verify."),
    Trouble.ALTERED: N_("The file is not what was stored: it was changed. It proves nothing, and is not played."),
    Trouble.UNREADABLE: N_("The file cannot be read as sound. It can be downloaded as it is."),
}

OUTCOMES: Final[dict[QueueOutcome, str]] = {
    QueueOutcome.ANSWERED: N_("answered"),
    QueueOutcome.ABANDONED: N_("abandoned"),
    QueueOutcome.TIMED_OUT: N_("waited in vain"),
    QueueOutcome.EXITED_EMPTY: N_("no operator was there"),
    QueueOutcome.EXITED_BY_KEY: N_("left by key"),
    QueueOutcome.WITHDRAWN: N_("taken out of the queue"),
    QueueOutcome.NOT_QUEUED: N_("not queued"),
}
"""As a part of the sentence that tells a filter."""

TONES: Final[dict[QueueOutcome, str]] = {
    QueueOutcome.ANSWERED: "done",
    QueueOutcome.ABANDONED: "late",
    QueueOutcome.TIMED_OUT: "late",
    QueueOutcome.EXITED_EMPTY: "late",
    QueueOutcome.EXITED_BY_KEY: "due",
    QueueOutcome.WITHDRAWN: "rest",
    QueueOutcome.NOT_QUEUED: "rest",
}
