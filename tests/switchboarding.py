"""What every switchboard does, whether there is an Asterisk behind it or not."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from telephony.switchboard import NotInQueueError, NotNowError, PhoneState, Switchboard

OLENA = "operator-olena"
OVER = "cc1-1795383430.11"


@dataclass(frozen=True)
class Board:
    """A switchboard, and how its queue is asked: each member's reason of pause, None for who is free."""

    switchboard: Switchboard
    members: Callable[[], dict[str, str | None]]


class SwitchboardContract:
    """To be inherited with a fixture ``board``, on which olena has a telephone and nobody is in the queue."""

    async def test_who_signs_in_is_free_and_who_signs_out_is_gone(self, board: Board) -> None:
        await board.switchboard.sign_in(OLENA)
        assert board.members() == {OLENA: None}
        await board.switchboard.sign_out(OLENA)
        await board.switchboard.sign_out(OLENA)
        assert board.members() == {}

    async def test_a_pause_has_a_reason_until_another_is_given_or_it_ends(self, board: Board) -> None:
        await board.switchboard.sign_in(OLENA)
        for reason in ("break", "lunch"):
            await board.switchboard.pause(OLENA, reason)
            assert board.members() == {OLENA: reason}
        await board.switchboard.unpause(OLENA)
        await board.switchboard.unpause(OLENA)
        assert board.members() == {OLENA: None}
        await board.switchboard.sign_out(OLENA)

    async def test_signing_in_again_ends_a_pause(self, board: Board) -> None:
        await board.switchboard.sign_in(OLENA)
        await board.switchboard.pause(OLENA, "break")
        await board.switchboard.sign_in(OLENA)
        assert board.members() == {OLENA: None}
        await board.switchboard.sign_out(OLENA)

    async def test_who_is_not_in_the_queue_has_no_pause(self, board: Board) -> None:
        for asked in (board.switchboard.pause(OLENA, "break"), board.switchboard.unpause(OLENA)):
            with pytest.raises(NotInQueueError):
                await asked

    async def test_a_call_that_is_over_is_neither_ended_nor_moved(self, board: Board) -> None:
        for asked in (
            board.switchboard.hang_up(OVER),
            board.switchboard.transfer(OVER, "301", attended=False),
            board.switchboard.transfer(OVER, "301", attended=True),
            board.switchboard.move(OVER, None),
        ):
            with pytest.raises(NotNowError):
                await asked

    async def test_telephones_that_are_not_registered_or_unknown_are_away(self, board: Board) -> None:
        asked = (OLENA, "specialist-nobody")
        assert await board.switchboard.phones(asked) == dict.fromkeys(asked, PhoneState.AWAY)
        assert await board.switchboard.phones(()) == {}
