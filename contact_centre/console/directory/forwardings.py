"""What became of a citizen who was put through: to whom, how, whether anybody answered, and what is owed if not."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from appeals.duties import Forwarding
from contact_centre.console.formats import duration
from contact_centre.console.languages import N_
from telephony.core.call import Transfer, TransferKind


class _Leg(Protocol):
    @property
    def party(self) -> str | None: ...
    @property
    def talk_time(self) -> float: ...


class _Call(Protocol):
    """A call record, or as somebody may see it."""

    @property
    def call_id(self) -> str: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def transfers(self) -> tuple[Transfer, ...]: ...
    @property
    def legs(self) -> Sequence[_Leg]: ...


KINDS: Final[Mapping[TransferKind, str]] = {
    TransferKind.BLIND: N_("Put through to %(whom)s at once"),
    TransferKind.ATTENDED: N_("Put through to %(whom)s after a word"),
}
SPOKE: Final = N_("they spoke for %(length)s")
ANSWERED: Final = N_("answered there")
MISSED: Final = N_("nobody answered there")
OWED: Final = N_("nobody answered there; a callback is owed")
CALLED_BACK: Final = N_("nobody answered there; the citizen was called back")

HELPED: Final[Mapping[str, tuple[str, bool, bool | None, bool | None]]] = {
    "at_once": (N_("Helped at once"), True, True, True),
    "late": (N_("Helped, but late"), True, True, False),
    "no_reply": (N_("They spoke, no reply"), True, False, None),
    "never": (N_("They never spoke"), False, None, None),
}
"""What a citizen says of the referral: whether they spoke, whether there was a reply, whether it was prompt."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A citizen was put through at a time; ``told`` says to whom, how, and what came of it."""

    at: datetime
    answered: bool
    told: str


def forwardings(
    call: _Call, callbacks: Mapping[str, bool], who: Callable[[str], str], words: Callable[..., str]
) -> Iterable[Forwarded]:
    """What became of each transfer of a call.

    Args:
        call: the call.
        callbacks: by ``call_id``, whether the callback that a call left is still open.
        who: names a login or an extension.
        words: translates.
    """
    for one in call.transfers:
        whom = who(one.to) if one.to is not None else "—"
        talked = sum(leg.talk_time for leg in call.legs if leg.party == one.to)
        if talked and call.ended_at is not None:
            result = words(SPOKE, length=duration(talked))
        elif one.answered:
            result = words(ANSWERED)
        elif call.call_id in callbacks:
            result = words(OWED if callbacks[call.call_id] else CALLED_BACK)
        else:
            result = words(MISSED)
        yield Forwarded(one.at, one.answered, f"{words(KINDS[one.kind], whom=whom)}: {result}.")


def helped(said: Forwarding) -> str:
    """What a citizen said of the referral, in the console's own words."""
    answers = (bool(said.took_place), said.replied, said.prompt)
    return next((label for label, *known in HELPED.values() if tuple(known) == answers), "")
