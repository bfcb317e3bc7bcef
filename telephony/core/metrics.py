"""Service-level metrics over call records, pure. The formula is ours and always published with its parameters.

``service_level = answered within T / (offered - abandoned within S)``

Offered are the calls that entered the queue and have left it. A call taken back by a callback (withdrawn) is neither
answered nor abandoned, but it was offered. Asterisk's own counters are not used (asterisk.md: doubled or late).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from telephony.core.call import Call, QueueOutcome

THRESHOLD: Final = 20.0
"""T, seconds: answered within it is answered in time."""

SHORT: Final = 5.0
"""S, seconds: who gives up within it did not mean to wait."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What a set of calls says. Times are seconds; averages are None where there is nothing to average.

    ``service_level`` is a ratio between 0 and 1, None when no call counts.
    """

    threshold: float
    short: float
    offered: int
    answered: int
    answered_in_time: int
    abandoned: int
    short_abandons: int
    withdrawn: int
    timed_out: int
    exited: int
    service_level: float | None
    average_wait: float | None
    longest_wait: float | None
    average_talk: float | None
    average_hold: float | None
    ring_no_answers: int


def service_level(calls: Iterable[Call], *, threshold: float = THRESHOLD, short: float = SHORT) -> ServiceLevel:
    """The service level of the queue over these calls; those not queued, or still waiting, do not count."""
    offered = [call for call in calls if call.wait_time is not None]
    answered = _with(offered, QueueOutcome.ANSWERED)
    abandoned = _with(offered, QueueOutcome.ABANDONED)
    in_time = sum(_wait(call) <= threshold for call in answered)
    short_abandons = sum(_wait(call) <= short for call in abandoned)
    return ServiceLevel(
        threshold=threshold,
        short=short,
        offered=len(offered),
        answered=len(answered),
        answered_in_time=in_time,
        abandoned=len(abandoned),
        short_abandons=short_abandons,
        withdrawn=len(_with(offered, QueueOutcome.WITHDRAWN)),
        timed_out=len(_with(offered, QueueOutcome.TIMED_OUT)),
        exited=len(_with(offered, QueueOutcome.EXITED_EMPTY)) + len(_with(offered, QueueOutcome.EXITED_BY_KEY)),
        service_level=ratio(in_time, len(offered), short_abandons),
        average_wait=_average([_wait(call) for call in offered]),
        longest_wait=max(map(_wait, offered), default=None),
        average_talk=_average([call.talk_time for call in answered]),
        average_hold=_average([call.hold_time for call in answered]),
        ring_no_answers=sum(call.ring_no_answers for call in offered),
    )


def ratio(answered_in_time: int, offered: int, short_abandons: int) -> float | None:
    """The formula itself, between 0 and 1; None when no call counts."""
    counted = offered - short_abandons
    return answered_in_time / counted if counted else None


def _with(calls: list[Call], outcome: QueueOutcome) -> list[Call]:
    return [call for call in calls if call.queue_outcome is outcome]


def _wait(call: Call) -> float:
    return call.wait_time or 0.0


def _average(seconds: list[float]) -> float | None:
    return round(sum(seconds) / len(seconds), 3) if seconds else None
