"""The switchboard that tests of pages work with does what the real one does (tests/e2e/desk/test_switchboard.py)."""

import pytest

from tests.fake_switchboard import FakeSwitchboard
from tests.switchboarding import Board, SwitchboardContract


class TestTheFake(SwitchboardContract):
    @pytest.fixture
    def board(self) -> Board:
        fake = FakeSwitchboard()
        return Board(fake, lambda: fake.members)
