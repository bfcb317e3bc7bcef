"""A ``Switchboard`` without Asterisk: its state can be asked, and set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telephony.links.ami_session import AmiUnavailable
from telephony.outbound import NotPlacedError, OutboundCall, Result
from telephony.switchboard import NotInQueueError, NotNowError, PhoneState


@dataclass(frozen=True)
class FakeCall:
    """A call in progress. ``talks``: whether the citizen hears somebody of ours, otherwise they wait."""

    talks: bool = True


@dataclass
class FakeSwitchboard:
    """``members`` of the queue by endpoint, each with the reason of their pause, None if they are free.

    ``states`` are telephones', those of others are away. ``down``: Asterisk does not answer. ``result`` is what becomes
    of the next calls that are placed.
    """

    members: dict[str, str | None] = field(default_factory=dict)
    calls: dict[str, FakeCall] = field(default_factory=dict)
    transfers: list[tuple[str, str, bool]] = field(default_factory=list)
    moves: list[tuple[str, str | None]] = field(default_factory=list)
    placed: list[OutboundCall] = field(default_factory=list)
    states: dict[str, PhoneState] = field(default_factory=dict)
    result: Result = Result.PICKED_UP
    down: bool = False

    async def sign_in(self, endpoint: str) -> None:
        self._answer()
        self.members[endpoint] = None

    async def sign_out(self, endpoint: str) -> None:
        self._answer()
        self.members.pop(endpoint, None)

    async def pause(self, endpoint: str, reason: str) -> None:
        self._set(endpoint, reason)

    async def unpause(self, endpoint: str) -> None:
        self._set(endpoint, None)

    async def hang_up(self, call_id: str) -> None:
        self._call(call_id)
        del self.calls[call_id]

    async def transfer(self, call_id: str, extension: str, *, attended: bool) -> None:
        if not self._call(call_id).talks:
            raise NotNowError(f"in call {call_id} nobody talks with the citizen now")
        self.transfers.append((call_id, extension, attended))

    async def move(self, call_id: str, extension: str | None) -> None:
        if self._call(call_id).talks:
            raise NotNowError(f"in call {call_id} the citizen does not wait in the queue")
        self.moves.append((call_id, extension))

    async def place(self, call: OutboundCall) -> Result:
        if self.down:
            raise NotPlacedError(Result.NOT_REACHED, "Asterisk is away")
        self.placed.append(call)
        return self.result

    async def phones(self, endpoints: Iterable[str]) -> Mapping[str, PhoneState]:
        self._answer()
        return {one: self.states.get(one, PhoneState.AWAY) for one in endpoints}

    def _answer(self) -> None:
        if self.down:
            raise AmiUnavailable("Asterisk is away")

    def _set(self, endpoint: str, reason: str | None) -> None:
        self._answer()
        if endpoint not in self.members:
            raise NotInQueueError(f"{endpoint} is not signed in to the queue")
        self.members[endpoint] = reason

    def _call(self, call_id: str) -> FakeCall:
        self._answer()
        if call_id not in self.calls:
            raise NotNowError(f"call {call_id} is not in progress")
        return self.calls[call_id]
